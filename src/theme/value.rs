//! The values of declarations: what a browser drops without a word, and what no mail may have.

use cssparser::Token;
use cssparser::color::{parse_hash_color, parse_named_color};

use super::names::unknown_word;

/// CSS pixels of the narrowest phones.
const PHONE: f32 = 320.0;

/// What is wrong with a declaration.
pub(super) enum Flaw {
    /// No sheet may have it.
    Error(String),
    /// It does nothing, or harm.
    Warning(String),
}

/// Judges a declaration by the tokens of its value; `wide` where it is read by screens of any width.
pub(super) fn judge(name: &str, tokens: &[Token<'_>], wide: bool) -> Option<Flaw> {
    let name = name.to_ascii_lowercase();
    if matches!(name.as_str(), "behavior" | "-moz-binding") {
        return Some(Flaw::Error(format!("`{name}` runs a program, which no mail may: take it out")));
    }
    if let Some(flaw) = tokens.iter().find_map(address) {
        return Some(flaw);
    }
    // what follows from others is known only when they are filled in
    if tokens.iter().any(|token| is_function(token, "var")) {
        return None;
    }
    let mut words = tokens.iter();
    let bad = if is_colour_property(&name) {
        words.find(|token| !is_colour(token)).map(|token| format!("`{}` is no colour", written(token)))
    } else if is_length_property(&name) {
        let most = if matches!(name.as_str(), "margin" | "padding") { 4 } else { 1 };
        let many =
            (tokens.len() > most && !has_functions(tokens)).then(|| format!("{} values are too many", tokens.len()));
        words.find_map(|token| bad_length(token, &name)).or(many)
    } else {
        words.find_map(|token| unknown_word(&name, word(token)?))
    };
    if let Some(bad) = bad {
        return Some(Flaw::Warning(format!("{bad}: mail programs drop `{name}`")));
    }
    let width = matches!(name.as_str(), "width" | "min-width").then(|| tokens.first()).flatten();
    match width {
        Some(Token::Dimension { value, unit, .. }) if wide && unit.eq_ignore_ascii_case("px") && *value > PHONE => {
            let what = format!("`{name}: {value}px` is wider than a phone, where readers would scroll sideways");
            Some(Flaw::Warning(what + ": write `width: 100%` and `max-width`"))
        }
        _ => None,
    }
}

/// What is wrong with an address in a value, or with a function that is a program.
fn address(token: &Token<'_>) -> Option<Flaw> {
    let url = match token {
        Token::UnquotedUrl(url) | Token::QuotedString(url) => url.trim(),
        _ if is_function(token, "expression") => {
            return Some(Flaw::Error("`expression()` runs a program, which no mail may: take it out".to_owned()));
        }
        _ => return None,
    };
    let (scheme, _) = url.split_once(':')?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => Some(Flaw::Warning(
            "`url(…)` is loaded when the mail is opened, where it is at all; put pictures into the issue".to_owned(),
        )),
        "javascript" | "vbscript" | "data" | "file" => {
            Some(Flaw::Error(format!("`{scheme}:` in a style sheet is what spam filters look for: take it out")))
        }
        _ => None,
    }
}

fn is_function(token: &Token<'_>, name: &str) -> bool {
    matches!(token, Token::Function(function) if function.eq_ignore_ascii_case(name))
}

/// Whether something is computed, whose parts are no values of their own.
fn has_functions(tokens: &[Token<'_>]) -> bool {
    tokens.iter().any(|token| matches!(token, Token::Function(_)))
}

fn is_colour_property(name: &str) -> bool {
    let bordered = name.starts_with("border-") && name.ends_with("-color");
    bordered || matches!(name, "color" | "background-color" | "outline-color" | "text-decoration-color")
}

fn is_colour(token: &Token<'_>) -> bool {
    const FUNCTIONS: [&str; 10] = ["rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch", "color"];
    match token {
        Token::Ident(word) => {
            is_global(word) || is_one_of(word, &["transparent", "currentcolor"]) || parse_named_color(word).is_ok()
        }
        Token::Hash(digits) | Token::IDHash(digits) => parse_hash_color(digits.as_bytes()).is_ok(),
        Token::Function(name) => is_one_of(name, &FUNCTIONS),
        _ => false,
    }
}

fn is_length_property(name: &str) -> bool {
    const NAMES: [&str; 8] =
        ["width", "height", "min-width", "max-width", "min-height", "max-height", "font-size", "letter-spacing"];
    const SIDES: [&str; 4] = ["-top", "-right", "-bottom", "-left"];
    let box_side = ["margin", "padding"].iter().filter_map(|family| name.strip_prefix(family));
    NAMES.contains(&name) || box_side.into_iter().any(|side| side.is_empty() || SIDES.contains(&side))
}

/// What is wrong with a token that should be a length.
fn bad_length(token: &Token<'_>, name: &str) -> Option<String> {
    const UNITS: [&str; 17] =
        ["px", "em", "rem", "pt", "pc", "cm", "mm", "in", "q", "ex", "ch", "lh", "rlh", "vw", "vh", "vmin", "vmax"];
    match token {
        Token::Number { value, .. } | Token::Dimension { value, .. }
            if *value < 0.0 && !name.starts_with("margin") && name != "letter-spacing" =>
        {
            Some(format!("`{}` is less than nothing", written(token)))
        }
        Token::Number { value, .. } if *value != 0.0 => Some(format!("`{value}` has no unit, like `{value}px`")),
        Token::Dimension { unit, .. } if !is_one_of(unit, &UNITS) => Some(format!("`{unit}` is no unit")),
        Token::Hash(_) | Token::IDHash(_) | Token::QuotedString(_) => {
            Some(format!("`{}` is no length", written(token)))
        }
        _ => None,
    }
}

/// The word that a token is.
fn word<'t>(token: &'t Token<'_>) -> Option<&'t str> {
    if let Token::Ident(word) = token { Some(word) } else { None }
}

fn is_global(word: &str) -> bool {
    is_one_of(word, &["inherit", "initial", "unset", "revert"])
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// A token as the editor wrote it, more or less.
fn written(token: &Token<'_>) -> String {
    match token {
        Token::Ident(word) => word.to_string(),
        Token::Hash(word) | Token::IDHash(word) => format!("#{word}"),
        Token::QuotedString(word) => format!("\"{word}\""),
        Token::Function(word) => format!("{word}()"),
        Token::Number { value, .. } => value.to_string(),
        Token::Dimension { value, unit, .. } => format!("{value}{unit}"),
        _ => "this".to_owned(),
    }
}
