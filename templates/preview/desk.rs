//! Beside the email: what to look at, the file, and letting it go.

use maud::{Markup, html};

use super::stage::line_link;
use super::{Email, tab};

/// What one rule found.
#[derive(Debug, Clone)]
pub struct Group {
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// The rule.
    pub rule: &'static str,
    /// What it found, at least one thing.
    pub findings: Vec<Finding>,
}

/// Something to look at.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// Its line in the file.
    pub line: Option<usize>,
}

/// Approving and proofs.
#[derive(Debug, Clone)]
pub struct Desk {
    /// What stands for the message.
    pub digest: String,
    /// The latest approval.
    pub approval: Approval,
    /// Whether there is a relay for a proof, or why there is none.
    pub proof: Result<(), String>,
    /// What the last form did.
    pub note: Option<Note>,
}

/// Where an approval stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// Nobody can approve it: why.
    Nowhere(String),
    /// Nobody has approved this issue.
    Missing,
    /// This is what was approved then.
    Given(String),
    /// Something else was approved then.
    Stale(String),
}

/// What a form did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Whether it went well.
    pub fine: bool,
    /// What happened.
    pub text: String,
}

/// The panel beside the stage.
pub(super) fn desk(file: &str, email: &Email<'_>) -> Markup {
    html! {
        fieldset.tabs {
            legend.unseen { "Panel" }
            (tab("panel", "findings", "Findings", true))
            (tab("panel", "source", "Source", false))
            (tab("panel", "send", "Approve", false))
        }
        div.panel.findings tabindex="0" data-part="findings" { (findings(file, &email.findings)) }
        div.panel.source data-part="source" {
            p.file { (file) }
            ol.lines tabindex="0" aria-label="The file" {
                @for (at, line) in email.source.iter().enumerate() { li id={ "L" (at + 1) } { code { (line) } } }
            }
        }
        div.panel.send {
            div data-part="send" { (send(&email.desk)) }
            div data-part="proof" { (proof(&email.desk)) }
        }
    }
}

/// Findings of one rule that are not folded away.
const OPEN: usize = 3;

fn findings(file: &str, groups: &[Group]) -> Markup {
    html! {
        @if groups.is_empty() { p.none { "Nothing to mend." } }
        @for (severity, title) in [("error", "Errors"), ("warning", "Warnings"), ("note", "Notes")] {
            @let marked = || groups.iter().filter(|group| group.severity == severity);
            @let count: usize = marked().map(|group| group.findings.len()).sum();
            @if count > 0 {
                h2 class=(severity) { (title) " " span.count { (count) } }
                @for group in marked() { (found(file, group)) }
            }
        }
    }
}

/// What a rule found: the first places, and the others on request; a remedy for all of them is said once.
fn found(file: &str, group: &Group) -> Markup {
    let Group { severity, rule, findings } = group;
    let (open, folded) = findings.split_at(findings.len().min(OPEN));
    let common = findings.first().map(|first| &first.hint);
    let common = common.filter(|hint| findings.len() > 1 && findings.iter().all(|finding| finding.hint == **hint));
    let row = |finding: &Finding| {
        html! {
            li {
                p { (finding.message) }
                @if common.is_none() { p.hint { (finding.hint) } }
                @if let Some(line) = finding.line { p.place { (line_link(line, &format!("{file}:{line}"))) } }
            }
        }
    };
    html! {
        section class={ "rule " (severity) } {
            h3 { code { (rule) } @if findings.len() > 1 { " " span.count { "× " (findings.len()) } } }
            @if let Some(hint) = common { p.hint { (hint) } }
            ul { @for finding in open { (row(finding)) } }
            @if !folded.is_empty() {
                details id={ (severity) "-" (rule) } {
                    summary { (folded.len()) " more" }
                    ul { @for finding in folded { (row(finding)) } }
                }
            }
        }
    }
}

fn send(desk: &Desk) -> Markup {
    html! {
        @if let Some(note) = &desk.note { p.outcome.bad[!note.fine] role="status" { (note.text) } }
        h2 { "Approve" }
        @match &desk.approval {
            Approval::Nowhere(why) => p { "This cannot be approved: " (why) },
            Approval::Missing => p { "Nobody has approved this issue yet." },
            Approval::Given(when) => p.given { "This is what was approved on " (when) "." },
            Approval::Stale(when) => p.stale { "What was approved on " (when) " was something else: see Changes." },
        }
        p { "Digest of all that leaves, but for recipient and date:" }
        p { code.digest { (desk.digest) } }
        form method="post" action="approve" {
            input type="hidden" name="digest" value=(desk.digest);
            button disabled[matches!(desk.approval, Approval::Given(_) | Approval::Nowhere(_))] { "Approve" }
        }
    }
}

/// A form of its own, which a save leaves as it is: somebody may be typing in it.
fn proof(desk: &Desk) -> Markup {
    html! {
        h2 { "Proof" }
        @match &desk.proof {
            Ok(()) => form method="post" action="proof" {
                label for="address" { "Mail a copy to" }
                input #address type="email" name="address" required autocomplete="email";
                button { "Send proof" }
            },
            Err(why) => p { (why) },
        }
    }
}
