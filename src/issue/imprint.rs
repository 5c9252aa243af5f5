//! The imprint: sections that tell how to subscribe, whom to write to and the like.

/// Whether a heading announces an imprint, whose links lead to the newsletter itself.
pub(super) fn is_title(title: &str) -> bool {
    const WORDS: [&str; 28] = [
        "subscribe",
        "contact us",
        "get in touch",
        "stay in touch",
        "keep in touch",
        "follow us",
        "find us",
        "join us",
        "about us",
        "about this",
        "about the newsletter",
        "about the author",
        "support us",
        "imprint",
        "订阅",
        "訂閱",
        "联系",
        "聯繫",
        "关注我",
        "关注公众号",
        "关于我",
        "关于本",
        "关于周刊",
        "关于作者",
        "交流群",
        "读者群",
        "加群",
        "投稿",
    ];
    const ALONE: [&str; 8] = ["contact", "about", "license", "licence", "关于", "版权", "许可", "声明"];
    const LONGEST: usize = 40;
    let title = title.to_lowercase();
    let words = title.trim_matches(|c: char| !c.is_alphanumeric());
    title.chars().count() <= LONGEST && (WORDS.iter().any(|word| title.contains(word)) || ALONE.contains(&words))
}

/// Whether a line introduces a list of those who made the issue: `This weekly is edited by:`.
pub(super) fn introduces_people(line: &str) -> bool {
    const WORDS: [&str; 9] = [
        "edited by",
        "written by",
        "curated by",
        "maintained by",
        "brought to you by",
        "contributors",
        "编辑",
        "撰稿",
        "贡献者",
    ];
    let line = line.to_lowercase();
    line.ends_with([':', '：']) && WORDS.iter().any(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imprint_is_told_from_a_section() {
        for title in ["🐼 Subscribe Welcome", "Contact", "About this weekly", "欢迎订阅", "关于周刊", "联系我们"]
        {
            assert!(is_title(title), "{title}");
        }
        assert!(introduces_people("This weekly is edited by:") && !introduces_people("Edited by"));
        for title in ["Contact lenses", "Newsletters", "All about ropes", "关于绳结", "Call for Participation", ""]
        {
            assert!(!is_title(title), "{title}");
        }
    }
}
