//! What a preview can do besides showing: approve an issue and mail a proof of it.

use time::OffsetDateTime;

use super::email::Email;
use crate::mailer::{Connection, Envelope, Mail, Relay, Verdict};
use crate::message;
use crate::store::{Approval, FrozenIssue, Store, StoreError};
use crate::subscriber::EmailAddress;

/// The store and the relay, where they are configured; why not, where they are not.
#[derive(Clone)]
pub struct Desk {
    /// The store, and the newsletter's id in it.
    pub store: Result<(Store, i32), String>,
    /// Where proofs go through.
    pub relay: Result<Relay, String>,
}

/// What the store knows of an issue and the one before.
#[derive(Default)]
pub(super) struct Known {
    /// Its latest approval.
    pub(super) approval: Option<Approval>,
    /// The issue that was sent before it.
    pub(super) previous: Option<FrozenIssue>,
}

impl Desk {
    /// A desk without store and relay.
    pub fn bare(why: &str) -> Self {
        Self { store: Err(why.to_owned()), relay: Err(why.to_owned()) }
    }

    /// What the store knows of an issue.
    pub(super) async fn known(&self, number: Option<u32>) -> Result<Known, StoreError> {
        let (Ok((store, newsletter_id)), Some(number)) = (&self.store, number) else { return Ok(Known::default()) };
        Ok(Known {
            approval: store.approval(*newsletter_id, number).await?,
            previous: store.issue_before(*newsletter_id, number).await?,
        })
    }

    /// Records that this email may leave.
    pub(super) async fn approve(&self, email: &Email) -> Result<String, String> {
        let (store, newsletter_id) = self.store.as_ref().map_err(Clone::clone)?;
        let number = email.issue().number.ok_or("an issue without a number cannot be sent, so it needs no approval")?;
        let approval = Approval {
            digest: email.digest.as_bytes().to_vec(),
            subject: email.rendered.subject.clone(),
            preheader: email.rendered.preheader.clone(),
            text: email.text_with_slots(),
            approved_at: OffsetDateTime::now_utc(),
        };
        store.approve(*newsletter_id, number, &approval).await.map_err(|error| error.to_string())?;
        Ok(format!("Approved {}/{number} as it is now.", email.newsletter.slug))
    }

    /// Mails a copy to one address.
    pub(super) async fn proof(&self, email: &Email, address: &str) -> Result<String, String> {
        let relay = self.relay.as_ref().map_err(Clone::clone)?;
        let to = EmailAddress::parse(address).map_err(|error| error.to_string())?;
        let date = OffsetDateTime::now_utc();
        let bytes = message::proof_message(
            &email.newsletter,
            &email.rendered,
            email.issue().number,
            &to,
            date,
            email.signer.as_ref(),
        )
        .map_err(|error| error.to_string())?;
        let envelope = Envelope { from: email.newsletter.from.address.clone(), to: to.clone() };
        let mut connection = Connection::open(relay).await.map_err(|error| error.to_string())?;
        let verdict = connection.send(&Mail::new(envelope, bytes)).await;
        connection.quit().await;
        match verdict {
            Verdict::Accepted(_) => Ok(format!("The relay took the proof to {to}.")),
            Verdict::Refused { reply, .. } => Err(format!("The proof to {to} was refused: {reply}")),
            Verdict::NotSent(lost) | Verdict::InDoubt(lost) => Err(format!("The proof to {to}: {lost}")),
        }
    }
}
