//! The send: everybody once, whatever the relay, the network and the operator do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::app::App;

#[test]
fn a_send_mails_everybody_exactly_once() {
    let app = App::start();
    let readers = app.subscribe_many(50);
    let ledger = app.send(&app.issue(7)).exits(0).ledger();
    ledger.is(&[("accepted", 50)]);
    assert_eq!(ledger.0["state"], "sent");
    let per_reader = app.per_reader();
    assert_eq!(per_reader.len(), 50);
    assert!(readers.iter().all(|reader| per_reader[reader] == 1));
}
