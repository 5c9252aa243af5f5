//! A style sheet of the newsletter's own: read before it is used, since an inliner skips what it cannot read.

use std::fmt;

use cssparser::{ParseError, Parser, Token, parse_nth};

use super::balance::unclosed;
use super::names::{unknown_element, unknown_property};
use super::value::{Flaw, judge};

/// Bytes of `@media` rules that a sheet may have: with ours they stay below the 16 KB after which Gmail drops all.
const KEPT_BYTES: usize = 12_000;

/// Rules over those of every mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Sheet {
    /// Plain rules, to be inlined.
    pub rules: String,
    /// `@media` rules, which stay in the head.
    pub kept: String,
    /// The classes that its selectors name, with their places.
    pub classes: Vec<(SheetLine, String)>,
    /// The variables that its values name, with their places.
    pub variables: Vec<(SheetLine, String)>,
    /// Whether a selector looks at more of an element than names and classes: attributes, siblings, its place.
    pub looks_further: bool,
    /// What works in no mail, or not as it looks.
    pub warnings: Vec<SheetWarning>,
}

/// A line of a sheet, shown as ``style sheet `mail.css`, line 3``.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SheetLine {
    /// The sheet's file, as the editor names it; empty where it is known anyway.
    pub file: String,
    /// The line, from 1.
    pub number: u32,
}

impl SheetLine {
    fn new(number: u32) -> Self {
        Self { file: String::new(), number }
    }
}

impl fmt::Display for SheetLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, number } = self;
        if file.is_empty() {
            write!(f, "style sheet, line {number}")
        } else {
            write!(f, "style sheet `{file}`, line {number}")
        }
    }
}

/// Something in a sheet that does nothing, or not everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SheetWarning {
    /// Where it stands.
    pub line: SheetLine,
    /// What is odd, and the remedy.
    pub what: String,
}

impl fmt::Display for SheetWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

/// Why a sheet cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct SheetError {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong, and the remedy.
    pub what: String,
}

impl Sheet {
    /// Reads a style sheet.
    ///
    /// # Errors
    ///
    /// What an inliner would skip or a mail program would choke on: a rule that is not closed, a declaration without
    /// a value, an at-rule other than a flat `@media`, `<`.
    ///
    /// ```
    /// use masthead::theme::Sheet;
    ///
    /// let sheet = Sheet::parse("h1 { font-size: 40px }\n@media print { .footer { display: none } }").unwrap();
    /// assert_eq!(sheet.rules, "h1 { font-size: 40px }\n");
    /// assert!(Sheet::parse("h1 { font-size: 40px").unwrap_err().to_string().starts_with("line 1: "));
    /// ```
    pub fn parse(css: &str) -> Result<Self, SheetError> {
        // some editors begin a file with a byte order mark, which CSS would take for part of a name
        let css = css.strip_prefix('\u{feff}').unwrap_or(css);
        if let Some(at) = css.find('<') {
            let line = 1 + css[..at].matches('\n').count();
            let what = "`<` would end the style element; write CSS alone".to_owned();
            return Err(SheetError { line: u32::try_from(line).unwrap_or(u32::MAX), what });
        }
        if let Some((line, opening)) = unclosed(css) {
            let closing = match opening {
                "{" => "}",
                "[" => "]",
                "/*" => "*/",
                _ => ")",
            };
            return Err(SheetError {
                line,
                what: format!("the `{opening}` is not closed; add the missing `{closing}`"),
            });
        }
        let mut input = Parser::new(css);
        let mut sheet = Self::default();
        sheet.read_rules(&mut input, Place::Top).map_err(|error| match error.kind {
            cssparser::ParseErrorKind::Custom(error) => error,
            cssparser::ParseErrorKind::Basic(_) => wrong(&input, "nothing that a style sheet may have here"),
        })?;
        if sheet.kept.len() > KEPT_BYTES {
            let what = format!("{} bytes of @media rules; Gmail drops all beyond 16 KB", sheet.kept.len());
            return Err(SheetError { line: 1, what: what + ": keep them below 12 KB" });
        }
        Ok(sheet)
    }

    /// This sheet, read from `file`, so that what is said of it names that.
    #[must_use]
    pub fn named(mut self, file: &str) -> Self {
        let named = self.classes.iter_mut().chain(&mut self.variables).map(|(line, _)| line);
        let lines = named.chain(self.warnings.iter_mut().map(|warning| &mut warning.line));
        lines.for_each(|line| line.file = file.to_owned());
        self
    }

    /// This sheet with another over it.
    #[must_use]
    pub fn under(mut self, other: &Self) -> Self {
        self.rules.push_str(&other.rules);
        self.kept.push_str(&other.kept);
        self.classes.extend(other.classes.iter().cloned());
        self.variables.extend(other.variables.iter().cloned());
        self.looks_further |= other.looks_further;
        self.warnings.extend(other.warnings.iter().cloned());
        self
    }

    fn warn(&mut self, line: u32, what: String) {
        self.warnings.push(SheetWarning { line: SheetLine::new(line), what });
    }

    /// Reads rules up to the end of the input, which is that of a block inside `@media`.
    fn read_rules<'i>(&mut self, input: &mut Parser<'i>, place: Place) -> Result<(), ParseError<SheetError>> {
        loop {
            input.skip_whitespace();
            let start = input.position();
            let line = line(input);
            let Ok(token) = input.next() else { return Ok(()) };
            match token.clone() {
                Token::AtKeyword(name) if place == Place::Top && name.eq_ignore_ascii_case("media") => {
                    let printed = prelude(input)?;
                    let place = if printed { Place::Print } else { Place::Media };
                    input.parse_nested_block(|input| self.read_rules(input, place))?;
                    self.kept.push_str(input.slice_from(start));
                    self.kept.push('\n');
                }
                Token::AtKeyword(name) => {
                    let why = match (place, &*name.to_ascii_lowercase()) {
                        (Place::Media | Place::Print, _) => {
                            "is inside @media; Gmail drops the whole block then: take it out"
                        }
                        (_, "import") => "loads from the network, which mail programs do not: paste the rules here",
                        (_, "font-face") => "loads a font, which would tell when the mail is read: name installed ones",
                        _ => "is known to few mail programs: write plain rules, and @media",
                    };
                    return Err(custom(line, format!("`@{name}` {why}")));
                }
                Token::Semicolon | Token::CloseCurlyBracket => {
                    return Err(custom(line, "there is a `;` or `}` too much before the rule".to_owned()));
                }
                first => {
                    self.selector(input, &first, line, place)?;
                    let names = input.slice_from(start).trim_end_matches('{');
                    let footer = place != Place::Print && names.split(',').any(is_around_footer);
                    input.parse_nested_block(|input| self.declarations(input, place, footer))?;
                    if place == Place::Top {
                        self.rules.push_str(input.slice_from(start));
                        self.rules.push('\n');
                    }
                }
            }
        }
    }

    /// Reads a selector from its first token up to the `{` behind it.
    fn selector<'i>(
        &mut self,
        input: &mut Parser<'i>,
        first: &Token<'i>,
        line: u32,
        place: Place,
    ) -> Result<(), ParseError<SheetError>> {
        let mut token = first.clone();
        let mut before = Token::Comma;
        let mut joined = false;
        loop {
            self.looks_further |= place == Place::Top && looks_further(&token);
            if is_combinator(&token) && (is_combinator(&before) || matches!(before, Token::Comma)) {
                return Err(custom(
                    line,
                    format!("there is nothing before the `{}` of the selector; name an element there", sign(&token)),
                ));
            }
            if is_combinator(&before) && matches!(token, Token::Comma | Token::CurlyBracketBlock) {
                return Err(custom(
                    line,
                    format!("there is nothing behind the `{}` of the selector; name an element there", sign(&before)),
                ));
            }
            if joined && matches!(token, Token::Ident(_) | Token::Delim('*')) && ends_a_part(&before) {
                return Err(custom(
                    line,
                    "the name of an element goes first in its part of a selector: `p.lead`".into(),
                ));
            }
            if let Token::Ident(name) = &token
                && !matches!(before, Token::Delim('.') | Token::Colon)
                && let Some(what) = unknown_element(name)
            {
                self.warn(line, what);
            }
            match (&before, &token) {
                (Token::Delim('.'), Token::Ident(class)) => {
                    self.classes.push((SheetLine::new(line), class.to_string()))
                }
                (Token::Delim('.'), _) | (Token::Comma, Token::Comma | Token::CurlyBracketBlock) => {
                    return Err(custom(line, "the selector is not complete".to_owned()));
                }
                (_, Token::CurlyBracketBlock) => return Ok(()),
                (Token::Colon, Token::Ident(name) | Token::Function(name)) if place == Place::Top => {
                    self.pseudo(name, line)?;
                }
                (Token::Colon, Token::Colon) => {
                    return Err(custom(line, "`::` parts cannot be inlined; style an element".to_owned()));
                }
                (
                    _,
                    Token::Ident(_)
                    | Token::IDHash(_)
                    | Token::Delim('.' | '*' | '>' | '+' | '~')
                    | Token::Colon
                    | Token::Comma
                    | Token::Function(_)
                    | Token::SquareBracketBlock,
                ) => {}
                _ => return Err(custom(line, "this is no selector; a rule is `selector { property: value }`".into())),
            }
            match &token {
                Token::Function(name) => input.parse_nested_block(|input| argument(input, name, line))?,
                Token::SquareBracketBlock => input.parse_nested_block(|input| attribute(input, line))?,
                _ => {}
            }
            before = token;
            let end = input.position();
            input.skip_whitespace();
            joined = input.slice_from(end).is_empty();
            token = match input.next() {
                Ok(token) => token.clone(),
                Err(_) => return Err(custom(line, "the rule has no `{ … }`".to_owned())),
            };
        }
    }

    /// Judges a pseudo-class: inlining sees the mail as it stands, not under a pointer.
    fn pseudo(&mut self, name: &str, line: u32) -> Result<(), ParseError<SheetError>> {
        match name.to_ascii_lowercase().as_str() {
            "first-child" | "last-child" | "only-child" | "nth-child" | "nth-last-child" | "first-of-type"
            | "last-of-type" | "nth-of-type" | "not" | "empty" => Ok(()),
            "hover" | "focus" | "active" | "visited" | "link" => {
                let what = format!("`:{name}` does nothing when it is inlined; put the rule into `@media all {{ … }}`");
                self.warn(line, what);
                Ok(())
            }
            _ => Err(custom(line, format!("`:{name}` cannot be inlined; use a class, or look for a missing `{{`"))),
        }
    }

    /// Reads declarations up to the end of their block; `footer` where they are also about what must be seen.
    fn declarations<'i>(
        &mut self,
        input: &mut Parser<'i>,
        place: Place,
        footer: bool,
    ) -> Result<(), ParseError<SheetError>> {
        loop {
            input.skip_whitespace();
            let line = line(input);
            let name = match input.next() {
                Err(_) => return Ok(()),
                Ok(Token::Semicolon) => continue,
                Ok(Token::Ident(name)) => name.to_string(),
                Ok(Token::AtKeyword(_) | Token::Delim('&') | Token::CurlyBracketBlock) => {
                    return Err(custom(line, "rules inside rules cannot be inlined; write them one by one".into()));
                }
                Ok(_) => return Err(custom(line, "this is no declaration; write `property: value;`".into())),
            };
            if input.expect_colon().is_err() {
                return Err(custom(line, format!("`{name}` has no `:` behind it; write `{name}: value;`")));
            }
            let value = value(input, line, &name)?;
            if footer && hides(&name, &value.tokens) {
                let what =
                    format!("`{name}` hides the footer, where law wants the way out and your address to be seen");
                return Err(custom(line, what + ": name other elements"));
            }
            match judge(&name, &value.tokens, place == Place::Top) {
                Some(Flaw::Error(what)) => return Err(custom(line, what)),
                Some(Flaw::Warning(what)) => self.warn(line, what),
                None => {}
            }
            self.variables.extend(value.variables.into_iter().map(|variable| (SheetLine::new(line), variable)));
            if let Some(what) = unknown_property(&name.to_ascii_lowercase()) {
                self.warn(line, what);
            }
            if place == Place::Top && value.important {
                let what =
                    "`!important` hides the declaration from classic Outlook; rules here win without it".to_owned();
                self.warn(line, what);
            }
        }
    }
}

/// Whether this stands between two elements of a selector.
fn is_combinator(token: &Token) -> bool {
    matches!(token, Token::Delim('>' | '+' | '~'))
}

/// A token that is one sign.
fn sign(token: &Token) -> char {
    if let Token::Delim(sign) = token { *sign } else { ' ' }
}

/// Whether a part of a selector ends with this, if nothing that goes on with it follows.
fn ends_a_part(token: &Token) -> bool {
    use Token::{Delim, Function, IDHash, Ident, SquareBracketBlock};
    matches!(token, Ident(_) | IDHash(_) | Delim('*') | Function(_) | SquareBracketBlock)
}

/// Reads what stands in the brackets of `[lang]` or `[href="x" i]` (Selectors 4, 6).
fn attribute<'i>(input: &mut Parser<'i>, line: u32) -> Result<(), ParseError<SheetError>> {
    let wrong = || custom(line, "this is no attribute; write `[name]` or `[name=\"value\"]`".to_owned());
    input.expect_ident().map_err(|_| wrong())?;
    match input.next() {
        Err(_) => return Ok(()),
        Ok(
            Token::Delim('=')
            | Token::IncludeMatch
            | Token::DashMatch
            | Token::PrefixMatch
            | Token::SuffixMatch
            | Token::SubstringMatch,
        ) => {}
        Ok(_) => return Err(wrong()),
    }
    input.expect_ident_or_string().map_err(|_| wrong())?;
    _ = input.try_parse(|input| input.expect_ident().map(|_| ()));
    if input.is_exhausted() { Ok(()) } else { Err(wrong()) }
}

/// Reads what stands in the brackets of `:nth-child(2n + 1)` or `:not(.lead)`.
fn argument<'i>(input: &mut Parser<'i>, name: &str, line: u32) -> Result<(), ParseError<SheetError>> {
    if input.is_exhausted() {
        return Err(custom(line, format!("the brackets of `:{name}()` are empty")));
    }
    if name.to_ascii_lowercase().starts_with("nth-") {
        let read = parse_nth(input).is_ok() && input.is_exhausted();
        let what = || format!("`:{name}()` takes a number, `odd`, `even` or `2n + 1`");
        return if read { Ok(()) } else { Err(custom(line, what())) };
    }
    drain(input)
}

/// Whether this of a selector is about more than names, classes and what is around.
fn looks_further(token: &Token) -> bool {
    matches!(token, Token::Colon | Token::SquareBracketBlock | Token::IDHash(_) | Token::Delim('+' | '~'))
}

/// Where a rule stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Media,
    /// A block of `@media` that is about paper.
    Print,
}

/// What is of interest in a value.
struct Value<'i> {
    important: bool,
    /// What it is made of, what stands in brackets but addresses excepted.
    tokens: Vec<Token<'i>>,
    /// What `var(--…)` names.
    variables: Vec<String>,
}

/// Reads a value and the `;` behind it.
fn value<'i>(input: &mut Parser<'i>, line: u32, name: &str) -> Result<Value<'i>, ParseError<SheetError>> {
    let mut found = Value { important: false, tokens: Vec::new(), variables: Vec::new() };
    let mut empty = true;
    loop {
        match input.next().cloned() {
            Err(_) | Ok(Token::Semicolon) if empty => return Err(custom(line, format!("`{name}` has no value"))),
            Err(_) | Ok(Token::Semicolon) => return Ok(found),
            Ok(Token::Colon) => {
                return Err(custom(line, format!("there is a second `:` in `{name}`; is a `;` missing before it?")));
            }
            Ok(Token::CurlyBracketBlock) => {
                return Err(custom(line, format!("there is a `{{` in the value of `{name}`; is a `}}` missing?")));
            }
            Ok(token) if token.is_parse_error() => {
                return Err(custom(
                    line,
                    format!("the value of `{name}` cannot be read; look for a missing quote or bracket"),
                ));
            }
            Ok(Token::Function(function)) if function.eq_ignore_ascii_case("var") => {
                found.tokens.push(Token::Function(function));
                input.parse_nested_block(|input| {
                    let name = input.expect_ident().map(|name| name.trim_start_matches('-').to_owned());
                    found.variables.extend(name);
                    drain(input)
                })?;
            }
            Ok(Token::Function(function)) => {
                let address = function.eq_ignore_ascii_case("url");
                found.tokens.push(Token::Function(function));
                input.parse_nested_block(|input| {
                    let url = input.next().ok().cloned();
                    found.tokens.extend(url.filter(|_| address));
                    drain(input)
                })?;
            }
            Ok(Token::ParenthesisBlock | Token::SquareBracketBlock) => input.parse_nested_block(drain)?,
            Ok(Token::Delim('!')) => {}
            Ok(Token::Ident(word)) if word.eq_ignore_ascii_case("important") => found.important = true,
            Ok(token) => found.tokens.push(token),
        }
        empty = false;
    }
}

/// Reads the condition of an at-rule up to its block; tells whether it is about paper.
fn prelude(input: &mut Parser<'_>) -> Result<bool, ParseError<SheetError>> {
    let line = line(input);
    let mut printed = false;
    loop {
        match input.next().cloned() {
            Ok(Token::CurlyBracketBlock) => return Ok(printed),
            Ok(Token::Ident(word)) if word.eq_ignore_ascii_case("print") => printed = true,
            Ok(Token::ParenthesisBlock | Token::Function(_)) => input.parse_nested_block(drain)?,
            Ok(Token::Semicolon) | Err(_) => return Err(custom(line, "`@media` has no `{ … }`".to_owned())),
            Ok(_) => {}
        }
    }
}

/// Whether a selector is about the footer, or about all that is around it.
///
/// ```text
/// .footer p    div    table td    →  yes
/// .lead p      .masthead td       →  no
/// ```
fn is_around_footer(selector: &str) -> bool {
    const CLASSES: [&str; 6] = ["paper", "margin", "column", "letter", "gap", "footer"];
    const ELEMENTS: [&str; 10] = ["html", "body", "table", "tbody", "tr", "td", "div", "p", "a", "*"];
    let narrower = selector.contains([':', '#', '[', '+', '~']);
    let mut parts = selector.split(|c: char| c.is_whitespace() || c == '>').filter(|part| !part.is_empty());
    let fits = |part: &str| {
        let mut names = part.split('.');
        let element = names.next().unwrap_or_default();
        (element.is_empty() || ELEMENTS.contains(&element.to_ascii_lowercase().as_str()))
            && names.all(|class| CLASSES.contains(&class))
    };
    !narrower && !selector.trim().is_empty() && parts.all(fits)
}

/// Whether a declaration makes an element invisible.
fn hides(name: &str, tokens: &[Token<'_>]) -> bool {
    let zero = |token: &Token<'_>| match token {
        Token::Number { value, .. } | Token::Dimension { value, .. } => *value == 0.0,
        Token::Percentage { unit_value, .. } => *unit_value == 0.0,
        _ => false,
    };
    let word = |wanted: &str| matches!(tokens, [Token::Ident(word)] if word.eq_ignore_ascii_case(wanted));
    match name.to_ascii_lowercase().as_str() {
        "display" => word("none"),
        "visibility" => word("hidden") || word("collapse"),
        "opacity" | "font-size" | "height" | "max-height" | "max-width" | "width" => {
            matches!(tokens, [one] if zero(one))
        }
        "color" => word("transparent"),
        _ => false,
    }
}

/// Reads what is left of a block, whatever it is.
fn drain(input: &mut Parser<'_>) -> Result<(), ParseError<SheetError>> {
    while input.next().is_ok() {}
    Ok(())
}

fn line(input: &Parser<'_>) -> u32 {
    input.current_source_location().line + 1
}

fn wrong(input: &Parser<'_>, what: &str) -> SheetError {
    SheetError { line: line(input), what: what.to_owned() }
}

fn custom(line: u32, what: String) -> ParseError<SheetError> {
    ParseError::custom(SheetError { line, what })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn broken_sheets_are_named_with_their_line() {
        for (css, line, what) in [
            ("h1 { color: red", 1, "not closed"),
            ("p {}\nh1 color: red }", 2, "missing `{`"),
            ("h1 { color red }", 1, "has no `:`"),
            ("h1 { color: }", 1, "has no value"),
            ("h1 {\n color: red\n font-size: 3px }", 2, "second `:`"),
            ("h1 { color: red; p { margin: 0 } }", 1, "has no `:`"),
            ("h1 { & a { margin: 0 } }", 1, "inside rules"),
            ("h1 { content: \"a\n }", 1, "missing quote"),
            ("@import 'x.css';", 1, "network"),
            ("@font-face { src: x }", 1, "tell when"),
            ("@supports (x: y) { p { margin: 0 } }", 1, "few mail programs"),
            ("@media print { @media screen { p { margin: 0 } } }", 1, "inside @media"),
            ("@media print", 1, "no `{"),
            ("p { margin: 0 }\n}", 2, "too much"),
            (".a..b { margin: 0 }", 1, "not complete"),
            ("p {}\nh1 > > p { margin: 0 }", 2, "nothing before the `>`"),
            ("> p { margin: 0 }", 1, "nothing before the `>`"),
            ("p, + p { margin: 0 }", 1, "nothing before the `+`"),
            ("p ~ { margin: 0 }", 1, "nothing behind the `~`"),
            ("p >, h1 { margin: 0 }", 1, "nothing behind the `>`"),
            ("p** { margin: 0 }", 1, "goes first"),
            ("p[lang]a { margin: 0 }", 1, "goes first"),
            ("p[] { margin: 0 }", 1, "no attribute"),
            ("p[align==left] { margin: 0 }", 1, "no attribute"),
            ("p[align=left right x] { margin: 0 }", 1, "no attribute"),
            ("p[align left] { margin: 0 }", 1, "no attribute"),
            ("p:not() { margin: 0 }", 1, "empty"),
            ("li:nth-child(first) { margin: 0 }", 1, "takes a number"),
            (", p { margin: 0 }", 1, "not complete"),
            ("p", 1, "no `{"),
            ("a::before { margin: 0 }", 1, "`::`"),
            (":is(h1, h2) { margin: 0 }", 1, "cannot be inlined"),
            ("p { margin: 0 }\n</style>", 2, "style element"),
            ("p { margin: 0 }\n@media (max-width: 400px) { p { margin: 0 }", 2, "`{` is not closed"),
            ("p { margin: 0 }\n/* p { color: red }", 2, "`/*` is not closed"),
            ("p { width: calc(1px + 2px; margin: 0 }", 1, "`(` is not closed"),
            (".footer { display: none }", 1, "hides the footer"),
            ("h1, .letter div p { margin: 0;\n opacity: 0 }", 2, "hides the footer"),
            ("@media all { TD { font-size: 0px } }", 1, "hides the footer"),
            ("p { background: url(javascript:x) }", 1, "take it out"),
            ("p { background: URL( ' JavaScript:x') }", 1, "take it out"),
            ("p { width: expression(x) }", 1, "runs a program"),
            ("p { behavior: url(x.htc) }", 1, "runs a program"),
        ] {
            let error = Sheet::parse(css).unwrap_err();
            assert!(error.line == line && error.what.contains(what), "{css}: {error}");
        }
    }

    #[test]
    fn rules_and_media_queries_are_parted() {
        let css = "/* ours */ .letter > a[href], #x, td:nth-child(2) { color: #fff; font: 1px/2 '/*' }\n\
            @media (max-width: 400px) { .lead { font-size: 15px!important } a:hover { color: red } }";
        let sheet = Sheet::parse(css).unwrap();
        assert!(sheet.rules.starts_with(".letter >") && !sheet.rules.contains("lead"), "{}", sheet.rules);
        assert!(sheet.kept.starts_with("@media") && sheet.kept.ends_with("} }\n"), "{}", sheet.kept);
        assert_eq!(sheet.classes, [(SheetLine::new(1), "letter".to_owned()), (SheetLine::new(2), "lead".to_owned())]);
        assert_eq!(sheet.warnings, []);
        let variables = Sheet::parse("p {\n color: var(--ink); border: 1px solid var(--nope) }").unwrap().variables;
        assert_eq!(variables, [(SheetLine::new(2), "ink".to_owned()), (SheetLine::new(2), "nope".to_owned())]);
    }

    #[test]
    fn what_does_nothing_is_warned_of() {
        let sheet = Sheet::parse("a:hover { colour: red }\n p { margin: 0 !important }").unwrap();
        let warnings: Vec<String> = sheet.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), 3, "{warnings:#?}");
        assert!(warnings[1].starts_with("style sheet, line 1: `colour` is no property"), "{warnings:#?}");
    }

    #[test]
    fn what_is_said_of_a_sheet_names_its_file() {
        let mail = Sheet::parse("p { colour: red }").unwrap().named("mail.css");
        let own = Sheet::parse("\np { color: nope }").unwrap().named("own.css");
        let said: Vec<String> = mail.under(&own).warnings.iter().map(ToString::to_string).collect();
        assert!(said[0].starts_with("style sheet `mail.css`, line 1: `colour`"), "{said:?}");
        assert!(said[1].starts_with("style sheet `own.css`, line 2: `nope`"), "{said:?}");
    }

    #[test]
    fn what_browsers_drop_or_phones_cannot_show_is_warned_of() {
        for (css, what) in [
            ("p { color: notacolour }", "`notacolour` is no colour"),
            ("p { border-top-color: #12 }", "`#12` is no colour"),
            ("p { margin: 12 }", "`12` has no unit"),
            ("p { padding-left: 3xp }", "`xp` is no unit"),
            ("p { width: 20 px }", "`20` has no unit"),
            ("p { font-size: -3px }", "`-3px` is less than nothing"),
            ("p { padding: 1px 2px 3px 4px 5px }", "5 values are too many"),
            ("h1 { display: nonne }", "`nonne` is no value of `display`; is `none` meant?"),
            ("img { float: middle }", "`middle` is no value of `float`"),
            ("td { text-align: centre }", "is `center` meant?"),
            ("p { disply: none }", "is `display` meant?"),
            ("tabel { margin: 0 }", "is `table` or the class"),
            ("table { width: 900px }", "wider than a phone"),
            ("p { background: url(https://a.example/b) }", "is loaded when the mail is opened"),
            ("p { background-image: url('http://a.example/b') }", "is loaded when the mail is opened"),
        ] {
            let sheet = Sheet::parse(css).unwrap();
            assert!(
                matches!(&sheet.warnings[..], [one] if one.line.number == 1 && one.what.contains(what)),
                "{css}: {sheet:?}"
            );
        }
        for css in [
            "p { color: RebeccaPurple; background-color: rgba(1, 2, 3, .5); border-color: transparent; margin: 0 auto }",
            "p { color: var(--ink); width: 100%; max-width: 600px; padding: 1em 2px; line-height: 2; font-size: larger }",
            "h1, .masthead td, .lead p, .preheader { display: none }\n@media print { .footer { display: none } }",
            "@media (min-width: 700px) { .column { width: 640px } }",
            "p { mso-line-height-rule: exactly; -webkit-hyphens: auto; --own: 3; text-wrap: pretty; font-style: oblique 9deg }",
            "td { vertical-align: -2px; display: inline-flex; border-style: solid none; text-align: -webkit-center }",
            "img { width: 64px } td { display: table-cell }",
            "p { margin: -1px auto 0 -2px; letter-spacing: -1px; padding: calc(1px + 2px) 0 }",
            "p.lead > a[href^=\"https\" i] + b, *.lead ~ li:nth-child(2n + 1):not(.end), [dir], #top * b { margin: 0 }",
        ] {
            assert_eq!(Sheet::parse(css).unwrap().warnings, [], "{css}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_rule() {
        assert_eq!(Sheet::parse("\u{feff}p { margin: 0 }").unwrap(), Sheet::parse("p { margin: 0 }").unwrap());
    }

    #[test]
    fn no_sheet_of_any_bytes_panics() {
        for seed in 0..400_u32 {
            let parts =
                ["{", "}", "@media", "p", ".", ":", ";", "(", "[", "\"", "'", "/*", "*/", "\\", "é", "\n", "!", "#"];
            let css: String =
                (0..30).map(|n| parts[(seed.wrapping_mul(2_654_435_761).rotate_left(n) % 18) as usize]).collect();
            _ = Sheet::parse(&css);
        }
        assert!(Sheet::parse(&"{".repeat(100_000)).is_err());
        assert!(Sheet::parse(&format!("p{{a:{}", "(".repeat(100_000))).is_err());
    }
}
