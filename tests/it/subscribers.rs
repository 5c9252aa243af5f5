//! The list of readers on the command line: in, out, and never back against their will.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use super::app::{App, Run};
use super::chaos::{hold_in_database, kill_in_hold};
use super::send::once_each;

fn import(app: &App, csv: &str) -> Run {
    app.write("readers.csv", csv);
    app.masthead(&["subscribers", "import", "readers.csv", "--consent", "sign-up form of the old site", "--yes"])
}

fn export(app: &App) -> String {
    app.masthead(&["subscribers", "export"]).exits(0).out
}

/// The lines of an export without the last column, which says since when.
fn without_since(csv: &str) -> Vec<&str> {
    csv.lines().map(|line| line.rsplit_once(',').unwrap().0).collect()
}

#[test]
fn an_import_counts_what_it_did_with_every_row() {
    let app = App::start();
    let csv = "email,name\nann@readers.example,Ann\nANN@readers.example,Ann\nbob@readers.example,\n";
    import(&app, csv).exits(0).says("3 readers, 0 rows").says("2 added, 1 subscribed already, 0 unsubscribed");
    import(&app, csv).exits(0).says("0 added, 3 subscribed already");
    let profile = app.profile("ann@readers.example");
    assert_eq!((&profile["name"], profile["consent"].as_array().unwrap().len()), (&"Ann".into(), 1));
    assert_eq!(profile["consent"][0]["source"], "sign-up form of the old site");
    assert_eq!(profile["consent"][0]["act"], "imported");
}

#[test]
fn bad_rows_are_listed_with_their_lines_and_the_others_imported() {
    let app = App::start();
    let run = import(
        &app,
        "email,name\nann@readers.example,Ann\nnobody,x\n\"bob@readers.example\",\"B\rob\"\n@,\ncat@readers.example,\n",
    );
    let run =
        run.exits(1).says("readers.csv:3: `nobody`").says("readers.csv:4: ").says("readers.csv:5: `@`").says("2 added");
    assert!(!run.err.contains("readers.csv:6"), "{}", run.err);
    assert_eq!(app.masthead(&["subscribers", "list"]).exits(0).out.lines().count(), 2);
}

#[test]
fn an_import_says_how_the_readers_agreed_or_is_refused() {
    let app = App::start();
    app.write("readers.csv", "email\nann@readers.example\n");
    app.masthead(&["subscribers", "import", "readers.csv", "--yes"]).exits(2).says("--consent");
    app.masthead(&["subscribers", "import", "readers.csv", "--yes", "--consent", " "]).exits(2).says("--consent");
    assert_eq!(export(&app).lines().count(), 1);
}

#[test]
fn nothing_is_imported_or_erased_without_yes_when_nobody_can_be_asked() {
    let app = App::start();
    app.subscribe(&["ann@readers.example"]);
    app.write("readers.csv", "email\nbob@readers.example\n");
    let before = app.dump();
    app.masthead(&["subscribers", "import", "readers.csv", "--consent", "the old site"]).exits(2).says("--yes");
    app.masthead(&["subscribers", "erase", "ann@readers.example"]).exits(2).says("--yes");
    assert_eq!(app.dump(), before);
}

#[test]
fn an_import_never_brings_back_who_left_or_is_suppressed() {
    let app = App::start();
    app.subscribe(&["left@readers.example", "erased@readers.example"]);
    app.masthead(&["subscribers", "remove", "left@readers.example"]).exits(0);
    app.masthead(&["subscribers", "erase", "erased@readers.example", "--yes"]).exits(0);
    import(&app, "email,state\nLeft@readers.example,active\nerased@readers.example,active\n")
        .exits(0)
        .says("0 added, 0 subscribed already, 1 unsubscribed and left so, 1 suppressed and left so");
    app.masthead(&["subscribers", "add", "left@readers.example"]).exits(2).says("left or is suppressed");
    assert_eq!(app.state_of("left@readers.example"), "unsubscribed");
    assert_eq!(app.state_of("erased@readers.example"), "");
    app.send(&app.issue(7)).exits(2).says("has nobody to send it to");
}

#[test]
fn who_is_unsubscribed_in_the_file_is_so_here() {
    let app = App::start();
    app.subscribe(&["ann@readers.example"]);
    import(&app, "email,status\nann@readers.example,unsubscribed\nbob@readers.example,unsubscribed\n").exits(0);
    assert_eq!(app.state_of("ann@readers.example"), "unsubscribed");
    assert_eq!(app.state_of("bob@readers.example"), "unsubscribed");
    import(&app, "email\nann@readers.example\nbob@readers.example\n").exits(0).says("0 added");
}

#[test]
fn the_import_of_an_export_gives_the_same_readers() {
    let app = App::start();
    let names =
        "ann@readers.example,\"Ann, \"\"the\"\" Gardener\"\nbob@readers.example,=1+1\nçan@readers.example,Çan 🌱\n";
    import(&app, &format!("email,name\n{names}dan@readers.example,\n")).exits(0);
    app.masthead(&["subscribers", "remove", "dan@readers.example"]).exits(0);
    let exported = export(&app);
    assert!(!exported.contains(",=1"), "no cell is a formula: {exported}");

    import(&app, &exported).exits(0).says("0 added");
    assert_eq!(export(&app), exported);
    let elsewhere = App::start();
    import(&elsewhere, &exported).exits(0).says("3 added");
    assert_eq!(without_since(&export(&elsewhere)), without_since(&exported));
}

#[test]
fn a_list_can_be_cut_by_state_and_read_by_scripts() {
    let app = App::start();
    app.subscribe_many(3);
    app.masthead(&["subscribers", "remove", "reader-1@example.com"]).exits(0).says("is unsubscribed");
    app.masthead(&["subscribers", "remove", "reader-1@example.com"]).exits(0).says("was not subscribed");
    let active = app.masthead(&["subscribers", "list", "--state", "active", "--json"]).exits(0).out;
    let emails: Vec<_> = active
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["email"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(emails, ["reader-0@example.com", "reader-2@example.com"]);
    app.masthead(&["subscribers", "list", "--state", "gone"]).exits(2).says("no state");
}

#[test]
fn one_reader_is_added_shown_and_erased() {
    let app = App::start();
    app.masthead(&["subscribers", "add", "ann@readers.example", "--name", "Ann", "--consent", "at the fair"]).exits(0);
    app.masthead(&["subscribers", "add", "ann@readers.example"]).exits(0).says("already");
    let shown = app.masthead(&["subscribers", "show", "ANN@readers.example"]).exits(0).out;
    assert!(shown.contains("garden: active") && shown.contains("added, at the fair"), "{shown}");
    app.masthead(&["subscribers", "add", "ann"]).exits(2).says("no email address");
    app.masthead(&["subscribers", "add", "bob@readers.example", "--name", "B\nBcc: x@y.example"]).exits(2);
    app.masthead(&["subscribers", "erase", "ann@readers.example", "--yes"]).exits(0);
    app.masthead(&["subscribers", "show", "ann@readers.example"]).exits(1).says("suppressed: erased");
    app.masthead(&["subscribers", "show", "bob@readers.example"]).exits(2).says("not known");
}

#[test]
fn one_address_in_several_spellings_is_one_reader_and_gets_one_mail() {
    let app = App::start();
    let spellings = "ann@bücher.example\nAnn@xn--bcher-kva.example\nANN@BÜCHER.EXAMPLE\n";
    import(&app, &format!("email\n{spellings}josé@example.com\nJOSÉ@example.com\n"))
        .exits(0)
        .says("2 added, 3 subscribed already");
    app.send(&app.issue(7)).exits(0).ledger().is(&[("accepted", 2)]);
    once_each(&app, &["ann@xn--bcher-kva.example".to_owned(), "josé@example.com".to_owned()]);
}

/// A byte order mark, line ends of Windows, every tenth reader twice, a row that is not UTF-8 in the middle.
fn large_file() -> Vec<u8> {
    let mut file = "\u{feff}email,name\r\n".as_bytes().to_vec();
    for number in 0..12_000 {
        file.extend(format!("reader-{number}@readers.example,=1+{number}\r\n").bytes());
        if number % 10 == 0 {
            file.extend(format!("READER-{number}@readers.example,\r\n").bytes());
        }
        if number == 6_000 {
            file.extend(b"b\xffb@readers.example,\r\nnobody,\r\n");
        }
    }
    file
}

#[test]
fn a_large_import_with_everything_wrong_in_it_has_exact_counts() {
    let app = App::start();
    fs::write(app.folder.path().join("readers.csv"), large_file()).unwrap();
    let import = || app.masthead(&["subscribers", "import", "readers.csv", "--consent", "the old site", "--yes"]);
    let run = import().exits(1).says("13200 readers, 2 rows that are left out");
    let run = run.says("12000 added, 1200 subscribed already, 0 unsubscribed and left so, 0 suppressed");
    // The header, 6001 readers, 601 of them twice.
    let run = run.says("readers.csv:6604: the row is not UTF-8").says("readers.csv:6605: `nobody`");
    assert_eq!(run.err.matches("readers.csv:").count(), 2);
    assert_eq!(app.query("select count(*) || '|' || count(name) from subscriber"), "12000|12000");
    assert_eq!(app.profile("reader-7@readers.example")["name"], "=1+7");
    import().exits(1).says("0 added, 13200 subscribed already");
}

#[test]
fn an_import_that_is_killed_in_the_middle_has_done_nothing() {
    let app = App::start();
    app.subscribe(&["ann@readers.example"]);
    fs::write(app.folder.path().join("readers.csv"), large_file()).unwrap();
    let before = app.dump();
    let late = "after insert on subscriber for each row when (new.email = 'reader-11000@readers.example')";
    hold_in_database(&app, late);
    kill_in_hold(&app, &["subscribers", "import", "readers.csv", "--consent", "the old site", "--yes"]);
    app.query("drop trigger hold on subscriber");
    assert_eq!(app.dump(), before);
}
