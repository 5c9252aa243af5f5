//! What an email says is what the editor wrote, in the text part as in HTML.

use masthead::issue::{Issue, parse};
use masthead::render::{Rendered, Slot, render};
use unicode_width::UnicodeWidthStr as _;

use super::newsletter;

fn read(text: &str) -> Issue {
    parse(text.as_bytes()).unwrap()
}

fn rendered(text: &str) -> Rendered {
    render(&read(text), &newsletter()).unwrap()
}

#[test]
fn words_before_the_number_that_are_no_name_of_the_newsletter_are_in_the_title() {
    for (line, title) in [
        ("# Summer special #12: Tides", "Summer special: Tides"),
        ("# Summer special #12", "Summer special"),
        ("# garden  letters #12: Tides", "Tides"),
        ("# garden #12: Tides", "Tides"),
        ("# Letters #12: Tides", "Tides"),
        ("# #12", "Garden Letters #12"),
    ] {
        let email = rendered(&format!("{line}\n\nHello.\n"));
        assert!(email.html.contains(&format!(">{title}</h1>")), "{line}: {}", email.html);
        assert!(email.text.contains(&format!("\n{title}\n===")), "{line}: {}", email.text);
    }
}

/// The lines of the text part above its footer, below the title.
fn lines(markdown: &str) -> Vec<String> {
    let text = rendered(&format!("# Garden Letters #7: Roots\n\n{markdown}\n")).text;
    let body = text.split("=====\n\n").nth(1).unwrap().split("\n\n____").next().unwrap();
    body.trim_end().lines().map(str::to_owned).collect()
}

#[test]
fn a_table_that_is_too_wide_is_a_list_of_what_its_rows_say() {
    let wide = "Behind the long pier, where the water is deep and the boats are quiet";
    let table =
        format!("| Boat | Length | Where it lies |\n| - | -: | - |\n| Heron | 12 m | {wide} |\n| Egret | | Out |\n");
    assert_eq!(
        lines(&table),
        [
            "- Boat: Heron",
            "  Length: 12 m",
            "  Where it lies: Behind the long pier, where the water is deep and the",
            "  boats are quiet",
            "- Boat: Egret",
            "  Where it lies: Out",
        ]
    );
    assert_eq!(lines(&format!("| | |\n| - | - |\n| Heron | {wide} |\n")), ["- Heron", &format!("  {wide}")]);
    assert_eq!(lines("| Boat | m |\n| - | -: |\n| Heron | 12 |\n"), ["Boat  |  m", "----------", "Heron | 12"]);
}

#[test]
fn code_that_is_too_wide_goes_on_below() {
    let code = "```\nfn f() {\n    let hull = \"a line of code that is wider than the text part, which has 72 columns\";\n}\n```\n";
    assert_eq!(
        lines(code),
        [
            "    fn f() {",
            "        let hull = \"a line of code that is wider than the text part,",
            "            which has 72 columns\";",
            "    }",
        ]
    );
    let url = format!("https://example.org/{}", "tide/".repeat(20));
    assert_eq!(lines(&format!("```\ncurl -o {url}\n```\n")), ["    curl -o", &format!("        {url}")]);
}

#[test]
fn lists_and_quotes_in_a_quote_stand_apart() {
    let quote = "> Words:\n>\n> - a\n> - b\n>\n> > nested\n>\n> - c\n";
    assert_eq!(lines(quote), ["> Words:", "> - a", "> - b", ">", "> > nested", ">", "> - c"]);
}

#[test]
fn a_line_with_a_name_has_room_for_24_columns_of_it_and_no_more() {
    let full = |columns: usize| format!("{}x {{{{name|you}}}}", "x ".repeat(columns / 2 - 1));
    assert_eq!(lines(&full(72 - 24)).len(), 1);
    assert_eq!(lines(&full(72 - 22)).len(), 2);
    let email = rendered(&format!("# T #7\n\n{}\n", full(72 - 24)));
    for (name, shown) in
        [("Maximilian Mustermann Sr", "Maximilian Mustermann Sr"), ("Ada Lovelace of Ockham Park", "Ada")]
    {
        let text = email.text_for(|slot| if slot == Slot::Name { name } else { "https://a.example/" });
        let line = text.lines().find(|line| line.contains(shown)).unwrap();
        assert!(line.width() <= 72, "{line}");
    }
}

#[test]
fn html_that_is_indented_in_a_box_is_no_code() {
    let markdown = "<div align=\"center\">\n\n    <img src=\"https://a.example/1.png\" alt=\"A boat\">\n\n</div>\n\nHello.\n\n    <b>code</b>\n";
    assert_eq!(lines(markdown), ["[Image: A boat]", "https://a.example/1.png", "", "Hello.", "", "    <b>code</b>"]);
}

#[test]
fn an_issue_in_another_language_says_so_in_the_fixed_words_of_its_newsletter() {
    let email = rendered("---\nlanguage: de\n---\n# Garden Letters #7: Wurzeln\n\nHallo.\n");
    assert!(
        email.html.contains("<html lang=\"de\"") && email.html.matches("lang=\"de\"").count() == 2,
        "{}",
        email.html
    );
    assert!(email.html.contains(">Unsubscribe</a>") && email.text.contains("\nUnsubscribe:\n"));
    let guessed = rendered("# Garden Letters #7: 苔藓\n\n你好，这里是苔藓周刊，每周一期。\n");
    assert!(guessed.html.contains("<html lang=\"zh\"") && guessed.html.contains(">Unsubscribe</a>"));
}
