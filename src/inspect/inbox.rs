//! An email as a row of an inbox: who, what about, and how it begins, each cut where programs cut it.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A mail program, and how much of a row it shows.
///
/// Columns are letters of middle width, an ideograph counts two; fonts and settings move the cut by some.
/// Approximate: no vendor documents a cut. The iPhone's are EmailTooltester's measurements (2 lines of preview);
/// the others are the lower ends of what surveys agree upon (lettercounter.org, campaign.name).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// Columns of the sender's name.
    pub from: usize,
    /// Columns of the subject.
    pub subject: usize,
    /// Columns of the preheader.
    pub preheader: usize,
    /// Its rows are as wide as a phone.
    pub is_phone: bool,
    /// Subject and preheader share a line, so that one takes from the other.
    pub shared: bool,
}

/// The programs that are shown.
pub const PROGRAMS: [Program; 4] = [
    Program { name: "iPhone Mail", from: 24, subject: 48, preheader: 99, is_phone: true, shared: false },
    Program { name: "Gmail on Android", from: 20, subject: 37, preheader: 40, is_phone: true, shared: false },
    Program { name: "Gmail on the web", from: 20, subject: 70, preheader: 130, is_phone: false, shared: true },
    Program { name: "Outlook on Windows", from: 30, subject: 55, preheader: 60, is_phone: false, shared: false },
];

/// A row of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    /// The program that shows it.
    pub program: &'static str,
    /// Whether that is as narrow as a phone.
    pub is_phone: bool,
    /// Who sent it.
    pub from: String,
    /// What it is about.
    pub subject: String,
    /// How it begins.
    pub preheader: String,
}

/// The row of an email in each program.
pub fn inbox(from: &str, subject: &str, preheader: &str) -> Vec<InboxRow> {
    let row = |program: &Program| {
        let shown = cut(subject, program.subject);
        // a dash and spaces stand between them
        const GAP: usize = 3;
        let left =
            if program.shared { program.preheader.saturating_sub(shown.width() + GAP) } else { program.preheader };
        InboxRow {
            program: program.name,
            is_phone: program.is_phone,
            from: cut(from, program.from),
            subject: shown,
            preheader: cut(preheader, left),
        }
    };
    PROGRAMS.iter().map(row).collect()
}

/// A text within some columns; the ellipsis is one of them.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let fits = |grapheme: &&str| match left.checked_sub(grapheme.width()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    let shown: String = text.graphemes(true).take_while(fits).collect();
    if columns == 0 { String::new() } else { format!("{}…", shown.trim_end()) }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_cut_splits_no_character_and_keeps_within_its_columns() {
        assert_eq!(cut("Slow software", 13), "Slow software");
        assert_eq!(cut("Slow software", 8), "Slow so…");
        assert_eq!(cut("Slow software", 6), "Slow…");
        assert_eq!(cut("潮流周刊", 6), "潮流…");
        assert_eq!(cut("ab👩‍💻cd", 4), "ab…");
        assert_eq!(cut("anything", 0), "");
    }
}
