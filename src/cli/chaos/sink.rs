//! The relay of the harness: plays its faults by the seed, and puts every mail on record before it answers 250.
//!
//! It runs in the harness, which nothing kills: what was written to the record is there at the end.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use memchr::memmem;
use time::OffsetDateTime;

use super::cases::Cases;
use super::dice::Dice;
use super::mode::Mode;
use crate::catcher::{Act, Catcher, Keep, Mail, Moment, Options, Stage};

/// With so many readers every fault comes, however rare.
const MANY: u64 = 20_000;

/// A relay with a record.
pub(super) struct Sink {
    catcher: Catcher,
    state: Arc<Mutex<State>>,
}

/// What the relay has done with the readers of one issue.
#[derive(Default)]
pub(super) struct Dealings {
    /// Every mail that was taken: Message-ID without brackets, and the address in the envelope.
    pub(super) taken: Vec<(String, String)>,
    /// Who was refused for good, with the class that this should be recorded as.
    pub(super) refused: HashMap<String, &'static str>,
    /// Whose connection broke after the end of the message, on purpose: nobody but the relay can know.
    pub(super) doubtful: Vec<String>,
    /// How often a connection broke without a word: what was in flight behind is as doubtful.
    pub(super) hangups: u64,
    /// Temporary refusals and connections that broke before the dot.
    pub(super) put_off: u64,
}

/// How the relay is to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    /// As the seed has it.
    Fair,
    /// It closes every connection.
    Away,
    /// It puts everybody off by policy.
    Wary,
}

struct State {
    cases: Cases,
    seed: u64,
    /// How much more often something goes wrong than in a long run.
    scale: u64,
    healthy: bool,
    weather: Weather,
    mode: Mode,
    record: File,
    /// How often each reader of the present issue was tried: at RCPT, at the dot.
    tries: HashMap<String, (u32, u32)>,
    dealings: Dealings,
}

/// What the seed has in store for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Taken,
    /// Refused for good: stage, code and text, the class of it.
    Refused(Stage, u16, &'static str, &'static str),
    /// Put off at the first try.
    PutOff(Stage, u16, &'static str),
    /// The relay says 421 at the first try, and takes what follows over the same connection all the same.
    Feint(Stage),
    /// The connection is closed without a word at the first try, before the dot.
    Hangup(Stage),
    /// At the first dot nobody can tell: taken or not, and what comes back in place of a reply.
    Doubt {
        taken: bool,
        garbage: &'static str,
    },
}

impl Sink {
    /// Listens on a port of its own; the record goes to `record`. Where readers are few, more of them meet a fault.
    pub(super) async fn start(record: &Path, seed: u64, readers: u64, cases: Cases) -> anyhow::Result<Self> {
        let record =
            File::options().create(true).append(true).open(record).context("cannot make the relay's record")?;
        let state = State {
            cases,
            seed,
            scale: (MANY / readers.max(1)).clamp(1, 10),
            healthy: false,
            weather: Weather::Fair,
            mode: Mode::Sequence,
            record,
            tries: HashMap::new(),
            dealings: Dealings::default(),
        };
        let state = Arc::new(Mutex::new(state));
        let (script, recorder) = (state.clone(), state.clone());
        let options = Options {
            keep: Keep::Nothing,
            recorder: Some(Arc::new(move |mail| lock(&recorder).record(mail))),
            ..Options::default()
        };
        let options = options.script(move |moment| lock(&script).act(moment));
        let catcher = Catcher::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await?;
        Ok(Self { catcher, state })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.catcher.address()
    }

    /// How many readers of the present issue were taken or refused for good.
    pub(super) fn judged(&self) -> u64 {
        let state = lock(&self.state);
        (state.dealings.taken.len() + state.dealings.refused.len()) as u64
    }

    /// How the mails of the issue will come.
    pub(super) fn expect(&self, mode: Mode) {
        lock(&self.state).mode = mode;
    }

    /// From now on the relay is so to everybody.
    pub(super) fn turn(&self, weather: Weather) {
        lock(&self.state).weather = weather;
    }

    /// From now on everybody is taken.
    pub(super) fn heal(&self) {
        lock(&self.state).healthy = true;
    }

    /// The next issue begins: its readers are strangers, and the faults are back.
    pub(super) fn next_issue(&self) -> Dealings {
        let mut state = lock(&self.state);
        state.healthy = false;
        state.seed = state.seed.wrapping_add(1);
        state.tries.clear();
        std::mem::take(&mut state.dealings)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // What a panic left is still what was done.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn act(&mut self, moment: &Moment<'_>) -> Act {
        match (self.weather, moment.stage) {
            (Weather::Away, Stage::Connect) => Act::Close,
            (Weather::Away, Stage::Mail | Stage::Rcpt | Stage::Data) => {
                self.dealings.put_off += 1;
                Act::reply(421, "4.3.2 closed for now")
            }
            (Weather::Wary, Stage::Rcpt) => {
                self.dealings.put_off += 1;
                Act::reply(451, "4.7.1 too much from you, come back later")
            }
            _ => self.meet(moment),
        }
    }

    /// What the seed has in store for the reader.
    fn meet(&mut self, moment: &Moment<'_>) -> Act {
        let Some(address) = moment.to.first().filter(|_| !self.healthy) else { return Act::CarryOn };
        let tries = self.tries.entry(address.clone()).or_default();
        let first = match moment.stage {
            Stage::Rcpt => {
                tries.0 += 1;
                tries.0 == 1
            }
            Stage::Dot => {
                tries.1 += 1;
                tries.1 == 1
            }
            _ => tries.0 == 1,
        };
        match fate(self.seed, self.scale, address, &self.cases) {
            Fate::Refused(stage, code, text, class) if stage == moment.stage => {
                self.dealings.refused.insert(address.clone(), class);
                Act::reply(code, text)
            }
            Fate::PutOff(stage, code, text) if stage == moment.stage && first => {
                self.dealings.put_off += 1;
                Act::reply(code, text)
            }
            Fate::Feint(stage) if stage == moment.stage && first => {
                self.dealings.put_off += 1;
                Act::Raw(b"421 4.7.0 later\r\n".to_vec())
            }
            Fate::Hangup(stage) if stage == moment.stage && first => {
                self.dealings.hangups += 1;
                match self.mode {
                    // The whole message is on the wire behind its envelope.
                    Mode::Chunked => self.dealings.doubtful.push(address.clone()),
                    Mode::Sequence | Mode::Pipelined => self.dealings.put_off += 1,
                }
                Act::Close
            }
            Fate::Doubt { taken, garbage } if moment.stage == Stage::Dot && first => {
                self.dealings.hangups += 1;
                self.dealings.doubtful.push(address.clone());
                match (taken, garbage) {
                    (true, _) => Act::RecordThenClose,
                    (false, "") => Act::Close,
                    (false, garbage) => Act::Raw(garbage.as_bytes().to_vec()),
                }
            }
            _ => Act::CarryOn,
        }
    }

    /// A line per mail: when, over which connection, Message-ID and address. What is written survives everything but the machine's own end.
    fn record(&mut self, mail: &Mail) -> io::Result<()> {
        let message_id = message_id(&mail.raw).unwrap_or_default();
        let address = mail.to.join(",");
        let at = OffsetDateTime::from(mail.at);
        self.record.write_all(format!("{at} {} {message_id} {address}\n", mail.connection).as_bytes())?;
        self.dealings.taken.push((message_id, address));
        Ok(())
    }
}

/// What happens to a reader, the same in every run with this seed.
fn fate(seed: u64, scale: u64, address: &str, cases: &Cases) -> Fate {
    let chance = Dice::new(seed, address).below(10_000) / scale;
    // Widths out of 10,000, each with the case that it plays.
    let fates = [
        (50, 20, Fate::Refused(Stage::Rcpt, 550, "5.1.1 no such user", "hard")),
        (20, 22, Fate::Refused(Stage::Dot, 552, "5.2.2 over quota", "full")),
        (10, 22, Fate::Refused(Stage::Dot, 554, "5.7.1 not wanted here", "policy")),
        (20, 22, Fate::PutOff(Stage::Rcpt, 452, "4.2.2 mailbox full")),
        (100, 24, Fate::PutOff(Stage::Dot, 451, "4.7.1 greylisted, come back")),
        (2, 21, Fate::PutOff(Stage::Rcpt, 421, "4.3.2 closing")),
        (3, 21, Fate::Hangup(Stage::Rcpt)),
        (3, 21, Fate::Hangup(Stage::Data)),
        (2, 30, Fate::Doubt { taken: true, garbage: "" }),
        (2, 30, Fate::Doubt { taken: false, garbage: "" }),
        (1, 19, Fate::Doubt { taken: false, garbage: "354 go on\r\n" }),
        (1, 19, Fate::Doubt { taken: false, garbage: "what?\r\n" }),
        (3, 21, Fate::Feint(Stage::Rcpt)),
        (3, 21, Fate::Feint(Stage::Dot)),
    ];
    let mut end = 0;
    for (width, case, fate) in fates {
        end += width;
        if chance < end {
            return if cases.has(case) { fate } else { Fate::Taken };
        }
    }
    Fate::Taken
}

/// The Message-ID of a message, without brackets.
fn message_id(raw: &[u8]) -> Option<String> {
    let at = memmem::find(raw, b"\nMessage-ID: <")? + b"\nMessage-ID: <".len();
    let length = memchr::memchr(b'>', &raw[at..])?;
    String::from_utf8(raw[at..at + length].to_vec()).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::mailer::{self, Connection, Envelope, Relay, Verdict, Why};
    use crate::subscriber::EmailAddress;

    #[test]
    fn a_seed_has_the_same_in_store_every_time_and_every_fault_for_somebody() {
        let cases = Cases::all();
        let of = |seed| (0..20_000).map(|n| fate(seed, 1, &format!("reader-{n}"), &cases)).collect::<Vec<_>>();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        for class in ["hard", "full", "policy"] {
            assert!(of(1).iter().any(|fate| matches!(fate, Fate::Refused(_, _, _, there) if *there == class)));
        }
        assert!(of(1).iter().any(|fate| matches!(fate, Fate::Doubt { taken: true, .. })));
        assert!(of(1).iter().any(|fate| matches!(fate, Fate::Hangup(_))));
    }

    fn mail(to: &str) -> mailer::Mail {
        let parse = |address: &str| EmailAddress::parse(address).unwrap();
        let envelope = Envelope { from: parse("editor@example.org"), to: parse(to) };
        mailer::Mail::new(envelope, format!("From: a\r\nMessage-ID: <{to}>\r\n\r\nA few words.\r\n").into_bytes())
    }

    /// Sends to all, as many at once as the mode has in flight, over new connections as they are needed.
    async fn send(relay: &Relay, readers: &[&String]) -> HashMap<String, Verdict> {
        let mut verdicts = HashMap::new();
        let mut waiting: VecDeque<_> = readers.iter().copied().collect();
        let mut flying: VecDeque<&String> = VecDeque::new();
        let mut connection = Connection::open(relay).await.unwrap();
        while !waiting.is_empty() || !flying.is_empty() {
            if !connection.is_open() && flying.is_empty() {
                connection = Connection::open(relay).await.unwrap();
            }
            while connection.room() > 0
                && let Some(reader) = waiting.pop_front()
            {
                let next = waiting.front().map(|next| mail(next));
                connection.submit(&mail(reader), next.as_ref()).await;
                flying.push_back(reader);
            }
            if let Some(reader) = flying.pop_front() {
                verdicts.insert(reader.clone(), connection.verdict().await.unwrap());
            }
        }
        verdicts
    }

    /// Whether a verdict is what such a fate looks like from the other end.
    fn fits(fate: Fate, mode: Mode, verdict: &Verdict) -> bool {
        match (fate, verdict) {
            (Fate::Taken, Verdict::Accepted(_)) => true,
            (Fate::PutOff(_, 421, _) | Fate::Feint(Stage::Rcpt), Verdict::NotSent(lost)) => {
                matches!(lost.why, Why::Closing(_))
            }
            (Fate::Feint(Stage::Dot), Verdict::Refused { reply, .. }) => reply.code == 421,
            (Fate::Refused(_, code, text, _) | Fate::PutOff(_, code, text), Verdict::Refused { reply, .. }) => {
                (reply.code, reply.text.as_str()) == (code, text)
            }
            (Fate::Hangup(_), Verdict::NotSent(_)) => mode != Mode::Chunked,
            (Fate::Hangup(_), Verdict::InDoubt(_)) => mode == Mode::Chunked,
            (Fate::Doubt { .. }, Verdict::InDoubt(_)) => true,
            _ => false,
        }
    }

    #[tokio::test]
    async fn every_fault_is_played_in_every_mode_and_costs_the_others_what_was_in_flight_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let cases = Cases::all();
        let of = |name: &String| fate(1, 1, name, &cases);
        // One reader for each fate, and eight without one behind each of them.
        let names: Vec<_> = (0..50_000).map(|n| format!("reader-{n}@example.com")).collect();
        let mut lucky = names.iter().filter(|name| of(name) == Fate::Taken);
        let (mut fates, mut readers) = (Vec::new(), Vec::new());
        for name in names.iter().filter(|name| of(name) != Fate::Taken) {
            if !fates.contains(&of(name)) {
                fates.push(of(name));
                readers.push(name);
                readers.extend(lucky.by_ref().take(8));
            }
        }
        assert_eq!(fates.len(), 14, "{fates:?}");
        for mode in Mode::ALL {
            let sink = Sink::start(&folder.path().join("taken.log"), 1, MANY, cases.clone()).await.unwrap();
            sink.expect(mode);
            let relay = Relay::parse(&format!("smtp://{}", sink.address())).unwrap();
            let relay = relay.with_pipelining(mode != Mode::Sequence).with_window(mode.window());
            let verdicts = send(&relay, &readers).await;
            let dealings = sink.next_issue();
            let others = readers.iter().filter(|reader| !fits(of(reader), mode, &verdicts[**reader]));
            let mut behind = 0;
            for reader in others {
                let verdict = &verdicts[*reader];
                assert_eq!(of(reader), Fate::Taken, "{mode}: {reader}: {verdict:?}");
                match verdict {
                    Verdict::InDoubt(_) => behind += 1,
                    verdict => assert!(matches!(verdict, Verdict::NotSent(_)), "{mode}: {reader}: {verdict:?}"),
                }
            }
            assert!(behind <= dealings.hangups * (mode.window() as u64 - 1), "{mode}: {behind} in doubt behind");
            assert_eq!((dealings.hangups, dealings.refused.len()), (6, 3), "{mode}");
            assert!(dealings.taken.iter().all(|(message_id, address)| message_id == address), "{mode}");
        }
    }

    #[test]
    fn the_message_id_is_found_in_the_header() {
        assert_eq!(message_id(b"To: a\r\nMessage-ID: <x@y>\r\n\r\n").as_deref(), Some("x@y"));
        assert_eq!(message_id(b"To: a\r\n\r\n"), None);
    }
}
