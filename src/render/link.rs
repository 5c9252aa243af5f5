//! What of the editor's strings may go into a mail: addresses, and text without control characters.

use std::borrow::Cow;

use url::Url;

/// The address, if a mail may link to it: absolute, http, https or mailto.
///
/// Everything else is dropped (`javascript:`, `data:`) or means nothing in an inbox (`#top`, `/about`).
pub(super) fn link(url: &str) -> Option<String> {
    let url = url.trim();
    let (scheme, rest) = url.split_once(':')?;
    let known = match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => rest.strip_prefix("//").is_some_and(|rest| !rest.is_empty()),
        "mailto" => !rest.is_empty(),
        _ => false,
    };
    known.then(|| encode(url))
}

/// The address, if a mail may load a picture from it: https only.
pub(super) fn picture(url: &str) -> Option<String> {
    link(url).filter(|url| url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")))
}

/// The host that a web address leads to, without `www.`: what a reader wants to know before the click.
///
/// One that mixes alphabets, to look like another, is shown as the network knows it.
///
/// ```text
/// https://user@www.example.org:8080/a  →  example.org:8080
/// https://аpple.com/                   →  xn--pple-43d.com
/// ```
pub(super) fn host(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let host = host.strip_suffix(port).unwrap_or(host).trim_end_matches(':').to_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let host = if mixes_alphabets(host) { as_known(host)? } else { host.to_owned() };
    (!host.is_empty() && !host.starts_with(':')).then_some(host)
}

/// Whether a host has letters of Latin beside those of an alphabet that looks like it.
fn mixes_alphabets(host: &str) -> bool {
    let similar = |c: char| matches!(c, '\u{370}'..='\u{52f}' | '\u{13a0}'..='\u{13ff}');
    let latin = |c: char| c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}');
    !host.is_ascii() && host.split('.').any(|label| label.contains(similar) && label.contains(latin))
}

/// A host as the network knows it, `xn--pple-43d.com`.
fn as_known(host: &str) -> Option<String> {
    let url = Url::parse(&format!("https://{host}/")).ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(url.host_str()?.to_owned() + &port)
}

/// A text on one line: line breaks are spaces, control and direction characters are gone.
pub(super) fn one_line(text: &str) -> String {
    // most are one already
    if text.trim() == text && text.bytes().all(is_plain) && !text.contains("  ") {
        return text.to_owned();
    }
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() && c != '\u{3000}').filter(|w| !w.is_empty()).collect();
    clean(&words.join(" ")).into_owned()
}

/// A text without characters that show nothing and can only mislead; line breaks and tabs stay.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let is_clean = |c| !matches!(c, '\r' | '\u{2028}' | '\u{2029}') && !is_misleading(c);
    if text.bytes().all(|byte| is_plain(byte) || byte == b'\n') || text.chars().all(is_clean) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{85}'], "\n");
    Cow::Owned(text.replace(is_misleading, ""))
}

/// Printable ASCII.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Controls, and the characters that turn the direction of what follows (U+202E).
fn is_misleading(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// Percent-encodes what no address contains, so that it stays one word in HTML and text.
fn encode(url: &str) -> String {
    let mut encoded = String::with_capacity(url.len());
    for c in url.chars() {
        if c.is_ascii_control() || matches!(c, ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}') {
            encoded.push_str(&format!("%{:02X}", u32::from(c)));
        } else if c.is_control() || c.is_whitespace() || is_misleading(c) {
            continue;
        } else {
            encoded.push(c);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_and_mail_addresses_are_linked() {
        for url in
            ["https://example.org/a?b=1&c=2#d", "HTTP://example.org", "mailto:a@example.org", "https://例子.example/路"]
        {
            assert_eq!(link(url).as_deref(), Some(url));
        }
        for url in [
            "javascript:alert(1)",
            " JavaScript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "//example.org",
            "/about",
            "#top",
            "",
            "https:",
            "https://",
            "mailto:",
        ] {
            assert_eq!(link(url), None, "{url}");
        }
        assert_eq!(
            link("https://example.org/a b\"><script>").as_deref(),
            Some("https://example.org/a%20b%22%3E%3Cscript%3E")
        );
    }

    #[test]
    fn pictures_are_loaded_over_https_only() {
        assert!(picture("https://example.org/a.png").is_some());
        assert!(picture("http://example.org/a.png").is_none());
        assert!(picture("data:image/png;base64,AA").is_none());
    }

    #[test]
    fn the_host_is_the_one_that_the_click_leads_to() {
        let check = |url, expected: &str| assert_eq!(host(url).as_deref(), Some(expected), "{url}");
        check("https://www.Example.org:8080/a", "example.org:8080");
        check("https://example.org:443/a", "example.org");
        check("https://\u{430}pple.com/a", "xn--pple-43d.com");
        check("https://пример.example/a", "пример.example");
        check("https://github.com@evil.example/login", "evil.example");
        check("https://evil.example\\@github.com", "evil.example");
        check("http://[::1]:80/", "[::1]");
        assert_eq!(host("mailto:a@example.org"), None);
    }
}
