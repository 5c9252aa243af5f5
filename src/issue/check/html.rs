//! HTML: what is no word, link or picture to a mail client.

use super::super::manuscript::Tag;
use super::{Context, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[RAW_BLOCK, RAW];

const RAW_BLOCK: Rule = Rule {
    id: "raw-html-block",
    severity: Severity::Error,
    summary: "a block of HTML of which the email loses something",
    why: "Lists, tables, quotes, boxes and pictures in HTML are read; of what plays there is a link; what runs or asks is taken out of every email.",
    bad: "# Harbour Weekly #12: Slow Software\n\n<div><object data=\"https://boats.example/film\"></object></div>\n",
    good: "# Harbour Weekly #12: Slow Software\n\n<ul><li><a href=\"https://boats.example/film\">The film</a></li></ul>\n",
    check: raw_block,
};

const RAW: Rule = Rule {
    id: "raw-html",
    severity: Severity::Warning,
    summary: "a tag of HTML among words that the email shows as it is typed",
    why: "Links, pictures, breaks and the looks of words are read; what mail clients would not run or show stays literal.",
    bad: "# Harbour Weekly #12: Slow Software\n\nSee <object data=\"https://boats.example/film\"></object>\n",
    good: "# Harbour Weekly #12: Slow Software\n\n<p><a href=\"https://boats.example/film\">The film</a></p>\n",
    check: raw_html,
};

fn raw_block(context: &Context<'_>) -> Vec<Mark> {
    let what = |name: &str| match name {
        "script" | "style" | "template" => "take it out: the theme says how an email looks, and nothing runs in it",
        "svg" | "canvas" => "show it as a picture: `![words](https://…/picture.png)`",
        _ => "link to the page that has it",
    };
    let blocks = context.manuscript.tags.iter().filter(|tag| tag.block);
    let mark =
        |tag: &Tag| context.mark(&tag.span, format!("readers do not get this `<{}>`", tag.name), what(&tag.name));
    blocks.map(mark).collect()
}

fn raw_html(context: &Context<'_>) -> Vec<Mark> {
    let hint = "write it in Markdown, or link to the page that has it";
    let mark = |tag: &Tag| context.mark(&tag.span, format!("readers see this `<{}>` as it is typed", tag.name), hint);
    context.manuscript.tags.iter().filter(|tag| !tag.block).map(mark).collect()
}
