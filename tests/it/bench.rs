//! `masthead bench` in small: its figures are its own affair, but what it measures is really done, and nothing stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::app::text;

/// Measures into a temporary folder that must be empty again behind it.
fn bench(arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_masthead"));
    command.arg("bench").args(arguments).args(["--rounds", "1", "--json"]).env("TMPDIR", folder.path());
    let output = command.output().unwrap();
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
        assert!(rows.iter().all(|row| row["name"] != "masthead, with the ledger"), "{table}");
    }
}
