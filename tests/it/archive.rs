//! The link memory: what is imported and what is sent is found again, under any link to it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use masthead::issue::{self, Address, Archive};
use masthead::newsletter::Slug;
use masthead::store::read_archive;
use serde_json::Value;

use super::app::App;

/// Writes an issue file that recommends `link`.
fn write(app: &App, name: &str, number: u32, link: &str) {
    fs::create_dir_all(app.folder.path().join(name).parent().unwrap()).unwrap();
    app.write(
        name,
        &format!(
            "# Garden Letters #{number}: Hedges\n\n[Our page](https://garden.example)\n\n## Reading\n\n\
             1. [How a hedge is laid]({link})\n\nBetter than [the old one](https://hedges.example/old).\n"
        ),
    );
}

/// What `masthead links` knows of a page.
fn links(app: &App, link: &str) -> Value {
    app.masthead(&["links", link, "--json"]).exits(0).json()
}

/// The names of the issues that a page was in.
fn appearances(app: &App, link: &str) -> Vec<String> {
    let found = links(app, link);
    found["appearances"].as_array().unwrap().iter().map(|at| at["name"].as_str().unwrap().to_owned()).collect()
}

/// What the store remembers.
fn memory(app: &App) -> Archive {
    app.block_on(read_archive(&app.database_url, &Slug::parse("garden").unwrap())).unwrap()
}

#[test]
fn a_page_of_an_imported_folder_is_found_under_any_link_to_it() {
    let app = App::start();
    write(&app, "old/2024-06-22-hedges.md", 7, "http://www.hedges.example/laying/?utm_source=letters");
    write(&app, "old/deeper/8.markdown", 8, "https://hedges.example/pruning");
    write(&app, "old/README.md", 9, "https://hedges.example/laying");
    write(&app, "old/.drafts/9.md", 9, "https://hedges.example/laying");
    app.write("old/notes.md", "# Notes\n\nNothing to link to.\n");
    app.masthead(&["archive", "import", "old"]).exits(0).says("2 new");

    let found = links(&app, "https://hedges.example/laying#tools");
    assert_eq!(found["address"], "hedges.example/laying");
    let at = &found["appearances"][0];
    assert_eq!((&at["newsletter"], &at["number"], &at["date"]), (&"garden".into(), &7.into(), &"2024-06-22".into()));
    assert_eq!((&at["name"], &at["role"]), (&"2024-06-22-hedges.md".into(), &"item".into()));
    assert_eq!(appearances(&app, "hedges.example/old"), ["2024-06-22-hedges.md", "deeper/8.markdown"]);
    assert!(appearances(&app, "https://garden.example").is_empty());
    let plain = app.masthead(&["links", "https://hedges.example/laying"]).exits(0);
    assert_eq!(plain.out, "garden #7, 2024-06-22, Hedges\n");
    app.masthead(&["links", "https://hedges.example/elsewhere"]).exits(0).says("has not appeared");
    app.masthead(&["links", "mailto:ann@example.org"]).exits(2).says("no web address");
}

#[test]
fn importing_again_changes_only_what_changed() {
    let app = App::start();
    let import = || app.masthead(&["archive", "import", "old"]).exits(0);
    write(&app, "old/7.md", 7, "https://hedges.example/laying");
    write(&app, "old/8.md", 8, "https://hedges.example/pruning");
    import().says("2 new, 0 changed, 0 as before");
    let before = app.dump();
    import().says("0 new, 0 changed, 2 as before");
    assert_eq!(app.dump(), before);

    write(&app, "old/8.md", 8, "https://hedges.example/planting");
    import().says("0 new, 1 changed, 1 as before");
    assert!(appearances(&app, "https://hedges.example/pruning").is_empty());
    assert_eq!(appearances(&app, "https://hedges.example/planting"), ["8.md"]);

    fs::rename(app.folder.path().join("old/8.md"), app.folder.path().join("old/008.md")).unwrap();
    import().says("0 new, 1 changed, 1 as before");
    assert_eq!(appearances(&app, "https://hedges.example/planting"), ["008.md"]);
}

#[test]
fn a_file_that_is_no_text_is_named_and_the_others_are_imported() {
    let app = App::start();
    write(&app, "old/7.md", 7, "https://hedges.example/laying");
    fs::write(app.folder.path().join("old/8.md"), b"---\ntitle: [\n---\n").unwrap();
    app.masthead(&["archive", "import", "old"]).exits(1).says("old/8.md:");
    assert_eq!(appearances(&app, "https://hedges.example/laying"), ["7.md"]);
    app.masthead(&["archive", "import", "old/8.md"]).exits(2).says("has no issue in it");
    app.masthead(&["archive", "import", "nowhere"]).exits(2).says("cannot read `nowhere`");
}

#[test]
fn an_issue_is_remembered_with_its_first_send_and_as_it_was_sent() {
    let app = App::start();
    app.subscribe_many(2);
    write(&app, "7.md", 7, "https://hedges.example/draft");
    app.masthead(&["archive", "import", "7.md"]).exits(0).says("1 new");
    app.masthead(&["send", "7.md", "--proof", "ann@example.org"]).exits(0);
    assert_eq!(appearances(&app, "https://hedges.example/draft"), ["7.md"]);

    write(&app, "7.md", 7, "https://hedges.example/laying");
    app.send("7.md").exits(0);
    app.send("7.md").exits(0);
    assert_eq!(appearances(&app, "https://hedges.example/laying"), ["garden/7"]);
    assert!(appearances(&app, "https://hedges.example/draft").is_empty());
    app.masthead(&["archive", "import", "7.md"]).exits(0).says("1 left out");
    assert_eq!(appearances(&app, "https://hedges.example/laying"), ["garden/7"]);
}

#[test]
fn an_issue_that_was_sent_is_not_its_own_earlier_appearance() {
    let app = App::start();
    app.subscribe_many(1);
    let (file, link) = (app.issue(7), Address::canonical("https://hedges.example/laying").unwrap());
    app.send(&file).exits(0);
    let archive = memory(&app);
    let sent = issue::parse(&fs::read(app.folder.path().join(&file)).unwrap()).unwrap();
    assert_eq!(archive.find(&link).len(), 1);
    assert_eq!(archive.beside(&sent, &file).earlier(&link).count(), 0);
    let next = issue::Issue { number: Some(8), ..sent };
    assert_eq!(archive.beside(&next, "8.md").earlier(&link).count(), 1);
}

#[test]
fn other_pages_of_a_repository_are_a_note() {
    let app = App::start();
    write(&app, "7.md", 7, "https://github.com/Ann/hedge");
    app.masthead(&["archive", "import", "7.md"]).exits(0);
    let found = links(&app, "https://github.com/ann/hedge/releases");
    assert_eq!(found["appearances"], Value::Array(Vec::new()));
    assert_eq!(found["repository"], "github.com/ann/hedge");
    assert_eq!(found["same_repository"][0]["url"], "https://github.com/Ann/hedge");
    let plain = app.masthead(&["links", "https://github.com/ann/hedge/releases"]).exits(0);
    assert!(plain.out.starts_with("note: other pages of github.com/ann/hedge:"), "{}", plain.out);
}

#[test]
fn each_newsletter_has_a_memory_of_its_own() {
    let app = App::start();
    write(&app, "7.md", 7, "https://hedges.example/laying");
    app.masthead(&["archive", "import", "7.md", "--newsletter", "garden"]).exits(0);
    app.masthead(&["archive", "import", "7.md", "--newsletter", "nobody"]).exits(2).says("no newsletter \"nobody\"");
    let other = app.block_on(app.store().newsletter_id(&Slug::parse("pond").unwrap())).unwrap();
    let link = Address::canonical("https://hedges.example/laying").unwrap();
    let count = |newsletter| app.block_on(app.store().find_links(&link, newsletter)).unwrap().len();
    assert_eq!((count(Some(app.newsletter_id())), count(Some(other)), count(None)), (1, 0, 1));
}

#[test]
fn a_hundred_thousand_links_are_looked_up_by_an_index() {
    let app = App::start();
    app.newsletter_id();
    app.query(
        "insert into archived_issue (newsletter_id, name, number, digest)
         select n.id, i || '.md', i, '' from newsletter n, generate_series(1, 2000) i",
    );
    app.query(
        "insert into archived_link (archived_issue_id, position, role, address, url)
         select i.id, p, 'item', 'hedges.example/' || i.id || '/' || p, 'https://hedges.example/' || i.id || '/' || p
         from archived_issue i, generate_series(1, 50) p",
    );
    app.query("analyze archived_link");
    let plan = app.query(
        "explain select from archived_link where address = 'hedges.example/7/7' or repository = 'github.com/ann/hedge'",
    );
    assert!(plan.contains("archived_link_address_idx") && !plan.contains("Seq Scan"), "{plan}");
    let archive = memory(&app);
    assert_eq!((archive.issues().len(), archive.page_count()), (2_000, 100_000));
}
