//! What a reader sees of each run of words: colours, size and weight, after the cascade and inheritance.
//!
//! As a browser computes them on a large, light screen, for the few properties that inspections ask for.

use std::rc::Rc;

use super::colour::Colour;
use super::css::{self, Declaration};
use super::markup::{self, Kind, Tag};
use super::media;
use super::selector::{Selector, Specificity};

/// Words side by side with the same look, or the text that stands for an image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    /// The words, decoded.
    pub(super) text: String,
    /// Where they stand in the HTML.
    pub(super) at: usize,
    pub(super) look: Look,
    /// Where the paragraph, cell or other block begins that they are in.
    pub(super) block: usize,
    /// Where the link begins that they are in.
    pub(super) link: Option<usize>,
}

/// How words look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    pub(super) colour: Colour,
    /// What is behind them, opaque.
    pub(super) background: Colour,
    /// CSS pixels.
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) underlined: bool,
    pub(super) hidden: bool,
}

/// The properties that count.
#[derive(Debug, Clone, Copy)]
enum Property {
    Colour,
    Background,
    Size,
    Weight,
    Decoration,
    Display,
    Visibility,
    Opacity,
}

const PROPERTIES: usize = 8;

/// The winning declaration of each property.
type Winners<'a> = [Option<(Weight, &'a str)>; PROPERTIES];

/// What decides between two declarations: importance, the `style` attribute, the selector, the order.
type Weight = (bool, bool, Specificity, usize);

/// An element that is open.
struct Element<'a> {
    tag: Tag<'a>,
    at: usize,
    look: Look,
    block: usize,
    link: Option<usize>,
}

/// A rule that applies, for one selector of its list.
struct Rule<'a> {
    selector: Selector<'a>,
    declarations: Rc<[Declaration<'a>]>,
    order: usize,
}

/// Unclosed elements are closed by what closes an element so far out.
const REACH: usize = 64;

/// All words of an email in order, the hidden ones too: a change of looks leaves their number as it is.
pub(super) fn runs(html: &str) -> Vec<Run> {
    let document = Document::read(html);
    let mut stack: Vec<Element<'_>> = Vec::new();
    let mut runs = Vec::new();
    let mut push = |text: &str, at: usize, element: &Element<'_>| {
        let text = markup::decode(text);
        if !text.trim().is_empty() {
            let (look, block, link) = (element.look, element.block, element.link);
            runs.push(Run { text: text.into_owned(), at, look, block, link });
        }
    };
    for piece in markup::read(html) {
        match piece.kind {
            Kind::Open(tag) => {
                let void = tag.is_void();
                stack.push(document.element(&stack, tag, piece.span.start));
                if let (true, Some(element)) = (void, stack.last()) {
                    if element.tag.is("img") {
                        push(element.tag.value("alt").unwrap_or_default(), element.at, element);
                    }
                    stack.pop();
                }
            }
            Kind::Close(name) => {
                let found =
                    stack.iter().rev().take(REACH).position(|element| element.tag.name.eq_ignore_ascii_case(name));
                if let Some(depth) = found {
                    stack.truncate(stack.len() - 1 - depth);
                }
            }
            Kind::Text(text) => {
                if let Some(element) = stack.last() {
                    push(text, piece.span.start, element);
                }
            }
            Kind::Comment(_) | Kind::Raw(_) | Kind::Declaration(_) => {}
        }
    }
    runs
}

/// What holds for the whole email.
struct Document<'a> {
    rules: Vec<Rule<'a>>,
    dark: bool,
}

impl<'a> Document<'a> {
    fn read(html: &'a str) -> Self {
        let mut document = Self { rules: Vec::new(), dark: false };
        for piece in markup::read(html) {
            match piece.kind {
                Kind::Raw(css) => document.add(css),
                Kind::Open(tag) if tag.is("meta") && tag.value("name") == Some("color-scheme") => {
                    document.dark = tag.value("content") == Some("dark");
                }
                _ => {}
            }
        }
        document
    }

    fn add(&mut self, css: &'a str) {
        let applying = css::sheet(css).rules.into_iter().filter(|rule| rule.within.iter().all(|at| media::applies(at)));
        for rule in applying {
            let declarations: Rc<[Declaration<'a>]> = css::declarations(rule.body).into();
            let order = self.rules.len();
            let selectors = css::split(rule.prelude, b',').into_iter().filter_map(|(_, text)| Selector::parse(text));
            self.rules.extend(selectors.map(|selector| Rule { selector, declarations: declarations.clone(), order }));
        }
    }

    /// The look of the document's outside: paper and ink of the reader's program.
    fn outside(&self) -> Look {
        // Chromium's canvas in the dark
        let (colour, background) = if self.dark { (0xffffff, 0x121212) } else { (0x000000, 0xffffff) };
        Look {
            colour: Colour::rgb(colour),
            background: Colour::rgb(background),
            size: 16.0,
            bold: false,
            underlined: false,
            hidden: false,
        }
    }

    fn element<'t>(&self, stack: &[Element<'t>], tag: Tag<'t>, at: usize) -> Element<'t> {
        let parent = stack.last();
        let inherited = parent.map_or_else(|| self.outside(), |parent| parent.look);
        let mut look = self.defaults(&tag, inherited);
        self.apply(stack, &tag, &inherited, &mut look);
        let block = if is_inline(tag.name) { parent.map_or(at, |parent| parent.block) } else { at };
        let link = if tag.is("a") { Some(at) } else { parent.and_then(|parent| parent.link) };
        Element { tag, at, look, block, link }
    }

    /// What a browser's own style sheet says, and the attributes that say how things look.
    fn defaults(&self, tag: &Tag<'_>, inherited: Look) -> Look {
        let mut look = inherited;
        match tag.name.to_ascii_lowercase().as_str() {
            "h1" => (look.bold, look.size) = (true, inherited.size * 2.0),
            "h2" => (look.bold, look.size) = (true, inherited.size * 1.5),
            "h3" => (look.bold, look.size) = (true, inherited.size * 1.17),
            "h4" | "b" | "strong" | "th" => look.bold = true,
            "h5" => (look.bold, look.size) = (true, inherited.size * 0.83),
            "h6" => (look.bold, look.size) = (true, inherited.size * 0.67),
            "small" | "sub" | "sup" => look.size = inherited.size * 0.83,
            "u" | "ins" => look.underlined = true,
            "a" if tag.attribute("href").is_some() => {
                look.underlined = true;
                look.colour = Colour::rgb(if self.dark { 0x9e9eff } else { 0x0000ee });
            }
            "head" | "title" | "template" => look.hidden = true,
            _ => {}
        }
        let colour = |name: &str| tag.value(name).and_then(Colour::parse);
        if let Some(background) = colour("bgcolor") {
            look.background = background.over(inherited.background);
        }
        if let Some(ink) = if tag.is("font") { colour("color") } else { colour("text").filter(|_| tag.is("body")) } {
            look.colour = ink;
        }
        look.hidden |= tag.attribute("hidden").is_some();
        look
    }

    /// What style block and `style` attribute say.
    fn apply<'t>(&self, stack: &[Element<'t>], tag: &Tag<'t>, inherited: &Look, look: &mut Look) {
        let mut winners: Winners<'_> = [None; PROPERTIES];
        let path = || stack.iter().map(|element| &element.tag).chain([tag]);
        for rule in self.rules.iter().filter(|rule| rule.selector.matches(path())) {
            let weight = (false, false, rule.selector.specificity(), rule.order);
            rule.declarations.iter().for_each(|declaration| enter(&mut winners, declaration, weight));
        }
        let own = css::declarations(tag.value("style").unwrap_or_default());
        own.iter().for_each(|declaration| enter(&mut winners, declaration, (false, true, (0, 0, 0), 0)));
        let value = |property: Property| winners[property as usize].map(|(_, value)| value);

        if let Some(colour) = value(Property::Colour) {
            look.colour = match Colour::parse(colour) {
                Some(colour) => colour,
                None if colour.eq_ignore_ascii_case("inherit") => inherited.colour,
                None => look.colour,
            };
        }
        if let Some(background) = value(Property::Background).and_then(colour_in) {
            look.background = background.over(inherited.background);
        }
        if let Some(size) = value(Property::Size).and_then(|value| size_in(value, inherited.size)) {
            look.size = size;
        }
        if let Some(weight) = value(Property::Weight) {
            look.bold = is_bold(weight, inherited.bold);
        }
        if let Some(decoration) = value(Property::Decoration) {
            look.underlined = inherited.underlined || decoration.to_ascii_lowercase().contains("underline");
        }
        let is = |property, word: &str| value(property).is_some_and(|value| value.eq_ignore_ascii_case(word));
        look.hidden |= is(Property::Display, "none");
        look.hidden |= is(Property::Visibility, "hidden");
        look.hidden |= value(Property::Opacity).and_then(|value| value.parse::<f64>().ok()) == Some(0.0);
    }
}

/// Lets a declaration win over the lighter ones.
fn enter<'a>(winners: &mut Winners<'a>, declaration: &Declaration<'a>, weight: Weight) {
    let properties: &[Property] = match declaration.name.to_ascii_lowercase().as_str() {
        "color" => &[Property::Colour],
        "background" | "background-color" => &[Property::Background],
        "font-size" => &[Property::Size],
        "font-weight" => &[Property::Weight],
        "font" => &[Property::Size, Property::Weight],
        "text-decoration" | "text-decoration-line" => &[Property::Decoration],
        "display" => &[Property::Display],
        "visibility" => &[Property::Visibility],
        "opacity" => &[Property::Opacity],
        _ => return,
    };
    let weight = (declaration.important, weight.1, weight.2, weight.3);
    for property in properties {
        let winner = &mut winners[*property as usize];
        if winner.is_none_or(|(there, _)| weight >= there) {
            *winner = Some((weight, declaration.value));
        }
    }
}

/// The colour of a `background`; one without colour is transparent.
fn colour_in(value: &str) -> Option<Colour> {
    css::split(value, b' ').into_iter().find_map(|(_, word)| Colour::parse(word))
}

/// The font size in `font-size` or `font`, in CSS pixels.
fn size_in(value: &str, inherited: f64) -> Option<f64> {
    let size = |word: &str| {
        let word = word.split('/').next().unwrap_or_default().to_ascii_lowercase();
        let of = |unit: &str| word.strip_suffix(unit).and_then(|number| number.parse::<f64>().ok());
        let keyword = match word.as_str() {
            "xx-small" => Some(9.0),
            "x-small" => Some(10.0),
            "small" => Some(13.0),
            "medium" => Some(16.0),
            "large" => Some(18.0),
            "x-large" => Some(24.0),
            "xx-large" => Some(32.0),
            "smaller" => Some(inherited / 1.2),
            "larger" => Some(inherited * 1.2),
            _ => None,
        };
        keyword
            .or_else(|| of("px"))
            .or_else(|| of("pt").map(|points| points * 4.0 / 3.0))
            .or_else(|| of("rem").map(|times| times * 16.0))
            .or_else(|| of("em").map(|times| times * inherited))
            .or_else(|| of("%").map(|percent| percent / 100.0 * inherited))
    };
    css::split(value, b' ').into_iter().find_map(|(_, word)| size(word))
}

/// Whether `font-weight` or `font` asks for bold, 700 and up.
fn is_bold(value: &str, inherited: bool) -> bool {
    let words = css::split(value, b' ');
    words.iter().any(|(_, word)| {
        let heavy = word.parse::<u16>().is_ok_and(|weight| weight >= 700);
        heavy || ["bold", "bolder"].iter().any(|bold| word.eq_ignore_ascii_case(bold))
    }) || (inherited && words.iter().any(|(_, word)| word.eq_ignore_ascii_case("inherit")))
}

/// Whether an element flows in a line of words.
pub(super) fn is_inline(name: &str) -> bool {
    const INLINE: [&str; 28] = [
        "a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "del", "em", "font", "i", "img", "ins", "kbd", "mark",
        "q", "s", "small", "span", "strike", "strong", "sub", "sup", "time", "u", "var", "wbr",
    ];
    INLINE.iter().any(|inline| name.eq_ignore_ascii_case(inline))
}
