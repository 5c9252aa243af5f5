//! Mail to the operator.

use std::collections::VecDeque;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use crate::delivery::Reply;
use crate::mailer::{ConnectError, Connection, Envelope, Lost, Mail, Relay, Stage, Verdict, Why};
use crate::message::dkim::Signer;
use crate::message::{MessageError, notice_message};
use crate::newsletter::Newsletter;
use crate::render::Notice;
use crate::subscriber::EmailAddress;
use crate::templates::report;

/// How long the relay has to let us in, and to take a mail: it is news.
const DEADLINE: Duration = Duration::from_secs(60);

/// The wait before the second try; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// The longest wait before another try.
const LONGEST_BACKOFF: Duration = Duration::from_secs(15 * 60);

/// From then on it is no news.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// Tells the operator of a send, one mail after the other, each until the relay has taken or refused it.
///
/// Cheap to clone; a task of its own does the work, which goes on when the last clone is gone.
#[derive(Clone)]
pub struct Herald {
    news: mpsc::UnboundedSender<News>,
    /// How many mails are not through.
    waiting: watch::Sender<usize>,
}

struct News {
    subject: String,
    text: String,
    date: OffsetDateTime,
    since: Instant,
}

/// Why the operator got no mail.
#[derive(Debug, thiserror::Error)]
enum NotToldError {
    #[error(transparent)]
    Message(#[from] MessageError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("{0}")]
    Refused(Reply),
    #[error("{0}")]
    NotSent(Lost),
    #[error("nobody can know whether the relay took it: {0}")]
    InDoubt(String),
}

impl NotToldError {
    /// Whether another try may help, and mails nobody twice.
    fn is_temporary(&self) -> bool {
        match self {
            Self::Connect(error) => !error.is_ours(),
            Self::Refused(reply) => reply.is_transient(),
            Self::NotSent(_) => true,
            Self::Message(_) | Self::InDoubt(_) => false,
        }
    }
}

impl Herald {
    /// Starts the task that mails `operator`, in a newsletter's name and over its relay.
    pub fn start(operator: EmailAddress, newsletter: Newsletter, relay: Relay, signer: Option<Signer>) -> Self {
        let (news, next_news) = mpsc::unbounded_channel();
        let herald = Self { news, waiting: watch::Sender::new(0) };
        let desk = Desk { operator, newsletter, relay, signer };
        tokio::spawn(desk.work(next_news, herald.waiting.clone()));
        herald
    }

    /// Hands in a mail.
    pub fn tell(&self, subject: &str, text: &str) {
        self.waiting.send_modify(|waiting| *waiting += 1);
        let news = News {
            subject: subject.to_owned(),
            text: text.to_owned(),
            date: OffsetDateTime::now_utc(),
            since: Instant::now(),
        };
        // The task ends with the process.
        self.news.send(news).ok();
    }

    /// Waits until all mails are through; false when that takes longer than `patience`.
    pub async fn finish(&self, patience: Duration) -> bool {
        let mut waiting = self.waiting.subscribe();
        timeout(patience, waiting.wait_for(|waiting| *waiting == 0)).await.is_ok()
    }
}

/// Where the mails to the operator are made.
struct Desk {
    operator: EmailAddress,
    newsletter: Newsletter,
    relay: Relay,
    signer: Option<Signer>,
}

impl Desk {
    async fn work(self, mut next_news: mpsc::UnboundedReceiver<News>, waiting: watch::Sender<usize>) {
        let (mut pile, mut backoff) = (VecDeque::new(), FIRST_BACKOFF);
        loop {
            if pile.is_empty() {
                let Some(news) = next_news.recv().await else { return };
                pile.push_back(news);
            }
            let Some(news) = pile.front() else { continue };
            match self.hand_over(news).await {
                Err(error) if error.is_temporary() && news.since.elapsed() < STALE => {
                    warn!(%error, backoff_ms = backoff.as_millis() as u64, "the operator could not be told by mail yet");
                    tokio::select! {
                        () = sleep(backoff) => {}
                        // Something has changed: perhaps the relay is back.
                        Some(news) = next_news.recv() => pile.push_back(news),
                    }
                    backoff = (2 * backoff).min(LONGEST_BACKOFF);
                    continue;
                }
                Err(error) => warn!(%error, "the operator could not be told by mail"),
                Ok(()) => {}
            }
            backoff = FIRST_BACKOFF;
            pile.pop_front();
            waiting.send_modify(|waiting| *waiting -= 1);
        }
    }

    /// The same message on every try.
    async fn hand_over(&self, news: &News) -> Result<(), NotToldError> {
        let notice = Notice {
            subject: news.subject.clone(),
            html: report(&news.subject, &news.text).into_string(),
            text: news.text.clone(),
            unsubscribe_url: None,
        };
        let from = &self.newsletter.from;
        let message_id = format!("report.{}@{}", news.date.unix_timestamp_nanos(), from.address.domain());
        let bytes = notice_message(from, &self.operator, &notice, &message_id, news.date, self.signer.as_ref())?;
        let envelope = Envelope { from: from.address.clone(), to: self.operator.clone() };
        let mut connection = timeout(DEADLINE, Connection::open(&self.relay)).await.map_err(|_| silence())??;
        let sent = timeout(DEADLINE, connection.send(&Mail::new(envelope, bytes))).await;
        let verdict = sent.map_err(|_| NotToldError::InDoubt(format!("silence for {DEADLINE:?}")))?;
        connection.quit().await;
        match verdict {
            Verdict::Accepted(_) => Ok(()),
            Verdict::Refused { reply, .. } => Err(NotToldError::Refused(reply)),
            Verdict::NotSent(lost) => Err(NotToldError::NotSent(lost)),
            Verdict::InDoubt(lost) => Err(NotToldError::InDoubt(lost.to_string())),
        }
    }
}

fn silence() -> ConnectError {
    ConnectError::Unreachable(Lost { stage: Stage::Connect, why: Why::Silence(DEADLINE) })
}
