use std::path::{Path, PathBuf};
use std::process::Command;

const CLEAN: &str = "# Harbour Weekly #12: Slow Software\n\nAhoy.\n";
const WARNED: &str = "# Harbour Weekly #13: Fast Boats\n\n潮水 🦄 [tides](http://tides.example/)\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, content) in files {
            let path = folder.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `masthead check` in the folder: exit code, standard output, standard error.
    fn check(&self, args: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_masthead"))
            .arg("check")
            .args(args)
            .current_dir(self.0.path())
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[test]
fn a_finding_shows_its_line_with_the_place_marked() {
    let folder = Folder::new(&[("a.md", WARNED.as_bytes())]);
    let (code, stdout, stderr) = folder.check(&["a.md"]);
    let expected = "\
warning[link-http]: this link is plain http
 --> a.md:3:14
  |
3 | 潮水 🦄 [tides](http://tides.example/)
  |                 ^^^^^^^^^^^^^^^^^^^^^
  = hint: write https:// if the page is there under it; else allow it here

";
    assert_eq!((code, stdout.as_str()), (1, expected));
    assert_eq!(stderr, "0 errors, 1 warning and 0 notes in 1 file\n");
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let text = format!("# Harbour Weekly #13: Fast Boats\n\n{}http{}\n", "words ".repeat(99), " words".repeat(99));
    let text = text.replace("http", "[tides](http://tides.example/)");
    let (_, stdout, _) = Folder::new(&[("a.md", text.as_bytes())]).check(&["a.md"]);
    let lines: Vec<&str> = stdout.lines().collect();
    assert!(lines[3].starts_with("3 | …") && lines[3].ends_with('…') && lines[3].chars().count() < 110, "{stdout}");
    let column = lines[4].find('^').unwrap();
    assert!(lines[3].chars().skip(column).collect::<String>().starts_with("http://tides"), "{stdout}");
}

#[test]
fn the_exit_code_tells_clean_findings_and_trouble_apart() {
    let note = "# Harbour Weekly #14: Piers\n\nRead [here](https://tides.example/).\n";
    let broken = "---\nnumber: many\n---\n";
    let folder = Folder::new(&[
        ("clean.md", CLEAN.as_bytes()),
        ("warned.md", WARNED.as_bytes()),
        ("note.md", note.as_bytes()),
        ("broken.md", broken.as_bytes()),
    ]);
    assert_eq!(folder.check(&["clean.md"]).0, 0);
    assert_eq!(folder.check(&["note.md"]).0, 0);
    assert_eq!(folder.check(&["clean.md", "warned.md"]).0, 1);
    let (code, stdout, stderr) = folder.check(&["broken.md", "missing.md", "warned.md"]);
    assert_eq!(code, 2);
    assert!(stdout.contains("link-http"), "the others are checked: {stdout}");
    assert!(stderr.contains("broken.md:2: `many`") && stderr.contains("missing.md"), "{stderr}");
    assert_eq!(folder.check(&[]).0, 2);
}

#[test]
fn a_defect_that_is_everywhere_is_shown_ten_times_and_listed_whole() {
    let text = format!("# Harbour Weekly #13: Fast Boats\n\n{}[a](http://a.example/)\n", "It\\'s. ".repeat(120));
    let folder = Folder::new(&[("a.md", text.as_bytes())]);
    let (_, stdout, stderr) = folder.check(&["a.md"]);
    assert_eq!(stdout.matches("[stray-escape]").count(), 10);
    assert!(stdout.contains("[link-http]"), "{stdout}");
    assert!(stdout.contains("… and 110 more `stray-escape` in a.md; --json has all\n\n"), "{stdout}");
    assert!(stdout.find("[stray-escape]").unwrap() < stdout.find("[link-http]").unwrap(), "{stdout}");
    assert!(stderr.starts_with("0 errors, 121 warnings"), "{stderr}");
    let list: serde_json::Value = serde_json::from_str(&folder.check(&["--json", "a.md"]).1).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 121);
}

#[test]
fn a_folder_is_no_file_and_its_files_are_what_to_name() {
    let folder = Folder::new(&[("sent/1.md", CLEAN.as_bytes()), ("2.md", WARNED.as_bytes())]);
    let (code, stdout, stderr) = folder.check(&["sent", "2.md"]);
    assert!(stderr.contains("`sent` is a folder\nhint: name its files: `masthead check sent/*.md`"), "{stderr}");
    assert!(code == 2 && stdout.contains("link-http"), "{stdout}");
}

#[test]
fn json_is_a_list_of_findings() {
    let folder = Folder::new(&[("a.md", WARNED.as_bytes()), ("b.md", CLEAN.as_bytes())]);
    let (_, stdout, _) = folder.check(&["--json", "a.md", "b.md"]);
    let list: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let expected = serde_json::json!([{
        "rule": "link-http",
        "severity": "warning",
        "file": "a.md",
        "line": 3,
        "column": 14,
        "message": "this link is plain http",
        "hint": "write https:// if the page is there under it; else allow it here",
    }]);
    assert_eq!(list, expected);
    assert_eq!(folder.check(&["--json", "b.md"]).1, "[]\n");
}

#[test]
fn what_is_mended_keeps_every_other_byte() {
    let before = "\u{feff}# Harbour Weekly #13: The Pilot\\'s Boat\r\n\r\nAhoy„ÄÅ [tides](https://tides.example/?utm_source=x&a=1)\r\n\r\nEnd, no line end";
    let after = "\u{feff}# Harbour Weekly #13: The Pilot's Boat\r\n\r\nAhoy、 [tides](https://tides.example/?a=1)\r\n\r\nEnd, no line end";
    let folder = Folder::new(&[("a.md", before.as_bytes())]);
    let (code, stdout, stderr) = folder.check(&["--fix", "a.md"]);
    assert_eq!(String::from_utf8(read(&folder.path("a.md"))).unwrap(), after);
    assert_eq!((code, stderr.as_str()), (0, "0 errors, 0 warnings and 0 notes in 1 file\n"));
    assert!(
        stdout.starts_with("--- a.md\n+++ a.md\n@@ -1,5 +1,5 @@\n-# Harbour Weekly #13: The Pilot\\'s Boat"),
        "{stdout}"
    );
    assert!(stdout.contains("+Ahoy、 [tides](https://tides.example/?a=1)"), "{stdout}");
    assert_eq!(std::fs::read_dir(folder.0.path()).unwrap().count(), 1, "nothing is left beside it");
    assert_eq!(folder.check(&["--fix", "a.md"]), (0, String::new(), stderr));
}

#[test]
fn a_file_in_utf_16_or_gbk_stays_in_it() {
    let text = "# 港口周刊#13：潮水的原因\n\n本期我们沿着两个码头走了一圈，问了[所有愿意说话的人](https://tides.example/?utm_source=x)。\n";
    let mended = text.replace("?utm_source=x", "");
    let utf16 = |text: &str| -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let gbk = |text: &str| encoding_rs::GBK.encode(text).0.into_owned();
    let folder = Folder::new(&[("utf16.md", &utf16(text)), ("gbk.md", &gbk(text))]);
    assert_eq!((folder.check(&["--fix", "utf16.md"]).0, folder.check(&["--fix", "gbk.md"]).0), (0, 0));
    assert_eq!(read(&folder.path("utf16.md")), utf16(&mended));
    assert_eq!(read(&folder.path("gbk.md")), gbk(&mended));
}

#[test]
fn an_archive_is_checked_against_without_a_store() {
    let old =
        "# Harbour Weekly #12: Slow Software\n\n## A\n\n- [T](https://tides.example/)\n- [B](https://b.example/)\n";
    let new =
        "# Harbour Weekly #13: Fast Boats\n\n## A\n\n- [T](http://www.tides.example)\n- [C](https://c.example/)\n";
    let folder = Folder::new(&[("sent/12.md", old.as_bytes()), ("next.md", new.as_bytes())]);
    let rules = |args: &[&str]| -> Vec<String> {
        let list: serde_json::Value = serde_json::from_str(&folder.check(args).1).unwrap();
        list.as_array().unwrap().iter().map(|row| row["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rules(&["--json", "next.md", "--archive", "sent"]), ["link-http", "link-earlier"]);
    std::fs::write(folder.path("again.md"), "# Harbour Weekly #12: Fast Boats\n\nAhoy.\n").unwrap();
    assert_eq!(rules(&["--json", "again.md", "--archive", "sent"]), ["number-used"]);
    assert_eq!(rules(&["--json", "next.md"]), ["link-http"]);
    assert_eq!(rules(&["--json", "sent/12.md", "--archive", "sent"]), [""; 0], "a file is no repetition of itself");
    assert_eq!(folder.check(&["next.md", "--archive", "missing"]).0, 2);
}

#[test]
fn masthead_toml_sets_the_rules() {
    let toml = |check: &str| {
        format!(
            "{check}\n[newsletter.weekly]\nname = \"Harbour Weekly\"\nfrom = \"ann@example.org\"\npostal_address = \"1 Pier\"\nbase_url = \"https://example.org\"\n"
        )
    };
    let folder = Folder::new(&[
        ("a.md", WARNED.as_bytes()),
        ("off.toml", toml("[check.rules]\nlink-http = \"off\"").as_bytes()),
        ("note.toml", toml("[check.rules]\nlink-http = \"note\"").as_bytes()),
        ("unknown.toml", toml("[check.rules]\nlink-htp = \"note\"").as_bytes()),
    ]);
    assert_eq!(folder.check(&["--config", "off.toml", "a.md"]).1, "");
    let (code, stdout, _) = folder.check(&["--config", "note.toml", "a.md"]);
    assert!(code == 0 && stdout.starts_with("note[link-http]"), "{stdout}");
    let (code, _, stderr) = folder.check(&["--config", "unknown.toml", "a.md"]);
    assert!(code == 2 && stderr.contains("no rule `link-htp`"), "{stderr}");
}

#[test]
fn the_rules_explain_themselves() {
    let folder = Folder::new(&[]);
    let (code, stdout, _) = folder.check(&["--rules"]);
    assert_eq!(code, 0);
    for rule in masthead::issue::check::rules() {
        assert!(stdout.contains(&format!("{} ({}): {}", rule.id, rule.severity, rule.summary)), "{}", rule.id);
    }
    let (_, one, _) = folder.check(&["--rules", "link-http"]);
    assert!(one.starts_with("link-http (warning): ") && one.contains("\n  bad:\n    # Harbour Weekly"), "{one}");
    assert_eq!(folder.check(&["--rules", "link-htp"]).0, 2);
}

#[test]
fn the_email_is_checked_on_request_with_the_lines_of_the_file() {
    let text =
        format!("{CLEAN}\n## Boats\n\n1. [The pilots](https://a.example/)\n\n![Dawn](https://img.example/x.svg)\n");
    let folder = Folder::new(&[("a.md", text.as_bytes())]);
    let rules = |args: &[&str]| {
        let (code, stdout, _) = folder.check(args);
        let rows: Vec<serde_json::Value> = serde_json::from_str(&stdout).unwrap();
        let row = |row: &serde_json::Value| {
            (row["rule"].as_str().unwrap().to_owned(), row["line"].as_u64().unwrap(), row["column"].as_u64().unwrap())
        };
        (code, rows.iter().map(row).collect::<Vec<_>>())
    };
    let (code, plain) = rules(&["a.md", "--json"]);
    assert!(!plain.iter().any(|(rule, ..)| rule.starts_with("email-")), "{code} {plain:?}");
    let (code, found) = rules(&["a.md", "--json", "--email"]);
    assert_eq!(code, 1);
    assert!(found.contains(&("email-unsupported".to_owned(), 7, 1)), "{found:?}");
}

#[test]
fn what_is_seen_in_the_email_is_switched_off_and_allowed_as_all_else() {
    let issue = |behind: &str| {
        let item = "1. [The pilots](https://a.example/)";
        format!("{CLEAN}\n## Boats\n\n{item}{behind}\n\n![Dawn](https://img.example/x.svg)\n")
    };
    let allowed = issue(" <!-- masthead: allow email-unsupported: our readers use Apple Mail -->");
    let toml = |rules: &str| {
        format!(
            "[check.rules]\nimage-format = \"off\"\nemail-partly-supported = \"off\"\n{rules}\n[newsletter.weekly]\nname = \"Harbour Weekly\"\nfrom = \"ann@example.org\"\npostal_address = \"1 Pier\"\nbase_url = \"https://example.org\"\n[newsletter.weekly.theme]\ncss = \"mail.css\"\n"
        )
    };
    let folder = Folder::new(&[
        ("a.md", issue("").as_bytes()),
        ("allowed.md", allowed.as_bytes()),
        ("mail.css", b".nobody { color: #123456 }\n"),
        ("plain.toml", toml("").as_bytes()),
        ("error.toml", toml("email-unsupported = \"error\"\nstyle-sheet = \"note\"").as_bytes()),
        ("off.toml", toml("email-unsupported = \"off\"\nstyle-sheet = \"off\"").as_bytes()),
    ]);
    let found = |args: &[&str]| {
        let rows: Vec<serde_json::Value> = serde_json::from_str(&folder.check(args).1).unwrap();
        let row = |row: &serde_json::Value| format!("{} {} {}", row["severity"], row["rule"], row["line"]);
        rows.iter().map(row).map(|row| row.replace('"', "")).collect::<Vec<_>>()
    };
    let checked = |config: &str, file: &str| found(&["--json", "--email", "--config", config, file]);
    assert_eq!(checked("plain.toml", "a.md"), ["warning style-sheet 1", "warning email-unsupported 7"]);
    assert_eq!(checked("error.toml", "a.md"), ["note style-sheet 1", "error email-unsupported 7"]);
    assert_eq!(checked("off.toml", "a.md"), [""; 0]);
    assert_eq!(checked("plain.toml", "allowed.md"), ["warning style-sheet 1"]);
    assert_eq!(checked("off.toml", "allowed.md"), ["note allow-unused 7"]);
    let unseen = found(&["--json", "--config", "plain.toml", "allowed.md"]);
    assert_eq!(unseen, [""; 0], "nobody looked whether it is used");
}

#[test]
fn a_title_that_names_another_newsletter_is_a_warning_where_one_is_configured() {
    let newsletter = |slug: &str, name: &str| {
        format!(
            "[newsletter.{slug}]\nname = \"{name}\"\nfrom = \"ann@example.org\"\npostal_address = \"1 Pier\"\nbase_url = \"https://example.org\"\n"
        )
    };
    let text = CLEAN.replace("Harbour Weekly", "Garden Letters");
    let folder = Folder::new(&[
        ("a.md", text.as_bytes()),
        ("own.md", CLEAN.replace("Harbour Weekly", "harbour  weekly").as_bytes()),
        ("one.toml", newsletter("weekly", "Harbour Weekly").as_bytes()),
        ("two.toml", (newsletter("weekly", "Harbour Weekly") + &newsletter("garden", "Garden Letters")).as_bytes()),
    ]);
    let warns = |config: &[&str], file: &str| {
        let (_, stdout, _) = folder.check(&[config, &[file]].concat());
        stdout.contains("the title names \"Garden Letters\", the newsletter is \"Harbour Weekly\"")
    };
    assert!(warns(&["--config", "one.toml"], "a.md"));
    assert!(!warns(&["--config", "one.toml"], "own.md") && !folder.check(&["a.md"]).1.contains("newsletter-other"));
    assert!(!warns(&["--config", "two.toml"], "a.md"), "it is the other one's issue");
    assert!(warns(&["--config", "two.toml", "--newsletter", "weekly"], "a.md"));
}
