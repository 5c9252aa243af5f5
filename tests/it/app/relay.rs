//! The relay's side: what it is to do, and what it took.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};

use mail_parser::{Message, MessageParser};
use masthead::catcher::{Act, Catcher, Mail, Moment, Options, Stage};
use tokio::runtime::Runtime;

use super::{App, PATIENCE};

/// The mail catcher and the machine it runs on: when that stops, nothing more is caught.
pub(super) struct Relay {
    catcher: Catcher,
    machine: Runtime,
}

impl App {
    /// From now on the relay acts by this script.
    pub(crate) fn script(&self, script: impl Fn(&Moment<'_>) -> Act + Send + Sync + 'static) {
        *self.script.write().unwrap() = Arc::new(script);
    }

    /// The relay holds message number `message` of every connection, from 1, until it is told to let go.
    pub(crate) fn hold_at(&self, message: usize) -> Hold {
        let hold = Hold::default();
        let Hold { reached, released } = hold.clone();
        self.script(move |moment| {
            if moment.stage == Stage::Dot && moment.message == message {
                reached.open();
                released.wait();
            }
            Act::CarryOn
        });
        hold
    }

    /// The relay takes everything again.
    pub(crate) fn heal(&self) {
        self.script(|_| Act::CarryOn);
    }

    pub(crate) fn relay_up(&self) {
        let script = self.script.clone();
        let options = Options::default().auth().script(move |moment| {
            let script = script.read().unwrap().clone();
            // A script may wait.
            tokio::task::block_in_place(|| script(moment))
        });
        let machine = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let catcher = machine.block_on(Catcher::start(self.relay_port.address, options)).unwrap();
        *self.relay.lock().unwrap() = Some(Relay { catcher, machine });
    }

    /// The relay's machine goes down, its connections with it.
    pub(crate) fn relay_down(&self) {
        if let Some(Relay { catcher, machine }) = self.relay.lock().unwrap().take() {
            machine.shutdown_timeout(PATIENCE);
            self.caught.lock().unwrap().extend(catcher.mails());
        }
    }

    pub(crate) fn relay_address(&self) -> SocketAddr {
        self.relay_port.address
    }

    /// Waits until the relay that is up has taken `count` mails.
    pub(crate) fn wait_for_mails(&self, count: usize) {
        let relay = self.relay.lock().unwrap();
        let Relay { catcher, .. } = relay.as_ref().expect("the relay is up");
        let came = self.block_on(async { tokio::time::timeout(PATIENCE, catcher.wait_for(count)).await });
        assert!(came.is_ok(), "only {} mails came", catcher.accepted());
    }

    /// What reached the dot, oldest first.
    pub(crate) fn mails(&self) -> Vec<Arc<Mail>> {
        let mut mails = self.caught.lock().unwrap().clone();
        mails.extend(self.relay.lock().unwrap().iter().flat_map(|relay| relay.catcher.mails()));
        mails
    }

    /// What the relay took, oldest first.
    pub(crate) fn taken(&self) -> Vec<Arc<Mail>> {
        self.mails().into_iter().filter(|mail| mail.accepted).collect()
    }

    /// What the relay took for one address, decoded.
    pub(crate) fn mails_to(&self, address: &str) -> Vec<Message<'static>> {
        self.taken().iter().filter(|mail| mail.to == [address]).map(|mail| decoded(mail)).collect()
    }

    /// How many mails the relay took for each address.
    pub(crate) fn per_reader(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for mail in self.taken() {
            *counts.entry(mail.to.join(",")).or_default() += 1;
        }
        counts
    }
}

/// Something that scripts and tests wait for.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub(crate) fn wait(&self) {
        let closed = self.0.0.lock().unwrap();
        let (open, _) = self.0.1.wait_timeout_while(closed, PATIENCE, |open| !*open).unwrap();
        assert!(*open, "the gate stayed closed");
    }
}

/// A relay that holds messages.
#[derive(Clone, Default)]
pub(crate) struct Hold {
    reached: Gate,
    released: Gate,
}

impl Hold {
    /// Waits until a message is held.
    pub(crate) fn reached(&self) {
        self.reached.wait();
    }

    pub(crate) fn release(&self) {
        self.released.open();
    }
}

/// A mail, read as a mail program does.
pub(crate) fn decoded(mail: &Mail) -> Message<'static> {
    MessageParser::default().parse(&mail.raw).unwrap().into_owned()
}

/// The link of a mail whose path begins with `start`, the same in text and HTML; only the path.
pub(crate) fn link(mail: &Message<'_>, start: &str) -> String {
    let (text, html) = (mail.body_text(0).unwrap(), mail.body_html(0).unwrap());
    let link = |part: &str| {
        let at = part.find(start).unwrap_or_else(|| panic!("no link {start} in: {part}"));
        part[at..].split(|c: char| !(c.is_ascii_alphanumeric() || "/_-".contains(c))).next().unwrap().to_owned()
    };
    assert_eq!(link(&text), link(&html));
    link(&text)
}
