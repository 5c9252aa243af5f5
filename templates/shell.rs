//! The document around every email: head, preheader, the one column.

use maud::{DOCTYPE, Markup, html};

use super::verbatim;

/// The style sheet that is inlined into every email.
pub const STYLE: &str = include_str!("email.css");

/// What stays in the head: rules that cannot be inlined. The mail stands without them.
const KEPT_STYLE: &str = include_str!("email-kept.css");

/// Outlook for Windows sets pictures by the screen's density and falls back to Times without these.
const OUTLOOK_HEAD: &str = concat!(
    "<!--[if mso]><xml><o:OfficeDocumentSettings xmlns:o=\"urn:schemas-microsoft-com:office:office\">",
    "<o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml>",
    "<style>td,p,h1,h2,h3,li,a{font-family:Arial,sans-serif}</style><![endif]-->",
);

/// Outlook for Windows knows no `max-width`: a table holds the column.
const OUTLOOK_COLUMN: &str = concat!(
    "<!--[if mso]><table role=\"presentation\" width=\"600\" align=\"center\" cellpadding=\"0\" ",
    "cellspacing=\"0\" border=\"0\"><tr><td><![endif]-->",
);
const OUTLOOK_COLUMN_END: &str = "<!--[if mso]></td></tr></table><![endif]-->";

/// Puts `content` into the document of an email.
///
/// Fonts, colour and line height are set once, on the cell around the content:
/// set on every paragraph they would double the size.
pub(super) fn shell(language: &str, subject: &str, preheader: &str, content: &Markup) -> Markup {
    let direction = direction(language);
    let script = if is_cjk(language) { "letter cjk" } else { "letter latin" };
    html! {
        (DOCTYPE)
        html lang=(language) dir=(direction) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="supported-color-schemes" content="light dark";
                meta name="x-apple-disable-message-reformatting" content="";
                meta name="format-detection" content="telephone=no, date=no, address=no, email=no";
                title { (subject) }
                style data-css-inline="keep" { (verbatim(KEPT_STYLE)) }
                (verbatim(OUTLOOK_HEAD))
            }
            body.paper {
                @if !preheader.is_empty() {
                    div.preheader { (preheader) }
                }
                table.paper role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" {
                    tr {
                        td.margin align="center" {
                            (verbatim(OUTLOOK_COLUMN))
                            table.column role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" {
                                tr {
                                    // the language again: Gmail drops it from <html>
                                    td class=(script) lang=(language) dir=(direction) align=(start(direction)) {
                                        (content)
                                    }
                                }
                            }
                            (verbatim(OUTLOOK_COLUMN_END))
                        }
                    }
                }
            }
        }
    }
}

/// Content between rules, as wide as the column; a table, since Outlook for Windows pads cells only.
pub(super) fn band(class: &str, content: &Markup) -> Markup {
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" {
            tr { td class=(class) { (content) } }
        }
    }
}

/// `rtl` for the languages of Arabic, Hebrew, Thaana and Syriac script.
fn direction(language: &str) -> &'static str {
    match primary(language).as_str() {
        "ar" | "arc" | "ckb" | "dv" | "fa" | "he" | "ps" | "sd" | "syr" | "ug" | "ur" | "yi" => "rtl",
        _ => "ltr",
    }
}

fn start(direction: &str) -> &'static str {
    if direction == "rtl" { "right" } else { "left" }
}

fn is_cjk(language: &str) -> bool {
    matches!(primary(language).as_str(), "zh" | "ja" | "ko" | "yue")
}

/// The language of a tag without script and region: `zh` of `zh-Hans-CN`.
pub(super) fn primary(language: &str) -> String {
    language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}
