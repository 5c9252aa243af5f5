//! Pictures: where they stand, what stands below them, how large they are.

use masthead::issue;

use super::{newsletter, value};

/// HTML body and text part of a file.
pub(super) fn parts(file: &str) -> (String, String) {
    let issue = issue::parse(file.as_bytes()).unwrap();
    let rendered = masthead::render::render(&issue, &newsletter()).unwrap();
    let html = rendered.html_for(value);
    (html.split_once("</head>").unwrap().1.to_owned(), rendered.text_for(value))
}

/// Checks that all of `words` are in a part, in this order.
#[track_caller]
fn in_order(part: &str, words: &[&str]) {
    let mut from = 0;
    for word in words {
        let Some(at) = part[from..].find(word) else { panic!("`{word}` is missing, or not in its place:\n{part}") };
        from += at + word.len();
    }
}

#[test]
fn a_paragraph_below_a_picture_is_a_paragraph() {
    let (html, text) = parts(
        "# Name #1: T\n\n## S\n\n1. [One](https://example.org/1)\n\nText.\n\n![A boat](https://example.org/boat.png)\n\n\
         So {{name|friend}}, read it: a & b_c_d `x`[^1]\n\n[^1]: The note.\n\n2. [Two](https://example.org/2)\n",
    );
    assert!(!html.contains("class=\"caption\""), "{html}");
    assert!(html.contains(", read it: a &amp; b_c_d <code"), "{html}");
    in_order(&html, &["So ", "read it", "<sup", ">1</sup>", "The note."]);
    for part in [html, text] {
        assert!(!part.contains("{{name") && !part.contains("[^1]") && !part.contains('`'), "{part}");
    }
}

#[test]
fn a_caption_is_read_as_markdown() {
    let (html, text) = parts(
        "# Name #1: T\n\n## S\n\n1. [One](https://example.org/1)\n\nText.\n\n![A boat](https://example.org/boat.png)\n\
         *For {{name|friend}}: `x` and **y**[^1]*\n\n\
         ![B](https://example.org/b.png \"By [Ann](https://example.org/ann)\")\n\nMore text, and much of it.\n\n\
         [^1]: The note.\n",
    );
    in_order(&html, &["class=\"caption\"", "For ", "<code", ">x</code>", "y</strong>", "<sup", "By <a", "The note."]);
    in_order(&text, &["For ", ": x and y[1]", "By Ann <https://example.org/ann>", "More text", "[1] The note."]);
    assert!(!html.contains("{{name") && !text.contains("{{name"), "{html}");
}

#[test]
fn pictures_stand_where_they_were_put() {
    let words = [
        "boat-0.png",
        "First paragraph",
        "boat-1.png",
        "Caption one",
        "Second paragraph",
        "boat-2.png",
        "Above the line",
        "boat-3.png",
        "Below the line",
        "a cell",
        "boat-4.png",
        "Two",
    ];
    let picture = |at: usize, behind: &str| format!("![Boat {at}](https://example.org/boat-{at}.png{behind})");
    let file = format!(
        "# Name #1: T\n\n## S\n\n1. [One](https://example.org/1)\n\n{}\n\nFirst paragraph.\n\n{}\n\n\
         Second paragraph, which speaks of the picture above.\n\n{}\n\nAbove the line of it:\n{}\nBelow the line of \
         pictures, there are words again.\n\n| a cell | b |\n| --- | --- |\n| c | d |\n\n{}\n\n\
         2. [Two](https://example.org/2)\n\nWords.\n",
        picture(0, ""),
        picture(1, " \"Caption one\""),
        picture(2, ""),
        picture(3, ""),
        picture(4, ""),
    );
    let (html, text) = parts(&file);
    in_order(&html, &words);
    in_order(&text, &words);
    let issue = issue::parse(file.as_bytes()).unwrap();
    let lines: Vec<usize> = issue.sections[0].items[0].images.iter().map(|image| image.below_line).collect();
    assert_eq!(lines, [0, 1, 3, 5, 11]);
    let formatted = issue::format(&issue);
    assert_eq!(issue::parse(formatted.as_bytes()).unwrap().content(), issue.content(), "{formatted}");
    in_order(&formatted, &words);
}

#[test]
fn footnotes_of_an_item_stand_below_all_of_it() {
    let (html, text) = parts(
        "# Name #1: T\n\n## S\n\n1. [One](https://example.org/1)\n\nText.[^1]\n\n![A](https://example.org/a.png)\n\n\
         The last words of this item.\n\n[^1]: The note.\n",
    );
    for part in [html, text] {
        in_order(&part, &["Text.", "a.png", "The last words", "The note."]);
    }
}

#[test]
fn captions_outside_of_items_are_shown() {
    for file in [
        "# Name #1: T\n\n![A](https://example.org/a.png \"The *shed* in March\")\n\n## S\n\n1. [One](https://example.org/1)\n",
        "# Name #1: T\n\n## S\n\n![A](https://example.org/a.png \"The *shed* in March\")\n\n1. [One](https://example.org/1)\n",
        "# Name #1: T\n\n![A](https://example.org/a.png)\n*The _shed_ in March*\n",
        "# Name #1: T\n\nDear you,\n\n[![A](https://example.org/a.png \"The *shed* in March\")](https://example.org)\n",
    ] {
        let (html, text) = parts(file);
        in_order(&html, &["a.png", "class=\"caption\"", "The <em>shed</em> in March"]);
        in_order(&text, &["a.png", "The shed in March"]);
    }
}

#[test]
fn words_around_a_picture_begin_without_a_space() {
    let (_, text) = parts("# Name #1: T\n\nText ![inline](https://example.org/a.png) in the middle.\n");
    assert!(text.contains("Text\n\n[Image: inline]\nhttps://example.org/a.png\n\nin the middle.\n"), "{text}");
}

#[test]
fn a_picture_is_no_wider_than_its_tag_says() {
    let html = |width: &str| {
        parts(&format!(
            "# Name #1: T\n\n<p align=\"center\"><a href=\"https://example.org/\"><img src=\"https://example.org/a.png\" \
             alt=\"A\" {width}></a></p>\n\n<table><tr><td><img src=\"https://example.org/b.png\" alt=\"B\" {width}></td></tr></table>\n"
        ))
        .0
    };
    let narrow = html("width=\"16\"");
    assert_eq!(narrow.matches("max-width:16px\"><").count(), 2, "{narrow}");
    assert_eq!(narrow.matches(" width=\"16\" style=\"display:block;width:100%;").count(), 2, "{narrow}");
    assert_eq!(html("width='320px'").matches("max-width:320px\"><").count(), 2);
    let full = html("");
    assert!(full.contains(" width=\"552\" "), "{full}");
    let line = "# Name #1: T\n\nBuilt <img src=\"https://example.org/a.png\" alt=\"A\" width=90> by *us*.\n";
    let (badge, text) = parts(line);
    assert!(
        badge.contains("max-width:90px\"><img src=\"https://example.org/a.png\" alt=\"A\" width=\"90\""),
        "{badge}"
    );
    assert!(
        badge.contains(">by <em>us</em>.</p>") && text.contains("[Image: A]\nhttps://example.org/a.png\n"),
        "{badge}"
    );
    for width in ["width=0", "width=\"50%\"", "width=wide", "width=552", "width=4000", "width=99999999"] {
        assert_eq!(html(width), full, "{width}");
    }
}
