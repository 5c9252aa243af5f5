//! A ledger as people and scripts read it.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Exit, advise};
use crate::delivery::DeliveryState;
use crate::newsletter::{Newsletter, Slug};
use crate::store::{FrozenIssue, LedgerSummary, Store};

/// The ledger of an issue at one instant.
pub(super) struct LedgerView {
    pub(super) slug: Slug,
    pub(super) issue: FrozenIssue,
    pub(super) summary: LedgerSummary,
}

impl LedgerView {
    /// Reads the ledger of an issue.
    pub(super) async fn read(
        store: &Store,
        newsletter: &Newsletter,
        newsletter_id: i32,
        number: u32,
    ) -> anyhow::Result<Self> {
        let slug = newsletter.slug.clone();
        let issue = store
            .issue(newsletter_id, number)
            .await?
            .ok_or_else(|| advise(&format!("{slug}/{number} was never sent"), "`masthead send FILE` sends an issue"))?;
        let summary = store.summary(issue.id).await?;
        Ok(Self { slug, issue, summary })
    }

    /// `slug/number`.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.slug, self.issue.number)
    }

    /// For scripts; fields are only ever added.
    pub(super) fn json(&self) -> Value {
        let states: serde_json::Map<_, _> = DeliveryState::ALL
            .into_iter()
            .map(|state| (state.as_str().to_owned(), json!(self.summary.count(state))))
            .collect();
        let refusals: Vec<_> = self
            .summary
            .refusals
            .iter()
            .map(|(class, reply, count)| json!({"class": class, "reply": reply, "count": count}))
            .collect();
        json!({
            "issue": self.name(),
            "newsletter": self.slug.as_str(),
            "number": self.issue.number,
            "subject": self.issue.rendered.subject,
            "state": self.issue.state.as_str(),
            "audience": self.summary.audience,
            "states": states,
            "in_doubt": self.summary.in_doubt,
            "refusals": refusals,
        })
    }

    /// In words and numbers.
    pub(super) fn text(&self) -> String {
        let LedgerSummary { audience, in_doubt, refusals, next_at, .. } = &self.summary;
        let mut text = format!(
            "{}/{} is {}: {}\n",
            self.slug,
            self.issue.number,
            self.issue.state.as_str(),
            self.issue.rendered.subject
        );
        let terms: Vec<_> = DeliveryState::ALL
            .into_iter()
            .filter(|state| self.summary.count(*state) > 0)
            .map(|state| format!("{} {}", self.summary.count(state), words(state)))
            .collect();
        let sum = if terms.is_empty() { "nobody".to_owned() } else { terms.join(" + ") };
        text += &format!("  {audience} in the audience = {sum}\n");
        for (class, reply, count) in refusals {
            text += &format!("  refused, {class}: {count}, such as: {reply}\n");
        }
        if !in_doubt.is_empty() {
            text += "  in doubt (the connection broke after the message, before the relay's answer; never sent again by itself):\n";
            text.extend(in_doubt.iter().map(|address| format!("    {address}\n")));
        }
        if let Some(next_at) = next_at.filter(|next_at| *next_at > OffsetDateTime::now_utc()) {
            text += &format!("  next try: {} UTC\n", clock(next_at));
        }
        text
    }

    /// The exit code that the ledger means.
    pub(super) fn exit(&self) -> Exit {
        let count = |state| self.summary.count(state);
        if self.summary.open() > 0 {
            Exit::Open
        } else if count(DeliveryState::Refused) + count(DeliveryState::Expired) + count(DeliveryState::InDoubt) > 0 {
            Exit::Findings
        } else {
            Exit::Done
        }
    }
}

fn words(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::InDoubt => "in doubt",
        other => other.as_str(),
    }
}

/// `2024-06-08 16:05`.
pub(super) fn clock(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02}", at.date(), at.hour(), at.minute())
}
