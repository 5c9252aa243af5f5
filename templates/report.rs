//! The report to the operator when a send ends.

use maud::{DOCTYPE, Markup, html};

/// A text as it is, under its title.
pub fn report(title: &str, text: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (title) } }
            body { pre { (text) } }
        }
    }
}
