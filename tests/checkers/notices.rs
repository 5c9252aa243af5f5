//! Writes the mails to one reader that are no issue, in every language, for `tests/mail-checkers`.
//!
//! ```text
//! notices DIR KEY    DIR/confirmation-en/issue.{html,txt,eml} and so on, signed with the key of a PEM file
//! ```

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use masthead::message::dkim::{Signer, SigningKey};
use masthead::message::notice_message;
use masthead::newsletter::{BaseUrl, DkimName, Mailbox, Newsletter, Slug};
use masthead::render::{Notice, confirmation, goodbye, welcome};
use masthead::subscriber::EmailAddress;
use masthead::theme::Theme;
use time::OffsetDateTime;

/// A newsletter's name in each language that there are fixed words for.
const NAMES: [(&str, &str); 8] = [
    ("ar", "رسائل المرفأ"),
    ("de", "Hafenbriefe"),
    ("en", "Harbour Letters"),
    ("es", "Cartas del puerto"),
    ("fr", "Lettres du port"),
    ("ja", "港だより"),
    ("zh", "港口来信"),
    ("zh-Hant", "港口來信"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [folder, key] = &arguments[..] else { return Err("wanted: DIR KEY".into()) };
    let key = SigningKey::from_pem(&fs::read_to_string(key)?)?;
    let signer = Signer::new(key, DkimName::parse("masthead", "newsletter.example.org")?);
    for (language, name) in NAMES {
        let newsletter = newsletter(language, name)?;
        let confirm = newsletter.confirm_url("3f9c0a55d1");
        let leave = newsletter.unsubscribe_url("3f9c0a55d1");
        for (kind, notice) in [
            ("confirmation", confirmation(&newsletter, &confirm)?),
            ("welcome", welcome(&newsletter, Some(&newsletter.issue_url(7)), &leave)?),
            ("goodbye", goodbye(&newsletter)?),
        ] {
            write(&Path::new(folder).join(format!("{kind}-{language}")), &newsletter, &notice, &signer)?;
        }
    }
    Ok(())
}

fn newsletter(language: &str, name: &str) -> Result<Newsletter, Box<dyn Error>> {
    let mut from = Mailbox::parse("editor@newsletter.example.org")?;
    from.name = Some(name.into());
    Ok(Newsletter {
        slug: Slug::parse("letters")?,
        name: name.into(),
        from,
        reply_to: None,
        postal_address: "1 Example Street\n12345 Example City".into(),
        language: language.into(),
        base_url: BaseUrl::parse("https://newsletter.example.org")?,
        theme: Theme::default(),
    })
}

fn write(folder: &Path, newsletter: &Newsletter, notice: &Notice, signer: &Signer) -> Result<(), Box<dyn Error>> {
    let reader = EmailAddress::parse("reader@example.com")?;
    let message_id = "3f9c0a55d1@newsletter.example.org";
    let date = OffsetDateTime::UNIX_EPOCH;
    let message = notice_message(&newsletter.from, &reader, notice, message_id, date, Some(signer))?;
    fs::create_dir_all(folder)?;
    fs::write(folder.join("issue.html"), &notice.html)?;
    fs::write(folder.join("issue.txt"), &notice.text)?;
    fs::write(folder.join("issue.eml"), message)?;
    Ok(())
}
