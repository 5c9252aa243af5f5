//! Images: those who do not see them, and those whose mail client shows none.

use url::Url;

use super::{Context, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "image-no-alt",
        severity: Severity::Warning,
        summary: "an image without alternative text",
        why: "Many mail clients load no images, and some readers do not see: for them there is only the text.",
        bad: "# Harbour Weekly #12: Slow Software\n\n![](https://boats.example/launch.png)\n",
        good: "# Harbour Weekly #12: Slow Software\n\n![The ferry leaves the old pier](https://boats.example/launch.png)\n",
        check: no_alt,
    },
    Rule {
        id: "image-alt-file-name",
        severity: Severity::Warning,
        summary: "an image whose alternative text is a file name, or just says that it is an image",
        why: "A screen reader reads it out letter by letter.",
        bad: "# Harbour Weekly #12: Slow Software\n\n![IMG_2041.png](https://boats.example/launch.png)\n",
        good: "# Harbour Weekly #12: Slow Software\n\n![The ferry leaves the old pier](https://boats.example/launch.png)\n",
        check: file_name,
    },
    Rule {
        id: "image-format",
        severity: Severity::Warning,
        summary: "an image in a format that mail clients do not show",
        why: "Gmail shows no SVG and no data: images, hardly any client AVIF or HEIC: readers see a gap.",
        bad: "# Harbour Weekly #12: Slow Software\n\n![Chart of the harbour](https://boats.example/chart.svg)\n",
        good: "# Harbour Weekly #12: Slow Software\n\n![Chart of the harbour](https://boats.example/chart.png)\n",
        check: format,
    },
    Rule {
        id: "image-webp",
        severity: Severity::Note,
        summary: "an image in WebP",
        why: "Outlook on Windows does not show it; nearly all others do.",
        bad: "# Harbour Weekly #12: Slow Software\n\n![Chart of the harbour](https://boats.example/chart.webp)\n",
        good: "# Harbour Weekly #12: Slow Software\n\n![Chart of the harbour](https://boats.example/chart.png)\n",
        check: webp,
    },
    Rule {
        id: "image-http",
        severity: Severity::Warning,
        summary: "an image over plain http",
        why: "Mail clients do not load it, so it is left out of the email.",
        bad: "# Harbour Weekly #12: Slow Software\n\n![Chart of the harbour](http://boats.example/chart.png)\n",
        good: "# Harbour Weekly #12: Slow Software\n\n![Chart of the harbour](https://boats.example/chart.png)\n",
        check: http,
    },
];

fn no_alt(context: &Context<'_>) -> Vec<Mark> {
    let without = context.manuscript.images.iter().filter(|image| image.alt.trim().is_empty());
    let hint = "say what it shows: `![The ferry leaves the old pier](…)`";
    without.map(|image| context.mark(&image.span, "this image has no alternative text", hint)).collect()
}

fn file_name(context: &Context<'_>) -> Vec<Mark> {
    let named = context.manuscript.images.iter().filter(|image| is_file_name(image.alt.trim()));
    let hint = "say what it shows: `![The ferry leaves the old pier](…)`";
    let mark = |image: &super::super::manuscript::Picture| {
        context.mark(&image.span, format!("`{}` says nothing about this image", image.alt.trim()), hint)
    };
    named.map(mark).collect()
}

/// `IMG_2041.png`, `Pasted image 20240608`, `screenshot`, `图片`.
fn is_file_name(alt: &str) -> bool {
    const NAMES: [&str; 15] = [
        "image",
        "img",
        "picture",
        "photo",
        "pic",
        "screenshot",
        "alt",
        "alt text",
        "image description",
        "untitled",
        "图片",
        "图像",
        "截图",
        "图",
        "图片描述",
    ];
    const BEGINNINGS: [&str; 7] =
        ["img_", "dsc_", "pasted image", "screenshot 20", "screen shot 20", "wechat", "微信图片_"];
    let lower = alt.to_lowercase();
    let ending = lower.rsplit_once('.').is_some_and(|(name, ending)| {
        let known = matches!(ending, "png" | "jpg" | "jpeg" | "gif" | "webp" | "svg" | "avif" | "bmp" | "heic");
        known && !name.contains(' ')
    });
    // `image.png`, `image-3`, but not `Image of a pier`
    let counted = lower.trim_end_matches(|c: char| c.is_ascii_digit() || "-_ .".contains(c));
    ending || NAMES.contains(&counted) || BEGINNINGS.iter().any(|start| lower.starts_with(start))
}

fn format(context: &Context<'_>) -> Vec<Mark> {
    let mut marks = Vec::new();
    for image in &context.manuscript.images {
        let place = image.address.as_ref().unwrap_or(&image.span);
        if image.url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
            let hint = "put the picture on the web and link to it";
            marks.push(context.mark(place, "mail clients do not show `data:` images", hint));
            continue;
        }
        let (what, who) = match ending(&image.url).as_deref() {
            _ if is_badge(&image.url) => ("SVG", "Gmail and Outlook do not show it"),
            Some("svg") => ("SVG", "Gmail and Outlook do not show it"),
            Some("avif") => ("AVIF", "most mail clients do not show it"),
            Some("heic" | "heif") => ("HEIC", "only Apple's clients show it"),
            Some("tif" | "tiff") => ("TIFF", "only Apple's clients show it"),
            Some("mp4" | "webm" | "mov" | "avi" | "mkv") => ("a film", "mail clients play none"),
            Some("pdf") => ("a PDF", "mail clients show none as an image"),
            _ => continue,
        };
        marks.push(context.mark(place, format!("this image is {what}: {who}"), "use PNG, JPEG or GIF"));
    }
    marks
}

/// Whether the address is of a service that draws SVG without saying so: badges, charts of stars.
fn is_badge(url: &str) -> bool {
    const HOSTS: [&str; 4] = ["img.shields.io", "badgen.net", "flat.badgen.net", "custom-icon-badges.demolab.com"];
    let Ok(url) = Url::parse(url) else { return false };
    let chart = url.host_str() == Some("api.star-history.com") && url.path() == "/svg";
    chart || url.host_str().is_some_and(|host| HOSTS.contains(&host)) && ending(url.as_str()).as_deref() != Some("png")
}

/// What a file's name ends with, in lower case.
fn ending(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    Some(ending.to_ascii_lowercase())
}

fn webp(context: &Context<'_>) -> Vec<Mark> {
    let images = context.manuscript.images.iter().filter(|image| ending(&image.url).as_deref() == Some("webp"));
    let mark = |image: &super::super::manuscript::Picture| {
        let place = image.address.as_ref().unwrap_or(&image.span);
        context.mark(place, "Outlook on Windows does not show WebP", "use PNG or JPEG if readers of yours have it")
    };
    images.map(mark).collect()
}

fn http(context: &Context<'_>) -> Vec<Mark> {
    let plain = |url: &str| url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
    let images = context.manuscript.images.iter().filter(|image| plain(&image.url));
    let hint = "if the same picture is there under https://, write that; else put a copy where it is";
    images
        .map(|image| {
            context.mark(image.address.as_ref().unwrap_or(&image.span), "this image comes over plain http", hint)
        })
        .collect()
}
