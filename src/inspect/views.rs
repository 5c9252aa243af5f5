//! An email with something missing: without its style block, without images, with nothing loaded from outside.

use super::css;
use super::edits::Edits;
use super::markup::{self, Kind, Tag};

/// The email as clients show it that drop every `<style>` (Gmail for accounts of other providers).
pub fn without_style(html: &str) -> String {
    let mut edits = Edits::default();
    for piece in markup::read(html) {
        match piece.kind {
            Kind::Raw(_) => edits.replace(piece.span, ""),
            Kind::Open(tag) if tag.is("style") => edits.replace(piece.span, ""),
            Kind::Close(name) if name.eq_ignore_ascii_case("style") => edits.replace(piece.span, ""),
            _ => {}
        }
    }
    edits.apply(html)
}

/// The email as clients show it that load no images: the text that stands for one, in its place and look.
pub fn without_images(html: &str) -> String {
    replace_images(html, |image| {
        let style = image.value("style").unwrap_or_default();
        let alt = image.value("alt").unwrap_or_default();
        let class = image.value("class").unwrap_or_default();
        format!(
            "<span class=\"{}\" style=\"{}\">{}</span>",
            markup::encode(class),
            markup::encode(style),
            markup::encode(alt),
        )
    })
}

/// The email with a frame in each image's place that says where it lies, its size and its text; nothing is loaded.
///
/// ```text
/// images.example.org · 552×310 · The pilots' boat at dawn
/// ```
pub fn placeholders(html: &str) -> String {
    replace_images(html, |image| {
        const FRAME: &str = "display:block;box-sizing:border-box;border:1px dashed currentColor;\
                             padding:8px;font-size:13px;line-height:1.4;overflow-wrap:anywhere;";
        let pixels = |name: &str| image.value(name).and_then(|value| value.trim().parse::<u32>().ok());
        let (width, height) = (pixels("width"), pixels("height"));
        let length = |name: &str, value: Option<u32>| value.map_or(String::new(), |value| format!("{name}:{value}px;"));
        let size = match (width, height) {
            (Some(width), Some(height)) => format!("{width}×{height}"),
            (Some(width), None) => format!("{width} wide"),
            (None, Some(height)) => format!("{height} high"),
            (None, None) => String::new(),
        };
        let words = [host(image.value("src").unwrap_or_default()), &size, image.value("alt").unwrap_or_default()];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        format!(
            "<span style=\"{FRAME}{}{}\">{}</span>",
            width.map_or(String::new(), |width| format!("width:100%;max-width:{width}px;")),
            length("min-height", height),
            markup::encode(&words.join(" · ")),
        )
    })
}

/// The host of an image's address; of an inline one, `data:`.
fn host(url: &str) -> &str {
    let Some((scheme, rest)) = url.split_once(':') else { return "" };
    match rest.strip_prefix("//") {
        Some(rest) => {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            authority.rsplit('@').next().unwrap_or_default()
        }
        None => url.get(..=scheme.len()).unwrap_or_default(),
    }
}

/// Replaces image elements, and drops whatever else would load a picture or a font.
fn replace_images(html: &str, show: impl Fn(&Tag<'_>) -> String) -> String {
    let mut edits = Edits::default();
    for piece in markup::read(html) {
        match piece.kind {
            Kind::Open(tag) if tag.is("img") => edits.replace(piece.span, show(&tag)),
            Kind::Open(tag) if ["source", "link"].iter().any(|name| tag.is(name)) => edits.replace(piece.span, ""),
            Kind::Open(tag) => {
                if let Some(background) = tag.attribute("background") {
                    edits.replace(background.value_span.clone(), "");
                }
                edits.restyle(&tag, |declaration| loads(declaration.value).then(|| "none".to_owned()));
            }
            Kind::Raw(css) => {
                let offset = piece.span.start;
                edits.restyle_sheet(css, offset, |_, declaration| loads(declaration.value).then(|| "none".to_owned()));
                for (at, rule) in css::sheet(css).at_rules {
                    if rule.get(..7).is_some_and(|name| name.eq_ignore_ascii_case("@import")) {
                        edits.replace(offset + at..offset + at + rule.len(), "");
                    }
                }
            }
            _ => {}
        }
    }
    edits.apply(html)
}

/// Whether a value names something to load.
fn loads(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    ["url(", "image-set(", "image("].iter().any(|function| value.contains(function))
}
