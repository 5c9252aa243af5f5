//! An email, and all that can be said of it.

use std::sync::Arc;

use time::OffsetDateTime;

use super::changes::{Version, compare};
use super::desk::Known;
use super::source::Project;
use crate::inspect::markup::{self, Kind, Piece};
use crate::inspect::{self, Expected, Force, Mode, Outline, Place};
use crate::issue::check::{self, Severity, Surroundings};
use crate::issue::{Issue, Manuscript};
use crate::message::dkim::Signer;
use crate::message::{self, Digest, Reader};
use crate::newsletter::Newsletter;
use crate::render::{self, Rendered, SAMPLE_UNSUBSCRIBE_URL, Slot};
use crate::store::Approval;
use crate::subscriber::EmailAddress;
use crate::templates::preview as templates;
use crate::theme::Sheet;

/// The sample readers: who they are, and their names.
pub(super) const READERS: [(&str, Option<&str>); 5] = [
    ("without a name", None),
    ("Jo", Some("Jo")),
    ("a long name", Some("Maximiliane Alexandra Theodora von und zu Rosenheim-Hohenlohe")),
    ("王小明 (Chinese)", Some("王小明")),
    ("ليلى الحداد (Arabic)", Some("ليلى الحداد")),
];

/// An issue as it will leave.
#[derive(Debug)]
pub(super) struct Email {
    manuscript: Arc<Manuscript>,
    /// When its file was changed last.
    changed: OffsetDateTime,
    pub(super) newsletter: Newsletter,
    /// Why the newsletter is none that is configured.
    pub(super) unconfigured: Option<String>,
    /// Why `send` would never send just this, so that nobody can approve it.
    pub(super) unsendable: Option<String>,
    pub(super) rendered: Rendered,
    pub(super) digest: Digest,
    pub(super) signer: Option<Signer>,
    /// What the copy editor marks, and what was seen in the email of a reader without a name.
    findings: Vec<check::Finding>,
    /// How it is in the dark.
    shades: Vec<templates::Shade>,
}

/// One way of looking at an email.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum View {
    Light,
    Dark,
    Partial,
    Full,
    NoImages,
    NoStyle,
}

/// How clients make an email dark: the view, its name, and who does it.
const SHADES: [(&str, View, Mode, &str, &str); 3] = [
    ("dark", View::Dark, Mode::AuthorDark, "Author's dark", "Apple Mail, Samsung, Thunderbird"),
    ("partial", View::Partial, Mode::Forced(Force::Partial), "Forced, partly", "Outlook.com, Gmail on Android"),
    ("full", View::Full, Mode::Forced(Force::Full), "Forced, fully", "Gmail on iOS, Outlook for Windows"),
];

impl Email {
    /// Renders an issue and looks at it; `css` is the editor's own style sheet beside the newsletter's.
    pub(super) fn new(
        manuscript: Arc<Manuscript>,
        changed: OffsetDateTime,
        project: &Project,
        css: Option<&Sheet>,
    ) -> Result<Self, String> {
        let issue = &manuscript.issue;
        let mut newsletter = match &project.newsletter {
            Ok(newsletter) => newsletter.clone(),
            Err(_) => render::sample_newsletter(issue).map_err(|error| error.to_string())?,
        };
        if let Some(sheet) = css {
            newsletter.theme.sheet = newsletter.theme.sheet.under(sheet);
        }
        let rendered = render::render(issue, &newsletter).map_err(|error| error.to_string())?;
        let digest =
            Digest::of(&newsletter.letterhead(), &rendered, issue.number).map_err(|error| error.to_string())?;
        let html = rendered.html_for(|slot| value(slot, 0));
        let remarks = inspect::remarks(&manuscript, &html, &newsletter.theme);
        let around = Surroundings {
            archive: Some(&project.archive),
            email: Some(check::Email { html: &rendered.html }),
            remarks: Some(&remarks),
            newsletter: project.newsletter.as_ref().ok(),
            today: Some(OffsetDateTime::now_utc().date()),
        };
        let findings = check::check(&manuscript, &around, &project.check);
        let unsendable = unsendable(project, css.is_some(), issue, &findings);
        let shades =
            SHADES.iter().map(|(view, _, mode, name, clients)| shade(&html, view, *mode, name, clients)).collect();
        let (signer, unconfigured) = (project.signer.clone(), project.newsletter.as_ref().err().cloned());
        Ok(Self {
            manuscript,
            changed,
            newsletter,
            unconfigured,
            unsendable,
            rendered,
            digest,
            signer,
            findings,
            shades,
        })
    }

    /// The issue as it was read.
    pub(super) fn issue(&self) -> &Issue {
        &self.manuscript.issue
    }

    /// The HTML part as a sample reader gets it.
    fn html(&self, reader: usize) -> String {
        self.rendered.html_for(|slot| value(slot, reader))
    }

    /// The text part as a sample reader gets it.
    fn text(&self, reader: usize) -> String {
        self.rendered.text_for(|slot| value(slot, reader))
    }

    /// The whole message as a sample reader gets it.
    pub(super) fn message(&self, reader: usize) -> Result<Vec<u8>, String> {
        let reader = Reader {
            address: EmailAddress::parse("reader@example.com").map_err(|error| error.to_string())?,
            name: name(reader).map(str::to_owned),
            unsubscribe_url: SAMPLE_UNSUBSCRIBE_URL.to_owned(),
        };
        let date = render::sample_date(self.issue(), self.changed);
        let message_id = format!("{}.sample@{}", self.rendered.seal, self.newsletter.from.address.domain());
        message::issue_message(
            &self.newsletter.letterhead(),
            &self.rendered,
            self.issue().number,
            &reader,
            &message_id,
            date,
            self.signer.as_ref(),
        )
        .map_err(|error| error.to_string())
    }

    /// The HTML for a frame of the page: places have their lines, and nothing is loaded unless asked for.
    pub(super) fn frame(&self, view: View, reader: usize, images: bool) -> String {
        let html = self.html(reader);
        let html = annotated(&html, &Outline::of(&self.manuscript, &html));
        let html = match view {
            View::Light => inspect::light(&html),
            View::NoImages => inspect::without_images(&inspect::light(&html)),
            View::NoStyle => inspect::without_style(&html),
            View::Dark | View::Partial | View::Full => {
                let shade = SHADES.iter().find(|(_, shade, ..)| *shade == view);
                shade.map_or_else(|| html.clone(), |(_, _, mode, ..)| mode.of(&html))
            }
        };
        if images { html } else { inspect::placeholders(&html) }
    }

    /// What the page shows.
    pub(super) fn page(
        &self,
        reader: usize,
        known: &Known,
        desk: templates::Desk,
    ) -> Result<templates::Email<'_>, String> {
        let html = self.html(reader);
        let outline = Outline::of(&self.manuscript, &html);
        let message = self.message(reader)?;
        let headers = inspect::headers(&message, &self.expected());
        let checks = self.findings.iter().map(checked);
        let inspections = headers.findings.iter().map(inspected);
        let findings = check::by_rule(checks.chain(inspections), |(severity, rule, _)| (*severity, *rule));
        let group = |(severity, rule, findings): (Severity, &'static str, Vec<Ruled>)| {
            let findings = findings.into_iter().map(|(.., finding)| finding).collect();
            templates::Group { severity: word(severity), rule, findings }
        };
        let findings = findings.into_iter().map(group).collect();
        Ok(templates::Email {
            newsletter: &self.newsletter.name,
            letter: self.letter(&html, self.text(reader), &outline, headers, known),
            findings,
            source: self.manuscript.file().lines().collect(),
            desk,
        })
    }

    fn expected(&self) -> Expected<'_> {
        Expected {
            subject: &self.rendered.subject,
            reply_to: self.newsletter.reply_to.is_some(),
            signed: self.signer.is_some(),
        }
    }

    fn letter(
        &self,
        html: &str,
        text: String,
        outline: &Outline,
        headers: inspect::Headers,
        known: &Known,
    ) -> templates::Letter<'_> {
        let from = self.newsletter.from.name.clone().unwrap_or_else(|| self.newsletter.from.address.to_string());
        let row = |row: inspect::InboxRow| templates::InboxRow {
            client: row.program,
            is_phone: row.is_phone,
            from: row.from,
            subject: row.subject,
            preheader: row.preheader,
        };
        let share = |size: inspect::Size| templates::Share {
            name: part_name(size.place, &size.title),
            bytes: size.bytes,
            line: size.line,
        };
        let cut = outline.clip.and_then(|clip| outline.parts.get(clip.part));
        let changes = self.changes(known, &shared(&headers));
        let mut parts = Vec::new();
        headers.body.iter().for_each(|part| flatten(part, 0, &mut parts));
        templates::Letter {
            subject: &self.rendered.subject,
            html_bytes: html.len(),
            text,
            inbox: inspect::inbox(&from, &self.rendered.subject, &self.rendered.preheader)
                .into_iter()
                .map(row)
                .collect(),
            shades: &self.shades,
            headers: headers.fields.into_iter().map(|field| (field.name, field.value)).collect(),
            parts,
            shares: outline.sizes().into_iter().map(share).collect(),
            clip: (check::CLIPPED, cut.map(|part| part_name(part.place, &part.title))),
            changes,
        }
    }

    fn changes(&self, known: &Known, headers: &str) -> Vec<templates::Changes> {
        let nothing = |since: &str| templates::Changes { since: since.to_owned(), lines: None, notes: Vec::new() };
        let now = self.version(headers);
        let approved = known.approval.as_ref().map_or_else(
            || nothing("an approval"),
            |approval| {
                let Approval { subject, preheader, headers, text, html, .. } = approval;
                let then = Version { subject, preheader, headers, text: text.clone(), html: html.clone() };
                let since = format!("what was approved on {}", day(approval.approved_at));
                let mut changes = compare(since, &then, &now);
                let unseen = changes.notes.is_empty() && changes.lines.as_ref().is_some_and(Vec::is_empty);
                if html.is_empty() {
                    changes.notes.push("Sender and look were not kept with this approval.".to_owned());
                } else if unseen && approval.digest != self.digest.as_bytes() {
                    changes.notes.push("Something else changed that all readers get: compare the `.eml`.".to_owned());
                }
                changes
            },
        );
        let previous = known.previous.as_ref().map_or_else(
            || nothing("the issue before"),
            |issue| {
                let rendered = &issue.rendered;
                let Rendered { subject, preheader, .. } = rendered;
                let (text, html) = (text_with_slots(rendered), html_with_slots(rendered));
                compare(format!("#{}", issue.number), &Version { subject, preheader, headers: "", text, html }, &now)
            },
        );
        vec![approved, previous]
    }

    fn version<'a>(&'a self, headers: &'a str) -> Version<'a> {
        let Rendered { subject, preheader, .. } = &self.rendered;
        let (text, html) = (text_with_slots(&self.rendered), html_with_slots(&self.rendered));
        Version { subject, preheader, headers, text, html }
    }

    /// What is kept of it when it is approved.
    pub(super) fn approved_at(&self, moment: OffsetDateTime) -> Result<Approval, String> {
        let headers = shared(&inspect::headers(&self.message(0)?, &self.expected()));
        let Version { subject, preheader, headers, text, html } = self.version(&headers);
        Ok(Approval {
            digest: self.digest.as_bytes().to_vec(),
            subject: subject.to_owned(),
            preheader: preheader.to_owned(),
            headers: headers.to_owned(),
            text,
            html,
            approved_at: moment,
        })
    }

    /// Where the issue stands with its approval.
    pub(super) fn approval(&self, known: &Known) -> templates::Approval {
        match (&self.unsendable, &known.approval) {
            (Some(why), _) => templates::Approval::Nowhere(why.clone()),
            (None, None) => templates::Approval::Missing,
            (None, Some(approval)) if approval.digest == self.digest.as_bytes() => {
                templates::Approval::Given(day(approval.approved_at))
            }
            (None, Some(approval)) => templates::Approval::Stale(day(approval.approved_at)),
        }
    }
}

/// Why an email as it is shown can never be sent.
fn unsendable(project: &Project, own_css: bool, issue: &Issue, findings: &[check::Finding]) -> Option<String> {
    match &project.newsletter {
        Err(why) => Some(why.clone()),
        Ok(_) if own_css => Some(
            "this is how it looks with `--css`, and `send` sends it without. Name the style sheet as `css` in the \
             newsletter's theme in masthead.toml, and start the preview without `--css`."
                .to_owned(),
        ),
        Ok(_) if issue.number.is_none() => Some("the issue has no number, so it cannot be sent.".to_owned()),
        Ok(_) => {
            let error = findings.iter().find(|finding| finding.severity == check::Severity::Error)?;
            Some(format!("line {}: {}. `send` refuses an issue with errors.", error.line, error.message))
        }
    }
}

/// The name of a sample reader.
fn name(reader: usize) -> Option<&'static str> {
    READERS.get(reader).and_then(|(_, name)| *name)
}

/// What a sample reader's mail has in a slot.
fn value(slot: Slot, reader: usize) -> &'static str {
    match slot {
        Slot::UnsubscribeUrl => SAMPLE_UNSUBSCRIBE_URL,
        Slot::Name => name(reader).unwrap_or_default(),
    }
}

/// What stands in a slot where no reader is meant.
fn slot_name(slot: Slot) -> &'static str {
    match slot {
        Slot::UnsubscribeUrl => "{unsubscribe}",
        Slot::Name => "{name}",
    }
}

fn text_with_slots(rendered: &Rendered) -> String {
    rendered.text_for(slot_name)
}

fn html_with_slots(rendered: &Rendered) -> String {
    rendered.html_for(slot_name)
}

/// The fields that all readers of an issue get, but for the subject, which is compared by itself.
fn shared(headers: &inspect::Headers) -> String {
    const OWN: [&str; 7] =
        ["Subject", "To", "Date", "Message-ID", "DKIM-Signature", "Content-Type", "List-Unsubscribe"];
    let shared = headers.fields.iter().filter(|field| !OWN.iter().any(|own| field.name.eq_ignore_ascii_case(own)));
    shared.map(|field| format!("{}: {}\n", field.name, field.value)).collect()
}

/// `2025-05-31 08:00 UTC`
fn day(moment: OffsetDateTime) -> String {
    format!("{} {:02}:{:02} UTC", moment.date(), moment.hour(), moment.minute())
}

/// Tells the blocks of the email their lines of the file, for the page's script, and marks where Gmail clips.
///
/// Links lead nowhere from here, so the Tab key passes them by.
fn annotated(html: &str, outline: &Outline) -> String {
    let mut notes: Vec<(usize, String)> = Vec::new();
    for (at, line) in &outline.lines {
        let line = line.map_or(String::new(), |line| line.to_string());
        notes.extend(tag_name_end(html, *at).map(|at| (at, format!(" data-line=\"{line}\""))));
    }
    let mut clip = outline.clip.map(|clip| clip.at);
    for piece in markup::read(html) {
        let is_link = matches!(&piece.kind, Kind::Open(tag) if tag.is("a"));
        if is_link && let Some(at) = tag_name_end(html, piece.span.start) {
            notes.push((at, " tabindex=\"-1\"".to_owned()));
        }
        if let Some(at) = clip.and_then(|clip| first_hidden(&piece, clip)) {
            notes.push((at, CLIP_LINE.to_owned()));
            clip = None;
        }
    }
    notes.sort_by_key(|(at, _)| *at);
    let mut annotated = String::with_capacity(html.len() + 32 * notes.len());
    let mut from = 0;
    for (at, note) in notes {
        annotated.push_str(html.get(from..at).unwrap_or_default());
        annotated.push_str(&note);
        from = at;
    }
    annotated.push_str(html.get(from..).unwrap_or_default());
    annotated
}

/// Stands in the frame where Gmail stops: beside the words, in no flow, so that it fits into every element.
const CLIP_LINE: &str = "<span class=\"clip-line\" style=\"position:absolute;left:0;right:0;z-index:1;margin:0;padding:0;\
                         border-top:3px dashed #c62a2f;font:bold 13px/1.4 sans-serif;text-align:right;\
                         white-space:normal;text-indent:0\"><span style=\"display:inline-block;padding:2px 8px;\
                         background-color:#c62a2f;color:#ffffff\">Gmail clips the message here and hides the rest</span></span>";

/// Where in a piece the first word or picture stands that Gmail hides, clipping at a byte.
fn first_hidden(piece: &Piece<'_>, clip: usize) -> Option<usize> {
    match &piece.kind {
        Kind::Open(tag) if tag.is("img") && piece.span.start >= clip => Some(piece.span.start),
        Kind::Text(text) if piece.span.end > clip && !text.trim().is_empty() => {
            let from = clip.saturating_sub(piece.span.start);
            // between words: not inside a character or its reference
            let space = text.get(text.ceil_char_boundary(from)..)?.find(char::is_whitespace);
            Some(
                piece.span.start + if from > 0 { text.ceil_char_boundary(from) + space.unwrap_or_default() } else { 0 },
            )
        }
        _ => None,
    }
}

/// Where the name of the tag that begins at a byte ends.
fn tag_name_end(html: &str, start: usize) -> Option<usize> {
    let rest = html.get(start..)?.strip_prefix('<')?;
    let name = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    (name > 0).then_some(start + 1 + name)
}

/// A finding with its severity and rule.
type Ruled = (Severity, &'static str, templates::Finding);

fn checked(finding: &check::Finding) -> Ruled {
    // what is said of a style sheet is in no line of the issue
    let line = (finding.rule != "style-sheet").then_some(finding.line);
    let shown = templates::Finding { message: finding.message.clone(), hint: finding.hint.clone(), line };
    (finding.severity, finding.rule, shown)
}

fn inspected(finding: &inspect::Finding) -> Ruled {
    let inspect::Finding { message, hint, line, .. } = finding;
    let shown = templates::Finding { message: message.clone(), hint: hint.clone(), line: *line };
    (finding.severity, finding.rule, shown)
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn shade(html: &str, view: &'static str, mode: Mode, name: &'static str, clients: &'static str) -> templates::Shade {
    let pairs = inspect::contrast(html, mode);
    let poor = |pair: &inspect::Contrast| templates::Poor {
        words: pair.words.clone(),
        text: pair.text.to_string(),
        background: pair.background.to_string(),
        ratio: pair.ratio,
    };
    let lowest = pairs.first().map_or(21.0, |pair| pair.ratio);
    templates::Shade {
        view,
        name,
        clients,
        lowest,
        poor: pairs.iter().filter(|pair| !pair.is_enough()).map(poor).collect(),
    }
}

fn part_name(place: Place, title: &str) -> String {
    match place {
        Place::Head => "Head and styles".to_owned(),
        Place::Masthead => "Masthead".to_owned(),
        Place::Intro if title.is_empty() => "Intro".to_owned(),
        Place::Footer => "Footer".to_owned(),
        _ => title.to_owned(),
    }
}

/// The MIME tree as a list, outer parts first.
fn flatten(part: &inspect::MimePart, depth: usize, list: &mut Vec<templates::Part>) {
    let charset = part.charset.as_ref().map_or(String::new(), |charset| format!("; charset={charset}"));
    list.push(templates::Part {
        depth,
        kind: part.content_type.clone() + &charset,
        encoding: part.encoding.clone().unwrap_or_default(),
        bytes: part.encoded_bytes,
    });
    part.parts.iter().for_each(|inner| flatten(inner, depth + 1, list));
}
