//! The rules of this house that the compiler does not know.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::app::repository;

/// What each part may import of the others; imports go down only.
const DOMAIN: [&str; 6] = ["delivery", "issue", "newsletter", "subscriber", "theme", "token"];
const IMPORTS: [(&str, &[&str]); 11] = [
    ("templates", &[]),
    ("render", &["templates"]),
    ("message", &["render"]),
    ("inspect", &["render", "message"]),
    ("mailer", &[]),
    ("postgres", &[]),
    ("catcher", &["templates"]),
    ("store", &["render"]), // what a rendered issue is, to keep it
    ("config", &[]),
    ("dispatch", FLOW),
    ("web", FLOW),
];
const FLOW: &[&str] = &["templates", "render", "message", "mailer", "store"];
const PREVIEW: &[&str] = &["templates", "render", "message", "inspect", "mailer", "store"];

#[test]
fn imports_go_down_only() {
    for (part, file, code) in sources() {
        let allowed = match part.as_str() {
            "cli" | "main" | "lib" => continue,
            "preview" => PREVIEW,
            part if DOMAIN.contains(&part) => &[],
            part => IMPORTS.iter().find(|(name, _)| *name == part).unwrap_or_else(|| panic!("{part} has no rule")).1,
        };
        for imported in imports(&code) {
            let fine = imported == part || DOMAIN.contains(&imported.as_str()) || allowed.contains(&imported.as_str());
            assert!(fine, "{} imports {imported}", file.display());
        }
    }
}

/// Crates with one user each, and what the values have nothing to do with.
#[test]
fn what_touches_the_world_does_so_in_one_place() {
    let only = |word: &str, parts: &[&str]| {
        for (part, file, code) in sources() {
            assert!(!code.contains(word) || parts.contains(&part.as_str()), "{} uses {word}", file.display());
        }
    };
    only("sqlx", &["store"]);
    only("smtp::", &["mailer"]);
    only("axum", &["web", "preview", "catcher", "cli"]);
    only("ureq", &["cli"]);
    only("clap", &["cli"]);
    only("anyhow", &["cli"]);
    only("std::env", &["cli", "config", "postgres"]);
    let outside = ["cli", "config", "postgres", "mailer", "catcher", "store", "dispatch", "web", "preview"];
    for word in
        ["tokio", "std::fs", "fs::", "std::net::Tcp", "process::Command", "Instant::now", "now_utc", "SystemTime"]
    {
        only(word, &outside);
    }
}

#[test]
fn markup_skips_escaping_in_one_place() {
    for (_, file, code) in sources() {
        assert!(!code.contains("PreEscaped") || file.ends_with("templates/mod.rs"), "{}", file.display());
    }
}

#[test]
fn sql_has_no_value_pasted_into_it() {
    for (_, file, code) in sources() {
        assert!(!code.contains("AssertSqlSafe"), "{}", file.display());
    }
}

#[test]
fn every_constraint_has_a_name() {
    for file in files(&repository("migrations"), "sql") {
        for line in fs::read_to_string(&file).unwrap().lines().map(str::trim) {
            let words = ["primary key (", "foreign key (", "unique (", "check ("];
            let constrains = words.iter().any(|word| line.contains(word)) && !line.starts_with("--");
            assert!(!constrains || line.starts_with("constraint "), "{}: {line}", file.display());
        }
    }
}

#[test]
fn no_test_sleeps_or_is_ignored() {
    // Put together here, so that this file does not find itself.
    let words = [["sl", "eep("].concat(), ["#[ign", "ore"].concat()];
    let unit_tests = sources().into_iter().map(|(_, file, _)| file).filter_map(|file| {
        let text = fs::read_to_string(&file).unwrap();
        text.split_once("#[cfg(test)]").map(|(_, tests)| (file, tests.to_owned()))
    });
    let tests =
        files(&repository("tests"), "rs").into_iter().map(|file| (file.clone(), fs::read_to_string(file).unwrap()));
    for (file, text) in tests.chain(unit_tests) {
        for word in &words {
            assert!(!text.contains(word.as_str()), "{} has {word}", file.display());
        }
    }
}

/// The vocabulary of the top level; what starts with a dot belongs to tools.
#[test]
fn the_top_level_holds_what_the_map_says() {
    let map = [
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        "rustfmt.toml",
        "src",
        "migrations",
        "templates",
        "tests",
        "benches",
        "deploy",
        "docs",
    ];
    for entry in fs::read_dir(repository("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let page = name.ends_with(".md") || name.starts_with("LICENSE-");
        assert!(name.starts_with('.') || name == "target" || page || map.contains(&name.as_str()), "{name}");
    }
}

/// Every source file: the part that it belongs to, its path, its code without comments and unit tests.
fn sources() -> Vec<(String, PathBuf, String)> {
    let of = |folder: &str, part: &dyn Fn(&Path) -> String| {
        let root = repository(folder);
        files(&root, "rs").into_iter().map(|file| (part(file.strip_prefix(&root).unwrap()), file)).collect::<Vec<_>>()
    };
    let first = |path: &Path| path.with_extension("").iter().next().unwrap().to_string_lossy().into_owned();
    let mut sources = of("src", &first);
    sources.extend(of("templates", &|_| "templates".to_owned()));
    let code = |file: &Path| {
        let text = fs::read_to_string(file).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
    };
    sources.into_iter().map(|(part, file)| (part, file.clone(), code(&file))).collect()
}

/// The modules that code names behind `crate::`, also in braces.
fn imports(code: &str) -> BTreeSet<String> {
    let word =
        |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut modules = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => _ = modules.insert(word(rest)),
            Some(list) => {
                // Names at the first level of the list only.
                let mut depth = 0;
                let mut start = true;
                for (at, c) in list.char_indices() {
                    if start && depth == 0 && c.is_alphabetic() {
                        modules.insert(word(&list[at..]));
                    }
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    start = c == ',' || (start && c.is_whitespace());
                }
            }
        }
    }
    modules
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|there| there == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn the_import_rule_sees_every_form_of_an_import() {
    let code = "use crate::web;\nuse crate::{mailer::{Relay, Verdict}, store,\n    token::Claim};\nfn f(x: crate::render::Rendered)";
    let seen: Vec<_> = imports(code).into_iter().collect();
    assert_eq!(seen, ["mailer", "render", "store", "token", "web"]);
}
