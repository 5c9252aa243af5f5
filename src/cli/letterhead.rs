//! What is said of an issue that was frozen with another letterhead than masthead.toml has now.

use super::advise;
use crate::newsletter::Newsletter;
use crate::store::{FrozenIssue, IssueState};

/// Refuses an issue that waits for its time with another letterhead, as one with other content is refused.
pub(super) fn refuse_other(issue: &FrozenIssue, newsletter: &Newsletter) -> anyhow::Result<()> {
    let Some(differences) = differences(issue, newsletter).filter(|_| issue.state == IssueState::Scheduled) else {
        return Ok(());
    };
    let name = format!("{}/{}", newsletter.slug, issue.number);
    Err(advise(
        &format!("{name} was scheduled with other settings than masthead.toml has: {differences}"),
        &format!("put them back, or `masthead cancel {name}` and give the file another number"),
    ))
}

/// How an issue goes out where that is not as masthead.toml has it, and what to do about it.
pub(super) fn oddity(issue: &FrozenIssue, newsletter: &Newsletter) -> Option<String> {
    let differences = differences(issue, newsletter)?;
    let name = format!("{}/{}", newsletter.slug, issue.number);
    let remedy = match issue.state {
        IssueState::Scheduled => {
            format!("; to send it otherwise, `masthead cancel {name}` and give the file another number")
        }
        // Who has it already would get it again under another number.
        IssueState::Sending | IssueState::Paused => format!("; `masthead cancel {name}` stops the rest of it"),
        IssueState::Sent | IssueState::Cancelled => String::new(),
    };
    Some(format!("goes out as it was frozen, not as masthead.toml has it: {differences}{remedy}"))
}

/// `from Ann <ann@example.org>, not Bob <bob@example.org>`.
fn differences(issue: &FrozenIssue, newsletter: &Newsletter) -> Option<String> {
    let differences = issue.letterhead.as_ref()?.differences(&newsletter.letterhead());
    let named = differences.iter().map(|(name, frozen, now)| format!("{name} {frozen}, not {now}"));
    let named: Vec<_> = named.collect();
    (!named.is_empty()).then(|| named.join("; "))
}
