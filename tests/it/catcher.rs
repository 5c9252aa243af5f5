//! The mail catcher keeps what it answers 250 to, and plays any fault it is told to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;
use std::time::Duration;

use masthead::catcher::{Act, Catcher, CatcherError, Keep, Options, Stage};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn start(options: Options) -> Catcher {
    Catcher::start(loopback(), options).await.unwrap()
}

/// A client that writes bytes and reads lines, nothing more.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(catcher: &Catcher) -> Self {
        let mut client = Self(BufReader::new(TcpStream::connect(catcher.address()).await.unwrap()));
        assert!(client.line().await.starts_with("220 "));
        client
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    /// One line, empty when the catcher has closed.
    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(PATIENCE, self.0.read_line(&mut line)).await.expect("the catcher answers").unwrap();
        line
    }

    /// Sends a line, returns the code of the reply.
    async fn command(&mut self, line: &str) -> u16 {
        self.write(format!("{line}\r\n").as_bytes()).await;
        loop {
            let line = self.line().await;
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.get(..3).unwrap_or("0").parse().unwrap();
            }
        }
    }

    /// Sends a message whose bytes are given as on the wire, through the dot.
    async fn message(&mut self, wire: &str) -> u16 {
        assert_eq!(self.command("MAIL FROM:<a@example.org>").await, 250);
        assert_eq!(self.command("RCPT TO:<b@example.org>").await, 250);
        assert_eq!(self.command("DATA").await, 354);
        self.command(wire).await
    }
}

#[tokio::test]
async fn a_caught_mail_is_the_bytes_that_were_sent() {
    let catcher = start(Options::default()).await;
    let mut client = Client::connect(&catcher).await;
    assert_eq!(client.command("EHLO me").await, 250);
    let code = client.message("Subject: hi\r\n\r\n..one dot\r\n\r\na\n.\nb\r.\rc\n.\r\nend\r\n.").await;
    assert_eq!(code, 250);
    assert_eq!(client.command("QUIT").await, 221);

    let mails = catcher.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].from, "a@example.org");
    assert_eq!(mails[0].to, ["b@example.org"]);
    assert!(mails[0].accepted);
    let raw = String::from_utf8(mails[0].raw.clone()).unwrap();
    assert_eq!(raw, "Subject: hi\r\n\r\n.one dot\r\n\r\na\n.\nb\r.\rc\n.\r\nend\r\n");
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order_wherever_the_packets_end() {
    let catcher = start(Options::default()).await;
    let batch = b"EHLO me\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n";
    let rest = b"one\r\n.\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n";
    for cut in 0..batch.len() {
        let mut client = Client::connect(&catcher).await;
        client.0.get_ref().set_nodelay(true).unwrap();
        client.write(&batch[..cut]).await;
        tokio::task::yield_now().await;
        client.write(&batch[cut..]).await;
        let mut codes = Vec::new();
        while codes.last() != Some(&354) {
            let line = client.line().await;
            if line.as_bytes()[3] == b' ' {
                codes.push(line[..3].parse::<u16>().unwrap());
            }
        }
        assert_eq!(codes, [250, 250, 250, 354]);
        client.write(rest).await;
        for code in ["250", "250", "250", "354"] {
            assert!(client.line().await.starts_with(code));
        }
        assert_eq!(client.command("two\r\n.").await, 250);
    }
    assert_eq!(catcher.accepted(), 2 * batch.len());
}

#[tokio::test]
async fn the_dot_is_found_wherever_the_packets_end() {
    let catcher = start(Options::default()).await;
    let message = b"..\r\n.\na\r.\r\n\r\n\r\r\n..\r.b\r\n.\r\n";
    for cut in 0..message.len() {
        let mut client = Client::connect(&catcher).await;
        client.0.get_ref().set_nodelay(true).unwrap();
        client.command("EHLO me").await;
        client.command("MAIL FROM:<a@example.org>").await;
        client.command("RCPT TO:<b@example.org>").await;
        client.command("DATA").await;
        client.write(&message[..cut]).await;
        tokio::task::yield_now().await;
        client.write(&message[cut..]).await;
        assert!(client.line().await.starts_with("250 "), "cut at {cut}");
    }
    for mail in catcher.mails() {
        assert_eq!(String::from_utf8_lossy(&mail.raw), ".\r\n\na\r.\r\n\r\n\r\r\n.\r.b\r\n");
    }
}

#[tokio::test]
async fn chunks_are_counted_octets_wherever_the_packets_end() {
    let catcher = start(Options::default()).await;
    let mail = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n";
    let batch =
        format!("EHLO me\r\n{mail}BDAT 7\r\n.\r\nQUITBDAT 3 LAST\r\n\r\n.RSET\r\n{mail}BDAT 0 LAST\r\nNOOP\r\n");
    for cut in 0..batch.len() {
        let mut client = Client::connect(&catcher).await;
        client.0.get_ref().set_nodelay(true).unwrap();
        client.write(&batch.as_bytes()[..cut]).await;
        tokio::task::yield_now().await;
        client.write(&batch.as_bytes()[cut..]).await;
        while client.line().await.as_bytes()[3] != b' ' {}
        for answer in ["go on", "go on", "7 octets", "kept", "forgotten", "go on", "go on", "kept", "here"] {
            let line = client.line().await;
            assert!(line.starts_with("250 ") && line.contains(answer), "{answer}: {line}");
        }
    }
    let mails = catcher.mails();
    assert_eq!(mails.len(), 2 * batch.len());
    for mail in mails {
        assert!(mail.raw == b".\r\nQUIT\r\n." || mail.raw.is_empty(), "{mail:?}");
    }
}

#[tokio::test]
async fn octets_of_a_refused_chunk_are_never_taken_for_commands() {
    let options = Options { largest: 20, ..Options::default() };
    let catcher = start(options.script(|moment| match (moment.stage, moment.to) {
        (Stage::Rcpt, [to]) if to.starts_with("gone") => Act::reply(550, "5.1.1 no such user"),
        (Stage::Data, [to]) if to.starts_with("later") => Act::reply(451, "4.3.0 later"),
        (Stage::Dot, [to]) if to.starts_with("spam") => Act::reply(554, "5.7.1 blocked"),
        _ => Act::CarryOn,
    }))
    .await;
    let mut client = Client::connect(&catcher).await;
    client.command("EHLO me").await;
    let chunk = |to: &str, data: &str| {
        format!("MAIL FROM:<a@example.org>\r\nRCPT TO:<{to}@example.org>\r\nBDAT {} LAST\r\n{data}", data.len())
    };
    for (to, data, codes) in [
        ("gone", "NOOP\r\nNOOP\r\n", [250, 550, 503]),
        ("later", "NOOP\r\nNOOP\r\n", [250, 250, 451]),
        ("spam", "NOOP\r\nNOOP\r\n", [250, 250, 554]),
        ("here", "NOOP\r\nNOOP\r\nNOOP\r\nNOOP", [250, 250, 552]),
        ("here", "NOOP\r\nNOOP\r\n", [250, 250, 250]),
    ] {
        client.write(chunk(to, data).as_bytes()).await;
        for code in codes {
            let line = client.line().await;
            assert!(line.starts_with(&code.to_string()), "{to}: {line}");
        }
        assert_eq!(client.command("RSET").await, 250);
    }
    assert_eq!(client.command("BDAT many").await, 501);
    assert_eq!(client.line().await, "", "what follows cannot be told from commands");
    assert_eq!(catcher.accepted(), 1);
}

#[tokio::test]
async fn commands_out_of_order_are_refused() {
    let catcher = start(Options { largest: 1000, ..Options::default() }).await;
    let mut client = Client::connect(&catcher).await;
    assert_eq!(client.command("MAIL FROM:<a@example.org>").await, 503);
    assert_eq!(client.command("EHLO me").await, 250);
    assert_eq!(client.command("RCPT TO:<b@example.org>").await, 503);
    assert_eq!(client.command("DATA").await, 503);
    assert_eq!(client.command("AUTH PLAIN AGEAYg==").await, 503);
    assert_eq!(client.command("MAIL FROM:<a@example.org> SIZE=1001").await, 552);
    assert_eq!(client.command("MAIL FROM:<josé@example.org>").await, 550);
    assert_eq!(client.command("MAIL FROM:<a@example.org> SIZE=1000 BODY=8BITMIME SMTPUTF8").await, 250);
    assert_eq!(client.command("MAIL FROM:<a@example.org>").await, 503);
    assert_eq!(client.command("RCPT TO:<josé@example.org>").await, 250);
    assert_eq!(client.command("RSET").await, 250);
    assert_eq!(client.command("DATA").await, 503);
    assert_eq!(client.command(&"x".repeat(100_000)).await, 500);
    assert_eq!(client.message(&format!("{}\r\n.", "y".repeat(2000))).await, 552);
    assert_eq!(client.message("small\r\n.").await, 250);
    assert_eq!(catcher.mails().len(), 1);
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let refused = Catcher::start(everywhere, Options::default()).await;
    assert!(matches!(refused, Err(CatcherError::NotLoopback(address)) if address == everywhere));
}

#[tokio::test]
async fn a_250_means_that_the_mail_is_a_file_in_the_maildir() {
    let folder = tempfile::tempdir().unwrap();
    let maildir = folder.path().join("caught");
    let options = Options { maildir: Some(maildir.clone()), keep: Keep::Nothing, ..Options::default() };
    let catcher = start(options.script(|moment| match moment.message {
        2 if moment.stage == Stage::Dot => Act::reply(550, "no"),
        _ => Act::CarryOn,
    }))
    .await;
    let mut client = Client::connect(&catcher).await;
    client.command("EHLO me").await;
    assert_eq!(client.message("kept\r\n.").await, 250);
    assert_eq!(client.message("not kept\r\n.").await, 550);

    let files: Vec<_> = std::fs::read_dir(maildir.join("new")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert_eq!(text, "Return-Path: <a@example.org>\r\nDelivered-To: b@example.org\r\nkept\r\n");
    assert_eq!(std::fs::read_dir(maildir.join("tmp")).unwrap().count(), 0);
    assert!(catcher.mails().is_empty());
}

#[tokio::test]
async fn a_script_decides_at_every_stage() {
    let catcher = start(Options::default().auth().script(|moment| match (moment.connection, moment.stage) {
        (1, Stage::Rcpt) if moment.to == ["full@example.org"] => Act::reply(452, "4.2.2 full"),
        (1, Stage::Auth) if moment.credentials != Some(("me", "secret")) => Act::reply(535, "5.7.8 no"),
        (1, Stage::Dot) if moment.data.starts_with(b"odd") => Act::Raw(b"354 what\r\n".to_vec()),
        (2, Stage::Dot) => Act::RecordThenClose,
        (3, Stage::Mail) => Act::reply(421, "4.7.0 enough"),
        _ => Act::CarryOn,
    }))
    .await;
    let mut client = Client::connect(&catcher).await;
    client.command("EHLO me").await;
    assert_eq!(client.command("AUTH PLAIN AG1lAHdyb25n").await, 535);
    assert_eq!(client.command("AUTH LOGIN").await, 334);
    assert_eq!(client.command("bWU=").await, 334);
    assert_eq!(client.command("c2VjcmV0").await, 235);
    client.command("MAIL FROM:<a@example.org>").await;
    assert_eq!(client.command("RCPT TO:<full@example.org>").await, 452);
    client.command("RSET").await;
    assert_eq!(client.message("odd\r\n.").await, 354);

    let mut client = Client::connect(&catcher).await;
    client.command("EHLO me").await;
    assert_eq!(client.message("kept\r\n.").await, 0);

    let mut client = Client::connect(&catcher).await;
    client.command("EHLO me").await;
    assert_eq!(client.command("MAIL FROM:<a@example.org>").await, 421);
    assert_eq!(client.line().await, "");

    let verdicts: Vec<_> = catcher.mails().iter().map(|mail| (mail.connection, mail.accepted)).collect();
    assert_eq!(verdicts, [(1, false), (2, true)]);
}

#[tokio::test]
async fn waiting_ends_with_the_mail_that_was_waited_for() {
    let catcher = start(Options { keep: Keep::Envelopes, ..Options::default() }).await;
    let mut client = Client::connect(&catcher).await;
    client.command("EHLO me").await;
    let send = async {
        for _ in 0..3 {
            assert_eq!(client.message("x\r\n.").await, 250);
        }
    };
    timeout(PATIENCE, async { tokio::join!(catcher.wait_for(3), send) }).await.unwrap();
    assert_eq!(catcher.mails().len(), 3);
    assert!(catcher.mails().iter().all(|mail| mail.raw.is_empty()));
}

#[tokio::test]
async fn shutdown_says_goodbye_and_frees_the_port() {
    let catcher = start(Options::default().script(|moment| match moment.stage {
        Stage::Data => Act::Stall,
        _ => Act::CarryOn,
    }))
    .await;
    let address = catcher.address();
    let mut idle = Client::connect(&catcher).await;
    let mut stalled = Client::connect(&catcher).await;
    stalled.write(b"EHLO me\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n").await;
    timeout(PATIENCE, catcher.shutdown()).await.unwrap();
    assert!(idle.line().await.starts_with("421 "));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_message_on_its_way_is_finished_before_the_catcher_stops() {
    let folder = tempfile::tempdir().unwrap();
    let catcher = start(Options { maildir: Some(folder.path().to_owned()), ..Options::default() }).await;
    let mut client = Client::connect(&catcher).await;
    client.command("EHLO me").await;
    client.command("MAIL FROM:<a@example.org>").await;
    client.command("RCPT TO:<b@example.org>").await;
    assert_eq!(client.command("DATA").await, 354);
    let address = catcher.address();
    let finish = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert_eq!(client.command("last words\r\n.").await, 250);
    };
    tokio::join!(catcher.shutdown(), finish);
    assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 1);
}

mod web {
    use super::*;

    /// The answer to a GET, head and body in one.
    async fn get(address: SocketAddr, host: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }

    async fn serve(catcher: &Catcher) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = masthead::catcher::web(catcher);
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    const MAIL: &str = "Subject: =?utf-8?Q?Caf=C3=A9?= <b>\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/alternative; boundary=x\r\n\r\n\
        --x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nplain <i>text</i>\r\n\
        --x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
        <html><head></head><body><script>alert(1)</script><img src=https://pixel.example/></body></html>\r\n\
        --x--\r\n.";

    #[tokio::test]
    async fn caught_mail_is_shown_decoded_and_inert() {
        let catcher = start(Options::default()).await;
        let mut client = Client::connect(&catcher).await;
        client.command("EHLO me").await;
        client.message("Subject: first\r\n\r\nx\r\n.").await;
        client.message(MAIL).await;
        let address = serve(&catcher).await;

        let list = get(address, "localhost", "/").await;
        assert!(list.contains("Café &lt;b&gt;"), "{list}");
        assert!(list.find("/mail/2").unwrap() < list.find("/mail/1").unwrap(), "newest first");

        let page = get(address, "127.0.0.1:1", "/mail/2").await;
        assert!(page.contains("plain &lt;i&gt;text&lt;/i&gt;"), "{page}");
        assert!(page.contains("<iframe title=\"HTML part\" sandbox=\"allow-popups"), "{page}");
        assert!(page.contains("content-security-policy: default-src 'none'; style-src 'self'"), "{page}");
        assert!(!page.contains("<script"), "{page}");

        let html = get(address, "localhost", "/mail/2/html").await;
        let policy = html.lines().find(|line| line.starts_with("content-security-policy:")).unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("img-src data:"), "{policy}");
        assert!(policy.contains("sandbox") && !policy.contains("allow-scripts"), "{policy}");
        assert!(html.contains("<head><base target=\"_blank\">"));

        let raw = get(address, "[::1]:80", "/mail/2/raw").await;
        assert!(raw.contains("attachment; filename=\"mail-2.eml\""));
        assert!(raw.ends_with("--x--\r\n"));
        assert!(get(address, "localhost", "/mail/3").await.starts_with("HTTP/1.1 404"));
        assert!(get(address, "localhost", "/mail/0").await.starts_with("HTTP/1.1 404"));
    }

    #[tokio::test]
    async fn a_foreign_host_sees_nothing() {
        let catcher = start(Options::default()).await;
        let address = serve(&catcher).await;
        for host in ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:80"] {
            let answer = get(address, host, "/").await;
            assert!(!answer.starts_with("HTTP/1.1 200"), "{host}");
            assert!(!answer.contains("Caught"), "{host}");
        }
    }
}
