//! What was measured: rounds taken in turn, medians, ratios within a round; as a table or as JSON.

use serde_json::{Map, Value, json};

/// What a column of a table says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Its name in JSON, with the unit behind it.
    pub(super) key: &'static str,
    pub(super) heading: &'static str,
    pub(super) decimals: usize,
}

/// A column that says how a figure compares with that of a reference, another row.
///
/// It is the median of the ratios within each round: what the machine does beside changes both figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ratio {
    column: Column,
    /// The key of the column that is compared.
    of: &'static str,
    /// The reference.
    to: usize,
    /// Whether it says how many times the reference is the figure, and not how much of the reference the figure is.
    is_multiple: bool,
}

impl Ratio {
    /// How much of the reference's figure each is: of the column `of`, in the row `to`.
    pub(super) fn share(key: &'static str, heading: &'static str, of: &'static str, to: usize) -> Self {
        Self { column: Column { key, heading, decimals: 2 }, of, to, is_multiple: false }
    }

    /// How many times each the reference's figure is.
    pub(super) fn multiple(key: &'static str, heading: &'static str, of: &'static str, to: usize) -> Self {
        Self { is_multiple: true, column: Column { key, heading, decimals: 1 }, of, to }
    }
}

/// A median of several rounds in every cell.
#[derive(Debug)]
pub(super) struct Table {
    /// The subcommand.
    name: &'static str,
    title: String,
    columns: &'static [Column],
    ratios: Vec<Ratio>,
    rows: Vec<Row>,
}

/// What was measured of one thing: for each round a figure per column, or none where it has no meaning.
#[derive(Debug)]
struct Row {
    name: String,
    rounds: Vec<Vec<Option<f64>>>,
}

impl Table {
    pub(super) fn new(name: &'static str, title: String, columns: &'static [Column], ratios: &[Ratio]) -> Self {
        Self { name, title, columns, ratios: ratios.to_vec(), rows: Vec::new() }
    }

    /// Names what is only known when it was measured.
    pub(super) fn set_title(&mut self, title: String) {
        self.title = title;
    }

    /// Appends a row; returns which it is.
    pub(super) fn row(&mut self, name: impl Into<String>) -> usize {
        self.rows.push(Row { name: name.into(), rounds: Vec::new() });
        self.rows.len() - 1
    }

    /// Puts down what a round has shown; `figures` are in the order of the columns.
    pub(super) fn put(&mut self, row: usize, figures: Vec<Option<f64>>) {
        if let Some(row) = self.rows.get_mut(row) {
            row.rounds.push(figures);
        }
    }

    /// The cells of a row with their columns.
    fn cells<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = (Column, Option<f64>)> + 'a {
        let figures = self.columns.iter().enumerate().map(|(at, column)| {
            let figures = row.rounds.iter().map(|round| round.get(at).copied().flatten());
            (*column, median(figures))
        });
        figures.chain(self.ratios.iter().map(|ratio| (ratio.column, self.ratio(row, ratio))))
    }

    fn ratio(&self, row: &Row, ratio: &Ratio) -> Option<f64> {
        let at = self.columns.iter().position(|column| column.key == ratio.of)?;
        let reference = self.rows.get(ratio.to)?;
        let figure = |round: &Vec<Option<f64>>| round.get(at).copied().flatten();
        let rounds = row.rounds.iter().zip(&reference.rounds);
        let ratio_of = |one: f64, other: f64| (other > 0.0).then(|| one / other);
        median(rounds.map(|(this, that)| match (figure(this)?, figure(that)?) {
            (this, that) if ratio.is_multiple => ratio_of(that, this),
            (this, that) => ratio_of(this, that),
        }))
    }

    /// Lines of text; columns without any figure are left out.
    pub(super) fn text(&self) -> String {
        let width = |texts: &mut dyn Iterator<Item = &str>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
        let rows: Vec<Vec<_>> = self.rows.iter().map(|row| self.cells(row).collect()).collect();
        let name_width = width(&mut self.rows.iter().map(|row| row.name.as_str()));
        let mut lines = vec![format!("{:name_width$}", "")];
        lines.extend(self.rows.iter().map(|row| format!("{:name_width$}", row.name)));
        for at in 0..self.columns.len() + self.ratios.len() {
            let cells: Vec<_> = rows.iter().filter_map(|cells| cells.get(at)).collect();
            let Some((column, _)) = cells.iter().find(|(_, figure)| figure.is_some()) else { continue };
            let written: Vec<_> = cells.iter().map(|(column, figure)| written(*figure, column.decimals)).collect();
            let texts = || std::iter::once(column.heading).chain(written.iter().map(String::as_str));
            let column_width = width(&mut texts());
            for (line, text) in lines.iter_mut().zip(texts()) {
                line.push_str(&format!("  {text:>column_width$}"));
            }
        }
        let lines: String = lines.iter().map(|line| format!("  {}\n", line.trim_end())).collect();
        format!("{}\n{lines}", self.title)
    }

    pub(super) fn json(&self) -> Value {
        let row = |row: &Row| {
            let mut object = Map::from_iter([("name".to_owned(), json!(row.name))]);
            object.extend(self.cells(row).map(|(column, figure)| (column.key.to_owned(), json!(figure))));
            Value::Object(object)
        };
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        json!({"name": self.name, "title": self.title, "rows": rows})
    }
}

/// A figure with thousands set apart; nothing where there is none.
fn written(figure: Option<f64>, decimals: usize) -> String {
    let Some(figure) = figure else { return String::new() };
    let text = format!("{figure:.decimals$}");
    let whole = text.find('.').unwrap_or(text.len());
    let comma = |at: usize| if at > 0 && at < whole && (whole - at).is_multiple_of(3) { "," } else { "" };
    text.char_indices().map(|(at, digit)| format!("{}{digit}", comma(at))).collect()
}

/// The median of the figures that there are; of an even number, the mean of the two in the middle.
fn median(figures: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut figures: Vec<_> = figures.flatten().collect();
    figures.sort_by(f64::total_cmp);
    let above = *figures.get(figures.len() / 2)?;
    let below = if figures.len().is_multiple_of(2) { *figures.get(figures.len() / 2 - 1)? } else { above };
    Some(f64::midpoint(above, below))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const COLUMNS: [Column; 2] = [
        Column { key: "per_second", heading: "per second", decimals: 0 },
        Column { key: "wal_bytes", heading: "WAL B", decimals: 1 },
    ];

    fn table() -> Table {
        let ratios = [
            Ratio::share("of_raw", "of raw", "per_second", 0),
            Ratio::multiple("raw_is_times", "raw is ×", "per_second", 0),
        ];
        let mut table = Table::new("send", "Two clients".to_owned(), &COLUMNS, &ratios);
        let (raw, ours) = (table.row("raw"), table.row("ours"));
        for (of_raw, of_ours) in [(12_000.0, 9_000.0), (40_000.0, 10_000.0), (1000.0, 900.0)] {
            table.put(raw, vec![Some(of_raw), None]);
            table.put(ours, vec![Some(of_ours), None]);
        }
        table
    }

    #[test]
    fn cells_are_medians_and_ratios_are_those_within_a_round() {
        let expected = [
            "Two clients",
            "        per second  of raw  raw is ×",
            "  raw       12,000    1.00       1.0",
            "  ours       9,000    0.75       1.3",
            "",
        ];
        assert_eq!(table().text(), expected.join("\n"));
        let row = &table().json()["rows"][1];
        assert_eq!(
            (&row["name"], &row["per_second"], &row["wal_bytes"]),
            (&json!("ours"), &json!(9000.0), &Value::Null)
        );
        assert_eq!(row["of_raw"], 0.75);
    }

    #[test]
    fn of_an_even_number_the_median_lies_between() {
        let of = |figures: &[f64]| median(figures.iter().copied().map(Some));
        assert_eq!(
            (of(&[]), of(&[3.0]), of(&[4.0, 1.0]), of(&[9.0, 1.0, 2.0])),
            (None, Some(3.0), Some(2.5), Some(2.0))
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        let of = |figure, decimals| written(Some(figure), decimals);
        assert_eq!(
            [of(999.4, 0), of(1000.0, 0), of(1_234_567.0, 1), of(0.5, 2)],
            ["999", "1,000", "1,234,567.0", "0.50"]
        );
    }
}
