//! What an email says is what the editor wrote, in the text part as in HTML.

use masthead::issue::{Issue, parse};
use masthead::render::{Rendered, render};

use super::newsletter;

fn read(text: &str) -> Issue {
    parse(text.as_bytes()).unwrap()
}

fn rendered(text: &str) -> Rendered {
    render(&read(text), &newsletter()).unwrap()
}

#[test]
fn words_before_the_number_that_are_no_name_of_the_newsletter_are_in_the_title() {
    for (line, title) in [
        ("# Summer special #12: Tides", "Summer special: Tides"),
        ("# Summer special #12", "Summer special"),
        ("# garden  letters #12: Tides", "Tides"),
        ("# garden #12: Tides", "Tides"),
        ("# Letters #12: Tides", "Tides"),
        ("# #12", "Garden Letters #12"),
    ] {
        let email = rendered(&format!("{line}\n\nHello.\n"));
        assert!(email.html.contains(&format!(">{title}</h1>")), "{line}: {}", email.html);
        assert!(email.text.contains(&format!("\n{title}\n===")), "{line}: {}", email.text);
    }
}
