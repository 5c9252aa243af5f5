//! What the program is made of: licences, sources, doubles, and crates that stay out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Licences that a program under MIT or Apache-2.0 can be shipped with.
const LICENCES: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CDLA-Permissive-2.0", // Mozilla's list of certificate authorities, which is data
    "ISC",
    "MIT",
    "MPL-2.0", // css-inline's parser: copyleft per file, and we change none
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Crates that are in the tree twice, and who holds on to the older version.
const DOUBLES: [(&str, &str); 10] = [
    ("base64", "sqlx has the older one, lettre and ureq the newer"),
    ("block-buffer", "comes with digest"),
    ("cpufeatures", "comes with sha2"),
    ("crypto-common", "comes with digest"),
    ("digest", "comes with sha2"),
    ("getrandom", "ring has the older one"),
    ("hashbrown", "hashlink, for sqlx, has the older one"),
    ("sha2", "sqlx's core has the older one, its Postgres driver the newer"),
    ("syn", "a new version that macros move to one by one"),
    ("untrusted", "aws-lc-rs has the older one, ring the newer"),
];

/// Crates that stay out, and why.
const BANNED: [(&str, &str); 10] = [
    ("rsa", "RUSTSEC-2023-0071, timing of decryption, has no fix; it comes with sqlx's mysql"),
    ("openssl-sys", "TLS is rustls: nothing to install, nothing to patch on the host"),
    ("native-tls", "TLS is rustls"),
    ("aws-lc-fips-sys", "needs cmake and Go"),
    ("bindgen", "needs libclang; aws-lc-sys brings its bindings along"),
    ("serde_yaml", "no longer maintained; serde-saphyr reads front matter"),
    ("chrono", "one calendar in the program: time"),
    ("reqwest", "would let css-inline load remote stylesheets"),
    ("libsqlite3-sys", "there is one database: Postgres"),
    ("openssl", "TLS is rustls"),
];

#[test]
fn every_licence_is_one_that_we_can_ship_with() {
    for package in tree() {
        // Of alternatives one must do; of a conjunction, each part.
        let fine = package.licence.replace('/', " OR ").split(" AND ").all(|part| {
            let part = part.trim_matches(['(', ')']);
            part.split(" OR ").any(|licence| LICENCES.contains(&licence.trim_matches(['(', ')'])))
        });
        assert!(fine, "{} is under `{}`", package.name, package.licence);
    }
}

#[test]
fn everything_comes_from_the_registry() {
    for package in tree() {
        assert_eq!(package.source, "", "{}", package.name);
    }
}

#[test]
fn no_banned_crate_is_in_the_tree() {
    for package in tree() {
        let reason = BANNED.iter().find(|(name, _)| *name == package.name);
        assert_eq!(reason, None);
    }
}

#[test]
fn no_crate_is_there_in_two_versions_without_a_reason() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in tree() {
        versions.entry(package.name).or_default().insert(package.version);
    }
    let doubles: Vec<_> = versions.into_iter().filter(|(_, versions)| versions.len() > 1).collect();
    for (name, versions) in doubles {
        let known = DOUBLES.iter().any(|(double, _)| *double == name);
        assert!(known, "{name} is there in {versions:?}; agree on one, or give the reason in DOUBLES");
    }
}

/// A line of `cargo tree`.
struct Package {
    name: String,
    version: String,
    /// Nothing for the registry; otherwise a path, a repository or another registry.
    source: String,
    licence: String,
}

/// Every package that is compiled for this platform, tests and macros included.
fn tree() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges", "normal,build,dev", "--prefix", "none", "--no-dedupe"])
        .args(["--format", "{p}|{l}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: BTreeSet<_> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    lines.into_iter().filter(|line| !line.starts_with("masthead ")).map(package).collect()
}

/// Reads `maud_macros v0.27.0 (proc-macro)|MIT OR Apache-2.0`.
fn package(line: &str) -> Package {
    let (package, licence) = line.split_once('|').unwrap();
    let mut words =
        package.replace(" (proc-macro)", "").splitn(3, ' ').map(str::to_owned).collect::<Vec<_>>().into_iter();
    Package {
        name: words.next().unwrap(),
        version: words.next().unwrap(),
        source: words.next().unwrap_or_default(),
        licence: licence.to_owned(),
    }
}
