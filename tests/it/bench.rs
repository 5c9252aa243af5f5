//! `masthead bench` in small: its figures are its own affair, but what it measures is really done, and nothing stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::app::text;

/// The command, in small, with a folder for what is temporary.
fn bench_command(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_masthead"));
    command.args(["bench", "--rounds", "1", "--json"]).env("TMPDIR", folder.path());
    command
}

/// Measures into a temporary folder that must be empty again behind it.
fn bench(arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let output = bench_command(&folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something is left behind");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The rows of the one table, by name.
fn rows(measured: &Value) -> Vec<(&str, &Value)> {
    let tables = measured["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 1, "{measured}");
    tables[0]["rows"].as_array().unwrap().iter().map(|row| (row["name"].as_str().unwrap(), row)).collect()
}

fn is_positive(figure: &Value) -> bool {
    figure.as_f64().is_some_and(|figure| figure > 0.0)
}

// That the sink has every message of every sending, the command looks after itself, and fails.

#[test]
fn a_send_is_measured_beside_the_raw_client_with_and_without_the_ledger() {
    let measured = bench(&["send", "--readers", "200", "--connections", "4"]);
    let machine = &measured["machine"];
    assert!(machine["postgres"].is_string() && is_positive(&machine["cores"]), "{machine}");
    let rows = rows(&measured);
    let names: Vec<_> = rows.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "raw client, in the same form",
            "raw client, MAIL RCPT DATA at once",
            "masthead, without a ledger",
            "masthead, with the ledger"
        ]
    );
    for (name, row) in &rows {
        for key in ["per_second", "us", "sender_cpu_us", "of_raw_same_form", "of_raw_pipelined"] {
            assert!(is_positive(&row[key]), "{name} has no {key}: {row}");
        }
        for key in ["wal_bytes", "snapshot_s"] {
            assert_eq!(is_positive(&row[key]), *name == "masthead, with the ledger", "{name}, {key}: {row}");
        }
    }
    assert_eq!(rows[0].1["of_raw_same_form"], 1.0);
}

#[test]
fn every_form_is_measured_over_a_long_line_too_and_without_a_database() {
    let arguments = ["send", "--readers", "8", "--connections", "2", "--latency", "2", "--no-ledger", "--dkim"];
    let measured = bench(&arguments);
    assert_eq!(measured["machine"]["postgres"], Value::Null);
    let tables = measured["tables"].as_array().unwrap();
    let forms: Vec<_> = tables.iter().map(|table| table["title"].as_str().unwrap()).collect();
    let parts = ["one command at a time", "at once", "behind the dot", "window 4", "window 16"];
    assert!(forms.len() == 5 && forms.iter().zip(parts).all(|(form, part)| form.contains(part)), "{forms:?}");
    for table in tables {
        let title = table["title"].as_str().unwrap();
        assert!(
            title.contains("2 ms round trip") && title.contains("8 readers") && title.contains("signed"),
            "{title}"
        );
        let rows = table["rows"].as_array().unwrap();
        assert!(rows.iter().all(|row| is_positive(&row["per_second"])), "{table}");
        let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["raw client, in the same form", "masthead, without a ledger"]);
    }
}

#[test]
fn import_and_pages_are_measured_on_a_store_of_their_own() {
    let rows_of = |measured: &Value, key: &str| {
        let rows = rows(measured);
        assert!(rows.iter().all(|(_, row)| is_positive(&row[key])), "{measured}");
        rows.len()
    };
    // Who came in and who left, the command counts itself.
    assert_eq!(rows_of(&bench(&["import", "--readers", "50"]), "rows_per_second"), 2);
    assert_eq!(rows_of(&bench(&["web", "--readers", "20", "--connections", "3"]), "per_second"), 5);
}

/// A peer: says what it is told to, and that this took half a second.
const PEER: &str = r#"#!/usr/bin/env bash
set -euo pipefail
[[ $4 = built || $4 = prepared ]]
grep -q '{{unsubscribe_url}}' "$5"
exec 3<>"/dev/tcp/$1/$2"
hear() { read -r line <&3; [[ $line = [23]* ]]; }
say() { printf '%s\r\n' "$1" >&3; hear; }
hear
say 'HELO peer'
for ((number = 0; number < $3; number++)); do
    say 'MAIL FROM:<weekly@example.org>'
    say "RCPT TO:<reader-$number@example.com>"
    say DATA
    printf 'Subject: hello\r\n\r\nhello\r\n' >&3
    say .
done
echo "{\"sent\": $3, \"seconds\": 0.5}"
"#;

#[test]
fn peers_take_turns_with_the_ledger_and_one_that_does_not_send_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["smtplib", "aiosmtplib", "nodemailer", "lettre"];
    let write = |name: &str, program: &str| {
        let path = folder.path().join(name);
        fs::write(&path, program).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    for name in names {
        write(name, PEER);
    }
    let scripts = folder.path().to_str().unwrap();
    let arguments = ["peers", "--scripts", scripts, "--messages", "3", "--readers", "50", "--connections", "2"];
    let measured = bench(&arguments);
    let rows = rows(&measured);
    assert_eq!(rows.len(), 9, "{measured}");
    let ours = rows[0].1["per_second"].as_f64().unwrap();
    for (name, row) in &rows[1..] {
        assert!(names.iter().any(|peer| name.starts_with(peer)), "{name}");
        assert_eq!(row["per_second"], 6.0, "{name}");
        // serde_json reads a number to within its last digit.
        let times = row["masthead_is_times"].as_f64().unwrap();
        assert!((times * 6.0 / ours - 1.0).abs() < 1e-12, "{name}: {times}, {ours}");
    }

    let fails_with = |words: &[&str]| {
        let output = bench_command(&folder).args(arguments).output().unwrap();
        let said = text(&output.stderr);
        assert!(!output.status.success() && words.iter().all(|word| said.contains(word)), "{said}");
    };
    write("lettre", "#!/bin/sh\necho '{\"sent\": 3, \"seconds\": 1}'\n");
    fails_with(&["lettre", "the sink has 0"]);
    write("lettre", "#!/bin/sh\nexit 1\n");
    fails_with(&["lettre", "hint: "]);
    fs::remove_file(folder.path().join("lettre")).unwrap();
    fails_with(&["lettre", "--scripts"]);
}

#[test]
fn without_postfix_its_measurement_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let scripts = folder.path().to_str().unwrap();
    let fails_with = |words: &[&str]| {
        let output = bench_command(&folder).args(["postfix", "--scripts", scripts]).output().unwrap();
        let said = text(&output.stderr);
        assert!(!output.status.success() && words.iter().all(|word| said.contains(word)), "{said}");
    };
    fails_with(&["smtp-source", "--scripts"]);
    for (name, program) in [("smtp-source", "#!/bin/sh\n"), ("smtp-sink", "#!/bin/sh\nexit 3\n")] {
        let path = folder.path().join(name);
        fs::write(&path, program).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fails_with(&["smtp-sink", "exit status: 3"]);
}
