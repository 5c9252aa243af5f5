//! The style sheet goes into the elements: many mail programs read no other.
//!
//! An email has few *kinds* of elements, each of them many times: what our rules see of an element is its name and
//! its class, and those of the elements around it. So css-inline is given a specimen with one element of each kind,
//! and what it writes into that goes into all of the kind.

use std::ops::Range;

use css_inline::{CSSInliner, InlineError};
use memchr::{memchr, memmem, memrchr};

/// The attribute that numbers the elements of a specimen; css-inline writes the style right behind it.
const KIND: &str = " id=\"";

/// How a style begins, in a document and in what css-inline writes.
const STYLE: &str = " style=\"";

/// Bytes of a document for each element or text in it, roughly.
const BYTES_OF_A_NODE: usize = 32;

/// Puts a sheet that selects by names and classes only into the elements of a document, as maud writes it.
///
/// The result is what [`inline_all`] makes of it, for any such sheet.
pub(super) fn inline(html: &str, sheet: &str) -> Result<String, InlineError> {
    let document = Document::read(html);
    let specimen = inline_all(&document.specimen(), sheet)?;
    Ok(document.styled(&document.styles(&specimen)))
}

/// Puts any sheet into the elements of a document.
pub(super) fn inline_all(html: &str, sheet: &str) -> Result<String, InlineError> {
    let inliner = CSSInliner::options()
        .load_remote_stylesheets(false)
        // what the head keeps has no rule that an element could carry
        .inline_style_tags(false)
        .keep_style_tags(true)
        .extra_css(Some(sheet.into()))
        .minify_css(true)
        .preallocate_node_capacity(html.len() / BYTES_OF_A_NODE)
        .build();
    inliner.inline(html)
}

/// A document by the kinds of its elements.
struct Document<'a> {
    html: &'a str,
    /// The kinds; the first is none, but holds the others.
    kinds: Vec<Kind<'a>>,
    /// Each element: where its first tag ends, before the `>`, and its kind.
    elements: Vec<(usize, usize)>,
}

/// What a rule sees of an element.
#[derive(Default)]
struct Kind<'a> {
    name: &'a str,
    class: &'a str,
    /// The kinds of elements in it.
    inner: Vec<usize>,
}

impl<'a> Document<'a> {
    fn read(html: &'a str) -> Self {
        let mut document = Self { html, kinds: vec![Kind::default()], elements: Vec::new() };
        let mut open = vec![0];
        let mut at = 0;
        while let Some(tag) = next_tag(html, at) {
            at = tag.end;
            let tag = &html[tag];
            match tag.as_bytes().first() {
                Some(b'!') | None => {}
                Some(b'/') => open.truncate(open.len().saturating_sub(1).max(1)),
                Some(_) => {
                    let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
                    let around = open.last().copied().unwrap_or_default();
                    let kind = document.kind(around, name, class(attributes));
                    document.elements.push((at, kind));
                    if !is_void(name) {
                        open.push(kind);
                    }
                }
            }
        }
        document
    }

    /// The kind of an element inside one of the kind `around`.
    fn kind(&mut self, around: usize, name: &'a str, class: &'a str) -> usize {
        let is_same = |kind: &&usize| self.kinds[**kind].name == name && self.kinds[**kind].class == class;
        if let Some(known) = self.kinds[around].inner.iter().find(is_same) {
            return *known;
        }
        let new = self.kinds.len();
        self.kinds.push(Kind { name, class, inner: Vec::new() });
        self.kinds[around].inner.push(new);
        new
    }

    /// A document with one element of each kind.
    fn specimen(&self) -> String {
        let mut specimen = "<!DOCTYPE html>".to_owned();
        self.write_inner(0, &mut specimen);
        specimen
    }

    fn write_inner(&self, around: usize, specimen: &mut String) {
        for &kind in &self.kinds[around].inner {
            let Kind { name, class, .. } = self.kinds[kind];
            let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
            specimen.push_str(&format!("<{name}{class}{KIND}{kind}\">"));
            self.write_inner(kind, specimen);
            if !is_void(name) {
                specimen.push_str(&format!("</{name}>"));
            }
        }
    }

    /// The attribute of each kind, ` style="…"`, from the inlined specimen; empty where there is none.
    fn styles<'s>(&self, specimen: &'s str) -> Vec<&'s str> {
        let mut styles = vec![""; self.kinds.len()];
        for (number, rest) in specimen.split(KIND).filter_map(|element| element.split_once('"')) {
            if let Some(style) = number.parse().ok().and_then(|kind: usize| styles.get_mut(kind))
                && let Some(value) = rest.strip_prefix(STYLE)
                && let Some(end) = value.find('"')
            {
                *style = &rest[..rest.len() - value.len() + end + 1];
            }
        }
        styles
    }

    /// The document with the style of its kind in each element.
    fn styled(&self, styles: &[&str]) -> String {
        let added: usize = self.elements.iter().map(|(_, kind)| styles[*kind].len()).sum();
        let mut styled = String::with_capacity(self.html.len() + added);
        let mut from = 0;
        for &(end, kind) in &self.elements {
            let (before, style) = (&self.html[from..end], styles[kind]);
            match (style.strip_suffix('"'), own_style(before)) {
                // the last word is the element's own
                (Some(style), Some(own)) => {
                    styled.extend([&before[..own], style, ";", &before[own + STYLE.len()..]]);
                }
                _ => styled.extend([before, style]),
            }
            from = end;
        }
        styled + &self.html[from..]
    }
}

/// Where an element has a style of its own in the tag that `html` ends in.
fn own_style(html: &str) -> Option<usize> {
    let tag = memrchr(b'<', html.as_bytes())?;
    memmem::find(&html.as_bytes()[tag..], STYLE.as_bytes()).map(|at| tag + at)
}

/// What stands between `<` and `>` of the next tag, comment or doctype.
fn next_tag(html: &str, from: usize) -> Option<Range<usize>> {
    let start = from + memchr(b'<', &html.as_bytes()[from..])? + 1;
    let rest = &html.as_bytes()[start..];
    let length = if rest.starts_with(b"!--") { memmem::find(rest, b"-->") } else { memchr(b'>', rest) };
    Some(start..start + length?)
}

/// The class among the attributes of an element; no value can hold a quotation mark.
fn class(attributes: &str) -> &str {
    let value = memmem::find(attributes.as_bytes(), b"class=\"").map(|at| &attributes[at + "class=\"".len()..]);
    value.and_then(|value| value.split('"').next()).unwrap_or_default()
}

/// Whether an element has no end tag (HTML, 13.1.2).
fn is_void(name: &str) -> bool {
    matches!(name, "br" | "hr" | "img" | "meta")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::{page, sample_newsletter};
    use super::*;
    use crate::issue::parse;
    use crate::templates::{self, Style};
    use crate::theme::Sheet;

    const ISSUES: [&str; 8] = [
        include_str!("../../tests/checkers/issues/hostile.md"),
        include_str!("../../tests/checkers/issues/arabic.md"),
        include_str!("../../tests/checkers/issues/chinese.md"),
        include_str!("../../tests/checkers/issues/huge.md"),
        include_str!("../../tests/checkers/issues/letter.md"),
        include_str!("../../tests/checkers/issues/lists.md"),
        include_str!("../../tests/checkers/issues/pictures.md"),
        "# Moss\n\n> said\n>\n> > `deep` [**and** *deeper*](https://a.example)\n\n1. | a | b |\n   |---|---|\n   | `c` | ~~d~~ |\n\n   # Code\n\n   ```rust\n   let a = \"1\"; // b\n   ```\n\n[^1]\n\n[^1]: > a\n    >\n    > * b",
    ];

    const OWN_RULES: &str = "* { letter-spacing: 1px } td > p, li p code { color: var(--accent) }\n\
        blockquote blockquote p { font-family: 'A \"b\"' !important } .end, h3 a span { margin: 1px }";

    /// Name and style of each element, as a browser reads them.
    fn looks(html: &str) -> Vec<(String, String)> {
        let read = inline_all(html, "").unwrap();
        let elements = read.split('<').filter(|tag| tag.starts_with(|first: char| first.is_ascii_alphabetic()));
        let look = |tag: &str| {
            let style = tag.split_once(" style=\"").map_or("", |(_, style)| style.split('"').next().unwrap());
            (tag.split([' ', '>']).next().unwrap().to_owned(), style.to_owned())
        };
        elements.map(look).collect()
    }

    #[test]
    fn each_element_gets_the_style_that_it_would_get_alone() {
        for own in ["", OWN_RULES] {
            for issue in ISSUES {
                let issue = parse(issue.as_bytes()).unwrap();
                let mut newsletter = sample_newsletter(&issue).unwrap();
                newsletter.theme.sheet = Sheet::parse(own).unwrap();
                let page = page::page(&issue, &newsletter, "0123456789abcdef");
                let style = Style::new(&page.theme, &page.language, page.is_long);
                assert!(!Sheet::parse(&style.inlined).unwrap().looks_further, "our own rules are of names and classes");
                let html = templates::issue(&page, &style).0;
                let (ours, whole) =
                    (inline(&html, &style.inlined).unwrap(), inline_all(&html, &style.inlined).unwrap());
                assert_eq!(looks(&ours), looks(&whole));
            }
        }
    }
}
