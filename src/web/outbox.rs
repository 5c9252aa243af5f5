//! The outbox: mails the confirmations that sign-ups queued in the store.
//!
//! One process works on it at a time. A mail is queued until the relay has judged it, so a restart loses none.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::Site;
use crate::delivery::{ReplyClass, RetrySchedule, classify};
use crate::mailer::{Connection, Envelope, Relay, Verdict};
use crate::message;
use crate::render;
use crate::store::{ConfirmationMail, Outbox, StoreError};
use crate::subscriber::EmailAddress;
use crate::token::Claim;

/// How long to wait for a sign-up before looking for mails whose next try is due.
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
            Ok((envelope, bytes)) => {
                let mut open = match connection.take().filter(Connection::is_open) {
                    Some(open) => open,
                    None => match Connection::open(relay).await {
                        Ok(open) => open,
                        Err(error) => {
                            warn!(%error, backoff_ms = backoff.as_millis() as u64, "the relay cannot be reached");
                            sleep(backoff).await;
                            backoff = (2 * backoff).min(LONGEST_BACKOFF);
                            continue;
                        }
                    },
                };
                backoff = NAP;
                let verdict = open.send(&envelope, &bytes).await;
                connection = open.is_open().then_some(open);
                judge(&mail, retry, verdict)
            }
            Err(reason) => Outcome { mail: "refused", wait: None, reply: reason },
        };
        info!(signup.id = mail.signup_id, outcome = outcome.mail, "confirmation mail");
        outbox.record(mail.signup_id, outcome.mail, outcome.wait, &outcome.reply).await?;
    }
}

fn compose(site: &Site, mail: &ConfirmationMail) -> Result<(Envelope, Vec<u8>), String> {
    let (_, newsletter) =
        site.newsletter(&mail.slug).ok_or_else(|| format!("newsletter {} is not configured", mail.slug))?;
    let to = EmailAddress::parse(&mail.email).map_err(|error| error.to_string())?;
    let keyring = site.store.keyring();
    let url = newsletter.confirm_url(&keyring.sign(Claim::Confirm { signup_id: mail.signup_id }));
    let notice = render::confirmation(newsletter, &url).map_err(|error| error.to_string())?;
    let message_id = keyring.signup_message_id(mail.signup_id, newsletter.from.address.domain());
    let signer = site.signers.get(&newsletter.slug);
    let bytes = message::notice_message(&newsletter.from, &to, &notice, &message_id, mail.created_at, signer)
        .map_err(|error| error.to_string())?;
    Ok((Envelope { from: newsletter.from.address.clone(), to }, bytes))
}

fn judge(mail: &ConfirmationMail, retry: &RetrySchedule, verdict: Verdict) -> Outcome {
    let done = |mail, reply: String| Outcome { mail, wait: None, reply };
    let later = |reply: String| match retry.wait(mail.tries as u32 + 1, mail.age, 0.0) {
        Some(wait) => Outcome { mail: "queued", wait: Some(wait), reply },
        None => done("expired", reply),
    };
    match verdict {
        Verdict::Accepted(reply) => done("accepted", reply.to_string()),
        // At most one a day: the reader can sign up again tomorrow, or the mail is there.
        Verdict::InDoubt(lost) => done("in_doubt", lost.to_string()),
        Verdict::NotSent(lost) => later(lost.to_string()),
        Verdict::Refused { reply, .. } if reply.is_permanent() && classify(&reply) != ReplyClass::Ours => {
            done("refused", reply.to_string())
        }
        Verdict::Refused { reply, .. } => later(reply.to_string()),
    }
}
