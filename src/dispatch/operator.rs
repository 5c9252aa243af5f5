//! Mail to the operator.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::timeout;

use crate::mailer::{ConnectError, Connection, Envelope, Mail, Relay, Verdict};
use crate::message::dkim::Signer;
use crate::message::{MessageError, notice_message};
use crate::newsletter::Newsletter;
use crate::render::Notice;
use crate::subscriber::EmailAddress;
use crate::templates::report;

/// How long a mail to the operator may take: it is news, and there is something else to do.
const DEADLINE: Duration = Duration::from_secs(60);

/// Why the operator got no mail.
#[derive(Debug, thiserror::Error)]
pub enum NotToldError {
    /// The message cannot be made.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The relay did not take it.
    #[error("{0}")]
    NotTaken(String),
}

/// Mails a text to the operator, in a newsletter's name and over its relay.
pub async fn tell(
    operator: &EmailAddress,
    newsletter: &Newsletter,
    relay: &Relay,
    signer: Option<&Signer>,
    subject: &str,
    text: &str,
) -> Result<(), NotToldError> {
    let notice = Notice {
        subject: subject.to_owned(),
        html: report(subject, text).into_string(),
        text: text.to_owned(),
        unsubscribe_url: None,
    };
    let date = OffsetDateTime::now_utc();
    let message_id = format!("report.{}@{}", date.unix_timestamp_nanos(), newsletter.from.address.domain());
    let bytes = notice_message(&newsletter.from, operator, &notice, &message_id, date, signer)?;
    let envelope = Envelope { from: newsletter.from.address.clone(), to: operator.clone() };
    let hand_over = async move {
        let mut connection = Connection::open(relay).await?;
        let verdict = connection.send(&Mail::new(envelope, bytes)).await;
        connection.quit().await;
        Ok::<_, ConnectError>(verdict)
    };
    let late = |_| NotToldError::NotTaken(format!("the relay was silent for {DEADLINE:?}"));
    match timeout(DEADLINE, hand_over).await.map_err(late)?? {
        Verdict::Accepted(_) => Ok(()),
        Verdict::Refused { reply, .. } => Err(NotToldError::NotTaken(reply.to_string())),
        Verdict::NotSent(lost) | Verdict::InDoubt(lost) => Err(NotToldError::NotTaken(lost.to_string())),
    }
}
