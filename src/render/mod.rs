//! Issue → Rendered: what every reader gets, with gaps for what differs.
//!
//! Pure and deterministic: the same issue gives the same bytes, whatever the clock, locale or machine.
//! HTML and text are written from one [`Page`](crate::templates::Page), so they say the same.

mod emoji;
mod link;
mod markdown;
mod page;
mod sample;
mod slot;
mod text;
mod wrap;

pub use sample::{SAMPLE_UNSUBSCRIBE_URL, sample_newsletter};
pub use slot::Slot;

use std::sync::LazyLock;

use css_inline::{CSSInliner, InlineError};

use crate::issue::Issue;
use crate::newsletter::Newsletter;
use crate::templates;

/// An issue as it is mailed, but for the [slots](Slot) that each reader fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, one line.
    pub subject: String,
    /// The line that an inbox shows behind the subject.
    pub preheader: String,
    /// The HTML part, CSS inlined.
    pub html: String,
    /// The text part, lines ended by `\n`, wrapped at 72 columns.
    pub text: String,
    /// What the slots' markers are made with: 16 hex digits of a hash of the content, so no content can hold it.
    pub seal: String,
}

impl Rendered {
    /// The HTML part with every slot filled; values are escaped.
    pub fn html_for<'a>(&self, value: impl Fn(Slot) -> &'a str) -> String {
        slot::fill(&self.html, &self.seal, |slot| escape(value(slot)))
    }

    /// The text part with every slot filled.
    pub fn text_for<'a>(&self, value: impl Fn(Slot) -> &'a str) -> String {
        slot::fill(&self.text, &self.seal, |slot| value(slot).to_owned())
    }
}

/// A mail to one person that is no issue: a confirmation, a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The subject, one line.
    pub subject: String,
    /// The HTML part, CSS inlined.
    pub html: String,
    /// The text part, lines ended by `\n`.
    pub text: String,
}

/// Why an issue cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The style sheet could not be inlined.
    #[error("the style sheet cannot be inlined: {0}; look for an unclosed rule in it")]
    Style(#[from] InlineError),
}

/// Renders an issue for all readers of a newsletter.
pub fn render(issue: &Issue, newsletter: &Newsletter) -> Result<Rendered, RenderError> {
    render_with(&INLINER, issue, newsletter)
}

/// The HTML part alone, for those who only want to know how large it is.
pub fn html(issue: &Issue, newsletter: &Newsletter) -> Result<String, RenderError> {
    let seal = slot::seal(issue, newsletter);
    let page = page::page(issue, newsletter, Slot::UnsubscribeUrl.marker(&seal));
    Ok(INLINER.inline(&templates::issue(&page).into_string())?)
}

/// Renders an issue with a style sheet of the editor's own on top; its at-rules are left out.
pub fn render_styled(issue: &Issue, newsletter: &Newsletter, css: &str) -> Result<Rendered, RenderError> {
    render_with(&inliner(css), issue, newsletter)
}

fn render_with(inliner: &CSSInliner, issue: &Issue, newsletter: &Newsletter) -> Result<Rendered, RenderError> {
    let seal = slot::seal(issue, newsletter);
    let page = page::page(issue, newsletter, Slot::UnsubscribeUrl.marker(&seal));
    Ok(Rendered {
        html: inliner.inline(&templates::issue(&page).into_string())?,
        text: text::issue(&page),
        subject: page.subject,
        preheader: page.preheader,
        seal,
    })
}

/// Renders the mail that asks a reader to confirm a sign-up.
pub fn confirmation(newsletter: &Newsletter, confirm_url: &str) -> Result<Notice, RenderError> {
    let name = link::one_line(&newsletter.name);
    let words = templates::Words::of(&newsletter.language);
    let address = page::postal_address(newsletter);
    let markup = templates::confirmation(&newsletter.language, &name, &address, confirm_url);
    Ok(Notice {
        subject: (words.confirm_subject)(&name),
        html: INLINER.inline(&markup.into_string())?,
        text: text::confirmation(words, &name, &address, confirm_url),
    })
}

/// Built once: it owns the parsed options, and inlining takes less than a millisecond with it.
static INLINER: LazyLock<CSSInliner<'static>> = LazyLock::new(|| inliner(""));

fn inliner(css: &str) -> CSSInliner<'static> {
    CSSInliner::options()
        .load_remote_stylesheets(false)
        .extra_css(Some(format!("{}\n{css}", templates::EMAIL_STYLE).into()))
        .minify_css(true)
        .build()
}

/// Escapes a value for HTML text and attributes.
fn escape(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
