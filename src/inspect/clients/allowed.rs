//! Gaps that the email stands with, each with the reason.

use super::used::Use;

/// A gap that is accepted.
pub(super) struct Allowed {
    /// The feature's slug.
    pub(super) feature: &'static str,
    /// Clients; `outlook.*` is all of a family, `*` all there are.
    pub(super) clients: &'static [&'static str],
    /// It is not, as soon as one of these is in the way in which the feature is used.
    unless: &'static [&'static str],
    /// It is in the style block alone.
    kept: bool,
    /// Why the email is good without it there.
    pub(super) reason: &'static str,
}

impl Allowed {
    /// Whether it accepts a feature as it is used, in a client.
    pub(super) fn covers(&self, feature: &str, client: &str, used: &Use) -> bool {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(family) => client.starts_with(family),
            None => client == pattern,
        };
        let harmless = |way: &String| !self.unless.iter().any(|harm| way.contains(harm));
        self.feature == feature
            && self.clients.iter().any(|pattern| fits(pattern))
            && !(self.kept && used.inline)
            && used.ways.iter().all(harmless)
    }
}

/// All of them, by feature.
pub(super) const ALLOWED: [Allowed; 46] = [
    Allowed {
        feature: "css-at-media",
        clients: &["*"],
        unless: &["nested;"],
        kept: false,
        reason: "media queries refine what stands without them: margins on phones, dark colours",
    },
    Allowed {
        feature: "css-at-media-prefers-color-scheme",
        clients: &["*"],
        unless: &[],
        kept: false,
        reason: "who is not asked gets the light colours, whose forced inversion is checked too",
    },
    Allowed {
        feature: "css-background-color",
        clients: &["gmx.*", "web-de.*"],
        unless: &[],
        kept: false,
        reason: "tints are light: dark text stands as well on the white that is left",
    },
    Allowed {
        feature: "css-border",
        clients: &["outlook.windows"],
        unless: &[],
        kept: false,
        reason: "rules of 1 to 3 px; where one is missing, the space between parts remains",
    },
    Allowed {
        feature: "css-border-radius",
        clients: &["outlook.windows", "gmx.*", "web-de.*", "yahoo.*"],
        unless: &["%", "/"],
        kept: false,
        reason: "corners are square there",
    },
    Allowed {
        feature: "css-display",
        clients: &["gmail.*", "outlook.windows", "yahoo.*", "fastmail.*", "gmx.*", "web-de.*"],
        unless: &["flex", "grid", "flow-root", "contents", "inline-", "initial", "revert", "unset"],
        kept: false,
        reason: "`block` alone, which all of them know",
    },
    Allowed {
        feature: "css-display-none",
        clients: &["gmail.mobile-webmail", "outlook.windows"],
        unless: &[],
        kept: false,
        reason: "hides the preheader, together with max-height, overflow and mso-hide",
    },
    Allowed {
        feature: "css-font-size",
        clients: &["outlook.windows", "yahoo.*", "samsung-email.*", "gmx.*", "web-de.*"],
        unless: &["em;", "rem;", "%;", "smaller;", "larger;"],
        kept: false,
        reason: "sizes are in px",
    },
    Allowed {
        feature: "css-font-weight",
        clients: &["outlook.windows", "yahoo.*"],
        unless: &["0;"],
        kept: false,
        reason: "`bold` and `normal` alone",
    },
    Allowed {
        feature: "css-height",
        clients: &["outlook.windows", "yahoo.*"],
        unless: &["px;", "%;", "em;"],
        kept: false,
        reason: "`auto`, on images that have their height as an attribute",
    },
    Allowed {
        feature: "css-important",
        clients: &["gmail.*", "outlook.windows", "yahoo.*", "protonmail.*", "gmx.*", "web-de.*"],
        unless: &[],
        kept: true,
        reason: "only in the style block, which the email stands without",
    },
    Allowed {
        feature: "css-line-height",
        clients: &["outlook.windows"],
        unless: &["px;", "em;", "%;"],
        kept: false,
        reason: "bare numbers, which Outlook reads",
    },
    Allowed {
        feature: "css-margin",
        clients: &["gmail.*", "outlook.*", "yahoo.*"],
        unless: &[":-", " -"],
        kept: false,
        reason: "none is negative; the column is centred by align too",
    },
    Allowed {
        feature: "css-max-height",
        clients: &["outlook.windows"],
        unless: &[],
        kept: false,
        reason: "hides the preheader, which mso-hide does there",
    },
    Allowed {
        feature: "css-max-width",
        clients: &["outlook.windows"],
        unless: &[],
        kept: false,
        reason: "a table in a comment for Outlook holds the column, and images have a width attribute",
    },
    Allowed {
        feature: "css-opacity",
        clients: &["gmail.mobile-webmail", "outlook.windows", "gmx.*", "web-de.*"],
        unless: &["opacity:0.", "opacity:."],
        kept: false,
        reason: "one of several ways to hide the preheader",
    },
    Allowed {
        feature: "css-overflow",
        clients: &["*"],
        unless: &["scroll;", "auto;"],
        kept: false,
        reason: "one of several ways to hide the preheader",
    },
    Allowed {
        feature: "css-padding",
        clients: &["outlook.windows"],
        unless: &[],
        kept: false,
        reason: "what must keep its distance is a table cell; the rest is ornament",
    },
    Allowed {
        feature: "css-selector-class",
        clients: &["gmail.*", "protonmail.*"],
        unless: &[],
        kept: true,
        reason: "the style block is what the email stands without",
    },
    Allowed {
        feature: "css-selector-descendant",
        clients: &["gmail.*", "protonmail.*", "gmx.*", "web-de.*"],
        unless: &[],
        kept: true,
        reason: "the style block is what the email stands without",
    },
    Allowed {
        feature: "css-selector-grouping",
        clients: &["gmail.*", "protonmail.*", "gmx.*", "web-de.*"],
        unless: &[],
        kept: true,
        reason: "the style block is what the email stands without",
    },
    Allowed {
        feature: "css-selector-type",
        clients: &["gmail.*", "protonmail.*", "gmx.*", "web-de.*"],
        unless: &[],
        kept: true,
        reason: "the style block is what the email stands without",
    },
    Allowed {
        feature: "css-table-layout",
        clients: &["outlook.windows", "outlook.macos"],
        unless: &[],
        kept: false,
        reason: "columns are as wide as their words there, or all the same",
    },
    Allowed {
        feature: "css-text-align",
        clients: &["gmail.*", "outlook.*", "yahoo.*", "samsung-email.*", "gmx.*", "web-de.*"],
        unless: &["start;", "end;", "match-parent"],
        kept: false,
        reason: "`left`, `right` and `center` alone",
    },
    Allowed {
        feature: "css-text-decoration",
        clients: &["protonmail.ios", "gmail.*", "outlook.windows", "gmx.*", "web-de.*"],
        unless: &["overline", "wavy", "dotted", "dashed", "double"],
        kept: false,
        reason: "links are underlined of themselves",
    },
    Allowed {
        feature: "css-text-decoration-color",
        clients: &["gmail.*", "outlook.windows", "gmx.*", "web-de.*"],
        unless: &[],
        kept: false,
        reason: "underlines have the colour of their words there",
    },
    Allowed {
        feature: "css-white-space",
        clients: &["gmail.*", "yahoo.*", "outlook.windows", "samsung-email.*"],
        unless: &["white-space:pre;", "nowrap;"],
        kept: false,
        reason: "on <pre>, which keeps its lines by itself; long ones wrap elsewhere",
    },
    Allowed {
        feature: "css-width",
        clients: &["outlook.windows"],
        unless: &[],
        kept: false,
        reason: "images have their width as an attribute",
    },
    Allowed {
        feature: "css-word-break",
        clients: &["*"],
        unless: &["break-all", "keep-all"],
        kept: false,
        reason: "only words as long as the column are broken otherwise, or run over it",
    },
    Allowed {
        feature: "css-word-wrap",
        clients: &["gmail.*", "outlook.*"],
        unless: &[],
        kept: false,
        reason: "only words as long as the column run over it",
    },
    Allowed {
        feature: "css-selector-attribute",
        clients: &["*"],
        unless: &[],
        kept: true,
        reason: "`[data-ogsc]` is what the new Outlook itself adds in the dark; all others have no use for it",
    },
    Allowed {
        feature: "html-align",
        clients: &["outlook.macos", "protonmail.desktop-webmail", "hey.*"],
        unless: &["img align"],
        kept: false,
        reason: "text and cells; the column is centred by its margins too",
    },
    Allowed {
        feature: "html-aria-hidden",
        clients: &["yahoo.*", "thunderbird.*", "hey.*", "gmx.*", "web-de.*"],
        unless: &[],
        kept: false,
        reason: "the emoji of a heading is read aloud there",
    },
    Allowed {
        feature: "html-blockquote",
        clients: &["hey.*"],
        unless: &[],
        kept: false,
        reason: "quotes can be folded there",
    },
    Allowed {
        feature: "html-body",
        clients: &["*"],
        unless: &[],
        kept: false,
        reason: "colours and fonts are set again on table and cell",
    },
    Allowed {
        feature: "html-dir",
        clients: &["gmx.*", "web-de.*", "gmail.mobile-webmail", "outlook.windows"],
        unless: &["a dir="],
        kept: false,
        reason: "cells have align too, and the script's own direction does the rest",
    },
    Allowed {
        feature: "html-doctype",
        clients: &["*"],
        unless: &[],
        kept: false,
        reason: "the layout is tables, which are the same in every mode",
    },
    Allowed {
        feature: "html-lang",
        clients: &["hey.*", "gmx.*", "web-de.*", "yahoo.*"],
        unless: &[],
        kept: false,
        reason: "screen readers guess the language there",
    },
    Allowed {
        feature: "html-lists",
        clients: &["gmail.*", "outlook.*", "yahoo.*"],
        unless: &["reversed", "li value"],
        kept: false,
        reason: "plain lists and `start`",
    },
    Allowed {
        feature: "html-mailto-links",
        clients: &["yahoo.android", "protonmail.android"],
        unless: &["bcc="],
        kept: false,
        reason: "addresses without blind copies",
    },
    Allowed {
        feature: "html-meta-color-scheme",
        clients: &["*"],
        unless: &[],
        kept: false,
        reason: "for those who read it; colours are set in any case",
    },
    Allowed {
        feature: "html-role",
        clients: &["hey.*", "gmx.*", "web-de.*", "yahoo.*"],
        unless: &[],
        kept: false,
        reason: "says that tables are layout; screen readers guess it from missing headers",
    },
    Allowed {
        feature: "html-style",
        clients: &["gmail.*", "outlook.windows", "protonmail.*", "gmx.*", "web-de.*"],
        unless: &[],
        kept: false,
        reason: "media queries alone, which the email stands without",
    },
    Allowed {
        feature: "html-width",
        clients: &["hey.*", "outlook.windows"],
        unless: &["img width=100%"],
        kept: false,
        reason: "percentages on tables, numbers on images",
    },
    Allowed {
        feature: "image-gif",
        clients: &["outlook.windows"],
        unless: &[],
        kept: false,
        reason: "the first frame is shown",
    },
    Allowed {
        feature: "image-webp",
        clients: &["gmail.*"],
        unless: &[],
        kept: false,
        reason: "shown as JPEG, without moving",
    },
];
