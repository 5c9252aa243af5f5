//! Transactions (RFC 5321 §3.3): what goes out, and what the replies mean.
//!
//! ```text
//! Sequence    MAIL → RCPT → DATA → body .
//! Pipelined   MAIL RCPT DATA → body . MAIL RCPT DATA → body . MAIL RCPT DATA → …      (RFC 2920)
//! Chunked     MAIL RCPT BDAT body  RSET MAIL RCPT BDAT body  …                        (RFC 3030)
//! ```
//!
//! An arrow waits for replies. Every answer is judged where it belongs: 354 alone opens the message, 2xx alone accepts
//! it, and once its last byte may be on the wire, no answer means that nobody knows.
//! Replies that contradict each other, a recipient taken without a sender, mean that one of them was out of turn.

use std::io::IoSlice;

use super::wire::Wire;
use super::{Capabilities, Deadlines, Envelope, Lost, Mail, Stage, Verdict, Why};
use crate::delivery::Reply;

/// The commands up to DATA, and the stages of their replies.
pub(super) struct Opening {
    commands: String,
    with_reset: bool,
}

impl Opening {
    /// For `mail`, with RSET in front where an earlier one may have left its envelope behind.
    pub(super) fn new(capabilities: &Capabilities, mail: &Mail, with_reset: bool) -> Self {
        Self { commands: commands(capabilities, mail, with_reset, "DATA\r\n"), with_reset }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.commands.as_bytes()
    }

    /// Whether it is the opening of `mail`.
    pub(super) fn is_of(&self, capabilities: &Capabilities, mail: &Mail) -> bool {
        self.commands == commands(capabilities, mail, self.with_reset, "DATA\r\n")
    }

    fn stages(&self) -> &'static [Stage] {
        const STAGES: &[Stage] = &[Stage::Reset, Stage::Mail, Stage::Recipient, Stage::Data];
        if self.with_reset { STAGES } else { STAGES.split_at(1).1 }
    }
}

fn commands(capabilities: &Capabilities, mail: &Mail, with_reset: bool, last: &str) -> String {
    let Mail { envelope: Envelope { from, to }, message } = mail;
    let mut commands = String::with_capacity(256);
    if with_reset {
        commands.push_str("RSET\r\n");
    }
    commands.extend(["MAIL FROM:<", from.as_str(), ">"]);
    if capabilities.size.is_some() {
        commands.extend([" SIZE=", &message.size().to_string()]);
    }
    if !message.is_ascii() {
        commands.push_str(" BODY=8BITMIME");
    }
    if from.needs_smtputf8() || to.needs_smtputf8() {
        commands.push_str(" SMTPUTF8");
    }
    commands.extend(["\r\nRCPT TO:<", to.as_str(), ">\r\n", last]);
    commands
}

/// Where the relay is after an opening.
pub(super) enum Opened {
    /// It waits for the message.
    Ready,
    /// It refused; then what.
    Refused(Stage, Reply, Then),
    /// It is gone, or not to be trusted.
    Lost(Lost),
}

/// What can be done with a relay that has refused.
pub(super) enum Then {
    /// It waits for a command.
    GoOn,
    /// It has told all that it will.
    HangUp,
}

/// Refuses what this relay cannot carry, before it is bothered.
pub(super) fn check(capabilities: &Capabilities, mail: &Mail) -> Result<(), Reply> {
    let Mail { envelope, message } = mail;
    let refuse = |code, text: String| Err(Reply { code, text });
    if let Some(limit) = capabilities.size.filter(|limit| (1..message.size()).contains(limit)) {
        return refuse(552, format!("5.3.4 the message has {} bytes, the relay takes {limit}", message.size()));
    }
    if !capabilities.utf8 && envelope.to.needs_smtputf8() {
        return refuse(553, "5.6.7 the address needs SMTPUTF8, which the relay does not offer".to_owned());
    }
    if !capabilities.utf8 && envelope.from.needs_smtputf8() {
        return refuse(550, "5.1.7 the sender's address needs SMTPUTF8, which the relay does not offer".to_owned());
    }
    if !capabilities.eight_bit && !message.is_ascii() {
        return refuse(554, "5.6.3 the message has 8-bit bytes, the relay takes 7 bits only".to_owned());
    }
    if message.is_broken() {
        return refuse(554, "5.6.0 the message has a CR or LF alone, which could hide a second message".to_owned());
    }
    Ok(())
}

/// Writes the commands of an opening one by one, each after the reply to the one before.
pub(super) async fn open_in_sequence(wire: &mut Wire, deadlines: &Deadlines, opening: &Opening) -> Opened {
    for (stage, command) in opening.stages().iter().copied().zip(opening.commands.lines()) {
        let reply = match wire.command(stage, command, deadlines.of(stage)).await {
            Ok(answer) => Reply::from(answer),
            Err(lost) => return Opened::Lost(lost),
        };
        match (stage, reply.code) {
            (Stage::Data, 354) => return Opened::Ready,
            (_, 421) => return Opened::Lost(Lost { stage, why: Why::Closing(reply) }),
            (Stage::Reset | Stage::Mail | Stage::Recipient, 200..=299) => {}
            (Stage::Mail | Stage::Recipient | Stage::Data, 400..=599) => {
                return Opened::Refused(stage, reply, Then::GoOn);
            }
            // Without a clean slate the next message would go to this one's reader.
            _ => return Opened::Lost(Lost { stage, why: Why::Unexpected(reply) }),
        }
    }
    Opened::Ready
}

/// Writes the commands of an opening at once.
pub(super) async fn write(wire: &mut Wire, deadlines: &Deadlines, opening: &Opening) -> Result<(), Lost> {
    let stage = opening.stages().first().copied().unwrap_or(Stage::Mail);
    wire.expect_quiet().map_err(|why| Lost { stage, why })?;
    match wire.write(&mut [IoSlice::new(opening.as_bytes())], deadlines.of(stage)).await {
        Ok(()) => Ok(()),
        Err(_) => Err(wire.farewell(stage).await),
    }
}

/// Reads the replies to an opening that was written at once.
pub(super) async fn read(wire: &mut Wire, deadlines: &Deadlines, opening: &Opening) -> Opened {
    let mut refusal = None;
    for stage in opening.stages().iter().copied() {
        let lost = match wire.reply(stage, deadlines.of(stage)).await.map(Reply::from) {
            Ok(reply) => match (stage, reply.code) {
                (Stage::Data, 354) => {
                    return match refusal {
                        None => Opened::Ready,
                        Some((at, why)) => Opened::Refused(at, why, end_nothing(wire, deadlines).await),
                    };
                }
                (_, 421) => Lost { stage, why: Why::Closing(reply) },
                (Stage::Reset | Stage::Mail | Stage::Recipient, 200..=299) if refusal.is_none() => continue,
                (Stage::Mail | Stage::Recipient | Stage::Data, 400..=599) => {
                    refusal.get_or_insert((stage, reply));
                    continue;
                }
                _ => return Opened::Lost(Lost { stage, why: Why::Unexpected(reply) }),
            },
            Err(lost) => lost,
        };
        return match refusal {
            Some((stage, reply)) => Opened::Refused(stage, reply, Then::HangUp),
            None => Opened::Lost(lost),
        };
    }
    match refusal {
        Some((Stage::Data, reply)) => confirm(wire, deadlines, reply).await,
        Some((stage, reply)) => Opened::Refused(stage, reply, Then::GoOn),
        None => Opened::Ready,
    }
}

/// A relay that waits for a message to nobody gets an empty one (RFC 2920 §3.1).
async fn end_nothing(wire: &mut Wire, deadlines: &Deadlines) -> Then {
    if wire.write(&mut [IoSlice::new(b".\r\n")], deadlines.block).await.is_err() {
        return Then::HangUp;
    }
    match wire.reply(Stage::Dot, deadlines.dot).await {
        Ok(answer) if answer.code != 421 && answer.code / 100 != 3 => Then::GoOn,
        _ => Then::HangUp,
    }
}

/// DATA refused with nothing wrong before it could be the end of a series that one reply too many has shifted.
/// Then the reply to RSET is the 354.
async fn confirm(wire: &mut Wire, deadlines: &Deadlines, reply: Reply) -> Opened {
    match wire.command(Stage::Reset, "RSET", deadlines.mail).await.map(Reply::from) {
        Ok(reset) if reset.is_positive() => Opened::Refused(Stage::Data, reply, Then::GoOn),
        Ok(reset) if reset.code != 421 => Opened::Lost(Lost { stage: Stage::Data, why: Why::Unexpected(reset) }),
        Err(lost) if matches!(lost.why, Why::Unexpected(_) | Why::Garbage(_)) => Opened::Lost(lost),
        _ => Opened::Refused(Stage::Data, reply, Then::HangUp),
    }
}

/// A 421: the relay says that it closes, and nothing goes out any more.
pub(super) struct Goodbye {
    said: Lost,
    /// Whether it has answered nothing since, but by saying so again.
    is_meant: bool,
}

impl Goodbye {
    pub(super) fn said(&self) -> &Lost {
        &self.said
    }
}

/// A message of which at least a part is on the wire, and the replies that are still to come to it.
pub(super) struct Flight {
    stages: &'static [Stage],
    refusal: Option<(Stage, Reply)>,
    /// Whether its last byte may be on the wire.
    is_whole: bool,
}

impl Flight {
    /// Writes the message, the dot, and the opening of the next one, if there is one.
    pub(super) async fn body(wire: &mut Wire, deadlines: &Deadlines, mail: &Mail, next: Option<&Opening>) -> Self {
        let mut slices = Vec::new();
        let before_dot = mail.message.append_stuffed_to(&mut slices);
        slices.push(IoSlice::new(b".\r\n"));
        slices.extend(next.map(|opening| IoSlice::new(opening.as_bytes())));
        let is_whole = match wire.write(&mut slices, deadlines.block).await {
            Ok(()) => true,
            Err(written) => written > before_dot,
        };
        Self { stages: if is_whole { &[Stage::Dot] } else { &[Stage::Body] }, refusal: None, is_whole }
    }

    /// Writes a whole transaction at once.
    pub(super) async fn chunk(
        wire: &mut Wire,
        capabilities: &Capabilities,
        deadlines: &Deadlines,
        mail: &Mail,
        with_reset: bool,
    ) -> Self {
        const WHOLE: &[Stage] = &[Stage::Reset, Stage::Mail, Stage::Recipient, Stage::Dot];
        const PART: &[Stage] = &[Stage::Reset, Stage::Mail, Stage::Recipient, Stage::Body];
        let size = mail.message.size();
        let commands = commands(capabilities, mail, with_reset, &format!("BDAT {size} LAST\r\n"));
        let mut slices = vec![IoSlice::new(commands.as_bytes())];
        mail.message.append_to(&mut slices);
        let is_whole = match wire.write(&mut slices, deadlines.block).await {
            Ok(()) => true,
            Err(written) => written == commands.len() + size,
        };
        let stages = if is_whole { WHOLE } else { PART };
        Self { stages: if with_reset { stages } else { stages.split_at(1).1 }, refusal: None, is_whole }
    }

    /// Reads on to the verdict; when no further reply can be trusted or had, that comes with it.
    ///
    /// A 421 is noted as the relay's `goodbye`; it may still answer what has gone out.
    /// A dropped future loses nothing.
    pub(super) async fn verdict(
        &mut self,
        wire: &mut Wire,
        deadlines: &Deadlines,
        goodbye: &mut Option<Goodbye>,
    ) -> (Verdict, Option<Lost>) {
        while let Some((stage, later)) = self.stages.split_first() {
            let stage = *stage;
            let reply = match wire.reply(stage, deadlines.of(stage)).await {
                Ok(answer) => Reply::from(answer),
                Err(lost) => return (self.lost(&lost, goodbye.as_ref()), Some(lost)),
            };
            self.stages = later;
            match goodbye {
                None if reply.code == 421 => {
                    let said = Lost { stage, why: Why::Closing(reply.clone()) };
                    *goodbye = Some(Goodbye { said, is_meant: true });
                }
                Some(goodbye) if reply.code != 421 => goodbye.is_meant = false,
                _ => {}
            }
            match (stage, reply.code) {
                (Stage::Reset | Stage::Mail | Stage::Recipient, 200..=299) if self.refusal.is_none() => {}
                (Stage::Dot, 200..=299) if self.refusal.is_none() && self.is_whole => {
                    return (Verdict::Accepted(reply), None);
                }
                (Stage::Reset, 421) | (Stage::Mail | Stage::Recipient, 400..=599) => {
                    self.refusal.get_or_insert((stage, reply));
                }
                (Stage::Dot | Stage::Body, 400..=599) => {
                    let (stage, reply) = self.refusal.take().unwrap_or((stage, reply));
                    return (refused(stage, reply), None);
                }
                _ => {
                    self.refusal = None;
                    let lost = Lost { stage, why: Why::Unexpected(reply) };
                    return (self.lost(&lost, None), Some(lost));
                }
            }
        }
        // Every series of stages ends in one that is judged above.
        let lost = Lost { stage: Stage::Dot, why: Why::NotOpen };
        (self.lost(&lost, None), Some(lost))
    }

    /// What is known of it when no reply comes any more.
    pub(super) fn lost(&mut self, lost: &Lost, goodbye: Option<&Goodbye>) -> Verdict {
        let refusal = self.refusal.take().map(|(stage, reply)| refused(stage, reply));
        match (refusal, goodbye) {
            (Some(refusal @ Verdict::Refused { .. }), _) => refusal,
            _ if !self.is_whole => Verdict::NotSent(lost.clone()),
            // Who says that it closes, and does, has judged nothing of what follows.
            (_, Some(Goodbye { said, is_meant: true })) if lost.why == Why::Closed => Verdict::NotSent(said.clone()),
            _ => Verdict::InDoubt(lost.clone()),
        }
    }
}

/// A refusal, unless it is a 421 ahead of the end of the message: that says nothing of the mail.
fn refused(stage: Stage, reply: Reply) -> Verdict {
    if reply.code == 421 && stage != Stage::Dot {
        return Verdict::NotSent(Lost { stage, why: Why::Closing(reply) });
    }
    Verdict::Refused { stage, reply }
}
