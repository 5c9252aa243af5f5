//! HTML: what is no word, link or picture to a mail client.

use super::super::manuscript::Tag;
use super::{Context, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[RAW_BLOCK, RAW];

const RAW_BLOCK: Rule = Rule {
    id: "raw-html-block",
    severity: Severity::Error,
    summary: "a block of HTML that the email shows as source",
    why: "Boxes around paragraphs, links and pictures are read; of a table or a list in HTML readers would see every tag.",
    bad: "# Harbour Weekly #12: Slow Software\n\n<table><tr><td>Ferry</td><td>40 m</td></tr></table>\n",
    good: "# Harbour Weekly #12: Slow Software\n\n| Boat | Length |\n| --- | --- |\n| Ferry | 40 m |\n",
    check: raw_block,
};

const RAW: Rule = Rule {
    id: "raw-html",
    severity: Severity::Warning,
    summary: "a tag of HTML among words that the email shows as it is typed",
    why: "Links, pictures, breaks and the looks of words are read; what mail clients would not run or show stays literal.",
    bad: "# Harbour Weekly #12: Slow Software\n\nSee <iframe src=\"https://boats.example/film\"></iframe>\n",
    good: "# Harbour Weekly #12: Slow Software\n\n<p><a href=\"https://boats.example/film\">The film</a></p>\n",
    check: raw_html,
};

fn raw_block(context: &Context<'_>) -> Vec<Mark> {
    let what = |name: &str| match name {
        "table" | "thead" | "tbody" | "tr" | "td" | "th" => {
            "write a table: `| a | b |`, and `| --- | --- |` below its head"
        }
        "ul" | "ol" | "li" | "dl" | "dt" | "dd" => "write a list: `- ` before each line",
        "blockquote" => "write `> ` before each line",
        "pre" => "put it between lines of ```",
        "hr" => "write `---` on a line of its own",
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => "write `## ` before the heading",
        _ => "write it in Markdown, or link to the page that has it",
    };
    let blocks = context.manuscript.tags.iter().filter(|tag| tag.block);
    let mark = |tag: &Tag| {
        context.mark(
            &tag.span,
            format!("readers see this `<{}>` and what is in it as source", tag.name),
            what(&tag.name),
        )
    };
    blocks.map(mark).collect()
}

fn raw_html(context: &Context<'_>) -> Vec<Mark> {
    let hint = "write it in Markdown, or link to the page that has it";
    let mark = |tag: &Tag| context.mark(&tag.span, format!("readers see this `<{}>` as it is typed", tag.name), hint);
    context.manuscript.tags.iter().filter(|tag| !tag.block).map(mark).collect()
}
