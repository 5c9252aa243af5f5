//! Selectors as the style blocks of emails have them: elements, classes, ids, attributes, and where they stand.
//!
//! What depends on a state or on brothers and sisters (`:hover`, `+`) is left out: such a selector matches nothing.

use super::markup::Tag;

/// A selector that can match something.
#[derive(Debug)]
pub(super) struct Selector<'a> {
    /// The element itself, then what it must stand in, from the inside out.
    compounds: Vec<(Combinator, Compound<'a>)>,
}

/// How much a selector weighs: ids, classes, elements (Selectors 4 §17).
pub(super) type Specificity = (usize, usize, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Combinator {
    Descendant,
    Child,
}

#[derive(Debug, Default)]
struct Compound<'a> {
    name: Option<&'a str>,
    id: Option<&'a str>,
    classes: Vec<&'a str>,
    attributes: Vec<(&'a str, Option<&'a str>)>,
    root: bool,
}

/// Ancestors are looked at so far up.
const REACH: usize = 64;

impl<'a> Selector<'a> {
    /// Reads one selector of a list; none where it says something that is not known here.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut compounds = Vec::new();
        let mut rest = text.trim();
        let mut combinator = Combinator::Descendant;
        while !rest.is_empty() {
            let (compound, length) = Compound::parse(rest)?;
            compounds.push((combinator, compound));
            let after = rest.get(length..)?.trim_start();
            (combinator, rest) = match after.strip_prefix('>') {
                Some(inner) => (Combinator::Child, inner.trim_start()),
                None => (Combinator::Descendant, after),
            };
        }
        // each compound keeps the combinator before it: read from the inside, it leads to the next one out
        compounds.reverse();
        (!compounds.is_empty()).then_some(Self { compounds })
    }

    pub(super) fn specificity(&self) -> Specificity {
        let mut sum = (0, 0, 0);
        for (_, compound) in &self.compounds {
            sum.0 += usize::from(compound.id.is_some());
            sum.1 += compound.classes.len() + compound.attributes.len() + usize::from(compound.root);
            sum.2 += usize::from(compound.name.is_some());
        }
        sum
    }

    /// Whether it matches the last of `path`, which leads there from the document's element.
    pub(super) fn matches<'t>(&self, path: impl DoubleEndedIterator<Item = &'t Tag<'t>>) -> bool {
        let mut path = path.rev().take(REACH).peekable();
        // most rules are about other elements
        if path.peek().zip(self.compounds.first()).is_none_or(|(tag, (_, compound))| !compound.matches(tag)) {
            return false;
        }
        let path: Vec<&Tag<'_>> = path.collect();
        let at = |mask: u64, compound: &Compound<'_>| {
            let fits = |(index, tag): (usize, &&Tag<'_>)| {
                let bit = 1 << index;
                if mask & bit != 0 && compound.matches(tag) { bit } else { 0 }
            };
            path.iter().enumerate().map(fits).fold(0, |set, bit| set | bit)
        };
        // bit n: what was read so far can stand with its outermost compound n levels up
        let mut reached = 1_u64;
        let mut outward = None;
        for (combinator, compound) in &self.compounds {
            reached = match outward {
                None => reached,
                Some(Combinator::Child) => reached << 1,
                Some(Combinator::Descendant) => (!0_u64).checked_shl(reached.trailing_zeros() + 1).unwrap_or_default(),
            };
            reached = at(reached, compound);
            if reached == 0 {
                return false;
            }
            outward = Some(*combinator);
        }
        true
    }
}

impl<'a> Compound<'a> {
    /// Reads `td.quiet[align]`, and says how long it is.
    fn parse(text: &'a str) -> Option<(Self, usize)> {
        let mut compound = Self::default();
        let word = |from: usize| {
            let rest = text.get(from..)?;
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').unwrap_or(rest.len());
            (length > 0).then(|| &rest[..length])
        };
        let mut at = 0;
        if text.starts_with('*') {
            at = 1;
        } else if let Some(name) = word(0) {
            compound.name = Some(name);
            at = name.len();
        }
        while let Some(sign) = text.as_bytes().get(at) {
            match sign {
                b'.' | b'#' => {
                    let name = word(at + 1)?;
                    match sign {
                        b'.' => compound.classes.push(name),
                        _ => compound.id = Some(name),
                    }
                    at += 1 + name.len();
                }
                b'[' => {
                    let end = text.get(at..)?.find(']')?;
                    compound.attributes.push(attribute(text.get(at + 1..at + end)?)?);
                    at += end + 1;
                }
                b':' => {
                    match word(at + 1)? {
                        // links in a mail are unvisited
                        "link" => compound.attributes.push(("href", None)),
                        "root" => compound.root = true,
                        _ => return None,
                    }
                    at += 5;
                }
                b' ' | b'\t' | b'\n' | b'\r' | b'>' => break,
                _ => return None,
            }
        }
        (at > 0).then_some((compound, at))
    }

    fn matches(&self, tag: &Tag<'_>) -> bool {
        let classes = tag.value("class").unwrap_or_default();
        self.name.is_none_or(|name| tag.name.eq_ignore_ascii_case(name))
            && (!self.root || tag.is("html"))
            && self.id.is_none_or(|id| tag.value("id") == Some(id))
            && self.classes.iter().all(|class| classes.split_ascii_whitespace().any(|own| own == *class))
            && self.attributes.iter().all(|(name, value)| match tag.value(name) {
                Some(own) => value.is_none_or(|value| value == own),
                None => false,
            })
    }
}

/// `align` or `align="left"`; the other comparisons are not known here.
fn attribute(text: &str) -> Option<(&str, Option<&str>)> {
    match text.split_once('=') {
        None => Some((text.trim(), None)),
        Some((name, _)) if name.ends_with(['~', '|', '^', '$', '*']) => None,
        Some((name, value)) => Some((name.trim(), Some(value.trim().trim_matches(['"', '\''])))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::markup::{Kind, Tag, read};
    use super::Selector;

    fn path(html: &str) -> Vec<Tag<'_>> {
        let open = |kind| if let Kind::Open(tag) = kind { Some(tag) } else { None };
        read(html).filter_map(|piece| open(piece.kind)).collect()
    }

    #[test]
    fn selectors_match_what_they_say() {
        let tags = path(r#"<html><body class="paper"><td class="letter latin" id="x"><p><a href="y" title="z">"#);
        for yes in ["a", "*", ".paper a", "td.letter.latin p > a", "[href]", "body a[title='z']", "#x a", ":root a"] {
            assert!(Selector::parse(yes).is_some_and(|selector| selector.matches(tags.iter())), "{yes}");
        }
        for no in ["p", "body > a", ".paper > p a", "a .paper", ".let a", "[title=y]", "td p td a", "p > td a"] {
            assert!(Selector::parse(no).is_some_and(|selector| !selector.matches(tags.iter())), "{no}");
        }
        for unknown in ["a:hover", "a + b", "a::before", "[a^=b]", "", "> a", "a:not(b)"] {
            assert!(Selector::parse(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn ids_weigh_more_than_classes_and_classes_more_than_elements() {
        let weight = |text| Selector::parse(text).map(|selector| selector.specificity());
        assert!(weight("#a") > weight(".a.b.c p") && weight(".a") > weight("html body p a"));
        assert_eq!(weight("td.a > [b] i"), Some((0, 2, 2)));
    }
}
