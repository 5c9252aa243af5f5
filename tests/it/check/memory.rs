//! The link memory of the store, as `masthead check` uses it.

use masthead::postgres::PrivatePostgres;
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::app::{App, Run};

/// An issue with three links; the first is `link`.
fn issue(number: u32, title: &str, link: &str) -> String {
    format!(
        "# Garden Letters #{number}: {title}\n\nAhoy, gardeners.\n\n## Reading\n\n- [Hedges, and how they are laid]({link})\n\
         - [Moss](https://moss.example/{number})\n- [Ferns](https://ferns.example/{number})\n"
    )
}

/// What is found in a file: rule and message.
fn found(run: &Run) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    run.json().as_array().unwrap().iter().map(|row| (text(&row["rule"]), text(&row["message"]))).collect()
}

fn rules(app: &App, arguments: &[&str]) -> Vec<String> {
    let run = app.masthead(&[&["check", "--json"], arguments].concat());
    found(&run).into_iter().map(|(rule, _)| rule).collect()
}

const LAYING: &str = "https://hedges.example/laying";

#[test]
fn links_and_numbers_of_what_was_sent_are_known_without_an_archive() {
    let app = App::start();
    app.subscribe_many(1);
    app.write("7.md", &issue(7, "Roots and shoots", LAYING));
    app.send("7.md").exits(0);
    app.write("8.md", &issue(8, "Leaves and stems", "https://www.hedges.example/laying/#tools"));
    let run = app.masthead(&["check", "8.md", "--json"]).exits(1);
    let [(rule, message)] = &found(&run)[..] else { panic!("{}", run.out) };
    assert_eq!(rule, "link-earlier");
    assert!(message.starts_with("already in #7, 20"), "{message}");
    app.write("9.md", &issue(9, "Leaves and stems", "https://hedges.example/new"));
    assert_eq!(rules(&app, &["9.md"]), ["number-gap"]);
    app.write("draft.md", &issue(7, "Leaves and stems", "https://hedges.example/new").replace("/7", "/8"));
    assert_eq!(rules(&app, &["draft.md"]), ["number-used"]);
}

#[test]
fn an_issue_is_no_repetition_of_itself_as_it_was_sent() {
    let app = App::start();
    app.subscribe_many(1);
    let sent = issue(7, "Roots and shoots", LAYING);
    app.write("7.md", &sent);
    app.send("7.md").exits(0);
    // its title is mended, its file dated, half of its links are new
    app.write("2020-01-04-seven.md", &sent);
    app.write("titled.md", &sent.replace("Roots and shoots", "Roots, shoots and a frog"));
    app.write("relinked.md", &sent.replace(".example/7", ".example/new"));
    for file in ["7.md", "2020-01-04-seven.md", "titled.md", "relinked.md"] {
        assert_eq!(rules(&app, &[file]), [""; 0], "{file}");
    }
}

#[test]
fn imported_issues_are_known_too_and_the_memory_only_looks() {
    let app = App::start();
    let empty = app.another_database();
    std::fs::create_dir(app.folder.path().join("old")).unwrap();
    app.write("old/2024-06-15-knots.md", &issue(6, "Knots and ropes", LAYING));
    app.write("old/2024-06-22-hedges.md", &issue(7, "Roots and shoots", "https://hedges.example/pruning"));
    app.write("8.md", &issue(8, "Leaves and stems", LAYING));
    assert_eq!(rules(&app, &["8.md"]), [""; 0]);
    app.masthead(&["archive", "import", "old"]).exits(0);
    let before = app.dump();
    assert_eq!(rules(&app, &["8.md"]), ["link-earlier"]);
    assert_eq!(rules(&app, &["old/2024-06-22-hedges.md"]), [""; 0]);
    assert_eq!(app.dump(), before);
    // the archive's files count beside the store's, and an issue in both counts once
    std::fs::create_dir(app.folder.path().join("more")).unwrap();
    app.write("more/5.md", &issue(5, "Seeds and bulbs", LAYING));
    app.write("more/6.md", &issue(6, "Knots and ropes", LAYING));
    app.write(
        "9.md",
        &issue(8, "Leaves and stems", LAYING).replace("https://moss.example/8", "https://moss.example/5"),
    );
    assert_eq!(rules(&app, &["9.md", "--archive", "more"]), ["link-earlier", "link-earlier"]);
    app.set("DATABASE_URL", &empty);
    let run = app.masthead(&["check", "8.md"]).exits(0);
    assert!(!run.err.contains("warning:"), "{}", run.err);
    let tables = app.block_on(async {
        let mut session = PgConnection::connect(&empty).await.unwrap();
        sqlx::query_scalar::<_, i64>("select count(*) from information_schema.tables where table_schema = 'public'")
            .fetch_one(&mut session)
            .await
            .unwrap()
    });
    assert_eq!(tables, 0, "a check makes no tables");
}

#[test]
fn a_store_that_cannot_be_reached_is_a_warning() {
    let app = App::start();
    app.write("8.md", &issue(8, "Leaves and stems", LAYING));
    app.set("DATABASE_URL", "postgres://ann:secret@127.0.0.1:1/masthead");
    let run = app.masthead(&["check", "8.md"]).exits(0).says("warning: not checked against the link memory");
    assert!(!run.err.contains("secret"), "{}", run.err);
    app.write("8.md", &issue(8, "Leaves and stems", "http://hedges.example/laying"));
    app.masthead(&["check", "8.md"]).exits(1).says("warning: not checked");
}

#[test]
fn a_private_store_is_read_where_it_is_and_made_nowhere() {
    let app = App::start();
    app.set("DATABASE_URL", "");
    app.write("8.md", &issue(8, "Leaves and stems", LAYING));
    let run = app.masthead(&["check", "8.md"]).exits(0);
    assert!(!run.err.contains("warning:"), "{}", run.err);
    let data = app.folder.path().join(".masthead");
    assert!(!data.exists(), "a check makes no database");
    app.write("7.md", &issue(7, "Roots and shoots", LAYING));
    app.masthead(&["archive", "import", "7.md"]).exits(0);
    assert_eq!(rules(&app, &["8.md"]), ["link-earlier"]);
    PrivatePostgres::start(&data).unwrap().remove().unwrap();
}

#[test]
fn each_newsletter_has_its_own_memory() {
    let app = App::start();
    app.subscribe_many(1);
    app.write("7.md", &issue(7, "Roots and shoots", LAYING));
    app.send("7.md").exits(0);
    let config = std::fs::read_to_string(app.folder.path().join("masthead.toml")).unwrap();
    let pond = "\n[newsletter.pond]\nname = \"Pond Letters\"\nfrom = \"ann@example.org\"\n\
                postal_address = \"1 Pier\"\nbase_url = \"https://example.org\"\n";
    app.write("masthead.toml", &format!("{config}{pond}"));
    app.write("8.md", &issue(8, "Leaves and stems", LAYING));
    app.write("pond.md", &issue(8, "Leaves and stems", LAYING).replace("Garden", "Pond"));
    app.write("unnamed.md", &issue(8, "Leaves and stems", LAYING).replace("Garden Letters ", ""));
    assert_eq!(rules(&app, &["8.md"]), ["link-earlier"]);
    assert_eq!(rules(&app, &["pond.md"]), [""; 0]);
    app.masthead(&["check", "unnamed.md"]).exits(0).says("names none of the newsletters");
    assert_eq!(rules(&app, &["unnamed.md", "--newsletter", "garden"]), ["link-earlier"]);
    app.masthead(&["check", "8.md", "--newsletter", "meadow"]).exits(2).says("no newsletter \"meadow\"");
}
