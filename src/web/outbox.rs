//! The outbox: mails what readers' acts queued in the store: confirmations, welcomes, goodbyes.
//!
//! One process works on it at a time. A mail is queued until the relay has judged it, so a restart loses none.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::Site;
use crate::delivery::{ReplyClass, RetrySchedule, classify};
use crate::mailer::{Connection, Envelope, Mail, Relay, Verdict};
use crate::message;
use crate::newsletter::Newsletter;
use crate::render::{self, Notice, RenderError};
use crate::store::{Occasion, Outbox, QueuedMail, StoreError};
use crate::subscriber::EmailAddress;
use crate::token::Claim;

/// How long to wait for an act of a reader before looking for mails whose next try is due.
const NAP: Duration = Duration::from_secs(1);

/// The longest wait before another try to reach a relay that is away.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Works on the outbox for ever; waits while another process does.
pub async fn run(site: Arc<Site>, relay: Relay, retry: RetrySchedule) {
    loop {
        match site.store.take_outbox().await {
            Ok(Some(outbox)) => {
                if let Err(error) = work(&site, &relay, &retry, outbox).await {
                    warn!(%error, "the outbox is interrupted");
                }
            }
            Ok(None) => {}
            Err(error) => warn!(%error, "the outbox cannot be taken"),
        }
        sleep(NAP).await;
    }
}

/// What came of a try, in the words of the store.
struct Outcome {
    mail: &'static str,
    wait: Option<Duration>,
    reply: String,
}

impl Outcome {
    fn done(mail: &'static str, reply: impl Into<String>) -> Self {
        Self { mail, wait: None, reply: reply.into() }
    }
}

async fn work(site: &Site, relay: &Relay, retry: &RetrySchedule, mut outbox: Outbox) -> Result<(), StoreError> {
    let mut connection: Option<Connection> = None;
    let mut backoff = NAP;
    loop {
        let Some(mail) = outbox.next().await? else {
            if let Some(connection) = connection.take() {
                connection.quit().await;
            }
            timeout(NAP, site.queued.notified()).await.ok();
            continue;
        };
        let outcome = match compose(site, &mail) {
            _ if !mail.is_wanted => Outcome::done("skipped", "the reader has changed their mind, or is suppressed"),
            Err(reason) => Outcome::done("refused", reason),
            Ok((envelope, bytes)) => {
                let Some(mut open) = connection.take().filter(Connection::is_open) else {
                    connection = open_connection(relay, &mut backoff).await;
                    // That may have taken long: whether the mail is still wanted is looked at again.
                    continue;
                };
                let verdict = open.send(&Mail::new(envelope, bytes)).await;
                connection = Some(open);
                judge(&mail, retry, verdict)
            }
        };
        info!(mail = ?mail.occasion, outcome = outcome.mail, "outbox");
        outbox.record(mail.occasion, outcome.mail, outcome.wait, &outcome.reply).await?;
    }
}

/// Opens a connection, or waits, longer each time that the relay is away.
async fn open_connection(relay: &Relay, backoff: &mut Duration) -> Option<Connection> {
    match Connection::open(relay).await {
        Ok(open) => {
            *backoff = NAP;
            Some(open)
        }
        Err(error) => {
            warn!(%error, backoff_ms = backoff.as_millis() as u64, "the relay cannot be reached");
            sleep(*backoff).await;
            *backoff = (2 * *backoff).min(LONGEST_BACKOFF);
            None
        }
    }
}

fn compose(site: &Site, mail: &QueuedMail) -> Result<(Envelope, Vec<u8>), String> {
    let (_, newsletter) =
        site.newsletter(&mail.slug).ok_or_else(|| format!("newsletter {} is not configured", mail.slug))?;
    let to = EmailAddress::parse(&mail.email).map_err(|error| error.to_string())?;
    let notice = notice(site, newsletter, mail).map_err(|error| error.to_string())?;
    let (keyring, domain) = (site.store.keyring(), newsletter.from.address.domain());
    let message_id = match mail.occasion {
        Occasion::SignUp(id) => keyring.signup_message_id(id, domain),
        Occasion::Welcome(id) | Occasion::Goodbye(id) => keyring.notice_message_id(id, domain),
    };
    let signer = site.signers.get(&newsletter.slug);
    let bytes = message::notice_message(&newsletter.from, &to, &notice, &message_id, mail.created_at, signer)
        .map_err(|error| error.to_string())?;
    Ok((Envelope { from: newsletter.from.address.clone(), to }, bytes))
}

fn notice(site: &Site, newsletter: &Newsletter, mail: &QueuedMail) -> Result<Notice, RenderError> {
    let keyring = site.store.keyring();
    match mail.occasion {
        Occasion::SignUp(signup_id) => {
            render::confirmation(newsletter, &newsletter.confirm_url(&keyring.sign(Claim::Confirm { signup_id })))
        }
        Occasion::Welcome(_) => {
            let (newsletter_id, subscriber_id) = (mail.newsletter_id, mail.subscriber_id);
            let token = keyring.sign(Claim::Unsubscribe { newsletter_id, subscriber_id });
            let issue_url = mail.newest_issue.map(|number| newsletter.issue_url(number));
            render::welcome(newsletter, issue_url.as_deref(), &newsletter.unsubscribe_url(&token))
        }
        Occasion::Goodbye(_) => render::goodbye(newsletter),
    }
}

fn judge(mail: &QueuedMail, retry: &RetrySchedule, verdict: Verdict) -> Outcome {
    let later = |reply: String| match retry.wait(mail.tries as u32 + 1, mail.age, 0.0) {
        Some(wait) => Outcome { mail: "queued", wait: Some(wait), reply },
        None => Outcome::done("expired", reply),
    };
    match verdict {
        Verdict::Accepted(reply) => Outcome::done("accepted", reply.to_string()),
        // Never twice: who misses a confirmation can sign up again tomorrow, and nobody misses a notice much.
        Verdict::InDoubt(lost) => Outcome::done("in_doubt", lost.to_string()),
        Verdict::NotSent(lost) => later(lost.to_string()),
        Verdict::Refused { reply, .. } if reply.is_permanent() && classify(&reply) != ReplyClass::Ours => {
            Outcome::done("refused", reply.to_string())
        }
        Verdict::Refused { reply, .. } => later(reply.to_string()),
    }
}
