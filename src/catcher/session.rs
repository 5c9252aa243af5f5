//! One client's dialogue with the catcher (RFC 5321, pipelining by RFC 2920, chunking by RFC 3030).

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::incoming::{Content, Incoming, UntilDot};
use super::{Act, Mail, Moment, Shared, Stage, told_to_close};

/// The longest command line, AUTH with a long token included.
const LONGEST_LINE: usize = 16 << 10;
/// RFC 5321 §4.5.3.1.8.
const MOST_RECIPIENTS: usize = 100;

/// Whether the dialogue goes on.
type Flow = io::Result<ControlFlow<()>>;

const GO_ON: Flow = Ok(ControlFlow::Continue(()));
const END: Flow = Ok(ControlFlow::Break(()));

/// Speaks with one client until it leaves, the script says so, or the catcher closes.
pub(super) async fn run(
    stream: TcpStream,
    connection: usize,
    shared: &Shared,
    closing: watch::Receiver<bool>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut session = Session {
        incoming: Incoming::new(stream),
        replies: Vec::new(),
        shared,
        closing,
        connection,
        messages: 0,
        greeted: false,
        credentials: None,
        transaction: None,
    };
    if session.step(Stage::Connect, "220 masthead.localhost ESMTP mail catcher").await?.is_break() {
        return Ok(());
    }
    while let Some(line) = session.command_line().await? {
        if session.command(&line).await?.is_break() {
            break;
        }
    }
    session.flush().await
}

struct Session<'a> {
    incoming: Incoming,
    /// Replies that wait for the end of a pipelined batch.
    replies: Vec<u8>,
    shared: &'a Shared,
    closing: watch::Receiver<bool>,
    connection: usize,
    /// Messages that have begun.
    messages: usize,
    greeted: bool,
    credentials: Option<(String, String)>,
    transaction: Option<Transaction>,
}

/// What MAIL opened.
#[derive(Default)]
struct Transaction {
    from: String,
    to: Vec<String>,
    utf8: bool,
    /// What BDAT has brought, once one came.
    chunks: Option<Content>,
}

/// How an act ended.
#[derive(PartialEq, Eq)]
enum Answered {
    Positive,
    Negative,
    Closed,
}

impl Session<'_> {
    async fn command(&mut self, line: &str) -> Flow {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" if rest.trim().is_empty() => self.reply("501 5.5.4 say who you are"),
            "EHLO" => self.hello(true).await,
            "HELO" => self.hello(false).await,
            "AUTH" => self.auth(rest).await,
            "MAIL" => self.mail(rest).await,
            "RCPT" => self.rcpt(rest).await,
            "DATA" => self.data().await,
            "BDAT" => self.bdat(rest).await,
            "RSET" => {
                self.transaction = None;
                self.reply("250 2.0.0 forgotten")
            }
            "NOOP" => self.reply("250 2.0.0 here"),
            "QUIT" => self.reply("221 2.0.0 bye").and(END),
            _ => self.reply("500 5.5.2 no such command"),
        }
    }

    async fn hello(&mut self, extended: bool) -> Flow {
        self.transaction = None;
        self.greeted = true;
        let options = &self.shared.options;
        let mut lines = vec!["masthead.localhost".to_owned()];
        if extended {
            lines.push(format!("SIZE {}", options.largest));
            lines.extend(options.extensions.iter().cloned());
        }
        let last = lines.len() - 1;
        let mark = |number| if number == last { ' ' } else { '-' };
        let lines: Vec<String> =
            lines.iter().enumerate().map(|(number, line)| format!("250{}{line}", mark(number))).collect();
        self.step(Stage::Hello, &lines.join("\r\n")).await
    }

    async fn auth(&mut self, rest: &str) -> Flow {
        let offered = self.shared.options.extensions.iter().any(|line| line.starts_with("AUTH "));
        let mut words = rest.split_ascii_whitespace();
        let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
        let credentials = match mechanism.as_str() {
            _ if !offered => return self.reply("503 5.5.1 AUTH is not offered"),
            "PLAIN" => {
                let token = match words.next() {
                    Some(token) => Some(token.to_owned()),
                    None => self.challenge("").await?,
                };
                let token = token.and_then(|token| decode(&token));
                token.and_then(|token| {
                    let mut parts = token.split('\0').skip(1);
                    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
                })
            }
            "LOGIN" => {
                let user = self.challenge("Username:").await?.and_then(|answer| decode(&answer));
                let password = self.challenge("Password:").await?.and_then(|answer| decode(&answer));
                user.zip(password)
            }
            _ => return self.reply("504 5.5.4 no such mechanism"),
        };
        if credentials.is_none() {
            return self.reply("501 5.5.2 no credentials in it");
        }
        self.credentials = credentials;
        self.step(Stage::Auth, "235 2.7.0 welcome").await
    }

    /// Asks for one more line of an AUTH exchange.
    async fn challenge(&mut self, text: &str) -> io::Result<Option<String>> {
        self.replies.extend_from_slice(format!("334 {}\r\n", BASE64.encode(text)).as_bytes());
        self.command_line().await
    }

    async fn mail(&mut self, rest: &str) -> Flow {
        if !self.greeted {
            return self.reply("503 5.5.1 EHLO first");
        }
        if self.transaction.is_some() {
            return self.reply("503 5.5.1 one MAIL at a time");
        }
        let Some((from, parameters)) = path(rest, "FROM:") else {
            return self.reply("501 5.1.7 MAIL FROM:<address>");
        };
        let mut utf8 = false;
        for parameter in parameters.split_ascii_whitespace() {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name.to_ascii_uppercase().as_str() {
                "SIZE" if value.parse().is_ok_and(|size: usize| size <= self.shared.options.largest) => {}
                "SIZE" => return self.reply("552 5.3.4 too large"),
                "SMTPUTF8" => utf8 = true,
                "BODY" | "AUTH" | "RET" | "ENVID" => {}
                _ => return self.reply("555 5.5.4 no such parameter"),
            }
        }
        if !from.is_ascii() && !utf8 {
            return self.reply("550 5.6.7 SMTPUTF8 is needed");
        }
        self.messages += 1;
        self.transaction = Some(Transaction { from: from.to_owned(), utf8, ..Transaction::default() });
        let flow = self.ask(Stage::Mail, "250 2.1.0 go on", &[]).await?;
        if flow != Answered::Positive {
            self.transaction = None;
        }
        flow.into()
    }

    async fn rcpt(&mut self, rest: &str) -> Flow {
        let Some(transaction) = &mut self.transaction else {
            return self.reply("503 5.5.1 MAIL first");
        };
        let Some((to, _)) = path(rest, "TO:").filter(|(to, _)| !to.is_empty()) else {
            return self.reply("501 5.1.3 RCPT TO:<address>");
        };
        if !to.is_ascii() && !transaction.utf8 {
            return self.reply("553 5.6.7 SMTPUTF8 is needed");
        }
        if transaction.to.len() == MOST_RECIPIENTS {
            return self.reply("452 4.5.3 too many recipients");
        }
        transaction.to.push(to.to_owned());
        let flow = self.ask(Stage::Rcpt, "250 2.1.5 go on", &[]).await?;
        if let Some(transaction) = self.transaction.as_mut().filter(|_| flow != Answered::Positive) {
            transaction.to.pop();
        }
        flow.into()
    }

    async fn data(&mut self) -> Flow {
        if !self.may_have_a_message() || self.transaction.as_ref().is_some_and(|it| it.chunks.is_some()) {
            return self.reply("503 5.5.1 MAIL and RCPT first");
        }
        let flow = self.ask(Stage::Data, "354 end with a dot alone", &[]).await?;
        if flow != Answered::Positive {
            return flow.into();
        }
        let mut state = UntilDot::new();
        loop {
            if let Some(content) = self.incoming.until_dot(&mut state, self.shared.most_kept()) {
                return self.complete(content).await;
            }
            if !self.fill().await? {
                return END;
            }
        }
    }

    /// A piece of a message; its octets follow the command and are read whatever the answer will be.
    ///
    /// The script is asked at the first one as at DATA; what it answers there ends the message.
    async fn bdat(&mut self, rest: &str) -> Flow {
        let mut words = rest.split_ascii_whitespace();
        let (count, last) = (words.next().and_then(|count| count.parse().ok()), words.next());
        let offered = self.shared.options.extensions.iter().any(|line| line == "CHUNKING");
        // Without their number the octets cannot be told from commands.
        let Some(count) = count.filter(|_| offered && last.is_none_or(|word| word.eq_ignore_ascii_case("LAST"))) else {
            return self.reply("501 5.5.4 BDAT octets [LAST], where it is offered").and(END);
        };
        let known = self.transaction.as_mut().and_then(|transaction| transaction.chunks.take());
        let begins = known.is_none();
        let mut content = known.unwrap_or_default();
        let mut left = count;
        loop {
            left = self.incoming.octets(left, &mut content, self.shared.most_kept());
            if left == 0 {
                break;
            }
            if !self.fill().await? {
                return END;
            }
        }
        if !self.may_have_a_message() {
            return self.reply("503 5.5.1 MAIL and RCPT first");
        }
        let act = if begins { self.act(Stage::Data, &[]) } else { Act::CarryOn };
        if act != Act::CarryOn {
            self.transaction = None;
            return self.play(act, "").await?.into();
        }
        if last.is_some() || content.size > self.shared.options.largest {
            return self.complete(content).await;
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.chunks = Some(content);
        }
        self.reply(&format!("250 2.0.0 {count} octets"))
    }

    fn may_have_a_message(&self) -> bool {
        self.transaction.as_ref().is_some_and(|transaction| !transaction.to.is_empty())
    }

    async fn complete(&mut self, content: Content) -> Flow {
        if content.size > self.shared.options.largest {
            self.transaction = None;
            return self.reply("552 5.3.4 too large");
        }
        self.dot(content.bytes).await
    }

    /// Keeps the message, then answers.
    async fn dot(&mut self, data: Vec<u8>) -> Flow {
        let act = self.act(Stage::Dot, &data);
        let accepted = match &act {
            Act::CarryOn | Act::RecordThenClose => true,
            Act::Reply(code, _) => code / 100 == 2,
            Act::Raw(bytes) | Act::Drip(bytes) => bytes.starts_with(b"2"),
            Act::Stall | Act::Close => false,
        };
        let Transaction { from, to, .. } = self.transaction.take().unwrap_or_default();
        let mail = Mail { from, to, raw: data, accepted, connection: self.connection, at: SystemTime::now() };
        if self.shared.record(mail).await.is_err() {
            return self.reply("451 4.3.0 the mail cannot be kept");
        }
        self.play(act, "250 2.0.0 kept").await?.into()
    }

    /// The next command without its line end, `None` when the client has left or the catcher closes.
    async fn command_line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(line) = self.incoming.line(LONGEST_LINE) {
                return Ok(Some(line));
            }
            self.flush().await?;
            tokio::select! {
                more = self.incoming.fill() => if !more? {
                    return Ok(None);
                },
                () = told_to_close(&mut self.closing) => {
                    self.replies.extend_from_slice(b"421 4.3.2 closing\r\n");
                    return Ok(None);
                }
            }
        }
    }

    /// Answers what is answered, then reads on; false when the client has left.
    async fn fill(&mut self) -> io::Result<bool> {
        self.flush().await?;
        self.incoming.fill().await
    }

    async fn flush(&mut self) -> io::Result<()> {
        if !self.replies.is_empty() {
            self.incoming.stream.write_all(&self.replies).await?;
            self.replies.clear();
        }
        Ok(())
    }

    /// Answers without asking the script.
    fn reply(&mut self, text: &str) -> Flow {
        self.replies.extend_from_slice(text.as_bytes());
        self.replies.extend_from_slice(b"\r\n");
        GO_ON
    }

    /// Asks the script and answers, where the answer decides nothing.
    async fn step(&mut self, stage: Stage, healthy: &str) -> Flow {
        self.ask(stage, healthy, &[]).await?.into()
    }

    async fn ask(&mut self, stage: Stage, healthy: &str, data: &[u8]) -> io::Result<Answered> {
        let act = self.act(stage, data);
        self.play(act, healthy).await
    }

    fn act(&self, stage: Stage, data: &[u8]) -> Act {
        let Some(script) = &self.shared.options.script else { return Act::CarryOn };
        script(&Moment {
            stage,
            connection: self.connection,
            open: self.shared.open.load(Ordering::Relaxed),
            message: self.messages,
            credentials: self.credentials.as_ref().map(|(user, password)| (user.as_str(), password.as_str())),
            from: self.transaction.as_ref().map(|transaction| transaction.from.as_str()),
            to: self.transaction.as_ref().map_or(&[], |transaction| &transaction.to),
            data,
        })
    }

    async fn play(&mut self, act: Act, healthy: &str) -> io::Result<Answered> {
        let closes = matches!(act, Act::Reply(421, _));
        let bytes = match act {
            Act::CarryOn => format!("{healthy}\r\n").into_bytes(),
            Act::Reply(code, text) => format!("{code} {text}\r\n").into_bytes(),
            Act::Raw(bytes) => bytes,
            Act::Drip(bytes) => {
                self.flush().await?;
                for byte in &bytes {
                    self.incoming.stream.write_all(&[*byte]).await?;
                    tokio::task::yield_now().await;
                }
                return Ok(Answered::to(&bytes));
            }
            Act::Stall => {
                self.flush().await?;
                self.stall().await?;
                return Ok(Answered::Closed);
            }
            Act::Close | Act::RecordThenClose => {
                self.flush().await?;
                return Ok(Answered::Closed);
            }
        };
        self.replies.extend_from_slice(&bytes);
        if closes {
            self.flush().await?;
            return Ok(Answered::Closed);
        }
        Ok(Answered::to(&bytes))
    }

    /// Holds the connection open, silent, until the client leaves or the catcher closes.
    async fn stall(&mut self) -> io::Result<()> {
        let mut heard = [0; 4096];
        let listen = async {
            while self.incoming.stream.read(&mut heard).await? > 0 {}
            Ok(())
        };
        tokio::select! {
            left = listen => left,
            () = told_to_close(&mut self.closing) => Ok(()),
        }
    }
}

impl Answered {
    fn to(bytes: &[u8]) -> Self {
        if matches!(bytes.first(), Some(b'2' | b'3')) { Self::Positive } else { Self::Negative }
    }
}

impl From<Answered> for Flow {
    fn from(answered: Answered) -> Self {
        if answered == Answered::Closed { END } else { GO_ON }
    }
}

/// Splits `FROM:<address> PARAMETERS` behind `keyword`.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let head = rest.get(..keyword.len()).filter(|head| head.eq_ignore_ascii_case(keyword))?;
    rest.get(head.len()..)?.trim_start().strip_prefix('<')?.split_once('>')
}

fn decode(base64: &str) -> Option<String> {
    BASE64.decode(base64.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}
