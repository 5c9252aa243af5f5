//! `fmt`: what comes back is what went in, and reads as an editor writes.

use std::process::Command;

use masthead::issue::{format, parse};
use proptest::prelude::*;

use super::anything::{block, boxed, front};
use super::{FIXTURES, read};

/// Checks that an issue in its canonical form is the same issue, and that the form is the last word.
fn check(text: &str) {
    let issue = read(text);
    let formatted = format(&issue);
    let again = read(&formatted);
    assert_eq!(again.content(), issue.content(), "\n--- from:\n{text}\n--- to:\n{formatted}");
    assert_eq!(format(&again), formatted);
}

#[test]
fn a_fixture_in_its_canonical_form_is_the_same_issue() {
    for (name, text) in FIXTURES {
        check(text);
        insta::with_settings!({ snapshot_path => ".", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("{name}.canonical"), format(&read(text)));
        });
    }
}

#[test]
fn what_looks_like_something_else_is_the_same_issue() {
    for text in [
        "---\ntitle: 'A: B # C'\ndate: 8 June 2024\nsummary: '- \"x\" \\y'\nsubject: \"\"\n---\nHello.\n",
        "---\ntitle: '- [Moss]'\nnumber: 6\n---\nHello.\n",
        "# C# and `code` and *stars* and snake_case [x] <b> &amp; 1. #\n\nHello.\n",
        "---\n---\n---\nkey: value\n---\n\nHello.\n",
        "#6：苔藓\n\n你好，这里是苔藓周刊。\n",
        "## S\n\n1. plain\n2. words\n\n1、[One](u:1)\n\n- plain\n\n2、[Two](u:2)\n\n---\n\n1. [x](u:x)\n2. [y](u:y)\n",
        "## S\n\n- [One](u:1)\n\n![a](i:a)\n\n---\n\n![b](i:b)\n\nBye.\n\n    code\n",
        "## S\n\n1、[One](u:1)\n\n1、[Two](u:2)\n\n1、Three\n\n    code\n",
        "- [One](u:1)\n- [Two](u:2) (英) ⭐ 1.2k - [more](u:m)\n",
        "## S\n\n① One\n\n② [a](u:a) and [b](u:b)\n\n![x](i:x)\n*a caption.*\n\n[![y](i:y \"t\")](u:y)\n",
        "## Past issues\n\n- [A *b* #1](u:1) (June 8, 2024)\n\n---\n\n[Bye](u:2)\n",
        "## S\n\n1、The [One](<u:1 2>) and [Two](u:(2)) ![x](i:x)\nwords\n\n```\n\tcode\n\n2、[x](y)\n",
        "## 1\n\n- # odd\n- [](u:2)\n- > [x](u:x)\n- ![i](u:i)\n",
        "# No #12\n\nHello.\n",
        "# Issue — Issue #12\n\n- [x](u:x)\n",
        "# # # Moss\n\n> a\n",
        "# A  B\tC &#12; D\n\nHello.\n",
        "# Name #4: Moss #5: T\n\n## Name #6\n\n- [x](u:x)\n",
        "# Name #4: Name #5: T\n\nHello.\n",
        "## Past issues\n\n- [x](u:x) words\n\n## [a](u:a) [b](u:b)\n\n## About\n",
        "## [a](u:a) [b](u:b)\n\n## c\n",
        "① a\n② b\n③ c\n    <!-- text -->\n⑤ d\n",
        "2026-02-26 | Virtual | [Moss](u:1)\n    * [**Rust**](u:2)\n\n2026-02-27 | [A](u:a) and [B](u:b) and [C](u:c\n",
        "## S\n\n1、[One](u:1) (5 min) (6 min)\n\n2、Two (7 min)\n\n3、[Three] (8 *min)\n",
        "## S\n\n3、[a](u:a)\n\n3、[b](u:b)\n\n- [c](u:c)\n\n4、[d](<u:&amp;amp;&#7;>)\n",
        "## S\n\n1、[a](u:a)\n\n![b](u:b \"&quot;c&#12;&#10;&quot;\")\n\n![d](u:d)\n*e*\n\n2、f [](u:f(★ 3))\n\n3、x[]()\n",
        "[a]: u:a\n'b'\nWords [a] and [c].\n\n[c]: u:c\n",
        "- [x](u:x)\n\n<!-- text -->\n```\n",
        "---\n# a\nlayout: post\nissue: 6\nb c: |\n  x\n\n  y\ntags:\n- 'x'\n# d\n---\nHello.\n",
        "---\nmy key: x\ntitle: A\n---\nHello.\n",
        "+++\ntitle = 'A'\ndate = 2024-06-08T10:00:00Z\n[params]\nx = [1, 'y: z']\n+++\nHello.\n",
        "Title: A\nCategory: b: c\nTags:\n\nHello.\n",
        "Title: A\nTags: b\nTags: c # d\ntags: e\nTitle: F\n\nHello.\n",
        "---\nnewsletter: weekly\ntitle: '- x #5'\nnumber: 7\n---\n# Moss #6\n\nHello.\n",
        "---\nnewsletter: weekly\n---\n# Moss #6 (2024-06-08)\n\n1. [a](u:a)\n1. x\n\n# b\n",
        "---\nnewsletter: weekly\ntitle: 'Moss #6: a: - b'\n---\n# Moss #7\n\nHello.\n",
        "3. s<br>\n<img src=u:i>\n",
        "## 往年 (回顾) 🐧\n\n- [x](u:x)\n- [y](u:y)\n\nBye.\n\n## Past issues\n\n- [z](u:z)\n",
        "## S[^a]\n\n- [x](u:x)[^a] y[^b]\n- z\n\n[^a]: one\n    two\n\n[^b]: u:b\n",
        "## S\n\n1. [x](u:x)\n\n   <p>\n       <img\n       src='u:i(1)' alt='[a] _b_'>\n   1. c</p>\n",
        "<!-- text -->\n\n<!-- text -->\n\n    <!-- /text\n",
        "## S\n\n- [x](u:x)\n\n  <!-- text -->\n\n  Words (★ 3)\n  ![i](u:i)\n\n  <!-- /text -->\n\n  ![j](u:j)\n",
        "## S\n\nWords.\n\n<!-- items -->\n\n- a\n- [x](u:x)\n\n<!-- /items -->\n\n- [y](u:y)\n",
        "Intro.\n\n<!-- text -->\n\n## No section\n\n- [x](u:x)\n\n<!-- /text -->\n\n## S\n\n- [y](u:y)\n",
    ] {
        check(text);
    }
}

#[test]
fn text_between_its_comments_is_text() {
    let issue = read("# T\n\n## S\n\n<!-- text -->\n\n1. [a](u:a)\n\n## no\n\n<!-- /text -->\n\n1. [b](u:b)\n");
    let [section] = &issue.sections[..] else { panic!("{issue:#?}") };
    assert_eq!(section.body, "1. [a](u:a)\n\n## no");
    assert_eq!(section.items.len(), 1);
    assert_eq!(format(&issue).lines().filter(|line| line.contains("text -->")).count(), 2);
}

#[test]
fn entries_between_their_comments_are_items() {
    let issue = read("## Contact\n\n<!-- items -->\n\n- a\n- b\n\n3. [c](u:c)\n\n<!-- /items -->\n\n- [d](u:d)\n");
    let [section] = &issue.sections[..] else { panic!("{issue:#?}") };
    let items: Vec<_> = section.items.iter().map(|item| (item.number, item.title.as_str())).collect();
    assert_eq!(items, [(None, "a"), (None, "b"), (Some(3), "c")]);
    assert_eq!(section.after, "- [d](u:d)");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_file_in_its_canonical_form_is_the_same_issue(
        front in front(),
        blocks in proptest::collection::vec(prop_oneof![3 => block(), 1 => boxed()], 1..12),
    ) {
        check(&format!("{front}Intro.\n\n{}\n\n[ref]: u:ref\n", blocks.join("\n\n")));
    }

    #[test]
    fn a_mutated_fixture_in_its_canonical_form_is_the_same_issue(
        fixture in 0..FIXTURES.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0..4usize, any::<prop::sample::Index>()), 1..6),
    ) {
        let mut lines: Vec<&str> = FIXTURES[fixture].1.lines().collect();
        for (at, change, other) in changes {
            let (at, other) = (at.index(lines.len()), other.index(lines.len()));
            match change {
                0 if lines.len() > 1 => { lines.remove(at); }
                1 => lines.insert(at, lines[other]),
                2 => lines.swap(at, other),
                _ => lines.insert(at, ""),
            }
        }
        let text = lines.join("\n");
        if parse(text.as_bytes()).is_ok() {
            check(&text);
        }
    }
}

#[test]
fn the_program_prints_the_form_or_writes_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("issue.md");
    let text = "# Name #6：T\n\n## S\n\n1、[One](u:1) - Words.\n";
    let canonical = "# Name #6: T\n\n## S\n\n1. [One](u:1)\n\n   Words.\n";
    std::fs::write(&file, text).unwrap();
    let run = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_masthead")).arg("fmt").arg(&file).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(run(&[]), canonical);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert_eq!(run(&["--write"]), "");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), canonical);
    let before = std::fs::metadata(&file).unwrap().modified().unwrap();
    run(&["--write"]);
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), before, "what is canonical is left alone");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_a_page_folds_stays_folded() {
    let text = "# N #6: T\n\n## S\n\n<details>\n<summary>More of *it*</summary>\n\n- [x](u:x)\n- [y](u:y)\n\n</details>\n\nBye.\n";
    let formatted = format(&read(text));
    for tag in ["<details>", "<summary>More of *it*</summary>", "</details>"] {
        assert_eq!(formatted.matches(tag).count(), 1, "{formatted}");
    }
    check(text);
}
