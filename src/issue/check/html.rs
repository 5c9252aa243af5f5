//! HTML: what is no word, link or picture to a mail client.

use super::{Context, Mark, Rule, Severity};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "raw-html",
    severity: Severity::Warning,
    summary: "a tag of HTML that the email shows as it is typed",
    why: "Links, pictures, breaks and the looks of words are read; what mail clients would not run or show stays literal.",
    bad: "# Harbour Weekly #12: Slow Software\n\n<iframe src=\"https://boats.example/film\"></iframe>\n",
    good: "# Harbour Weekly #12: Slow Software\n\n<p><a href=\"https://boats.example/film\">The film</a></p>\n",
    check: raw_html,
}];

fn raw_html(context: &Context<'_>) -> Vec<Mark> {
    let hint = "write it in Markdown, or link to the page that has it";
    let mark = |tag: &super::super::manuscript::Tag| {
        context.mark(&tag.span, format!("readers see this `<{}>` as it is typed", tag.name), hint)
    };
    context.manuscript.tags.iter().map(mark).collect()
}
