//! CSS as emails have it: rules and declarations, each with its place.
//!
//! Strings, comments and brackets are known, so that what is in them ends nothing. Any text can be read.

use std::ops::Range;

/// `color: #26231f !important`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declaration<'a> {
    /// The property, as it is written.
    pub(super) name: &'a str,
    /// The value, without `!important`.
    pub(super) value: &'a str,
    pub(super) important: bool,
    /// Where the whole of it stands, without the semicolon.
    pub(super) span: Range<usize>,
    /// Where the value stands.
    pub(super) value_span: Range<usize>,
}

impl Declaration<'_> {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// `h2, .quiet a { … }`, or an at-rule that holds declarations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule<'a> {
    /// The at-rules that it stands in, the outermost first: `@media (max-width:480px)`.
    pub(super) within: Vec<&'a str>,
    /// What stands before the brace.
    pub(super) prelude: &'a str,
    /// What stands between the braces.
    pub(super) body: &'a str,
    /// Where that is.
    pub(super) body_span: Range<usize>,
    /// Where the rule begins.
    pub(super) at: usize,
}

/// A style sheet, taken apart.
#[derive(Debug, Default)]
pub(super) struct Sheet<'a> {
    /// The rules, in order.
    pub(super) rules: Vec<Rule<'a>>,
    /// Every at-rule, with the place where it begins: `@import url(…)`, `@media print`.
    pub(super) at_rules: Vec<(usize, &'a str)>,
}

/// Groups are followed so deep; mail clients give up at the second.
const DEPTH: usize = 8;

/// Takes a style sheet apart.
pub(super) fn sheet(css: &str) -> Sheet<'_> {
    let mut sheet = Sheet::default();
    let mut within: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some((start, end)) = next(css, at) {
        let prelude = css.get(start..end).unwrap_or_default().trim_end();
        let begins_at = prelude.starts_with('@');
        if begins_at {
            sheet.at_rules.push((start, prelude));
        }
        at = end + 1;
        match css.as_bytes().get(end) {
            Some(b'{') if begins_at && is_group(prelude) && within.len() < DEPTH => within.push(prelude),
            Some(b'{') => {
                let close = block_end(css, at);
                let body = css.get(at..close).unwrap_or_default();
                sheet.rules.push(Rule { within: within.clone(), prelude, body, body_span: at..close, at: start });
                at = close + 1;
            }
            Some(b'}') => _ = within.pop(),
            _ => {}
        }
    }
    sheet
}

/// Where the next prelude begins, and the brace or semicolon behind it.
fn next(css: &str, from: usize) -> Option<(usize, usize)> {
    let start = skip_blank(css, from);
    (start < css.len()).then(|| (start, stop(css, start, b"{};")))
}

fn is_group(prelude: &str) -> bool {
    let word = prelude.get(1..).unwrap_or_default();
    let word = word.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default();
    ["media", "supports", "layer", "container", "scope", "document", "keyframes", "-webkit-keyframes"]
        .iter()
        .any(|group| word.eq_ignore_ascii_case(group))
}

/// The declarations of a rule or a `style` attribute; rules nested in it are left out.
pub(super) fn declarations(css: &str) -> Vec<Declaration<'_>> {
    let mut declarations = Vec::new();
    let mut at = skip_blank(css, 0);
    while at < css.len() {
        let end = stop(css, at, b"{;}");
        let text = css.get(at..end).unwrap_or_default().trim_end();
        if css.as_bytes().get(end) == Some(&b'{') {
            at = skip_blank(css, block_end(css, end + 1) + 1);
            continue;
        }
        if let Some((name, value)) = text.split_once(':') {
            let start = at + name.len() + 1 + (value.len() - value.trim_start().len());
            let (value, important) = split_important(value.trim());
            declarations.push(Declaration {
                name: name.trim(),
                value,
                important,
                span: at..at + text.len(),
                value_span: start..start + value.len(),
            });
        }
        at = skip_blank(css, end + 1);
    }
    declarations
}

fn split_important(value: &str) -> (&str, bool) {
    let keyword = value.rsplit_once('!').filter(|(_, word)| word.trim().eq_ignore_ascii_case("important"));
    keyword.map_or((value, false), |(value, _)| (value.trim_end(), true))
}

/// Where the block ends that is open at `from`: at its brace, or the text's end.
fn block_end(css: &str, from: usize) -> usize {
    let (mut at, mut depth) = (from, 0_usize);
    loop {
        at = stop(css, at, b"{}");
        match css.as_bytes().get(at) {
            Some(b'{') => depth += 1,
            Some(_) if depth > 0 => depth -= 1,
            _ => return at.min(css.len()),
        }
        at += 1;
    }
}

/// Splits at a byte, but not in strings and brackets; parts are trimmed, with their place.
pub(super) fn split(css: &str, by: u8) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at <= css.len() {
        let end = stop(css, at, &[by]);
        let part = css.get(at..end).unwrap_or_default();
        parts.push((at + part.len() - part.trim_start().len(), part.trim()));
        at = end + 1;
    }
    parts
}

/// The next of `stops` outside of strings, comments, parentheses and square brackets; else the text's end.
fn stop(css: &str, from: usize, stops: &[u8]) -> usize {
    let bytes = css.as_bytes();
    let (mut at, mut depth) = (from, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => {
                let close = |at: &usize| bytes.get(*at).is_none_or(|c| c == byte || *c == b'\n');
                let mut end = at + 1;
                while !close(&end) {
                    end += if bytes.get(end) == Some(&b'\\') { 2 } else { 1 };
                }
                at = end;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = css.get(at + 2..).and_then(|rest| rest.find("*/")).map_or(css.len(), |end| at + 2 + end + 1);
            }
            b'\\' => at += 1,
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            byte if depth == 0 && stops.contains(byte) => return at,
            _ => {}
        }
        at += 1;
    }
    css.len()
}

/// Skips white space and comments.
fn skip_blank(css: &str, from: usize) -> usize {
    let mut at = from.min(css.len());
    loop {
        let rest = css.get(at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        match trimmed.strip_prefix("/*") {
            Some(comment) => at += 2 + comment.find("*/").map_or(comment.len(), |end| end + 2),
            None => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{declarations, sheet};

    #[test]
    fn strings_comments_and_brackets_end_nothing() {
        let css = "/* } */ a[title=\"}{\"] , b { background: url(a;b) ; /* ; */ color : red ! important } c{}";
        let rules = sheet(css).rules;
        assert_eq!(rules.iter().map(|rule| rule.prelude).collect::<Vec<_>>(), ["a[title=\"}{\"] , b", "c"]);
        let pairs: Vec<_> = declarations(rules[0].body).into_iter().map(|d| (d.name, d.value, d.important)).collect();
        assert_eq!(pairs, [("background", "url(a;b)", false), ("color", "red", true)]);
    }

    #[test]
    fn rules_know_the_groups_they_stand_in() {
        let css = "@import 'x.css';p{a:b}@media print{@supports (x:y){i{c:d}}u{e:f}}q{g:h}";
        let within: Vec<_> = sheet(css).rules.into_iter().map(|rule| (rule.prelude, rule.within)).collect();
        let expected =
            [("p", vec![]), ("i", vec!["@media print", "@supports (x:y)"]), ("u", vec!["@media print"]), ("q", vec![])];
        assert_eq!(within, expected);
        assert_eq!(sheet(css).at_rules.len(), 3);
    }

    #[test]
    fn places_are_those_of_the_text() {
        let css = " margin : 0 auto;color:#fff !important;";
        let found = declarations(css);
        assert_eq!(found.iter().map(|d| &css[d.value_span.clone()]).collect::<Vec<_>>(), ["0 auto", "#fff"]);
        assert_eq!(&css[found[0].span.clone()], "margin : 0 auto");
    }
}
