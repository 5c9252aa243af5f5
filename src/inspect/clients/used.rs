//! The features that an email uses, by their names in the data.

use std::collections::{HashMap, HashSet};

use super::super::css::{self, Declaration};
use super::super::markup::{self, Kind, Tag};

/// How a feature is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    /// The first time, in bytes of the HTML.
    pub(super) at: usize,
    /// How often.
    pub(super) count: usize,
    /// Somewhere else than in the style block.
    pub(super) inline: bool,
    /// Each way: `margin:0 auto;`, `table width=100%;`, `ol start;`, `mailto:a@b.example;`.
    pub(super) ways: HashSet<String>,
}

/// Every feature that the HTML uses; what stands in comments, as Outlook's own markup does, is left alone.
pub(super) fn features(html: &str) -> HashMap<String, Use> {
    let mut used = Used::default();
    for piece in markup::read(html) {
        used.at = piece.span.start;
        match piece.kind {
            Kind::Open(tag) => used.tag(&tag),
            Kind::Raw(css) => used.sheet(css),
            Kind::Comment(_) => used.mark("html-comments"),
            Kind::Declaration(text) if text.to_ascii_lowercase().starts_with("<!doctype html") => {
                used.mark("html-doctype");
            }
            Kind::Declaration(_) | Kind::Close(_) | Kind::Text(_) => {}
        }
    }
    used.features
}

#[derive(Default)]
struct Used {
    features: HashMap<String, Use>,
    /// Where we are in the HTML.
    at: usize,
    /// What is there.
    way: String,
    /// We are in the style block.
    kept: bool,
}

impl Used {
    fn mark(&mut self, slug: &str) {
        if !self.features.contains_key(slug) {
            let first = Use { at: self.at, count: 0, inline: false, ways: HashSet::new() };
            self.features.insert(slug.to_owned(), first);
        }
        if let Some(used) = self.features.get_mut(slug) {
            used.count += 1;
            used.inline |= !self.kept;
            if !used.ways.contains(&self.way) {
                used.ways.insert(self.way.clone());
            }
        }
    }

    fn tag(&mut self, tag: &Tag<'_>) {
        let name = tag.name.to_ascii_lowercase();
        let attributes: Vec<&str> = tag.attributes.iter().map(|attribute| attribute.name).collect();
        self.way = format!("{name} {};", attributes.join(" "));
        self.mark(&element(&name, tag));
        for attribute in &tag.attributes {
            let own = attribute.name.to_ascii_lowercase();
            if let Some((_, slug)) = ATTRIBUTES.iter().find(|(known, _)| *known == own) {
                self.way = format!("{name} {own}={};", attribute.value);
                self.mark(slug);
            }
        }
        match name.as_str() {
            "a" | "area" => {
                let href = tag.value("href").unwrap_or_default();
                self.way = format!("{href};");
                if href.starts_with('#') {
                    self.mark("html-anchor-links");
                } else if href.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:")) {
                    self.mark("html-mailto-links");
                }
            }
            "img" | "source" => {
                let srcset = tag.value("srcset").unwrap_or_default().split(',');
                let sources = srcset.map(|source| source.split_whitespace().next().unwrap_or_default());
                for source in sources.chain(tag.value("src")) {
                    self.image(source);
                }
            }
            "meta" if tag.value("name") == Some("color-scheme") => self.mark("html-meta-color-scheme"),
            "html" if tag.attribute("amp4email").is_some() || tag.attribute("⚡4email").is_some() => self.mark("amp"),
            _ => {}
        }
        for declaration in css::declarations(tag.value("style").unwrap_or_default()) {
            self.declaration(&declaration);
        }
    }

    /// The format of an image, by its address.
    fn image(&mut self, url: &str) {
        let format = match url.strip_prefix("data:image/") {
            Some(data) => {
                self.mark("image-base64");
                data.split([';', ',', '+']).next().unwrap_or_default()
            }
            None => {
                let path = url.split(['?', '#']).next().unwrap_or_default();
                path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map_or("", |(_, format)| format)
            }
        };
        let format = format.to_ascii_lowercase();
        self.way = format!("{url};");
        match format.as_str() {
            "apng" | "avif" | "bmp" | "gif" | "hdr" | "ico" | "jpg" | "mp4" | "png" | "svg" | "tiff" | "webp" => {
                self.mark(&format!("image-{format}"));
            }
            "jpeg" => self.mark("image-jpg"),
            "tif" => self.mark("image-tiff"),
            "heic" | "heif" => self.mark("image-heif"),
            _ => {}
        }
    }

    fn sheet(&mut self, css: &str) {
        let offset = self.at;
        (self.kept, self.way) = (true, String::new());
        if css.contains("/*") {
            self.mark("css-comments");
        }
        let sheet = css::sheet(css);
        for (at, prelude) in sheet.at_rules {
            self.at = offset + at;
            self.way = format!("{prelude};");
            self.at_rule(&prelude.to_ascii_lowercase());
        }
        for rule in sheet.rules {
            self.at = offset + rule.at;
            if rule.within.len() > 1 {
                self.way = "nested;".to_owned();
                self.mark("css-at-media");
            }
            self.way = format!("{};", rule.prelude);
            if !rule.prelude.starts_with('@') && !rule.within.iter().any(|at| at.contains("keyframes")) {
                self.selectors(rule.prelude);
            }
            if rule.body.contains('{') {
                self.mark("css-nesting");
            }
            for declaration in css::declarations(rule.body) {
                self.at = offset + rule.body_span.start + declaration.span.start;
                self.declaration(&declaration);
            }
        }
        self.kept = false;
    }

    fn at_rule(&mut self, prelude: &str) {
        let name = prelude.split([' ', '(', '{', '\n', '\t']).next().unwrap_or_default();
        match name {
            "@media" => {
                self.mark("css-at-media");
                for (feature, slug) in MEDIA {
                    if prelude.contains(feature) {
                        self.mark(slug);
                    }
                }
            }
            "@font-face" | "@import" | "@keyframes" | "@supports" => {
                self.mark(&format!("css-at-{}", name.trim_start_matches('@')));
            }
            _ => {}
        }
    }

    fn selectors(&mut self, list: &str) {
        let selectors = css::split(list, b',');
        if selectors.len() > 1 {
            self.mark("css-selector-grouping");
        }
        for (_, selector) in selectors {
            self.selector(selector);
        }
    }

    fn selector(&mut self, selector: &str) {
        // what is in brackets, or in a pseudo-class's parentheses, is no selector of its own here
        let mut bare = String::with_capacity(selector.len());
        let mut depth = 0_usize;
        for c in selector.chars() {
            match c {
                '[' | '(' => {
                    depth += 1;
                    if c == '[' && depth == 1 {
                        self.mark("css-selector-attribute");
                    }
                }
                ']' | ')' => depth = depth.saturating_sub(1),
                c if depth == 0 => bare.push(c),
                _ => {}
            }
        }
        if bare.contains('&') {
            self.mark("css-nesting");
        }
        let mut combined = false;
        for (sign, slug) in [("+", "adjacent-sibling"), ("~", "general-sibling"), (">", "child")] {
            if bare.contains(sign) {
                combined = true;
                self.mark(&format!("css-selector-{slug}"));
            }
        }
        let compounds: Vec<&str> =
            bare.split([' ', '\t', '\n', '+', '~', '>']).filter(|part| !part.is_empty()).collect();
        if compounds.len() > 1 && !combined {
            self.mark("css-selector-descendant");
        }
        for compound in compounds {
            self.compound(compound);
        }
    }

    fn compound(&mut self, compound: &str) {
        let (plain, pseudo) = compound.split_once(':').unwrap_or((compound, ""));
        match plain.matches('.').count() {
            0 => {}
            1 => self.mark("css-selector-class"),
            _ => {
                self.mark("css-selector-class");
                self.mark("css-selector-chaining");
            }
        }
        if plain.contains('#') {
            self.mark("css-selector-id");
        }
        if plain.starts_with('*') {
            self.mark("css-selector-universal");
        } else if plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.mark("css-selector-type");
        }
        for name in pseudo.split(':').filter(|name| !name.is_empty()) {
            let kind = match name {
                "after" | "before" | "first-letter" | "first-line" | "marker" | "placeholder" => "element",
                _ => "class",
            };
            self.mark(&format!("css-pseudo-{kind}-{name}"));
        }
    }

    fn declaration(&mut self, declaration: &Declaration<'_>) {
        let name = declaration.name.to_ascii_lowercase();
        let value = declaration.value.to_ascii_lowercase();
        self.way = format!("{name}:{value};");
        if declaration.important {
            self.mark("css-important");
        }
        match (name.as_str(), value.as_str()) {
            // Outlook's own; everybody else skips it
            (mso, _) if mso.starts_with("mso-") => return,
            (custom, _) if custom.starts_with("--") => self.mark("css-variables"),
            ("display", "none") => self.mark("css-display-none"),
            ("display", "flex" | "inline-flex") => self.mark("css-display-flex"),
            ("display", "grid" | "inline-grid") => self.mark("css-display-grid"),
            ("flex-direction", "column" | "column-reverse") => self.mark("css-flex-direction"),
            ("flex-wrap", "wrap" | "wrap-reverse") => self.mark("css-flex-wrap"),
            ("flex-direction" | "flex-wrap", _) => {}
            _ => self.mark(&property(&name)),
        }
        self.value(&value);
    }

    /// Functions, units and keywords of a value.
    fn value(&mut self, value: &str) {
        for (at, _) in value.match_indices('(') {
            let name = value.get(..at).unwrap_or_default();
            let start = name.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '-').map_or(0, |start| start + 1);
            match name.get(start..).unwrap_or_default() {
                "url" => {
                    let end = value.get(at..).and_then(|rest| rest.find(')')).map_or(value.len(), |end| at + end);
                    self.image(value.get(at + 1..end).unwrap_or_default().trim_matches(['"', '\'', ' ']));
                }
                "calc" => self.mark("css-unit-calc"),
                "var" => self.mark("css-variables"),
                "clamp" | "max" | "min" | "light-dark" => {
                    self.mark(&format!("css-function-{}", name.get(start..).unwrap_or_default()));
                }
                function @ ("rgb" | "rgba" | "linear-gradient" | "radial-gradient" | "conic-gradient") => {
                    self.mark(&format!("css-{function}"));
                }
                "lch" | "oklch" | "lab" | "oklab" => self.mark("css-modern-color"),
                _ => {}
            }
        }
        for word in value.split([' ', ',', '(', ')', '/', '\t', '\n']) {
            self.word(word);
        }
    }

    fn word(&mut self, word: &str) {
        match word {
            "initial" => self.mark("css-unit-initial"),
            "system-ui" | "ui-serif" | "ui-sans-serif" | "ui-rounded" | "ui-monospace" => self.mark("css-sytem-ui"),
            "fit-content" | "min-content" | "max-content" => self.mark("css-intrinsic-size"),
            _ => {}
        }
        let number = word.trim_start_matches(['-', '+']);
        if !number.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return;
        }
        let unit = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        match unit {
            "%" => self.mark("css-unit-percent"),
            "ch" | "cm" | "em" | "ex" | "in" | "mm" | "pc" | "pt" | "px" | "rem" | "vh" | "vmax" | "vmin" | "vw" => {
                self.mark(&format!("css-unit-{unit}"));
            }
            _ => {}
        }
    }
}

/// The name of an element's feature; where the data has none, nothing has that name.
fn element(name: &str, tag: &Tag<'_>) -> String {
    let kind = |of: &str| format!("html-{of}-{}", tag.value("type").unwrap_or("text").to_ascii_lowercase());
    let slug = match name {
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => "html-h1-h6",
        "ul" | "ol" | "li" | "dl" | "dt" | "dd" => "html-lists",
        "map" | "area" => "html-image-maps",
        "article" | "aside" | "details" | "figcaption" | "figure" | "footer" | "header" | "main" | "mark" | "nav"
        | "section" | "summary" | "time" => "html-semantics",
        "input" => return kind("input"),
        "button" => return kind("button"),
        _ => return format!("html-{name}"),
    };
    slug.to_owned()
}

/// The name of a property's feature; where the data has none, nothing has that name.
fn property(name: &str) -> String {
    if let Some((_, slug)) = PROPERTIES.iter().find(|(known, _)| *known == name) {
        return (*slug).to_owned();
    }
    let sides = ["top", "right", "bottom", "left", "color", "style", "width"];
    for base in ["border", "margin", "padding"] {
        let rest = name.strip_prefix(base).and_then(|rest| rest.strip_prefix('-'));
        if rest.is_some_and(|rest| rest.split('-').all(|word| sides.contains(&word))) {
            return format!("css-{base}");
        }
    }
    format!("css-{name}")
}

/// Attributes and their features.
const ATTRIBUTES: [(&str, &str); 22] = [
    ("align", "html-align"),
    ("aria-describedby", "html-aria-describedby"),
    ("aria-hidden", "html-aria-hidden"),
    ("aria-label", "html-aria-label"),
    ("aria-labelledby", "html-aria-labelledby"),
    ("aria-live", "html-aria-live"),
    ("background", "html-background"),
    ("cellpadding", "html-cellpadding"),
    ("cellspacing", "html-cellspacing"),
    ("dir", "html-dir"),
    ("height", "html-height"),
    ("hidden", "html-hidden"),
    ("inert", "css-inert-attribute"),
    ("lang", "html-lang"),
    ("loading", "html-loading-attribute"),
    ("popover", "html-popover"),
    ("required", "html-required"),
    ("role", "html-role"),
    ("srcset", "html-srcset"),
    ("target", "html-target"),
    ("valign", "html-valign"),
    ("width", "html-width"),
];

/// Media features that have a name of their own in the data.
const MEDIA: [(&str, &str); 5] = [
    ("device-pixel-ratio", "css-at-media-device-pixel-ratio"),
    ("hover", "css-at-media-hover"),
    ("orientation", "css-at-media-orientation"),
    ("prefers-color-scheme", "css-at-media-prefers-color-scheme"),
    ("prefers-reduced-motion", "css-at-media-prefers-reduced-motion"),
];

/// Properties whose feature is called otherwise.
const PROPERTIES: [(&str, &str); 51] = [
    ("block-size", "css-block-inline-size"),
    ("border-block", "css-border-inline-block"),
    ("border-block-color", "css-border-inline-block-longhand"),
    ("border-block-end", "css-border-inline-block-individual"),
    ("border-block-start", "css-border-inline-block-individual"),
    ("border-block-style", "css-border-inline-block-longhand"),
    ("border-block-width", "css-border-inline-block-longhand"),
    ("border-bottom-left-radius", "css-border-radius"),
    ("border-bottom-right-radius", "css-border-radius"),
    ("border-end-end-radius", "css-border-radius-logical"),
    ("border-end-start-radius", "css-border-radius-logical"),
    ("border-inline", "css-border-inline-block"),
    ("border-inline-color", "css-border-inline-block-longhand"),
    ("border-inline-end", "css-border-inline-block-individual"),
    ("border-inline-start", "css-border-inline-block-individual"),
    ("border-inline-style", "css-border-inline-block-longhand"),
    ("border-inline-width", "css-border-inline-block-longhand"),
    ("border-start-end-radius", "css-border-radius-logical"),
    ("border-start-start-radius", "css-border-radius-logical"),
    ("border-top-left-radius", "css-border-radius"),
    ("border-top-right-radius", "css-border-radius"),
    ("bottom", "css-left-right-top-bottom"),
    ("column-fill", "css-column-layout-properties"),
    ("column-gap", "css-gap"),
    ("column-rule", "css-column-layout-properties"),
    ("column-span", "css-column-layout-properties"),
    ("column-width", "css-column-layout-properties"),
    ("columns", "css-column-layout-properties"),
    ("grid-template-areas", "css-grid-template"),
    ("grid-template-columns", "css-grid-template"),
    ("grid-template-rows", "css-grid-template"),
    ("inset-block", "css-inset"),
    ("inset-inline", "css-inset"),
    ("left", "css-left-right-top-bottom"),
    ("margin-block", "css-margin-inline-block"),
    ("margin-block-end", "css-margin-block-start-end"),
    ("margin-block-start", "css-margin-block-start-end"),
    ("margin-inline", "css-margin-inline-block"),
    ("margin-inline-end", "css-margin-inline-start-end"),
    ("margin-inline-start", "css-margin-inline-start-end"),
    ("overflow-x", "css-overflow"),
    ("overflow-y", "css-overflow"),
    ("padding-block", "css-padding-inline-block"),
    ("padding-block-end", "css-padding-block-start-end"),
    ("padding-block-start", "css-padding-block-start-end"),
    ("padding-inline", "css-padding-inline-block"),
    ("padding-inline-end", "css-padding-inline-start-end"),
    ("padding-inline-start", "css-padding-inline-start-end"),
    ("right", "css-left-right-top-bottom"),
    ("row-gap", "css-gap"),
    ("top", "css-left-right-top-bottom"),
];

#[cfg(test)]
mod tests {
    use super::super::DATA;
    use super::{ATTRIBUTES, MEDIA, PROPERTIES, features};

    #[test]
    fn every_name_in_the_tables_is_a_feature() {
        let slugs = [&ATTRIBUTES[..], &MEDIA[..], &PROPERTIES[..]].concat();
        for (name, slug) in slugs.into_iter().chain([("system-ui", "css-sytem-ui")]) {
            assert!(DATA.features.iter().any(|feature| feature.slug == slug), "{name}: {slug}");
        }
    }

    #[test]
    fn features_are_found_where_they_are_used() {
        let html = r#"<!DOCTYPE html><style>@media (prefers-color-scheme:dark){.a .b,h1{color:red!important}} p:hover{--x:1}</style><img src="https://a.example/b.WebP?c" width="5"><p style="display:grid;margin-top:2em;width:calc(1px + 2%)"><a href="mailto:a@b.example">"#;
        let found = features(html);
        for slug in [
            "html-doctype",
            "html-style",
            "css-at-media",
            "css-at-media-prefers-color-scheme",
            "css-selector-class",
            "css-selector-type",
            "css-selector-descendant",
            "css-selector-grouping",
            "css-important",
            "css-pseudo-class-hover",
            "css-variables",
            "image-webp",
            "html-width",
            "css-display-grid",
            "css-margin",
            "css-unit-em",
            "css-unit-calc",
            "css-unit-px",
            "css-unit-percent",
            "html-mailto-links",
        ] {
            assert!(found.contains_key(slug), "{slug}");
        }
        let at = found.get("image-webp").map(|used| used.at);
        assert_eq!(found.get("css-important").map(|used| used.inline), Some(false));
        assert!(found.get("css-margin").is_some_and(|used| used.ways.contains("margin-top:2em;") && used.inline));
        assert_eq!(at, html.find("<img"));
        assert!(!found.contains_key("css-display"));
    }
}
