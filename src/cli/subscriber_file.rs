//! Subscribers as CSV: a header with `email` and optionally `name` and `state`; comma, semicolon or tab.

use std::io::Write;

use crate::store::ImportRow;
use crate::subscriber::EmailAddress;

/// What was found in a file.
pub(super) struct Read {
    /// The rows that can be imported.
    pub(super) rows: Vec<ImportRow>,
    /// The others: line and what is wrong.
    pub(super) wrong: Vec<(u64, String)>,
}

/// Where the columns are.
struct Columns {
    email: usize,
    name: Option<usize>,
    state: Option<usize>,
}

/// Reads a file; a row that makes no sense is listed, and the others are taken.
pub(super) fn read(bytes: &[u8]) -> Result<Read, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter(bytes)).from_reader(bytes);
    let mut records = reader.byte_records();
    let first = records.next().ok_or("the file is empty")?.map_err(|error| error.to_string())?;
    let text = |field: &[u8]| String::from_utf8_lossy(field).trim().to_lowercase();
    let column = |names: &[&str]| first.iter().position(|field| names.contains(&text(field).as_str()));
    let mut read = Read { rows: Vec::new(), wrong: Vec::new() };
    let columns = match column(&["email", "e-mail", "email address", "mail"]) {
        Some(email) => Columns { email, name: column(&["name", "full name"]), state: column(&["state", "status"]) },
        None => {
            let email = first
                .iter()
                .position(|field| EmailAddress::parse(&text(field)).is_ok())
                .ok_or("line 1: there is no column `email`; name the columns in the first line, like `email,name`")?;
            let columns = Columns { email, name: None, state: None };
            read.take(&first, &columns, 1);
            columns
        }
    };
    for record in records {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, |position| line(bytes, position));
                read.take(&record, &columns, line);
            }
            Err(error) => {
                let line = error.position().map_or(0, |position| line(bytes, position));
                read.wrong.push((line, error.to_string()));
            }
        }
    }
    Ok(read)
}

impl Read {
    fn take(&mut self, record: &csv::ByteRecord, columns: &Columns, line: u64) {
        match row(record, columns) {
            Ok(row) => self.rows.push(row),
            Err(what) => self.wrong.push((line, what)),
        }
    }
}

/// The line that a record begins on; the reader's own position is before the line ends that it skips, as in `\r\n`.
fn line(bytes: &[u8], position: &csv::Position) -> u64 {
    let rest = usize::try_from(position.byte()).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    let skipped = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n');
    position.line() + skipped.count() as u64
}

fn row(record: &csv::ByteRecord, columns: &Columns) -> Result<ImportRow, String> {
    let field = |column: Option<usize>| {
        let field = column.and_then(|column| record.get(column)).unwrap_or_default();
        std::str::from_utf8(field).map(plain).map_err(|_| "the row is not UTF-8".to_owned())
    };
    let address = EmailAddress::parse(field(Some(columns.email))?).map_err(|error| error.to_string())?;
    let name = Some(field(columns.name)?).filter(|name| !name.trim().is_empty()).map(clean_name).transpose()?;
    let state = field(columns.state)?.trim().to_lowercase();
    let unsubscribed = match state.as_str() {
        "" | "active" | "subscribed" | "enabled" | "confirmed" => false,
        "unsubscribed" => true,
        other => return Err(format!("`{other}` readers are not imported")),
    };
    Ok(ImportRow { address, name, unsubscribed })
}

/// A name fit for a header: trimmed, without control characters.
pub(super) fn clean_name(name: &str) -> Result<String, String> {
    let name = name.trim();
    match name.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        Some(c) => Err(format!("the name has the control character {} in it", c.escape_unicode())),
        None => Ok(name.to_owned()),
    }
}

/// The delimiter that the first line has most of.
fn delimiter(bytes: &[u8]) -> u8 {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

/// First characters that make a spreadsheet take a cell for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Takes off the apostrophe that [`Writer`] puts before a formula.
fn plain(field: &str) -> &str {
    match field.strip_prefix('\'') {
        Some(rest) if rest.starts_with(FORMULA) => rest,
        _ => field,
    }
}

fn neutral(field: &str) -> String {
    if field.starts_with(FORMULA) { format!("'{field}") } else { field.to_owned() }
}

/// Writes readers so that a spreadsheet runs nothing and an import gives the same readers.
pub(super) struct Writer<W: Write>(csv::Writer<W>);

impl<W: Write> Writer<W> {
    /// Writes the header.
    pub(super) fn new(target: W) -> csv::Result<Self> {
        let mut writer = csv::Writer::from_writer(target);
        writer.write_record(["email", "name", "state", "since"])?;
        Ok(Self(writer))
    }

    /// Writes one reader.
    pub(super) fn write(&mut self, email: &str, name: Option<&str>, state: &str, since: &str) -> csv::Result<()> {
        self.0.write_record([&neutral(email), &neutral(name.unwrap_or_default()), state, since])
    }

    /// Writes what is buffered.
    pub(super) fn finish(mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn emails(text: &str) -> Vec<String> {
        read(text.as_bytes()).unwrap().rows.iter().map(|row| row.address.to_string()).collect()
    }

    #[test]
    fn files_of_every_form_are_read() {
        assert_eq!(emails("email,name\nann@example.org,Ann\n"), ["ann@example.org"]);
        assert_eq!(emails("\u{feff}Name;E-Mail\r\nAnn;ann@example.org\r\n"), ["ann@example.org"]);
        assert_eq!(emails("ann@example.org\nbob@example.org"), ["ann@example.org", "bob@example.org"]);
    }

    #[test]
    fn a_bad_row_is_listed_with_its_line_and_the_others_are_taken() {
        let lines = |read: &Read| read.wrong.iter().map(|(line, _)| *line).collect::<Vec<_>>();
        let unix = read(b"email,name\nann@example.org,Ann\nnobody,x\nb\xffb@example.org,\nbob@example.org,B").unwrap();
        assert_eq!((unix.rows.len(), lines(&unix)), (2, vec![3, 4]));
        let windows = read(b"email,name\r\nann@example.org,Ann\r\nnobody,x\r\n\r\nb\xffb@example.org,\r\n").unwrap();
        assert_eq!((windows.rows.len(), lines(&windows)), (1, vec![3, 5]));
    }

    #[test]
    fn a_name_with_a_line_break_never_gets_in() {
        let read = read(b"email,name\nann@example.org,\"a\r\nBcc: v@x.example\"").unwrap();
        assert!(read.rows.is_empty() && read.wrong.len() == 1);
    }

    #[test]
    fn who_left_elsewhere_comes_in_as_unsubscribed() {
        let read = read(b"email,status\nann@example.org,unsubscribed\nbob@example.org,inactive").unwrap();
        assert!(read.rows[0].unsubscribed);
        assert_eq!((read.rows.len(), read.wrong.len()), (1, 1));
    }

    #[test]
    fn the_import_of_an_export_gives_the_same_and_no_cell_is_a_formula() {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes).unwrap();
        writer.write("ann@example.org", Some("=HYPERLINK(\"x\")"), "active", "").unwrap();
        writer.finish().unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(",\"=") && !String::from_utf8_lossy(&bytes).contains(",="));
        assert_eq!(read(&bytes).unwrap().rows[0].name.as_deref(), Some("=HYPERLINK(\"x\")"));
    }
}
