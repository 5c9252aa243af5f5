//! The title line: newsletter, number and title, however they are put together.

use time::Date;

use super::dates;
use super::number::chinese_digits;

/// What a title line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TitleLine {
    pub(super) newsletter: Option<String>,
    pub(super) number: Option<u32>,
    pub(super) title: Option<String>,
    pub(super) date: Option<Date>,
}

/// Takes a title line apart: `Name #104: Title`, `#108：Title`, `108: Title`, `Name Issue 12`,
/// `Name（第 12 期）：Title`, `This Week in Name 78`, `Name #3 (2023-05-27)`; without a number all of it is the title.
pub(super) fn split(line: &str) -> TitleLine {
    let line = line.trim();
    let Some(mark) = number_mark(line) else {
        return TitleLine { title: filled(line), ..TitleLine::default() };
    };
    let newsletter = line[..mark.start].trim_end_matches(is_separator).trim_end_matches(['(', '（', '[', '【']);
    let rest = line[mark.end..].trim_start_matches([')', '）', ']', '】']).trim_start_matches(is_separator);
    let (date, rest) = leading_date(rest);
    TitleLine {
        newsletter: filled(newsletter.trim_matches(is_separator)),
        number: Some(mark.number),
        title: filled(rest),
        date,
    }
}

/// How far into the line a number is looked for, in bytes.
const LONGEST_NAME: usize = 200;

/// Where the issue's number stands in the line, with what marks it as one.
struct Mark {
    start: usize,
    end: usize,
    number: u32,
}

fn number_mark(line: &str) -> Option<Mark> {
    line.char_indices()
        .take_while(|(at, _)| *at < LONGEST_NAME)
        .find_map(|(at, c)| mark_at(line, at, c))
        .or_else(|| leading_number(line))
        .or_else(|| trailing_number(line))
}

/// Reads `#104`, `第 12 期`, `Issue 12` or `Issue No. 12` at one place.
fn mark_at(line: &str, start: usize, c: char) -> Option<Mark> {
    let (before, here) = line.split_at(start);
    let (number, rest, strong) = match c {
        '#' | '＃' => {
            let (number, rest) = digits(here[c.len_utf8()..].trim_start())?;
            (number, rest, false)
        }
        '第' => {
            let rest = here[c.len_utf8()..].trim_start();
            let (number, rest) = digits(rest).or_else(|| chinese_digits(rest))?;
            (number, rest.trim_start().strip_prefix(['期', '号', '號', '回', '卷', '刊'])?, true)
        }
        _ if before.ends_with(char::is_alphanumeric) => return None,
        _ => {
            let (number, rest) = worded_number(here, &ISSUE_WORDS).or_else(|| {
                let (number, rest) = worded_number(here, &VOLUME_WORDS)?;
                // of a volume and an issue, the issue counts
                let numbered = rest.trim_start_matches(is_separator);
                let issue = numbered.starts_with(['#', '＃']) || worded_number(numbered, &ISSUE_WORDS).is_some();
                (!issue).then_some((number, rest))
            })?;
            (number, rest, true)
        }
    };
    let name = before.trim_end_matches(is_separator);
    if rest.starts_with(|c: char| c.is_ascii_alphanumeric()) || (name.contains([':', '：']) && !ends_name(before, rest))
    {
        return None;
    }
    let apart = rest.trim_start();
    let separated = apart.is_empty() || apart.starts_with(|c: char| is_separator(c) || "()（）[]【】".contains(c));
    let end = line.len() - rest.len();
    (separated || strong || name.is_empty() || is_periodical(name)).then_some(Mark { start, end, number })
}

/// Words before an issue's number.
const ISSUE_WORDS: [&str; 11] = ["issue", "no.", "no", "nr.", "№", "n°", "edition", "number", "episode", "ep.", "ep"];

/// Words before a volume's number, which is the issue's where there is no other.
const VOLUME_WORDS: [&str; 3] = ["vol.", "vol", "volume"];

/// Takes one of `words` and a number off the front; `No.` or `#` may stand between: `Issue No. 45`.
fn worded_number<'t>(text: &'t str, words: &[&str]) -> Option<(u32, &'t str)> {
    let behind = |text: &'t str, words: &[&str]| -> Option<&'t str> {
        let word =
            words.iter().find(|word| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))?;
        Some(text[word.len()..].trim_start())
    };
    let rest = behind(text, words)?;
    let number = |rest: &'t str| digits(rest.trim_start_matches(['#', '＃']).trim_start());
    number(rest).or_else(|| number(behind(rest, &ISSUE_WORDS)?))
}

/// Whether a number behind a colon is the issue's all the same: at the end of the line, behind a word with a capital.
///
/// `Harbour: The Weekly #12` is, `Moss: the fix for #5` is a title.
fn ends_name(before: &str, rest: &str) -> bool {
    let word = before.split_whitespace().next_back().unwrap_or_default();
    rest.trim().is_empty() && !before.trim_end().ends_with([':', '：']) && word.starts_with(char::is_uppercase)
}

/// The number of a line that begins with it and a colon, as in `108：Moss`; years and times are none.
fn leading_number(line: &str) -> Option<Mark> {
    let (number, rest) = digits(line)?;
    let title = rest.trim_start().strip_prefix([':', '：'])?;
    let time = title.starts_with(|c: char| c.is_ascii_digit());
    (!time && !(1900..2100).contains(&number)).then_some(Mark { start: 0, end: line.len() - rest.len(), number })
}

/// The last word of a periodical's name, as in `This Week in Name 78`; years are none.
fn trailing_number(line: &str) -> Option<Mark> {
    let (name, last) = line.rsplit_once(char::is_whitespace)?;
    let (number, rest) = digits(last)?;
    let fine = rest.is_empty() && !(1900..2100).contains(&number) && !name.contains([':', '：']) && is_periodical(name);
    fine.then_some(Mark { start: name.len(), end: line.len(), number })
}

/// Whether a name says that it appears again and again.
fn is_periodical(name: &str) -> bool {
    const ENGLISH: &str = "week weekly month monthly daily day quarterly news newsletter letter letters digest bits \
                           notes bulletin roundup report journal times gazette brief briefing review magazine zine \
                           dispatch update updates links radar log memo today tips";
    const CHINESE: [&str; 12] =
        ["周刊", "週刊", "周报", "週報", "月刊", "月报", "日报", "快讯", "通讯", "简报", "快报", "电子报"];
    let english = |word: &str| ENGLISH.split(' ').any(|periodical| periodical.eq_ignore_ascii_case(word));
    name.split(|c: char| !c.is_ascii_alphabetic()).any(english) || CHINESE.iter().any(|word| name.contains(word))
}

/// Takes a number off the front.
fn digits(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    Some((number.parse().ok()?, rest))
}

/// Takes `(2023-05-27)` off the front.
fn leading_date(text: &str) -> (Option<Date>, &str) {
    let inner = text.strip_prefix(['(', '（']).and_then(|rest| rest.split_once([')', '）']));
    let (written, rest) = inner.unwrap_or((text, ""));
    match dates::parse(written) {
        Some(date) => (Some(date), rest.trim_start_matches(is_separator)),
        None => (None, text),
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || ":：-–—|｜,，·•".contains(c)
}

fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, newsletter: &str, number: u32, title: &str) {
        let TitleLine { newsletter: name, number: written, title: text, .. } = split(line);
        let parts = (name.unwrap_or_default(), written.unwrap_or_default(), text.unwrap_or_default());
        assert_eq!(parts, (newsletter.to_owned(), number, title.to_owned()), "{line}");
    }

    #[test]
    fn every_usual_title_line_comes_apart() {
        check("Garden Weekly #104: Why Moss?", "Garden Weekly", 104, "Why Moss?");
        check("Garden Weekly #104：Why: Moss?", "Garden Weekly", 104, "Why: Moss?");
        check("园艺周刊＃6：苔藓 3.12", "园艺周刊", 6, "苔藓 3.12");
        check("园艺 周刊#6 苔藓", "园艺 周刊", 6, "苔藓");
        check("#108：苔藓", "", 108, "苔藓");
        check("# 108: Moss", "", 108, "Moss");
        check("Garden Issue 12", "Garden", 12, "");
        check("Garden, Issue #12 - Moss", "Garden", 12, "Moss");
        check("Garden No. 12 | Moss", "Garden", 12, "Moss");
        check("园艺 第 12 期", "园艺", 12, "");
        check("园艺（第 12 期）：苔藓", "园艺", 12, "苔藓");
        check("第12期 苔藓", "", 12, "苔藓");
        check("园艺周刊第十二期：苔藓", "园艺周刊", 12, "苔藓");
        check("园艺周刊 第一百零八期", "园艺周刊", 108, "");
        check("第一〇八期：苔藓", "", 108, "苔藓");
        check("108：苔藓", "", 108, "苔藓");
        check("Issue 12: Moss", "", 12, "Moss");
        check("Garden Vol. 12 – Moss", "Garden", 12, "Moss");
        check("Garden Vol. 3, No. 12 – Moss", "Garden Vol. 3", 12, "Moss");
        check("Vol. 3 #12", "Vol. 3", 12, "");
        check("The Garden — Issue No. 45", "The Garden", 45, "");
        check("Garden Number #45", "Garden", 45, "");
        check("Garden: The Weekly #12", "Garden: The Weekly", 12, "");
        check("Garden (Issue 12): Moss", "Garden", 12, "Moss");
        check("This Week in Gardens 78", "This Week in Gardens", 78, "");
        check("Garden Weekly #3 (2023-05-27)", "Garden Weekly", 3, "");
        check("C# Weekly #12: Spans", "C# Weekly", 12, "Spans");
    }

    #[test]
    fn a_number_in_a_title_is_no_issue_number() {
        for line in [
            "Why Moss?",
            "Migrating to Python 3",
            "My Week in 2024",
            "Moss: the fix for #5",
            "Our #1 mistake",
            "2024: a year",
        ] {
            check(line, "", 0, line);
        }
    }

    #[test]
    fn a_date_behind_the_number_is_the_date() {
        let date = split("Garden Weekly #3 (2023-05-27)").date;
        assert_eq!(date.map(|date| date.to_string()).as_deref(), Some("2023-05-27"));
    }
}
