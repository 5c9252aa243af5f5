//! The one test binary. Each module says what belongs there.

mod app; // the harness: the whole program over a scripted relay
mod archive; // the link memory: which page was in which issue
mod bench; // what is measured is really done, and nothing of it stays
mod breaker; // what pauses a send by itself, and how it goes on
mod browser; // emails and pages as Chromium shows them
mod catcher; // the mail catcher plays every fault
mod chaos; // the cases of trust under fire: `masthead chaos` in small, clocks, migrations
mod check; // what a copy editor would mark
mod couriers; // how the mails of a send go over the wire
mod dependencies; // what the program is made of
mod dkim; // signatures, as another implementation sees them
mod doctor; // what is in order, what is not, and what to do about it
mod email; // the rendered email and its message, byte for byte
mod house; // the rules that the compiler does not know
mod inspect; // what is told about a finished email before it leaves
mod ledger; // who may write what, and what a lost worker leaves
mod letterhead; // whom an issue is from is frozen with it
mod mailer; // SMTP against the scripted catcher
mod outages; // killed processes, relays and databases that go away, in mid-send
mod parse; // issue files as editors write them
mod postgres; // the private cluster
mod preview; // the operator's page
mod rate; // one rate for all processes
mod readers; // sign up, confirm, leave, be forgotten
mod rehearse; // the whole send, and nothing of it stays
mod send; // everybody once, whatever happens
mod status; // what is said of a send before it and under way
mod subscribers; // the list of readers on the command line
mod worker; // senders that run all the time, and what is scheduled
