//! The operator's page: who may see it, and that it follows the file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use masthead::issue::check::CLIPPED;
use masthead::preview::{Desk, Preview, Source};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(20);

/// A preview that runs until it is dropped.
struct Page {
    host: String,
    path: String,
    folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
}

impl Page {
    /// Previews a file that says `content`.
    async fn of(content: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("issue.md");
        std::fs::write(&file, content).unwrap();
        Self::serving(folder, Source::of(file)).await
    }

    async fn serving(folder: tempfile::TempDir, source: Source) -> Self {
        let preview = Preview::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let url = preview.url();
        let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (host, path) = (host.to_owned(), format!("/{path}"));
        let (stop, stopped) = oneshot::channel::<()>();
        let desk = Desk::bare("nothing is configured.");
        tokio::spawn(preview.serve(source, desk, |_: &str| {}, async {
            stopped.await.ok();
        }));
        Self { host, path, folder, _stop: stop }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("issue.md")
    }

    async fn get(&self, path: &str) -> String {
        self.ask(&format!("{}{path}", self.path), &format!("Host: {}\r\n", self.host)).await
    }

    /// Waits until the page shows another version than this one.
    async fn changed_from(&self, version: &str) -> String {
        let change = async {
            loop {
                let answer = self.get("version").await;
                let now = body(&answer);
                if now != version {
                    return now.to_owned();
                }
            }
        };
        timeout(DEADLINE, change).await.expect("a change in time")
    }

    /// One request with exactly these headers.
    async fn ask(&self, path: &str, headers: &str) -> String {
        let exchange = async {
            let mut stream = TcpStream::connect(&self.host).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            String::from_utf8(answer).unwrap()
        };
        timeout(DEADLINE, exchange).await.expect("an answer in time")
    }
}

/// Puts new content in a file's place at once, so that nobody reads half of it.
fn replace(file: &Path, content: &str) {
    let beside = file.with_extension("new");
    std::fs::write(&beside, content).unwrap();
    std::fs::rename(beside, file).unwrap();
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

/// The values of a header.
fn header<'a>(answer: &'a str, name: &str) -> Vec<&'a str> {
    let head = answer.split("\r\n\r\n").next().unwrap();
    let pairs = head.split("\r\n").filter_map(|line| line.split_once(": "));
    pairs.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

const ISSUE: &str = "# Garden Letters #7: Roots\n\nGood morning.\n\n## Reading\n\n1. [Pruning](https://example.org/pruning)\n\nWhen to cut.\n";

#[tokio::test]
async fn only_this_machine_may_listen() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = Preview::listen(address.parse().unwrap()).await.unwrap_err().to_string();
        assert!(refused.contains("loopback only"), "{refused}");
    }
}

#[tokio::test]
async fn only_who_knows_the_path_sees_the_issue() {
    let page = Page::of(ISSUE).await;
    let host = format!("Host: {}\r\n", page.host);
    assert_eq!(status(&page.get("").await), "200");
    for path in ["/", "/email.html", "/version", &format!("/{}/", "0".repeat(32))] {
        assert_eq!(status(&page.ask(path, &host).await), "404", "{path}");
    }
    let other = Page::of(ISSUE).await;
    assert_ne!(page.path, other.path);
}

#[tokio::test]
async fn foreign_hosts_origins_and_sockets_are_refused() {
    let page = Page::of(ISSUE).await;
    let host = &page.host;
    let port = host.rsplit(':').next().unwrap();
    for headers in [
        "Host: evil.example\r\n".to_owned(),
        format!("Host: evil.example:{port}\r\n"),
        format!("Host: localhost:{port}\r\n"),
        "Host: 127.0.0.1\r\n".to_owned(),
        format!("Host: {host}\r\nOrigin: https://evil.example\r\n"),
        format!("Host: {host}\r\nOrigin: null\r\n"),
        format!("Host: {host}\r\nUpgrade: websocket\r\n"),
    ] {
        for path in ["", "email.html", "version"] {
            let answer = page.ask(&format!("{}{path}", page.path), &headers).await;
            assert_eq!(status(&answer), "403", "{headers}{path}");
            assert!(!answer.contains("Garden"));
        }
    }
    let own = format!("Host: {host}\r\nOrigin: http://{host}\r\n");
    assert_eq!(status(&page.ask(&page.path, &own).await), "200");
}

#[tokio::test]
async fn nothing_is_loaded_from_outside_and_nothing_runs_in_the_email() {
    let page = Page::of(ISSUE).await;
    let answer = page.get("").await;
    let policy = header(&answer, "content-security-policy");
    assert!(policy.len() == 1 && policy[0].starts_with("default-src 'none'") && !policy[0].contains("unsafe"));
    assert!(!answer.split("\r\n\r\n").nth(1).unwrap().contains("<style"), "its own policy would drop it");
    let email = page.get("email.html").await;
    let policy = header(&email, "content-security-policy");
    assert!(policy.len() == 1 && policy[0].starts_with("sandbox allow-same-origin; default-src 'none'"));
    assert!(!policy[0].contains("script") && policy[0].contains("img-src 'none'"), "{policy:?}");
    let asked_for = page.get("email.html?images=1").await;
    assert!(header(&asked_for, "content-security-policy")[0].contains("img-src https:;"));
    for (path, kind) in [("page.css", "text/css"), ("page.js", "text/javascript")] {
        assert_eq!(header(&page.get(path).await, "content-type"), [kind]);
    }
}

#[tokio::test]
async fn a_change_of_the_file_is_told_once_it_is_there() {
    let page = Page::of("").await;
    assert_eq!(body(&page.get("version").await), "1");
    std::fs::write(page.file(), ISSUE).unwrap();
    assert_eq!(page.changed_from("1").await, "2");
    assert!(page.get("").await.contains("Garden Letters #7: Roots"));
}

#[tokio::test]
async fn the_address_is_found_without_its_last_slash() {
    let page = Page::of(ISSUE).await;
    let host = format!("Host: {}\r\n", page.host);
    let answer = page.ask(page.path.trim_end_matches('/'), &host).await;
    assert_eq!((status(&answer), header(&answer, "location")), ("308", vec![page.path.as_str()]));
}

#[tokio::test]
async fn the_last_email_stays_while_the_file_is_broken() {
    let page = Page::of(ISSUE).await;
    let mut version = page.changed_from("0").await;
    for (broken, why) in [
        (&b"---\ndate: [\n---\n"[..], "To be mended: issue.md, line "),
        (b"# \xff\xfe\xe9\n", "UTF-8"),
        (b"", "the file is empty"),
    ] {
        std::fs::write(page.file(), broken).unwrap();
        version = page.changed_from(&version).await;
        let answer = page.get("").await;
        assert!(answer.contains("the email as it was before") && answer.contains(why), "{why}:\n{answer}");
        assert!(answer.contains("the files must be mended first"), "a broken file cannot be approved");
        assert!(page.get("email.html").await.contains("Good morning."));
        assert_eq!(status(&page.get("issue.eml").await), "409");
    }
    std::fs::write(page.file(), ISSUE.replace("morning", "evening")).unwrap();
    page.changed_from(&version).await;
    assert!(page.get("email.html").await.contains("Good evening.") && !page.get("").await.contains("as it was before"));
}

#[tokio::test]
async fn a_file_that_is_no_issue_is_an_error_on_the_page() {
    let page = Page::of(ISSUE).await;
    page.get("").await;
    std::fs::remove_file(page.file()).unwrap();
    page.changed_from("1").await;
    let answer = page.get("").await;
    assert_eq!(status(&answer), "200");
    assert!(answer.contains("To be mended: issue.md<") && answer.contains("cannot be read"), "{answer}");
}

/// What the tags hold of an email that the preview adds.
fn without_notes(html: &str) -> String {
    let mut bare = html.replace(" tabindex=\"-1\"", "");
    while let Some(at) = bare.find(" data-line=\"") {
        let end = bare[at + 12..].find('"').unwrap();
        bare.replace_range(at..at + 12 + end + 1, "");
    }
    bare
}

#[tokio::test]
async fn gmails_clip_is_drawn_at_the_byte_where_it_falls() {
    let many = |line: &str| (0..3000).map(|at| line.replace('N', &at.to_string())).collect::<String>();
    let table = format!("| a | b |\n| --- | --- |\n{}", many("| cell number N | another cell with words N |\n"));
    for (kind, body) in [
        ("list", many("- entry number N with words, and with more words\n")),
        ("code", format!("```\n{}```\n", many("let number = N; // with words to make it long\n"))),
        ("table", table),
        ("quote", many("> words number N that somebody said, and more of them\n")),
        ("paragraph", many("word number N of a paragraph without an end\n")),
        ("pictures", many("![](https://pictures.example/garden/N.png)\n\n")),
        ("chinese", many("花园里的第N封信，写给所有读者，")),
    ] {
        let page = Page::of(&format!("# Garden Letters #7: Roots\n\nWords.\n\n{body}\n\nThe end.\n")).await;
        let html = page.get("email.html?images=1").await;
        let html = without_notes(html.split_once("\r\n\r\n").unwrap().1);
        let at = html.find("<span class=\"clip-line\"").unwrap_or_else(|| panic!("{kind}: no line"));
        // the frame's email has lost a few bytes to its colours being settled
        assert!(at.abs_diff(CLIPPED) < 600, "{kind}: the line is at byte {at}");
        assert!(!page.get("").await.contains("It is shown whole"), "{kind}");
    }
    let page = Page::of(ISSUE).await;
    assert!(!page.get("email.html").await.contains("clip-line"));
}

#[tokio::test]
async fn an_unreadable_style_sheet_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("issue.md");
    std::fs::write(&file, ISSUE).unwrap();
    let css = Path::new("/nonexistent/mine.css").to_owned();
    let page = Page::serving(folder, Source { css: Some(css), ..Source::of(file) }).await;
    let answer = page.get("").await;
    assert!(answer.contains("To be mended: mine.css<") && answer.contains("mine.css` cannot be read"), "{answer}");
}

#[tokio::test]
async fn a_broken_style_sheet_is_named_with_its_line_and_the_issue_is_not_blamed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, css) = (folder.path().join("issue.md"), folder.path().join("mine.css"));
    std::fs::write(&file, ISSUE).unwrap();
    std::fs::write(&css, "").unwrap();
    let page = Page::serving(folder, Source { css: Some(css.clone()), ..Source::of(file) }).await;
    let version = page.changed_from("0").await;
    replace(&css, "p {\n  color red;\n}\n");
    page.changed_from(&version).await;
    assert!(page.get("").await.contains("To be mended: mine.css, line 2<"));
}

#[tokio::test]
async fn the_page_shows_both_parts_and_the_editors_style_on_top() {
    let folder = tempfile::tempdir().unwrap();
    let (file, css) = (folder.path().join("issue.md"), folder.path().join("mine.css"));
    std::fs::write(&file, ISSUE).unwrap();
    std::fs::write(&css, "a { color: #123456; }").unwrap();
    let page = Page::serving(folder, Source { css: Some(css.clone()), ..Source::of(file) }).await;
    let answer = page.get("").await;
    for shown in [
        "Garden Letters #7: Roots",
        "<iframe",
        "sandbox=\"allow-same-origin\"",
        "1. Pruning\nhttps://example.org/pruning\n",
    ] {
        assert!(answer.contains(shown), "{shown} is missing:\n{answer}");
    }
    let email = page.get("email.html").await;
    assert!(email.contains("color:#123456") && !email.contains("color:#1d4f91"), "{email}");
    replace(&css, "a { color: #654321; }");
    page.changed_from("1").await;
    assert!(page.get("email.html").await.contains("color:#654321"));
}

#[tokio::test]
async fn what_no_mail_shows_of_a_style_sheet_is_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    let (file, css) = (folder.path().join("issue.md"), folder.path().join("mine.css"));
    std::fs::write(&file, ISSUE).unwrap();
    std::fs::write(&css, "p {\n  colr: #123456;\n}\n").unwrap();
    let page = Page::serving(folder, Source { css: Some(css), ..Source::of(file) }).await;
    let answer = page.get("").await;
    for shown in ["mine.css`, line 2: `colr` is no property; is `color` meant?", "<code>style-sheet</code>"] {
        assert!(answer.contains(shown), "{shown} is missing:\n{answer}");
    }
}

#[tokio::test]
async fn many_findings_of_one_rule_hide_no_other_and_the_gravest_come_first() {
    let stray = (0..1500)
        .map(|at| format!("It\\'s number {at} of many words that make a long email, too long for Gmail.\n\n"))
        .collect::<String>();
    let page = Page::of(&format!("# Garden Letters #7: Roots\n\n{stray}[a](http://a.example/)\n")).await;
    let answer = page.get("").await;
    let findings = answer.split_once("data-part=\"findings\"").unwrap().1.split_once("class=\"panel source").unwrap().0;
    let at = |words: &str| findings.find(words).unwrap_or_else(|| panic!("{words} is missing"));
    assert!(at("class=\"error\"") < at("class=\"warning\""), "errors first");
    let (open, folded) =
        findings.split_once("<details id=\"warning-stray-escape\"><summary>1497 more</summary>").unwrap();
    assert_eq!(
        open.matches("data-line").count() - open[..open.find("stray-escape").unwrap()].matches("data-line").count(),
        3
    );
    let (folded, others) = folded.split_once("</details>").unwrap();
    assert_eq!(folded.matches("<li>").count(), folded.matches("<a href=\"#L").count(), "each has its line");
    assert_eq!(folded.matches("<li>").count(), 1497);
    assert!(others.contains("<code>link-http</code>"), "{others}");
}

#[tokio::test]
async fn a_broken_issue_shows_its_line_and_the_remedy() {
    let page = Page::of("---\ndate: [\n---\n").await;
    let answer = page.get("").await;
    assert!(answer.contains("<main class=\"failure\"") && answer.contains("To be mended: issue.md, line "), "{answer}");
}
