//! Slots: all that differs between two readers' mails.

use masthead::issue::Issue;
use masthead::render::Slot;
use unicode_width::UnicodeWidthStr as _;

use super::{LEAVE, blank, html, rendered, text, value, weekly};

#[test]
fn content_that_looks_like_a_slot_stays_literal() {
    let first = rendered(&weekly());
    let marker = Slot::UnsubscribeUrl.marker(&first.seal);
    let mut issue = weekly();
    issue.intro = format!(
        "`{{{{unsubscribe_url}}}}` `${{HOME}}` `<script>` {marker} https://slot.invalid/0000000000000000/unsubscribe"
    );
    let (html, text) = (html(&issue), text(&issue));
    for literal in
        ["{{unsubscribe_url}}", "${HOME}", marker.as_str(), "https://slot.invalid/0000000000000000/unsubscribe"]
    {
        assert!(html.contains(literal) && text.contains(literal), "{literal}");
    }
    assert!(html.contains("&lt;script&gt;") && text.contains("<script>"));
    assert!(!html.contains("<script>"));
}

#[test]
fn only_the_slots_differ_between_two_readers() {
    let rendered = rendered(&weekly());
    let other = "https://news.example.org/u/ffff";
    for (one, two) in [
        (rendered.html_for(value), rendered.html_for(|_| other)),
        (rendered.text_for(value), rendered.text_for(|_| other)),
    ] {
        let escaped = LEAVE.replace('&', "&amp;");
        let place = if one.contains(&escaped) { escaped.as_str() } else { LEAVE };
        assert_eq!(one.matches(place).count(), 1);
        assert_eq!(one.replace(place, other), two);
        assert!(!one.contains("slot.invalid"));
    }
}

/// The parts of an issue that greets its reader, for a reader of this name.
fn greeted(markdown: &str, name: &str) -> (String, String) {
    let rendered = rendered(&Issue { intro: markdown.into(), ..blank() });
    let value = |slot| if slot == Slot::Name { name } else { LEAVE };
    (rendered.html_for(value), rendered.text_for(value))
}

#[test]
fn a_reader_is_called_by_name_or_by_the_words_beside_it() {
    let markdown =
        "Dear {{name|friend}}, *{{ name }}* and `{{name}}` and {{other}}.\n\n- [to {{name}}](https://example.org)";
    let (html, text) = greeted(markdown, "Zoë & Co");
    assert!(html.contains("Dear <span dir=\"auto\">Zoë &amp; Co</span>, <em>"), "{html}");
    assert!(text.replace('\n', " ").contains("Dear Zoë & Co, Zoë & Co and {{name}} and {{other}}."), "{text}");
    assert!(text.contains("- to Zoë & Co <https://example.org>"), "{text}");
    let (html, text) = greeted(markdown, "");
    assert!(html.contains(">friend</span>") && html.contains("<em><span dir=\"auto\">reader</span></em>"), "{html}");
    assert!(text.replace('\n', " ").contains("Dear friend, reader and {{name}}"), "{text}");
    let rendered = rendered(&Issue { intro: markdown.into(), ..blank() });
    assert!(rendered.preheader.starts_with("Dear friend, reader"), "an inbox's line is the same for all");
}

#[test]
fn the_words_beside_a_name_are_words() {
    let (html, text) = greeted("Dear {{name|\"you\" > {me}}}!", "");
    assert!(html.contains("&quot;you&quot; &gt; me</span>}!"), "{html}");
    assert!(text.contains("Dear \"you\" > me}!"), "{text}");
}

#[test]
fn no_name_breaks_a_line_or_a_mail() {
    let markdown =
        format!("{} {{{{name}}}}, {{{{name|you}}}} {}", "Good morning and welcome".repeat(2), "word ".repeat(30));
    let long = "x".repeat(2_000);
    for name in [
        "<script>alert(1)</script>",
        "\" onload=\"x",
        "a\r\nBcc: v@x.example",
        "\u{202e}evil\u{2066}",
        "潮流周刊潮流周刊潮流周刊潮流周刊潮流周刊",
        "https://phish.example/login",
        "www.phish.example",
        "a@phish.example",
        "&amp;<!--",
        "{{name}}",
        "]]>",
        "\0\u{7f}",
        long.as_str(),
        "Ada Lovelace von und zu der langen Namensreihe",
    ] {
        let (html, text) = greeted(&markdown, name);
        let (plain, _) = greeted(&markdown, "");
        assert_eq!(html.matches('<').count(), plain.matches('<').count(), "{name}: no tag more");
        assert_eq!(html.matches('"').count(), plain.matches('"').count(), "{name}: no attribute more");
        assert!(!html.contains("phish") && !text.contains("phish"), "{name}: no address to be made a link");
        for line in text.lines().filter(|line| !line.contains("https://")) {
            assert!(line.width() <= 72, "{name}: {} columns: {line}", line.width());
        }
        assert!(!text.contains(['\u{202e}', '\u{2066}', '\r', '\0']), "{name}");
    }
}

#[test]
fn everything_but_the_slots_is_the_same_for_everyone() {
    let rendered = rendered(&Issue { intro: "Dear {{name|friend}},\n\nhello.".into(), ..weekly() });
    let of = |name: &'static str, url: &'static str| {
        let value = move |slot| if slot == Slot::Name { name } else { url };
        (rendered.html_for(value), rendered.text_for(value))
    };
    let ((html, text), (other_html, other_text)) =
        (of("Annabel", "https://a.example/1"), of("Bo", "https://a.example/2"));
    let swap = |part: &str| part.replace("Annabel", "Bo").replace("https://a.example/1", "https://a.example/2");
    assert_eq!((swap(&html), swap(&text)), (other_html, other_text));
}
