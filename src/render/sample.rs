//! What stands in for configuration and reader while an issue is only looked at.

use time::OffsetDateTime;

use super::Slot;
use crate::issue::Issue;
use crate::newsletter::{BaseUrl, BaseUrlError, Mailbox, MailboxError, Newsletter, Slug};
use crate::theme::Theme;

/// The unsubscribe address of the sample reader.
pub const SAMPLE_UNSUBSCRIBE_URL: &str = "https://newsletter.example.org/u/sample";

/// A newsletter as the issue itself suggests it: its name and language, at `newsletter.example.org`.
pub fn sample_newsletter(issue: &Issue) -> Result<Newsletter, SampleError> {
    let name = issue.newsletter.as_deref().map(super::link::one_line).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| "Newsletter".to_owned());
    let mut from = Mailbox::parse("editor@newsletter.example.org")?;
    from.name = Some(name.clone());
    Ok(Newsletter {
        slug: Slug::suggest(&name),
        name,
        from,
        reply_to: None,
        postal_address: "1 Example Street, 12345 Example City".to_owned(),
        language: issue.language.clone(),
        base_url: BaseUrl::parse("https://newsletter.example.org")?,
        theme: Theme::default(),
    })
}

/// What the sample reader's mail has in a slot; nobody knows their name.
pub fn sample_value(slot: Slot) -> &'static str {
    match slot {
        Slot::UnsubscribeUrl => SAMPLE_UNSUBSCRIBE_URL,
        Slot::Name => "",
    }
}

/// The date of the sample reader's mail: the issue's day, or the last change of its file where it has none. So the same
/// file gives the same bytes, and no day is made up.
pub fn sample_date(issue: &Issue, changed: OffsetDateTime) -> OffsetDateTime {
    issue.date.map_or(changed, |day| day.midnight().assume_utc())
}

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Its sender is wrong.
    #[error(transparent)]
    From(#[from] MailboxError),
    /// Its web address is wrong.
    #[error(transparent)]
    BaseUrl(#[from] BaseUrlError),
}
