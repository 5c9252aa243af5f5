//! The circuit breaker: when a send is to stand still, and why.
//!
//! | what happens | the send pauses | and goes on |
//! | --- | --- | --- |
//! | the relay cannot be reached, or closes every connection | when its patience is over | by itself |
//! | one connection after another breaks before any answer about a message | after ten in a row | by itself |
//! | one reader after another is refused by policy, 5.7.x | after so many in a row | when the operator resumes it |
//! | one after another is put off by policy, 4.7.x, from the second try | after so many in a row | by itself |
//! | credentials or certificate are refused | at once | when the operator resumes it |
//! | the sender is refused, and nobody has had the issue yet | at once | when the operator resumes it |
//! | the sender is refused for one reader after another | after three in a row | when the operator resumes it |
//! | Gmail throttles, 4.7.28 | at once | by itself, over one connection |
//!
//! Only a message that is taken ends a row. The readers in it stay in the queue, and who was refused while that message
//! was on its way: [`Breaker::row`] says who they are whom a policy refused, the others never leave it.
//! Who blames the sender may mean one reader, whose address it cannot read: [`Fault`] tells them apart.
//! A send that goes on by itself *probes*: one connection, and the same cause stops it at once,
//! until a message is taken.
//!
//! A state machine without I/O.

use std::time::Duration;

use tokio::time::Instant;

use crate::delivery::{BreakerLimits, EnhancedCode, PauseCause, Reply, ReplyClass, classify};
use crate::mailer::{ConnectError, Lost};
use crate::store::Due;

/// Gmail's word for "too fast", as 421, 450 or 451.
const THROTTLED: EnhancedCode = EnhancedCode(4, 7, 28);

/// Connections in a row that break before an answer: each may leave a message in doubt, so they are few.
const BARREN: usize = 10;

/// Readers in a row at whom the sender is blamed: they say the same as more would.
const BLAMED: usize = 3;

/// So many tries tell a reader from the sender where no others are left who could.
const PATIENT: i16 = 4;

/// Watches what the relay answers.
#[derive(Debug)]
pub(super) struct Breaker {
    limits: BreakerLimits,
    /// What the send was paused for, while nobody knows whether that is over.
    probing: Option<PauseCause>,
    /// Whether the relay ever took a message of this issue from this sender.
    is_proven: bool,
    /// When it last took one, since this breaker watches.
    taken_at: Option<Instant>,
    /// The readers at whom the sender was blamed for the first time since the relay took a message.
    blamed: Vec<(i64, String)>,
    /// The readers refused by policy since the last message that the relay took was on its way.
    row: Vec<Refused>,
    /// How many connections broke before an answer about a message, since the relay took one.
    barren: usize,
}

/// The wish to pause a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trip {
    pub(super) cause: PauseCause,
    pub(super) reason: String,
    /// The addresses of whom it met, which no log may have.
    at: Vec<String>,
    /// How long until the send may see by itself whether it can go on.
    pub(super) probe_in: Option<Duration>,
}

impl Trip {
    /// The reason, and whom it met.
    pub(super) fn words(&self) -> String {
        match &*self.at {
            [] => self.reason.clone(),
            readers => format!("at {} {}", readers.join(", "), self.reason),
        }
    }

    /// Whether readers are named, who may be what the relay minds.
    pub(super) fn names_readers(&self) -> bool {
        !self.at.is_empty()
    }
}

/// A reader refused by policy.
#[derive(Debug)]
struct Refused {
    subscriber_id: i64,
    /// Whether for good.
    is_final: bool,
    /// When, the last time.
    at: Instant,
}

/// Whose fault a refusal is that blames the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The sender's, as far as anybody knows.
    Senders,
    /// Nobody can tell yet.
    Unknown,
    /// The reader's: it is said again, after others were taken, or too often for nobody to have mended it.
    Readers,
}

impl Breaker {
    /// A breaker for a send that goes as usual, or probes; `is_proven` when the relay has taken messages of it before.
    pub(super) fn new(limits: BreakerLimits, probing: Option<PauseCause>, is_proven: bool) -> Self {
        let (blamed, row) = (Vec::new(), Vec::new());
        Self { limits, probing, is_proven, taken_at: None, blamed, row, barren: 0 }
    }

    /// The relay took a message that went on the wire at `begun`. Whether that is the end of a probe.
    ///
    /// It ends the row, but says nothing of who was refused since it was on its way over another connection.
    pub(super) fn accepted(&mut self, begun: Instant) -> bool {
        self.is_proven = true;
        self.taken_at = Some(Instant::now());
        self.blamed.clear();
        self.row.retain(|refused| refused.at >= begun);
        self.barren = 0;
        // Who was throttled goes gently to the end.
        self.probing.take_if(|cause| *cause != PauseCause::Throttled).is_some()
    }

    /// The relay refused a reader.
    pub(super) fn refused(&mut self, due: &Due, reply: &Reply) -> Option<Trip> {
        match (classify(reply), reply.enhanced()) {
            (ReplyClass::Ours, _) => self.blame(due, reply),
            (_, Some(THROTTLED)) => Some(self.throttled(reply)),
            (ReplyClass::Policy, _) => self.count(due.subscriber_id, true, reply),
            // The first time it may be greylisting.
            (_, Some(EnhancedCode(4, 7, _))) if due.attempts > 0 => self.count(due.subscriber_id, false, reply),
            _ => None,
        }
    }

    /// Whose fault a refusal of the class [`ReplyClass::Ours`] is.
    pub(super) fn fault(&self, due: &Due, reply: &Reply) -> Fault {
        let is_in_row = || self.blamed.iter().any(|(id, _)| *id == due.subscriber_id);
        if reply.wants_credentials() || !self.is_proven {
            Fault::Senders
        } else if due.was_blamed && (due.attempts >= PATIENT || self.taken_at.is_some() && !is_in_row()) {
            Fault::Readers
        } else {
            Fault::Unknown
        }
    }

    /// The relay closed with 421, and has taken nothing for so long when all connections have rested.
    pub(super) fn closing(&mut self, reply: &Reply, resting: Duration) -> Option<Trip> {
        if reply.enhanced() == Some(THROTTLED) {
            return Some(self.throttled(reply));
        }
        self.away(resting, || format!("the relay closes every connection: {reply}"))
    }

    /// There is no connection, and will have been none for `away` before the next try.
    pub(super) fn unreachable(&mut self, error: &ConnectError, away: Duration) -> Option<Trip> {
        if error.is_ours() {
            return Some(stop(PauseCause::Ours, Vec::new(), error.to_string()));
        }
        self.away(away, || error.to_string())
    }

    /// A connection was lost, or its replies made no sense, before there was an answer about any message of it.
    pub(super) fn barren(&mut self, lost: &Lost) -> Option<Trip> {
        self.barren += 1;
        let limit = if self.probing == Some(PauseCause::Relay) { 1 } else { BARREN };
        let reason = match self.barren {
            1 => format!("the relay still gives no answer: {lost}"),
            _ => format!("{} connections in a row broke before an answer, the last: {lost}", self.barren),
        };
        (self.barren >= limit).then(|| self.probe_later(PauseCause::Relay, reason, self.limits.probe))
    }

    /// Who was refused for good or put off by policy since the last message that was taken was on its way.
    pub(super) fn row(&self) -> Vec<i64> {
        self.row.iter().map(|refused| refused.subscriber_id).collect()
    }

    fn away(&self, away: Duration, reason: impl FnOnce() -> String) -> Option<Trip> {
        let patience = if self.probing == Some(PauseCause::Relay) { Duration::ZERO } else { self.limits.patience };
        (away > patience).then(|| self.probe_later(PauseCause::Relay, reason(), self.limits.probe))
    }

    fn throttled(&self, reply: &Reply) -> Trip {
        let reason = format!("the relay finds that we send too fast: {reply}");
        self.probe_later(PauseCause::Throttled, reason, self.limits.throttled)
    }

    fn blame(&mut self, due: &Due, reply: &Reply) -> Option<Trip> {
        let fault = self.fault(due, reply);
        let limit = match fault {
            Fault::Senders => 1,
            // Who was in a row before makes none.
            Fault::Unknown if !due.was_blamed => self.limits.refusals.clamp(1, BLAMED),
            Fault::Unknown | Fault::Readers => return None,
        };
        self.blamed.push((due.subscriber_id, due.email.clone().unwrap_or_default()));
        let readers = self.blamed.len();
        let reason = match readers {
            1 => format!("the relay refuses this sender, not the reader: {reply}"),
            _ => format!("the relay refuses this sender, {readers} readers in a row, the last with: {reply}"),
        };
        let named = if reply.wants_credentials() { &[][..] } else { &self.blamed };
        let at = named.iter().map(|(_, address)| address.clone()).collect();
        (readers >= limit).then(|| stop(PauseCause::Ours, at, reason))
    }

    fn count(&mut self, subscriber_id: i64, is_final: bool, reply: &Reply) -> Option<Trip> {
        // One reader who is tried again and again makes no row.
        let at = Instant::now();
        match self.row.iter_mut().find(|refused| refused.subscriber_id == subscriber_id) {
            Some(refused) => (refused.is_final, refused.at) = (refused.is_final | is_final, at),
            None => self.row.push(Refused { subscriber_id, is_final, at }),
        }
        let limit = if self.probing == Some(PauseCause::Policy) { 1 } else { self.limits.refusals.max(1) };
        let readers =
            self.row.iter().filter(|refused| self.taken_at.is_none_or(|taken_at| refused.at > taken_at)).count();
        if readers < limit {
            return None;
        }
        let reason = match readers {
            1 => format!("the relay still refuses by policy: {reply}"),
            _ => format!("the relay refused {readers} readers in a row by policy, the last with: {reply}"),
        };
        // Another try costs nobody anything where no refusal is final.
        Some(match self.row.iter().any(|refused| refused.is_final) {
            true => stop(PauseCause::Policy, Vec::new(), reason),
            false => self.probe_later(PauseCause::Policy, reason, self.limits.probe),
        })
    }

    fn probe_later(&self, cause: PauseCause, reason: String, wait: Duration) -> Trip {
        Trip { cause, reason, at: Vec::new(), probe_in: Some(wait) }
    }
}

/// A pause that only the operator ends.
fn stop(cause: PauseCause, at: Vec<String>, reason: String) -> Trip {
    Trip { cause, reason, at, probe_in: None }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::mailer::{Stage, Why};

    const LIMITS: BreakerLimits = BreakerLimits {
        refusals: 3,
        patience: Duration::from_secs(120),
        probe: Duration::from_secs(60),
        throttled: Duration::from_secs(600),
    };

    fn breaker() -> Breaker {
        Breaker::new(LIMITS, None, false)
    }

    /// A reader at try number `attempt` from 1.
    fn due(subscriber_id: i64, attempt: i16) -> Due {
        let email = Some(format!("reader-{subscriber_id}@example.com"));
        let attempts = attempt - 1;
        Due { subscriber_id, email, name: None, step: 2 * attempts, attempts, since_first: None, was_blamed: false }
    }

    /// The same at his second try, after the first that blamed the sender.
    fn blamed(subscriber_id: i64) -> Due {
        Due { was_blamed: true, ..due(subscriber_id, 2) }
    }

    fn reply(code: u16, text: &str) -> Reply {
        Reply { code, text: text.into() }
    }

    fn blocked() -> Reply {
        reply(550, "5.7.1 blocked")
    }

    fn silent() -> ConnectError {
        ConnectError::Unreachable(Lost { stage: Stage::Connect, why: Why::Closed })
    }

    #[test]
    fn only_policy_refusals_without_an_accepted_message_between_them_make_a_row() {
        let mut breaker = breaker();
        assert_eq!(breaker.refused(&due(1, 1), &blocked()), None);
        assert_eq!(breaker.refused(&due(2, 1), &blocked()), None);
        assert!(!breaker.accepted(Instant::now()));
        assert_eq!(breaker.refused(&due(3, 1), &blocked()), None);
        assert_eq!(breaker.refused(&due(4, 1), &reply(550, "5.1.1 no such user")), None);
        assert_eq!(breaker.refused(&due(5, 1), &reply(452, "4.2.2 full")), None);
        assert_eq!(breaker.refused(&due(6, 1), &blocked()), None);
        let trip = breaker.refused(&due(7, 1), &blocked()).unwrap();
        assert_eq!((trip.cause, trip.probe_in), (PauseCause::Policy, None));
        assert_eq!(trip.reason, "the relay refused 3 readers in a row by policy, the last with: 550 5.7.1 blocked");
        assert_eq!(breaker.row(), [3, 6, 7]);
    }

    #[test]
    fn what_puts_off_by_policy_counts_from_the_second_try_once_a_reader_and_is_tried_again_by_itself() {
        let mut breaker = breaker();
        let later = reply(451, "4.7.1 come back later");
        for reader in 0..100 {
            assert_eq!(breaker.refused(&due(reader, 1), &later), None, "it may be greylisting");
        }
        for attempt in 2..100 {
            assert_eq!(breaker.refused(&due(1, attempt), &later), None, "one reader makes no row");
        }
        assert_eq!(breaker.refused(&due(2, 2), &later), None);
        let trip = breaker.refused(&due(3, 2), &later).unwrap();
        assert_eq!((trip.cause, trip.probe_in), (PauseCause::Policy, Some(LIMITS.probe)));
    }

    #[test]
    fn who_was_refused_while_the_last_message_was_on_its_way_is_queued_again_with_the_row() {
        let mut breaker = Breaker::new(LIMITS, None, true);
        assert_eq!(breaker.refused(&due(1, 1), &blocked()), None);
        let begun = Instant::now();
        for reader in 2..9 {
            assert_eq!(breaker.refused(&due(reader, 1), &blocked()), None);
            breaker.accepted(begun);
        }
        for reader in 9..11 {
            assert_eq!(breaker.refused(&due(reader, 1), &blocked()), None);
        }
        let trip = breaker.refused(&due(11, 1), &blocked()).unwrap();
        assert!(trip.reason.contains("refused 3 readers in a row"), "{}", trip.reason);
        assert_eq!(breaker.row(), (2..12).collect::<Vec<_>>());
        breaker.accepted(Instant::now() + Duration::from_millis(1));
        assert!(breaker.row().is_empty());
    }

    #[test]
    fn one_final_refusal_in_a_row_leaves_it_to_the_operator() {
        let mut breaker = breaker();
        breaker.refused(&due(1, 1), &blocked());
        breaker.refused(&due(2, 2), &reply(451, "4.7.1 later"));
        assert_eq!(breaker.refused(&due(3, 2), &reply(451, "4.7.1 later")).unwrap().probe_in, None);
    }

    #[test]
    fn what_is_our_own_fault_stops_at_once() {
        for text in ["5.7.515 access denied", "5.7.26 unauthenticated", "5.1.8 bad sender"] {
            let trip = breaker().refused(&due(1, 1), &reply(550, text)).unwrap();
            assert_eq!((trip.cause, trip.probe_in), (PauseCause::Ours, None));
            let words = format!("at reader-1@example.com the relay refuses this sender, not the reader: 550 {text}");
            assert_eq!(trip.words(), words);
            assert!(!trip.reason.contains('@'), "the log gets it: {}", trip.reason);
        }
        let error = ConnectError::Authentication(reply(535, "5.7.8 bad credentials"));
        let trip = breaker().unreachable(&error, Duration::ZERO).unwrap();
        assert_eq!((trip.cause, trip.probe_in), (PauseCause::Ours, None));
    }

    #[test]
    fn credentials_concern_no_reader_however_many_were_accepted() {
        let mut breaker = breaker();
        breaker.accepted(Instant::now());
        let answer = reply(530, "5.7.0 authenticate first");
        assert_eq!(breaker.fault(&blamed(1), &answer), Fault::Senders);
        let trip = breaker.refused(&blamed(1), &answer).unwrap();
        assert_eq!(trip.words(), "the relay refuses this sender, not the reader: 530 5.7.0 authenticate first");
    }

    #[test]
    fn once_the_relay_takes_mail_the_sender_is_at_fault_only_for_several_readers_in_a_row() {
        let odd = reply(501, "5.5.4 bad parameter");
        for mut breaker in [Breaker::new(LIMITS, None, true), breaker()] {
            breaker.accepted(Instant::now());
            assert_eq!(breaker.refused(&due(1, 1), &odd), None);
            assert_eq!(breaker.refused(&due(2, 1), &odd), None);
            breaker.accepted(Instant::now());
            assert_eq!(breaker.fault(&due(3, 1), &odd), Fault::Unknown);
            assert_eq!(breaker.refused(&due(3, 1), &odd), None);
            assert_eq!(breaker.refused(&due(9, 1), &reply(550, "5.1.1 no such user")), None);
            assert_eq!(breaker.refused(&due(4, 1), &odd), None);
            let trip = breaker.refused(&due(5, 1), &odd).unwrap();
            let names = "at reader-3@example.com, reader-4@example.com, reader-5@example.com";
            let reason = "the relay refuses this sender, 3 readers in a row, the last with: 501 5.5.4 bad parameter";
            assert_eq!(trip.words(), format!("{names} {reason}"));
            assert_eq!((trip.cause, trip.probe_in), (PauseCause::Ours, None));
        }
    }

    #[test]
    fn who_is_refused_so_again_after_others_were_taken_is_meant_alone() {
        let odd = reply(501, "5.5.4 bad parameter");
        let mut breaker = Breaker::new(LIMITS, None, true);
        assert_eq!(breaker.fault(&blamed(1), &odd), Fault::Unknown, "nobody was taken since");
        for reader in 1..9 {
            assert_eq!(breaker.refused(&blamed(reader), &odd), None, "who was in a row makes no other");
        }
        breaker.accepted(Instant::now());
        assert_eq!(breaker.fault(&blamed(1), &odd), Fault::Readers);
        assert_eq!(breaker.fault(&due(2, 2), &odd), Fault::Unknown, "it is the first time");
        breaker.refused(&due(2, 2), &odd);
        assert_eq!(breaker.fault(&blamed(2), &odd), Fault::Unknown, "nobody was taken since");
    }

    #[test]
    fn of_the_last_readers_each_is_meant_alone_after_the_fifth_try() {
        let odd = reply(501, "5.5.4 bad parameter");
        let last = |attempt| Due { was_blamed: true, ..due(1, attempt) };
        let breaker = Breaker::new(LIMITS, None, true);
        assert_eq!(breaker.fault(&last(4), &odd), Fault::Unknown);
        assert_eq!(breaker.fault(&last(5), &odd), Fault::Readers);
        let nothing_taken = Breaker::new(LIMITS, None, false);
        assert_eq!(nothing_taken.fault(&last(5), &odd), Fault::Senders);
    }

    #[test]
    fn a_relay_that_is_away_has_its_time() {
        let closing = reply(421, "4.3.2 shutting down");
        assert_eq!(breaker().unreachable(&silent(), LIMITS.patience), None);
        assert_eq!(breaker().closing(&closing, LIMITS.patience), None);
        let away = LIMITS.patience + Duration::from_secs(1);
        for trip in [breaker().unreachable(&silent(), away), breaker().closing(&closing, away)] {
            let trip = trip.unwrap();
            assert_eq!((trip.cause, trip.probe_in), (PauseCause::Relay, Some(LIMITS.probe)));
        }
    }

    #[test]
    fn a_relay_that_breaks_every_connection_before_an_answer_is_not_asked_for_ever() {
        let lost = Lost { stage: Stage::Dot, why: Why::Closed };
        let mut watched = breaker();
        for _ in 1..BARREN {
            assert_eq!(watched.barren(&lost), None);
        }
        assert!(!watched.accepted(Instant::now()));
        for _ in 1..BARREN {
            assert_eq!(watched.barren(&lost), None, "a message was taken in between");
        }
        let trip = watched.barren(&lost).unwrap();
        assert_eq!((trip.cause, trip.probe_in), (PauseCause::Relay, Some(LIMITS.probe)));
        assert!(
            Breaker::new(LIMITS, Some(PauseCause::Relay), false).barren(&lost).is_some(),
            "a probe fails at the first"
        );
    }

    #[test]
    fn gmails_throttling_stops_at_once_under_any_code() {
        let trips = [
            breaker().closing(&reply(421, "4.7.28 unusual rate"), Duration::ZERO),
            breaker().refused(&due(1, 1), &reply(450, "4.7.28 unusual rate")),
        ];
        for trip in trips {
            let trip = trip.unwrap();
            assert_eq!((trip.cause, trip.probe_in), (PauseCause::Throttled, Some(LIMITS.throttled)));
        }
    }

    #[test]
    fn a_probe_ends_with_the_first_message_that_is_taken_and_fails_at_the_first_sign() {
        let probing = |cause| Breaker::new(LIMITS, Some(cause), false);
        let instant = Duration::from_millis(1);
        assert_eq!(probing(PauseCause::Relay).unreachable(&silent(), instant).unwrap().cause, PauseCause::Relay);
        let trip = probing(PauseCause::Policy).refused(&due(1, 2), &reply(451, "4.7.1 later")).unwrap();
        assert_eq!(trip.reason, "the relay still refuses by policy: 451 4.7.1 later");
        assert_eq!(probing(PauseCause::Relay).refused(&due(1, 1), &blocked()), None, "another cause has its limit");

        let mut breaker = probing(PauseCause::Relay);
        assert!(breaker.accepted(Instant::now()));
        assert!(!breaker.accepted(Instant::now()));
        assert_eq!(breaker.unreachable(&silent(), instant), None);
        assert!(!probing(PauseCause::Throttled).accepted(Instant::now()), "who was throttled goes gently to the end");
    }
}
