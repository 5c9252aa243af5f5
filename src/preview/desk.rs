//! What a preview can do besides showing: approve an issue and mail a proof of it.

use std::pin::Pin;

use time::OffsetDateTime;

use super::email::Email;
use crate::mailer::{Connection, Envelope, Mail, Relay, Verdict};
use crate::message;
use crate::store::{Approval, FrozenIssue, Store};
use crate::subscriber::EmailAddress;

/// The store and the relay, where they are configured; why not, where they are not.
pub struct Desk {
    /// Where approvals are kept.
    pub shelf: Box<dyn Shelf>,
    /// Where proofs go through.
    pub relay: Box<dyn Fn() -> Result<Relay, String> + Send + Sync>,
}

/// Has the store once it is needed.
pub trait Shelf: Send + Sync {
    /// The store; none where there is none yet, and `make` does not ask for one. Or why there can be none.
    fn store(&self, make: bool) -> Opening<'_>;
}

/// A store that is being opened.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<Option<Store>, String>> + Send + 'a>>;

/// A shelf in no project.
struct Bare(String);

impl Shelf for Bare {
    fn store(&self, _make: bool) -> Opening<'_> {
        Box::pin(async { Err(self.0.clone()) })
    }
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
        let (relay, shelf) = (why.to_owned(), Bare(why.to_owned()));
        Self { shelf: Box::new(shelf), relay: Box::new(move || Err(relay.clone())) }
    }

    /// What the store knows of an issue that is configured and has a number.
    pub(super) async fn known(&self, email: &Email) -> Result<Known, String> {
        let (None, Some(number)) = (&email.unconfigured, email.issue().number) else { return Ok(Known::default()) };
        let Some(store) = self.shelf.store(false).await? else { return Ok(Known::default()) };
        let known = async {
            let Some(newsletter_id) = store.find_newsletter(&email.newsletter.slug).await? else {
                return Ok(Known::default());
            };
            let approval = store.approval(newsletter_id, number).await?;
            Ok(Known { approval, previous: store.issue_before(newsletter_id, number).await? })
        };
        known.await.map_err(|error: crate::store::StoreError| error.to_string())
    }

    /// Records that this email may leave.
    pub(super) async fn approve(&self, email: &Email) -> Result<String, String> {
        if let Some(why) = &email.unsendable {
            return Err(format!("This cannot be approved: {why}"));
        }
        let number = email.issue().number.ok_or("an issue without a number cannot be sent, so it needs no approval")?;
        let approval = email.approved_at(OffsetDateTime::now_utc())?;
        let store = self.shelf.store(true).await?.ok_or("there is no store")?;
        let slug = &email.newsletter.slug;
        let newsletter_id = store.newsletter_id(slug).await.map_err(|error| error.to_string())?;
        store.approve(newsletter_id, number, &approval).await.map_err(|error| error.to_string())?;
        Ok(format!("Approved {slug}/{number} as it is now."))
    }

    /// Mails a copy to one address.
    pub(super) async fn proof(&self, email: &Email, address: &str) -> Result<String, String> {
        let relay = (self.relay)()?;
        let to = EmailAddress::parse(address).map_err(|error| error.to_string())?;
        let date = OffsetDateTime::now_utc();
        let bytes = message::proof_message(
            &email.newsletter.letterhead(),
            &email.rendered,
            email.issue().number,
            &to,
            date,
            email.signer.as_ref(),
        )
        .map_err(|error| error.to_string())?;
        let envelope = Envelope { from: email.newsletter.from.address.clone(), to: to.clone() };
        let mut connection = Connection::open(&relay).await.map_err(|error| error.to_string())?;
        let verdict = connection.send(&Mail::new(envelope, bytes)).await;
        connection.quit().await;
        match verdict {
            Verdict::Accepted(_) => Ok(format!("The relay took the proof to {to}.")),
            Verdict::Refused { reply, .. } => Err(format!("The proof to {to} was refused: {reply}")),
            Verdict::NotSent(lost) | Verdict::InDoubt(lost) => Err(format!("The proof to {to}: {lost}")),
        }
    }
}
