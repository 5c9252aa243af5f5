//! The columns of a table: in which of them words may break, and how wide each is.
//!
//! Where every word may break, a short column beside a long one is one letter wide. So words stay whole in as many
//! columns as the narrowest phone has room for; in the others, those of addresses mostly, they may break.

use super::prose::Inline;
use super::table::Table;

/// The widths of a table's words in CSS pixels, as far as they can be known without the font: rather too wide.
pub(super) struct Columns {
    columns: Vec<Column>,
    /// How wide the table is on a screen.
    width: u32,
    /// How wide it is on a phone.
    narrowest: u32,
    /// The longest word that stays whole in a column where words may break.
    longest: u32,
}

#[derive(Default)]
struct Column {
    /// Its longest word.
    word: u32,
    /// Its longest cell, on one line.
    line: u32,
    /// Whether its words may break.
    breaks: bool,
    /// Whether it has ideographs, between which a browser would break.
    has_ideographs: bool,
    /// Whether there are words below its head that are no numbers.
    has_words: bool,
}

/// The look of a table's letters.
#[derive(Clone, Copy)]
pub(super) struct Letters {
    /// Their size in CSS pixels.
    pub(super) size: u32,
    /// The room between two columns.
    pub(super) gap: u32,
}

impl Letters {
    /// A length in hundredths of their size, in CSS pixels.
    fn pixels(self, length: u32) -> u32 {
        length * self.size / 100
    }
}

/// What a column keeps where its words break, on a phone.
const LEAST: u32 = 48;

/// The letters of some desktops, Verdana and DejaVu, are wider than those of phones by this part.
const WIDER: u32 = 10;

/// What a column needs on a screen where its words are longer: those of addresses may break.
const ENOUGH: u32 = 160;

impl Columns {
    /// Measures a table that is `width` wide on a screen, and `narrowest` on a phone.
    pub(super) fn of(table: &Table, letters: Letters, width: u32, narrowest: u32) -> Self {
        let mut columns: Vec<Column> = table.head.iter().map(|_| Column::default()).collect();
        for (index, row) in std::iter::once(&table.head).chain(&table.rows).enumerate() {
            for (column, cell) in columns.iter_mut().zip(row) {
                let measure = Measure::of(cell);
                column.has_words |= index > 0 && measure.has_letters;
                column.word = column.word.max(letters.pixels(measure.word()) + letters.gap);
                column.line = column.line.max(letters.pixels(measure.line) + letters.gap);
                column.has_ideographs |= measure.has_ideographs;
            }
        }
        let mut columns = Self { columns, width, narrowest, longest: 0 };
        columns.keep_words();
        columns
    }

    /// Whether no word need break on a phone.
    pub(super) fn fit(&self) -> bool {
        !self.columns.iter().any(|column| column.breaks)
    }

    /// Whether a screen has room for the words of all columns, as far as they are none of addresses.
    pub(super) fn can_be_read(&self) -> bool {
        self.columns.iter().map(|column| column.word.min(ENOUGH)).sum::<u32>() <= self.width
    }

    /// Keeps the words whole where there is room, numbers first, since half a number is another one, then the shortest;
    /// the other columns share what is left of it.
    fn keep_words(&mut self) {
        let narrowest = self.narrowest;
        let mut taken: u32 = self.columns.iter().map(|column| column.word.min(LEAST)).sum();
        let mut by_word: Vec<&mut Column> = self.columns.iter_mut().collect();
        by_word.sort_by_key(|column| (column.has_words, column.word));
        for column in by_word {
            taken += column.word.saturating_sub(LEAST);
            column.breaks = taken > narrowest;
        }
        let (breaking, whole): (Vec<&Column>, Vec<&Column>) = self.columns.iter().partition(|column| column.breaks);
        let left = narrowest.saturating_sub(whole.iter().map(|column| column.word).sum());
        self.longest = left / u32::try_from(breaking.len()).unwrap_or(u32::MAX).max(1);
    }

    /// Whether the words of a cell may break.
    pub(super) fn breaks(&self, at: usize, cell: &[Inline], letters: Letters) -> bool {
        let breaks = self.columns.get(at).is_some_and(|column| column.breaks);
        breaks && letters.pixels(Measure::of(cell).word()) + letters.gap > self.longest
    }

    /// The width of each column, as CSS has it, where a browser would not find a good one: it cares neither for words
    /// that may break nor for ideographs.
    pub(super) fn widths(&self) -> Vec<Option<String>> {
        let shares = self.shares().unwrap_or_default();
        let width = |(at, column): (usize, &Column)| match shares.get(at) {
            _ if column.has_ideographs && !column.breaks && column.line == column.word => {
                Some(format!("width:{}px", column.word))
            }
            share => share.map(|share| format!("width:{share}%")),
        };
        self.columns.iter().enumerate().map(width).collect()
    }

    /// The share of each column in percent, where there are words that may break and lines that must.
    fn shares(&self) -> Option<Vec<u32>> {
        let lines: u32 = self.columns.iter().map(|column| column.line).sum();
        let suffers = |column: &Column| column.has_ideographs && !column.breaks && column.line > column.word;
        let has_room = lines <= self.width && !self.columns.iter().any(suffers);
        if has_room || !self.columns.iter().any(|column| column.breaks) {
            return None;
        }
        // the longest words get what the others leave, at most half, and a tenth is for who has much to say
        let words = |most: u32| self.columns.iter().map(move |column| (column.word + column.word / WIDER).min(most));
        let most = (1..=10).rev().map(|part| self.width * part / 20);
        let most = most.into_iter().find(|most| words(*most).sum::<u32>() <= self.width * 9 / 10);
        let words = words(most.unwrap_or_default());
        let room = self.width.saturating_sub(words.clone().sum());
        let more = self.columns.iter().map(|column| column.line - column.word);
        let all_more = more.clone().sum::<u32>().max(1);
        let widths: Vec<u32> = words.zip(more).map(|(word, more)| word + room * more / all_more).collect();
        let whole = widths.iter().sum::<u32>().max(1);
        // on a phone a share is less, and nothing else keeps ideographs together
        let least = |column: &Column| {
            let is_kept = column.has_ideographs && !column.breaks;
            if is_kept { (column.word * 100).div_ceil(self.narrowest.max(1)) } else { 0 }
        };
        let shares =
            widths.iter().zip(&self.columns).map(|(width, column)| (width * 100).div_ceil(whole).max(least(column)));
        let shares: Vec<u32> = shares.collect();
        let more = shares.iter().sum::<u32>().saturating_sub(100);
        let wide = shares.iter().max().copied().unwrap_or_default();
        Some(
            shares
                .into_iter()
                .map(|share| if share == wide { share.saturating_sub(more).max(1) } else { share })
                .collect(),
        )
    }
}

/// The lengths of a cell's words in hundredths of the size of its letters.
#[derive(Default)]
struct Measure {
    /// The word that is read; a line may end at each ideograph.
    word: u32,
    longest: u32,
    /// All of it.
    line: u32,
    has_ideographs: bool,
    has_letters: bool,
}

/// Up to here ideographs are a name, which is not broken.
const NAME: u32 = 600;

/// What a line of more of them has at least.
const TOGETHER: u32 = 400;

/// Beyond this a cell is long, however long; the sums stay numbers.
const ENDLESS: u32 = 100_000;

impl Measure {
    fn of(cell: &[Inline]) -> Self {
        let mut measure = Self::default();
        measure.inlines(cell);
        measure
    }

    /// The longest word; of ideographs some that stay together.
    fn word(&self) -> u32 {
        match self.has_ideographs {
            true if self.is_name() => self.line,
            true => self.longest.max(TOGETHER),
            false => self.longest,
        }
    }

    /// Whether ideographs stand for a word, as `名称` does.
    fn is_name(&self) -> bool {
        self.has_ideographs && self.line <= NAME
    }

    fn inlines(&mut self, line: &[Inline]) {
        for inline in line {
            match inline {
                Inline::Text(text) | Inline::Emoji(text) | Inline::Code(text) => self.letters(text),
                Inline::Break => self.letter(' '),
                Inline::Note(_) => self.letter('0'),
                // nobody knows yet how long it is
                Inline::Name(_) => self.letters("Somebody"),
                other => self.inlines(other.inner()),
            }
        }
    }

    fn letters(&mut self, text: &str) {
        text.chars().for_each(|c| self.letter(c));
    }

    fn letter(&mut self, c: char) {
        let is_ideograph = c >= '\u{2e80}';
        // as in the usual sans, bold
        let width = match c {
            'm' | 'w' | 'M' | 'W' | '@' | '%' => 90,
            'A'..='Z' => 75,
            '.' | ',' | ':' | ';' | '\'' | 'i' | 'j' | 'l' => 28,
            'f' | 'r' | 't' => 39,
            '0'..='9' | 'a' | 'c' | 'e' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' => 56,
            _ if is_ideograph => 100,
            _ => 62,
        };
        self.word = match c {
            _ if is_ideograph => width,
            _ if c.is_whitespace() => 0,
            _ => (self.word + width).min(ENDLESS),
        };
        self.longest = self.longest.max(self.word);
        self.line = (self.line + width).min(ENDLESS);
        self.has_ideographs |= is_ideograph;
        self.has_letters |= c.is_alphabetic();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTERS: Letters = Letters { size: 10, gap: 10 };

    fn cells(words: &[&str]) -> Vec<Vec<Inline>> {
        words.iter().map(|word| vec![Inline::Text((*word).to_owned())]).collect()
    }

    /// Which columns break their words, on a phone of 200 pixels.
    fn breaking(rows: &[&[&str]]) -> Vec<bool> {
        let table =
            Table { sides: Vec::new(), head: cells(rows[0]), rows: rows[1..].iter().map(|row| cells(row)).collect() };
        Columns::of(&table, LETTERS, 400, 200).columns.iter().map(|column| column.breaks).collect()
    }

    #[test]
    fn words_stay_whole_as_far_as_a_phone_has_room_the_shortest_first() {
        let url = "https://hedges.example/a/very/long/way/to/go";
        assert_eq!(breaking(&[&["Tool", "Stars"], &["hedges", "22k"]]), [false, false]);
        assert_eq!(breaking(&[&["Tool", "Stars", "See"], &["hedges", "22k", url]]), [false, false, true]);
        assert_eq!(breaking(&[&["a", "b"], &[url, &"many short words ".repeat(40)]]), [true, false]);
        let sums = breaking(&[&["Year", "Last", "This"], &["Membership", "1000,000,000", "1000,000,000"]]);
        assert_eq!(sums, [true, false, false], "half a number is another one");
        assert_eq!(breaking(&[&["a"; 40], &[url; 40]]), [true; 40]);
    }

    #[test]
    fn a_word_goes_on_through_looks_and_ends_where_a_line_may_end() {
        let text = |words: &str| Inline::Text(words.to_owned());
        let word = |line: &[Inline]| Measure::of(line).word();
        assert_eq!(word(&[text("to un"), Inline::Strong(vec![text("hung")]), text("up on")]), 8 * 62);
        assert_eq!(word(&[text("bound 中文字中文字 up"), Inline::Break, text("on")]), 400, "a few stay together");
        assert_eq!(word(&[text("名称")]), 200, "a name is a word");
    }

    #[test]
    fn no_table_is_too_large_to_measure() {
        let long = "w".repeat(1_000_000);
        assert_eq!(breaking(&[&vec!["a"; 1_000], &vec![long.as_str(); 50]]).len(), 1_000);
        let table = Table { sides: Vec::new(), head: cells(&vec![long.as_str(); 50]), rows: Vec::new() };
        assert_eq!(Columns::of(&table, LETTERS, 400, 200).widths().len(), 50);
        assert_eq!(Columns::of(&table, LETTERS, 0, 0).widths().len(), 50);
    }
}
