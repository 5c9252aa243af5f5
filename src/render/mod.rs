//! Issue → Rendered: what every reader gets, with gaps for what differs.
//!
//! Pure and deterministic: the same issue gives the same bytes, whatever the clock, locale or machine.
//! HTML and text are written from one [`Page`], so they say the same.

mod emoji;
mod highlight;
mod inline;
mod link;
mod markdown;
mod markup;
mod notes;
mod page;
mod sample;
mod slot;
mod text;
mod wrap;

pub use sample::{SAMPLE_UNSUBSCRIBE_URL, sample_date, sample_newsletter, sample_value};
pub use slot::{Gap, Piece, Slot, reader_name};

use css_inline::InlineError;
use maud::Markup;

use crate::issue::Issue;
use crate::newsletter::Newsletter;
use crate::templates::{self, Letter, Page, Style, Words};
use crate::theme::{SheetWarning, Theme};

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
        slot::fill(&self.html_pieces(), value)
    }

    /// The text part with every slot filled.
    pub fn text_for<'a>(&self, value: impl Fn(Slot) -> &'a str) -> String {
        slot::fill(&self.text_pieces(), value)
    }

    /// The HTML part, cut at its slots.
    pub fn html_pieces(&self) -> Vec<Piece<'_>> {
        slot::pieces(&self.html, &self.seal, true)
    }

    /// The text part, cut at its slots.
    pub fn text_pieces(&self) -> Vec<Piece<'_>> {
        slot::pieces(&self.text, &self.seal, false)
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
    /// What unsubscribes the reader without a login, where the mail has a way out; goes into the headers too.
    pub unsubscribe_url: Option<String>,
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
    let seal = slot::seal(issue, newsletter);
    let page = page::page(issue, newsletter, &seal);
    Ok(Rendered {
        html: page_html(&page)?,
        text: text::issue(&page),
        subject: page.subject,
        preheader: page.preheader,
        seal,
    })
}

/// The HTML part alone, for those who only want to know how large it is.
pub fn html(issue: &Issue, newsletter: &Newsletter) -> Result<String, RenderError> {
    let page = page::page(issue, newsletter, &slot::seal(issue, newsletter));
    Ok(page_html(&page)?)
}

fn page_html(page: &Page) -> Result<String, InlineError> {
    let style = Style::new(&page.theme, &page.language, page.is_long);
    inlined(&templates::issue(page, &style), &style, &page.theme)
}

/// Renders the mail that asks a reader to confirm a sign-up.
pub fn confirmation(newsletter: &Newsletter, confirm_url: &str) -> Result<Notice, RenderError> {
    let words = Words::of(&newsletter.language);
    let name = link::one_line(&newsletter.name);
    let letter = Letter {
        title: (words.confirm_subject)(&name),
        opening: (words.confirm_request)(&name),
        button: Some((words.confirm_button.to_owned(), confirm_url.to_owned())),
        closing: Some(words.confirm_ignore.to_owned()),
        unsubscribe: None,
    };
    notice(newsletter, letter)
}

/// Renders the mail that welcomes a reader; `issue_url` leads to the newest issue, if there is one.
pub fn welcome(newsletter: &Newsletter, issue_url: Option<&str>, leave_url: &str) -> Result<Notice, RenderError> {
    let words = Words::of(&newsletter.language);
    let letter = Letter {
        title: (words.welcome_subject)(&link::one_line(&newsletter.name)),
        opening: words.welcome_promise.to_owned(),
        button: issue_url.map(|url| (words.welcome_button.to_owned(), url.to_owned())),
        closing: None,
        unsubscribe: Some((words.unsubscribe.to_owned(), leave_url.to_owned())),
    };
    notice(newsletter, letter)
}

/// Renders the mail that says goodbye to a reader who left.
pub fn goodbye(newsletter: &Newsletter) -> Result<Notice, RenderError> {
    let words = Words::of(&newsletter.language);
    let letter = Letter {
        title: (words.goodbye_subject)(&link::one_line(&newsletter.name)),
        opening: words.goodbye_promise.to_owned(),
        button: Some((words.goodbye_button.to_owned(), newsletter.home_url())),
        closing: None,
        unsubscribe: None,
    };
    notice(newsletter, letter)
}

fn notice(newsletter: &Newsletter, letter: Letter) -> Result<Notice, RenderError> {
    let Newsletter { theme, language, .. } = newsletter;
    let language = Words::of(language).language_for(language);
    let address = page::postal_address(newsletter);
    let style = Style::new(theme, language, false);
    let markup = templates::notice(theme, &style, language, &link::one_line(&newsletter.name), &address, &letter);
    Ok(Notice {
        html: inlined(&markup, &style, theme)?,
        text: text::notice(Words::of(language), &letter, &address),
        subject: letter.title,
        unsubscribe_url: letter.unsubscribe.map(|(_, url)| url),
    })
}

/// What a theme's style sheet says that no mail will show: properties, classes and variables that nobody knows.
pub fn style_warnings(theme: &Theme) -> Vec<SheetWarning> {
    let is_known = |class: &str| {
        let names = templates::EMAIL_STYLE.split('.').skip(1);
        names.map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next()).any(|name| name == Some(class))
    };
    let unknown = theme.sheet.classes.iter().filter(|(_, class)| !is_known(class));
    let variables = theme.sheet.variables.iter().filter(|(_, name)| !templates::is_variable(name));
    let variables = variables
        .map(|(line, name)| SheetWarning { line: line.clone(), what: format!("no theme has the variable `--{name}`") });
    let mut warnings: Vec<SheetWarning> = unknown
        .map(|(line, class)| SheetWarning {
            line: line.clone(),
            what: format!("no part of a mail has the class `{class}`"),
        })
        .chain(variables)
        .chain(theme.sheet.warnings.iter().cloned())
        .collect();
    warnings.sort_by(|one, other| one.line.cmp(&other.line));
    warnings
}

/// Puts the style into every element.
fn inlined(markup: &Markup, style: &Style, theme: &Theme) -> Result<String, InlineError> {
    match theme.sheet.looks_further {
        true => inline::inline_all(&markup.0, &style.inlined),
        false => inline::inline(&markup.0, &style.inlined),
    }
}
