//! The document around every email: head, preheader, the one column.

use maud::{DOCTYPE, Markup, html};

use super::script::Script;
use super::style::Style;
use super::{css, outlook_column, verbatim};
use crate::theme::Theme;

/// Outlook for Windows sets pictures by the screen's density without it.
const OUTLOOK_HEAD: &str = concat!(
    "<!--[if mso]><xml><o:OfficeDocumentSettings xmlns:o=\"urn:schemas-microsoft-com:office:office\">",
    "<o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml><![endif]-->",
);

/// Outlook for Windows takes the first font that it knows by name, or Times: here it knows the first.
const OUTLOOK_SANS: &str =
    "<!--[if mso]><style>td,p,h3,h4,h5,h6,li,a{font-family:Arial,sans-serif}</style><![endif]-->";
const OUTLOOK_SERIF: &str = "<!--[if mso]><style>td,p,h3,h4,h5,h6,li,a{font-family:Georgia,serif}</style><![endif]-->";

const OUTLOOK_COLUMN_END: &str = "<!--[if mso]></td></tr></table><![endif]-->";

/// What a document says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) theme: &'a Theme,
    pub(super) style: &'a Style,
    /// BCP 47 language tag of the content.
    pub(super) language: &'a str,
    pub(super) subject: &'a str,
    /// The line that an inbox shows behind the subject; perhaps empty.
    pub(super) preheader: &'a str,
    /// A class of the letter's cell.
    pub(super) class: Option<&'a str>,
}

/// Puts `content` into the document of an email.
///
/// Fonts, colour and line height are set once, on the cell around the content:
/// set on every paragraph they would double the size.
pub(super) fn shell(head: Head, content: &Markup) -> Markup {
    let script = Script::of(head.language);
    let (language, direction) = (head.language, script.direction());
    let classes: Vec<&str> =
        ["letter"].into_iter().chain(head.class).chain((direction == "rtl").then_some("rtl")).collect();
    let outlook_font = if head.theme.text_font.is_serif() { OUTLOOK_SERIF } else { OUTLOOK_SANS };
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
                title { (head.subject) }
                style { (css(&head.style.kept)) }
                style { (css(&head.style.outlook)) }
                (verbatim(OUTLOOK_HEAD))
                (verbatim(outlook_font))
            }
            body.paper {
                @if !head.preheader.is_empty() {
                    div.preheader { (head.preheader) }
                }
                table.paper role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" {
                    tbody { tr {
                        td.margin align="center" {
                            (outlook_column(head.theme.width))
                            table.column role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" {
                                tbody { tr {
                                    // the language again: Gmail drops it from <html>
                                    td class=(classes.join(" ")) lang=(language) dir=(direction) align=(script.start()) {
                                        // a landmark, as a role: mail programs take <main> away
                                        div role="main" { (content) }
                                    }
                                } }
                            }
                            (verbatim(OUTLOOK_COLUMN_END))
                        }
                    } }
                }
            }
        }
    }
}

/// A row of cells between rules, as wide as the column; a table, since Outlook for Windows pads cells only.
pub(super) fn band(class: Option<&str>, cells: &[(&str, Markup)]) -> Markup {
    html! {
        table class=[class] role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" {
            tbody { tr { @for (class, content) in cells { td class=(class) { (content) } } } }
        }
    }
}

/// A newsletter's name, or its logo.
pub(super) fn nameplate(theme: &Theme, name: &str) -> Markup {
    html! {
        @match &theme.logo {
            Some(logo) => img.logo src=(logo.url) alt=(logo.alt) width=(logo.width);,
            None => span.name.display { (name) },
        }
    }
}

/// A street address, line by line; it may run the other way than the words around it.
pub(super) fn postal_address(lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            p dir="auto" {
                @for (index, line) in lines.iter().enumerate() {
                    @if index > 0 { br; }
                    (line)
                }
            }
        }
    }
}
