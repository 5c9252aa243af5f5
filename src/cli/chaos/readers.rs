//! Readers who leave while the issue is being sent, each by a POST to the link in the mail.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use time::OffsetDateTime;
use ureq::Agent;

/// How many POSTs are under way at once.
const HANDS: usize = 4;

/// Presses buttons for readers, in threads of its own.
pub(super) struct Leaving {
    links: Option<Sender<(String, String)>>,
    hands: Vec<JoinHandle<()>>,
    answered: Arc<Mutex<HashMap<String, OffsetDateTime>>>,
}

impl Leaving {
    pub(super) fn start() -> Self {
        let (links, next) = mpsc::channel();
        let next = Arc::new(Mutex::new(next));
        let answered = Arc::new(Mutex::new(HashMap::new()));
        let hand = |_| {
            let (next, answered) = (next.clone(), answered.clone());
            std::thread::spawn(move || press(&next, &answered))
        };
        Self { links: Some(links), hands: (0..HANDS).map(hand).collect(), answered }
    }

    /// The reader with this address presses the button behind `link` as soon as a hand is free.
    pub(super) fn leave(&self, address: String, link: String) {
        if let Some(links) = &self.links {
            // The threads listen until this end is dropped.
            links.send((address, link)).ok();
        }
    }

    /// Waits until everybody has been answered; when, by address.
    pub(super) fn finish(mut self) -> HashMap<String, OffsetDateTime> {
        self.links = None;
        for hand in self.hands.drain(..) {
            hand.join().ok();
        }
        std::mem::take(&mut *self.answered.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Presses one button after the other, each until the answer is yes.
fn press(next: &Mutex<Receiver<(String, String)>>, answered: &Mutex<HashMap<String, OffsetDateTime>>) {
    let agent: Agent = Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().into();
    loop {
        let link = next.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((address, link)) = link else { return };
        while agent.post(&link).send("List-Unsubscribe=One-Click").is_err() {
            // Postgres may be away; a mail provider tries again too.
            std::thread::sleep(Duration::from_millis(100));
        }
        answered.lock().unwrap_or_else(PoisonError::into_inner).insert(address, OffsetDateTime::now_utc());
    }
}
