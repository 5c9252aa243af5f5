//! Media queries: which rules apply, and how to make a colour scheme hold whatever the screen prefers.

use std::ops::Range;

use super::css;

/// A colour scheme that a reader prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Light,
    Dark,
}

/// Always true, and never: both are plain width queries, which every browser knows.
const ALWAYS: &str = "(min-width:0)";
const NEVER: &str = "(max-width:0)";

/// A reading pane on a large screen, CSS pixels.
const WIDTH: f64 = 800.0;

/// Whether rules within an at-rule apply on a large, light screen.
pub(super) fn applies(at_rule: &str) -> bool {
    let (name, condition) = parts(at_rule);
    match name.to_ascii_lowercase().as_str() {
        "@media" => css::split(condition, b',').into_iter().any(|(_, query)| query_applies(query)),
        // a client that inlines or drops them is the concern of the client check
        "@supports" | "@layer" => true,
        _ => false,
    }
}

fn parts(at_rule: &str) -> (&str, &str) {
    let end = at_rule.find(|c: char| c.is_whitespace() || c == '(').unwrap_or(at_rule.len());
    at_rule.split_at(end)
}

fn query_applies(query: &str) -> bool {
    let query = query.to_ascii_lowercase();
    let (negated, query) = match query.strip_prefix("not ") {
        Some(query) => (true, query.to_owned()),
        None => (false, query.strip_prefix("only ").unwrap_or(&query).to_owned()),
    };
    let spaced = query.replace(")and", ") and").replace("and(", "and (");
    negated != spaced.split(" and ").all(|part| feature_applies(part.trim()))
}

fn feature_applies(feature: &str) -> bool {
    let feature = feature.trim_start_matches('(').trim_end_matches(')');
    let pixels = |value: &str| value.trim().trim_end_matches("px").parse::<f64>().ok();
    match feature.split_once(':').map(|(name, value)| (name.trim(), value)) {
        None => matches!(feature.trim(), "all" | "screen" | ""),
        Some(("prefers-color-scheme", value)) => value.trim() == "light",
        Some(("min-width" | "min-device-width", value)) => pixels(value).is_some_and(|least| WIDTH >= least),
        Some(("max-width" | "max-device-width", value)) => pixels(value).is_some_and(|most| WIDTH <= most),
        Some(_) => false,
    }
}

/// The places of a media query that ask for the preferred scheme, and what to put there so that `scheme` holds.
///
/// ```text
/// @media (prefers-color-scheme:dark) and (max-width:480px)  →  @media (min-width:0) and (max-width:480px)
/// ```
pub(super) fn settled(query: &str, scheme: Scheme) -> Vec<(Range<usize>, &'static str)> {
    const FEATURE: &str = "prefers-color-scheme";
    let lower = query.to_ascii_lowercase();
    let place = |(at, _): (usize, &str)| {
        let start = lower.get(..at)?.rfind('(')?;
        let end = at + lower.get(at..)?.find(')')? + 1;
        let wanted = lower.get(at + FEATURE.len()..end)?.trim_matches([':', ')', ' ', '\n', '\t']);
        let holds = match scheme {
            Scheme::Dark => wanted == "dark",
            Scheme::Light => wanted == "light",
        };
        Some((start..end, if holds { ALWAYS } else { NEVER }))
    };
    lower.match_indices(FEATURE).filter_map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::applies;

    #[test]
    fn queries_are_asked_of_a_large_light_screen() {
        for yes in [
            "@media all",
            "@media screen and (min-width:600px)",
            "@media (prefers-color-scheme: light)",
            "@media print, screen",
            "@media not print",
            "@supports (display:grid)",
            "@media (min-width:0)and (max-width:900px)",
        ] {
            assert!(applies(yes), "{yes}");
        }
        for no in [
            "@media print",
            "@media (prefers-color-scheme:dark)",
            "@media (max-width:480px)",
            "@media only screen and (max-width: 480px)",
            "@media (hover:hover)",
            "@keyframes spin",
        ] {
            assert!(!applies(no), "{no}");
        }
    }
}
