//! A delivery: one issue to one subscriber; its states, what a relay's reply means, when to try again, when to stop.

use std::fmt;
use std::time::Duration;

/// Where a delivery stands; each is in exactly one state at every instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Waits for its turn, or for its next try.
    Queued,
    /// A worker has it in hand.
    Claimed,
    /// The intent is durable; the message may be on the wire.
    Attempting,
    /// The relay took it.
    Accepted,
    /// The relay refused it for good.
    Refused,
    /// The reader left or was suppressed before the intent, or the send was cancelled.
    Skipped,
    /// Temporary refusals outlasted the schedule.
    Expired,
    /// Nobody can know whether the relay took it.
    InDoubt,
}

impl DeliveryState {
    /// Every state, in the order in which a ledger is shown.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Claimed,
        Self::Attempting,
        Self::Accepted,
        Self::Refused,
        Self::Skipped,
        Self::Expired,
        Self::InDoubt,
    ];

    /// The word in the store and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Claimed => "claimed",
            Self::Attempting => "attempting",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
            Self::Expired => "expired",
            Self::InDoubt => "in_doubt",
        }
    }

    /// Whether work on it is left: an issue is not *sent* while one delivery is open.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Claimed | Self::Attempting)
    }
}

/// An enhanced status code (RFC 3463), `5.1.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnhancedCode(pub u8, pub u16, pub u16);

impl EnhancedCode {
    /// Reads the code at the start of a reply's text.
    pub fn at_start(text: &str) -> Option<Self> {
        let word = text.split_ascii_whitespace().next()?;
        let mut parts = word.split('.');
        let class = parts.next().filter(|p| matches!(*p, "2" | "4" | "5"))?.parse().ok()?;
        let mut number = || parts.next().filter(|p| (1..=3).contains(&p.len())).and_then(|p| p.parse().ok());
        let code = Self(class, number()?, number()?);
        parts.next().is_none().then_some(code)
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What an SMTP server answered: code and text, the lines joined by a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Three digits, 200 to 599.
    pub code: u16,
    /// The text behind the code, with the enhanced code if there is one.
    pub text: String,
}

impl Reply {
    /// The codes that say nothing but that credentials are wrong or missing (RFC 4954, section 6).
    pub const WANT_CREDENTIALS: [u16; 2] = [530, 535];

    /// The enhanced status code that the text begins with.
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        EnhancedCode::at_start(&self.text)
    }

    /// 2yz: done.
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4yz: not now.
    pub fn is_transient(&self) -> bool {
        self.code / 100 == 4
    }

    /// 5yz: no.
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// The relay wants other credentials, or any: whom a message is for has no part in it.
    pub fn wants_credentials(&self) -> bool {
        Self::WANT_CREDENTIALS.contains(&self.code) || self.enhanced() == Some(EnhancedCode(5, 7, 8))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// Why a relay refused, which decides what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplyClass {
    /// The address does not exist: suppressed after two issues.
    Hard,
    /// Not now: tried again.
    Soft,
    /// The mailbox is full.
    Full,
    /// Blocked by a policy; says nothing about the reader.
    Policy,
    /// Too large, or content not wanted.
    Content,
    /// The sender is blamed: unless it turns out that one reader alone is meant, no reader pays for it.
    Ours,
    /// The relay cannot carry such an address.
    AddressForm,
    /// A permanent refusal of no known kind.
    Other,
}

impl ReplyClass {
    /// The word in the store and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Full => "full",
            Self::Policy => "policy",
            Self::Content => "content",
            Self::Ours => "ours",
            Self::AddressForm => "address form",
            Self::Other => "other",
        }
    }
}

/// Tells why a relay refused: the first digit decides whether to retry, the enhanced code,
/// then the code and the text, decide the class.
///
/// ```
/// use masthead::delivery::{Reply, ReplyClass, classify};
///
/// let reply = Reply { code: 550, text: "5.1.1 no such user".into() };
/// assert_eq!(classify(&reply), ReplyClass::Hard);
/// ```
pub fn classify(reply: &Reply) -> ReplyClass {
    use ReplyClass::*;
    if reply.wants_credentials() {
        return Ours;
    }
    if !reply.is_permanent() {
        return Soft;
    }
    if let Some(EnhancedCode(5, subject, detail)) = reply.enhanced() {
        return match (subject, detail) {
            (1, 1 | 2 | 3 | 6 | 10) => Hard,
            (2, 1) if reply.code == 550 => Hard,
            (2, 2) | (3, 1) => Full,
            (1, 7 | 8) | (5, _) => Ours,
            (7, 515 | 26 | 27 | 30) => Ours,
            (7, _) => Policy,
            (6, 7) => AddressForm,
            (3, 4) | (6, _) => Content,
            _ => Other,
        };
    }
    let text = reply.text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match reply.code {
        _ if says(&["blocked", "spam", "blacklist", "blocklist", "policy"]) => Policy,
        550 | 551 | 553 if says(&["no such user", "user unknown", "unknown user", "does not exist", "no mailbox"]) => {
            Hard
        }
        552 if says(&["quota", "full"]) => Full,
        552 => Content,
        _ => Other,
    }
}

/// When a temporary refusal is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule {
    /// The wait before the second, third, … try; the last one repeats.
    pub waits: Vec<Duration>,
    /// How long after the first try a delivery expires.
    pub give_up_after: Duration,
}

impl Default for RetrySchedule {
    /// 5, 15, 30, 60 minutes, then every hour, up to 48 hours.
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self { waits: vec![minutes(5), minutes(15), minutes(30), minutes(60)], give_up_after: minutes(48 * 60) }
    }
}

impl RetrySchedule {
    /// How long to wait after try number `tries` (from 1), `None` when the time is over.
    ///
    /// `jitter` in 0..1 spreads the readers: up to a fifth is added.
    pub fn wait(&self, tries: u32, since_first: Duration, jitter: f64) -> Option<Duration> {
        let step = (tries.max(1) as usize - 1).min(self.waits.len().checked_sub(1)?);
        let wait = self.waits[step].mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 5.0);
        (since_first + wait <= self.give_up_after).then_some(wait)
    }
}

/// When a send pauses by itself, and when it sees whether it can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerLimits {
    /// How many readers in a row a relay may refuse by its policy.
    pub refusals: usize,
    /// How long a relay may be away.
    pub patience: Duration,
    /// The wait before a paused send sees whether its relay is well again; it doubles each time.
    pub probe: Duration,
    /// How long a send stands still that Gmail throttles (4.7.28).
    pub throttled: Duration,
}

impl Default for BreakerLimits {
    /// 20 readers; 2, 1 and 10 minutes.
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self { refusals: 20, patience: minutes(2), probe: minutes(1), throttled: minutes(10) }
    }
}

/// Why a send stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PauseCause {
    /// The operator wanted it.
    Operator,
    /// The relay is away.
    Relay,
    /// The relay refuses reader after reader by its policy.
    Policy,
    /// The relay refuses us: credentials, certificate, sender, authentication of the domain; or it says so.
    Ours,
    /// The relay finds that we send too fast.
    Throttled,
}

impl PauseCause {
    /// Every cause.
    pub const ALL: [Self; 5] = [Self::Operator, Self::Relay, Self::Policy, Self::Ours, Self::Throttled];

    /// The word in the store and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Relay => "relay",
            Self::Policy => "policy",
            Self::Ours => "ours",
            Self::Throttled => "throttled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: u16, text: &str, class: ReplyClass) {
        assert_eq!(classify(&Reply { code, text: text.into() }), class, "{code} {text}");
    }

    #[test]
    fn replies_fall_into_the_class_that_decides_what_follows() {
        check(550, "5.1.1 no such user", ReplyClass::Hard);
        check(550, "5.2.1 disabled", ReplyClass::Hard);
        check(550, "user unknown", ReplyClass::Hard);
        check(451, "4.7.1 greylisted", ReplyClass::Soft);
        check(452, "4.2.2 mailbox full", ReplyClass::Soft);
        check(552, "5.2.2 over quota", ReplyClass::Full);
        check(550, "5.7.1 blocked", ReplyClass::Policy);
        check(554, "looks like spam", ReplyClass::Policy);
        check(550, "5.7.515 access denied", ReplyClass::Ours);
        check(535, "5.7.8 bad credentials", ReplyClass::Ours);
        check(550, "5.7.8 bad credentials", ReplyClass::Ours);
        check(501, "5.5.4 bad parameter", ReplyClass::Ours);
        check(552, "5.3.4 too big", ReplyClass::Content);
        check(553, "5.6.7 SMTPUTF8 is needed", ReplyClass::AddressForm);
        check(554, "transaction failed", ReplyClass::Other);
    }

    #[test]
    fn retries_wait_longer_each_time_and_end() {
        let schedule = RetrySchedule::default();
        assert_eq!(schedule.wait(1, Duration::ZERO, 0.0), Some(Duration::from_secs(300)));
        assert_eq!(schedule.wait(9, Duration::ZERO, 0.0), Some(Duration::from_secs(3600)));
        assert_eq!(schedule.wait(9, Duration::from_secs(48 * 3600), 0.0), None);
        assert!(schedule.wait(1, Duration::ZERO, 1.0) > schedule.wait(1, Duration::ZERO, 0.0));
    }
}
