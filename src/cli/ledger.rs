//! A ledger as people and scripts read it.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::moment::span;
use super::{Exit, advise, letterhead};
use crate::delivery::{DeliveryState, PauseCause, ReplyClass};
use crate::newsletter::{Newsletter, Slug};
use crate::store::{FrozenIssue, IssueState, LedgerSummary, Pause, Reason, Senders, Store};

/// How many characters of a relay's words are shown.
const LONGEST_WORDS: usize = 200;

/// The ledger of an issue at one instant.
pub(super) struct LedgerView {
    pub(super) slug: Slug,
    pub(super) issue: FrozenIssue,
    pub(super) summary: LedgerSummary,
    /// Of a scheduled issue: how many would be in its audience now.
    prospects: Option<u64>,
    /// Deliveries a second, while it is sending.
    rate: Option<f64>,
    /// Who sends it, while it is sending.
    senders: Senders,
    /// How it goes out where that is not as masthead.toml has it, until it is over.
    letterhead: Option<String>,
}

impl LedgerView {
    /// Reads the ledger of an issue.
    pub(super) async fn read(
        store: &Store,
        newsletter: &Newsletter,
        newsletter_id: i32,
        number: u32,
    ) -> anyhow::Result<Self> {
        let view = Self::find(store, newsletter, newsletter_id, number).await?;
        let never = format!("{}/{number} was never sent", newsletter.slug);
        view.ok_or_else(|| advise(&never, "`masthead send FILE` sends an issue"))
    }

    /// The same; none of an issue that was never sent.
    pub(super) async fn find(
        store: &Store,
        newsletter: &Newsletter,
        newsletter_id: i32,
        number: u32,
    ) -> anyhow::Result<Option<Self>> {
        let slug = newsletter.slug.clone();
        let Some(issue) = store.issue(newsletter_id, number).await? else { return Ok(None) };
        let summary = store.summary(issue.id).await?;
        let prospects = match issue.state {
            IssueState::Scheduled => Some(store.count_prospects(newsletter_id, number).await?),
            _ => None,
        };
        let (rate, senders) = match issue.state {
            IssueState::Sending => (store.pace(issue.id).await?, store.senders(issue.id).await?),
            _ => (None, Senders::default()),
        };
        let letterhead = match issue.state {
            IssueState::Sent | IssueState::Cancelled => None,
            _ => letterhead::oddity(&issue, newsletter),
        };
        Ok(Some(Self { slug, issue, summary, prospects, rate, senders, letterhead }))
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
        let reason = |Reason { state, class, reply, count }: &Reason| json!({"state": state.as_str(), "class": class, "reply": reply, "count": count});
        let (put_off, refusals): (Vec<_>, Vec<_>) =
            self.summary.reasons.iter().partition(|reason| reason.state.is_open());
        let listed = |reasons: Vec<&Reason>| reasons.into_iter().map(reason).collect::<Vec<_>>();
        json!({
            "issue": self.name(),
            "newsletter": self.slug.as_str(),
            "number": self.issue.number,
            "subject": self.issue.rendered.subject,
            "state": self.issue.state.as_str(),
            "starts_at": self.issue.starts_at.and_then(|at| at.format(&Rfc3339).ok()),
            "prospects": self.prospects,
            "pause": self.issue.pause.as_ref().map(|pause| json!({
                "cause": pause.cause.as_str(),
                "reason": pause.reason,
                "probe_at": pause.probe_at.and_then(|at| at.format(&Rfc3339).ok()),
                "in_a_row": pause.in_a_row,
            })),
            "audience": self.summary.audience,
            "states": states,
            "rate": self.rate.map(|rate| (10.0 * rate).round() / 10.0),
            "eta_seconds": self.eta_seconds(),
            "senders": self.senders.count,
            "trouble": self.senders.trouble,
            "in_doubt": self.summary.in_doubt,
            "blamed": self.summary.blamed,
            "refusals": listed(refusals),
            "put_off": listed(put_off),
        })
    }

    /// In words and numbers.
    pub(super) fn text(&self) -> String {
        let LedgerSummary { audience, next_at, .. } = &self.summary;
        let mut text = format!(
            "{}/{} is {}: {}\n",
            self.slug,
            self.issue.number,
            self.issue.state.as_str(),
            self.issue.rendered.subject
        );
        if let (IssueState::Scheduled, Some(at)) = (self.issue.state, self.issue.starts_at) {
            let wait = (at - OffsetDateTime::now_utc()).whole_seconds();
            let when = if wait > 0 { format!("in {}", span(wait)) } else { "now, when somebody runs".to_owned() };
            text += &format!("  starts at {} UTC, {when}\n", clock(at));
            text += &format!("  {} readers as of now; the audience is taken then\n", self.prospects.unwrap_or(0));
            return text + &self.letterhead();
        }
        let terms: Vec<_> = DeliveryState::ALL
            .into_iter()
            .filter(|state| self.summary.count(*state) > 0)
            .map(|state| format!("{} {}", self.summary.count(state), words(state)))
            .collect();
        let sum = if terms.is_empty() { "nobody".to_owned() } else { terms.join(" + ") };
        text += &format!("  {audience} in the audience = {sum}\n");
        text += &self.letterhead();
        text += &self.outlook();
        text += &self.pause();
        if let Some(trouble) = &self.senders.trouble {
            let trouble = brief(trouble);
            text += &format!("  nothing moves: {trouble}\n  it goes on by itself when it can; nobody is lost\n");
        }
        if self.is_abandoned() {
            text += "  nobody is sending it now; `masthead send` with its file, or `masthead worker`, goes on\n";
        }
        text += &self.reasons();
        text += &self.in_doubt();
        if let Some(next_at) = next_at.filter(|next_at| *next_at > OffsetDateTime::now_utc()) {
            text += &format!("  next try: {} UTC", clock(next_at));
            text += match self.senders.count {
                0 if self.issue.state == IssueState::Sending => {
                    ", by `masthead serve` or `masthead worker` if one runs, or the same `masthead send` again\n"
                }
                _ => "\n",
            };
        }
        text
    }

    /// How it goes out where that is not as masthead.toml has it.
    fn letterhead(&self) -> String {
        self.letterhead.as_ref().map_or_else(String::new, |oddity| format!("  {oddity}\n"))
    }

    /// What the relay said of those that it did not take.
    fn reasons(&self) -> String {
        let mut text = String::new();
        for Reason { state, class, reply, count } in &self.summary.reasons {
            let what = match state {
                // What a reply of another class than 4xx puts off is an exception.
                DeliveryState::Queued if class == ReplyClass::Soft.as_str() => "put off".to_owned(),
                DeliveryState::Queued => format!("put off, {class}"),
                state => format!("{}, {class}", words(*state)),
            };
            text += &format!("  {what}: {count}, such as: {}\n", brief(reply));
        }
        if !self.summary.blamed.is_empty() {
            text += &format!("  the relay blames the sender at {}\n", self.blamed());
        }
        // Nobody mends an address that does not exist.
        let mendable = |reason: &Reason| !reason.state.is_open() && reason.class != ReplyClass::Hard.as_str();
        if self.issue.state != IssueState::Cancelled && self.summary.reasons.iter().any(mendable) {
            text += &format!("  when the cause is mended, `masthead retry {}` queues them again\n", self.name());
        }
        text
    }

    /// At whom the relay blames the sender; of many the first few.
    fn blamed(&self) -> String {
        let names = self.summary.blamed.join(", ");
        let is_ours = |reason: &&Reason| reason.class == ReplyClass::Ours.as_str();
        let all: u64 = self.summary.reasons.iter().filter(is_ours).map(|reason| reason.count).sum();
        match all.saturating_sub(self.summary.blamed.len() as u64) {
            0 => names,
            more => format!("{names} and {more} more"),
        }
    }

    /// Who is in doubt, and what ends that.
    fn in_doubt(&self) -> String {
        if self.summary.in_doubt.is_empty() {
            return String::new();
        }
        let addresses: String = self.summary.in_doubt.iter().map(|address| format!("    {address}\n")).collect();
        format!(
            "  in doubt (the connection broke after the message, before the relay's answer; never sent again by itself):\n\
             {addresses}  the relay's log knows: `masthead resolve {0} --accepted` where it took them, `masthead resolve {0} \
             --resend` where not; `--only ADDRESS` for one\n",
            self.name()
        )
    }

    /// In how many seconds the last delivery is likely to be settled, at the rate of now; for those that wait for a
    /// retry, as if the next try were the last. `None` while nobody can tell.
    pub(super) fn eta_seconds(&self) -> Option<u64> {
        let open = self.summary.open();
        if self.issue.state != IssueState::Sending || open == 0 {
            return None;
        }
        let until =
            |at: Option<OffsetDateTime>| at.map_or(0, |at| (at - OffsetDateTime::now_utc()).whole_seconds().max(0));
        let retries = until(self.summary.last_at) as u64;
        match self.rate {
            Some(rate) => Some(retries.max((open as f64 / rate).ceil() as u64)),
            // Everybody waits for a later try.
            None => (self.summary.put_off == open).then_some(retries),
        }
    }

    /// Whether there is something to send now and nobody who does. Who waits for a later try need not be there.
    fn is_abandoned(&self) -> bool {
        let is_due = self.summary.open() > self.summary.put_off;
        self.issue.state == IssueState::Sending && is_due && self.senders.count == 0
    }

    /// How fast it goes, and how long it will.
    fn outlook(&self) -> String {
        match (self.rate, self.eta_seconds()) {
            (Some(rate), Some(eta)) => format!("  {rate:.1} a second, about {} left\n", span(eta as i64)),
            (None, Some(eta)) => format!("  about {} left\n", span(eta as i64)),
            _ => String::new(),
        }
    }

    /// The ledger in a line, for who watches it without a terminal.
    pub(super) fn line(&self) -> String {
        let (audience, open) = (self.summary.audience, self.summary.open());
        let mut line = format!("{} is {}: {} of {audience}", self.name(), self.issue.state.as_str(), audience - open);
        for state in [DeliveryState::Refused, DeliveryState::Expired, DeliveryState::InDoubt] {
            if self.summary.count(state) > 0 {
                line += &format!(", {} {}", self.summary.count(state), words(state));
            }
        }
        let outlook = self.outlook();
        if !outlook.is_empty() {
            line += &format!("; {}", outlook.trim());
        }
        if let Some(trouble) = &self.senders.trouble {
            line += &format!("; nothing moves: {}", brief(trouble));
        }
        if let Some(pause) = self.issue.pause.as_ref().filter(|_| self.issue.state == IssueState::Paused) {
            line += &format!("; {}", why(pause));
        }
        if self.is_abandoned() {
            line += "; nobody is sending it now";
        }
        line
    }

    /// Why it stands still, and what ends that.
    fn pause(&self) -> String {
        let name = self.name();
        match &self.issue.pause {
            None => String::new(),
            Some(pause) if self.issue.state == IssueState::Sending => {
                format!("  goes over one connection only: {}\n", brief(&pause.reason))
            }
            Some(Pause { cause: PauseCause::Operator, .. }) => {
                format!("  paused by the operator; `masthead resume {name}` lets it go on\n")
            }
            Some(pause @ Pause { probe_at: None, .. }) => {
                let at_once = match pause.cause {
                    PauseCause::Ours if !self.summary.blamed.is_empty() => {
                        "  where the relay means its reader and not you, resume at once: the others go first\n"
                    }
                    _ => "",
                };
                format!("  {}\n  nobody is lost; mend it, then `masthead resume {name}`\n{at_once}", why(pause))
            }
            Some(pause @ Pause { probe_at: Some(at), .. }) => format!(
                "  {}\n  nobody is lost; whoever sends sees at {} UTC whether it can go on: keep `masthead serve` or \
                 `masthead worker` running, or run the same `masthead send` again then\n",
                why(pause),
                clock(*at)
            ),
        }
    }

    /// The exit code that the ledger means.
    pub(super) fn exit(&self) -> Exit {
        let count = |state| self.summary.count(state);
        // That no delivery is open has to be noted, too.
        let is_over = matches!(self.issue.state, IssueState::Sent | IssueState::Cancelled);
        if self.summary.open() > 0 || !is_over {
            Exit::Open
        } else if count(DeliveryState::Refused) + count(DeliveryState::Expired) + count(DeliveryState::InDoubt) > 0 {
            Exit::Findings
        } else {
            Exit::Done
        }
    }
}

/// Why an issue is paused; after looks that found no cure, how many pauses there were.
fn why(pause: &Pause) -> String {
    let reason = brief(&pause.reason);
    match pause.in_a_row {
        ..=1 => format!("paused: {reason}"),
        times => format!("paused {times} times in a row: {reason}"),
    }
}

/// A relay's words, cut so that they fit a line or two of a terminal; the ledger and `--json` have all of them.
pub(super) fn brief(words: &str) -> String {
    match words.char_indices().nth(LONGEST_WORDS) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or(words)),
        None => words.to_owned(),
    }
}

/// A state as people say it.
pub(super) fn words(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::InDoubt => "in doubt",
        other => other.as_str(),
    }
}

/// `2024-06-08 16:05:09`.
pub(super) fn clock(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02}:{:02}", at.date(), at.hour(), at.minute(), at.second())
}
