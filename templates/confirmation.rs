//! The mail that asks a reader to confirm a sign-up.

use maud::{Markup, html};

use super::Words;
use super::issue::postal_address;
use super::shell::{band, shell};

/// Writes the confirmation mail as HTML, its style sheet not yet inlined.
pub fn confirmation(language: &str, name: &str, address: &[String], confirm_url: &str) -> Markup {
    let words = Words::of(language);
    let content = html! {
        (band("masthead", &html! { span.name.display { (name) } }))
        h1.display { ((words.confirm_subject)(name)) }
        p { ((words.confirm_request)(name)) }
        table.button role="presentation" cellpadding="0" cellspacing="0" border="0" {
            tr { td { a href=(confirm_url) { (words.confirm_button) } } }
        }
        p.quiet { (words.confirm_ignore) }
        @if !address.is_empty() {
            div.gap { (band("footer", &postal_address(address))) }
        }
    };
    shell(language, &(words.confirm_subject)(name), &(words.confirm_request)(name), &content)
}
