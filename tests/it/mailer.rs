//! SMTP against the scripted catcher: every message gets its own, exact verdict.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use masthead::catcher::{self, Act, Catcher, Moment, Options};
use masthead::delivery::{Reply, ReplyClass, classify};
use masthead::mailer::{ConnectError, Connection, Deadlines, Envelope, Lost, Relay, Stage, Verdict, Why};
use masthead::subscriber::EmailAddress;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Far below the deadlines that a test leaves alone, far above those that it sets.
const PATIENCE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(400);

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn catcher(script: impl Fn(&Moment<'_>) -> Act + Send + Sync + 'static) -> Catcher {
    Catcher::start(loopback(), Options::default().script(script)).await.unwrap()
}

fn relay(address: SocketAddr) -> Relay {
    Relay::parse(&format!("smtp://{address}")).unwrap()
}

async fn open(catcher: &Catcher) -> Connection {
    timeout(PATIENCE, Connection::open(&relay(catcher.address()))).await.unwrap().unwrap()
}

fn to(address: &str) -> Envelope {
    let parse = |address| EmailAddress::parse(address).unwrap();
    Envelope { from: parse("weekly@example.org"), to: parse(address) }
}

const MESSAGE: &[u8] = b"Subject: hi\r\n\r\nhello\r\n";

async fn send(connection: &mut Connection, address: &str) -> Verdict {
    timeout(PATIENCE, connection.send(&to(address), MESSAGE)).await.expect("a verdict comes in time")
}

fn refused(stage: Stage, code: u16, text: &str) -> Verdict {
    Verdict::Refused { stage, reply: Reply { code, text: text.into() } }
}

fn class_of(verdict: &Verdict) -> ReplyClass {
    match verdict {
        Verdict::Refused { reply, .. } => classify(reply),
        other => panic!("{other:?} is no refusal"),
    }
}

/// A relay that says what `talk` says; for what the catcher is too healthy for.
async fn by_hand<F>(talk: impl Fn(Hand) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(Hand(BufReader::new(stream))));
        }
    });
    address
}

struct Hand(BufReader<TcpStream>);

impl Hand {
    async fn say(&mut self, text: &str) {
        let _ = self.0.get_mut().write_all(text.as_bytes()).await;
    }

    async fn hear(&mut self) -> String {
        let mut line = String::new();
        let _ = self.0.read_line(&mut line).await;
        line
    }

    /// Answers every command up to DATA, as a plain relay does.
    async fn until_data(&mut self) {
        self.say("220 hand\r\n").await;
        for answer in ["250 hand", "250 mail", "250 rcpt", "354 data"] {
            self.hear().await;
            self.say(&format!("{answer}\r\n")).await;
        }
    }
}

mod acceptance {
    use super::*;

    #[tokio::test]
    async fn the_relay_gets_the_message_byte_for_byte() {
        let catcher = catcher(|_| Act::CarryOn).await;
        let mut connection = open(&catcher).await;
        let messages = ["", ".", ".\r\n", "..\r\n.a\r\n\r\n.", "no line end", "a\r\n", "\r\n.\r\n.\r\n", "é\r\n"];
        for message in messages {
            let verdict = timeout(PATIENCE, connection.send(&to("a@example.org"), message.as_bytes())).await.unwrap();
            assert!(matches!(&verdict, Verdict::Accepted(reply) if reply.code == 250), "{message:?}: {verdict:?}");
        }
        connection.quit().await;
        let mails = catcher.mails();
        for (mail, message) in mails.iter().zip(messages) {
            let whole = if message.is_empty() || message.ends_with("\r\n") { "" } else { "\r\n" };
            assert_eq!(String::from_utf8_lossy(&mail.raw), format!("{message}{whole}"));
            assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("weekly@example.org", &["a@example.org".into()][..]));
        }
        assert_eq!(mails.len(), messages.len());
        assert_eq!(catcher.connections(), 1);
    }

    #[tokio::test]
    async fn a_large_message_arrives_whole() {
        let catcher = catcher(|_| Act::CarryOn).await;
        let mut connection = open(&catcher).await;
        let message = "0123456789\r\n.\r\n".repeat(200_000);
        let verdict = timeout(PATIENCE, connection.send(&to("a@example.org"), message.as_bytes())).await.unwrap();
        assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
        assert!(catcher.mails()[0].raw == message.as_bytes());
    }

    #[tokio::test]
    async fn a_refused_reader_costs_the_next_one_nothing() {
        let catcher = catcher(|moment| match (moment.stage, moment.to) {
            (catcher::Stage::Rcpt, [to]) if to.starts_with("gone") => Act::reply(550, "5.1.1 no such user"),
            (catcher::Stage::Dot, [to]) if to.starts_with("spam") => Act::reply(554, "5.7.1 blocked"),
            (catcher::Stage::Mail, _) if moment.message == 7 => Act::reply(451, "4.3.0 later"),
            (catcher::Stage::Data, _) if moment.message == 8 => Act::reply(451, "4.3.0 later"),
            _ => Act::CarryOn,
        })
        .await;
        let mut connection = open(&catcher).await;
        for _ in 0..2 {
            assert_eq!(
                send(&mut connection, "gone@example.org").await,
                refused(Stage::Recipient, 550, "5.1.1 no such user")
            );
            assert!(matches!(send(&mut connection, "here@example.org").await, Verdict::Accepted(_)));
            assert_eq!(send(&mut connection, "spam@example.org").await, refused(Stage::Dot, 554, "5.7.1 blocked"));
        }
        assert_eq!(send(&mut connection, "here@example.org").await, refused(Stage::Mail, 451, "4.3.0 later"));
        assert_eq!(send(&mut connection, "here@example.org").await, refused(Stage::Data, 451, "4.3.0 later"));
        assert!(matches!(send(&mut connection, "here@example.org").await, Verdict::Accepted(_)));
        assert_eq!((catcher.connections(), catcher.accepted()), (1, 3));
    }

    #[tokio::test]
    async fn each_refusal_has_its_class() {
        let replies = [
            (550, "5.1.1 no such user", ReplyClass::Hard),
            (452, "4.2.2 mailbox full", ReplyClass::Soft),
            (552, "5.2.2 mailbox full", ReplyClass::Full),
            (451, "4.7.28 unusual rate", ReplyClass::Soft),
            (550, "5.7.515 not authenticated", ReplyClass::Ours),
            (530, "5.7.0 log in first", ReplyClass::Ours),
            (553, "5.6.7 no SMTPUTF8 here", ReplyClass::AddressForm),
        ];
        let catcher = catcher(move |moment| match (moment.stage, replies.get(moment.message.wrapping_sub(1))) {
            (catcher::Stage::Rcpt, Some((code, text, _))) => Act::reply(*code, *text),
            _ => Act::CarryOn,
        })
        .await;
        let mut connection = open(&catcher).await;
        for (code, text, class) in replies {
            let verdict = send(&mut connection, "a@example.org").await;
            assert_eq!(verdict, refused(Stage::Recipient, code, text));
            assert_eq!(class_of(&verdict), class, "{text}");
        }
        assert!(connection.is_open());
    }

    #[tokio::test]
    async fn what_the_relay_cannot_carry_is_refused_before_it_is_asked() {
        let asked = Arc::new(Mutex::new(0));
        let count = Arc::clone(&asked);
        let options = Options { largest: 100, extensions: Vec::new(), ..Options::default() };
        let options = options.script(move |moment| {
            if moment.stage == catcher::Stage::Mail {
                *count.lock().unwrap() += 1;
            }
            Act::CarryOn
        });
        let catcher = Catcher::start(loopback(), options).await.unwrap();
        let mut connection = open(&catcher).await;
        let cases: [(&str, &[u8], ReplyClass); 5] = [
            ("a@example.org", &[b'x'; 101], ReplyClass::Content),
            ("josé@example.org", MESSAGE, ReplyClass::AddressForm),
            ("a@example.org", "é\r\n".as_bytes(), ReplyClass::Content),
            ("a@example.org", b"a\n.\nMAIL FROM:<b@example.org>\r\n", ReplyClass::Content),
            ("a@example.org", b"a\r.\rb\r\n", ReplyClass::Content),
        ];
        for (address, message, class) in cases {
            let verdict = connection.send(&to(address), message).await;
            assert!(matches!(&verdict, Verdict::Refused { stage: Stage::Check, .. }), "{verdict:?}");
            assert_eq!(class_of(&verdict), class, "{verdict:?}");
        }
        assert_eq!(*asked.lock().unwrap(), 0);
        assert!(matches!(send(&mut connection, "a@example.org").await, Verdict::Accepted(_)));
        assert!(matches!(send(&mut connection, "a@bücher.example").await, Verdict::Accepted(_)));
        assert_eq!(catcher.mails()[1].to, ["a@xn--bcher-kva.example"]);
    }

    #[tokio::test]
    async fn an_address_beyond_ascii_goes_to_a_relay_that_takes_it() {
        let catcher = catcher(|_| Act::CarryOn).await;
        let mut connection = open(&catcher).await;
        assert!(matches!(send(&mut connection, "josé@example.org").await, Verdict::Accepted(_)));
        assert_eq!(catcher.mails()[0].to, ["josé@example.org"]);
    }

    #[tokio::test]
    async fn replies_are_understood_a_byte_at_a_time() {
        let catcher = catcher(|moment| {
            let text = match moment.stage {
                catcher::Stage::Connect => "220-one\r\n220-two\r\n220 three\r\n",
                catcher::Stage::Hello => "250-me\r\n250-SIZE 1000\r\n250-smtputf8\r\n250 8BITMIME\r\n",
                catcher::Stage::Data => "354-go\r\n354 on\r\n",
                catcher::Stage::Dot if moment.message == 2 => "550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user\r\n",
                _ => "250-2.0.0 yes\r\n250 2.0.0 indeed\r\n",
            };
            Act::Drip(text.into())
        })
        .await;
        let mut connection = open(&catcher).await;
        let capabilities = connection.capabilities();
        assert_eq!((capabilities.size, capabilities.utf8, capabilities.pipelining), (Some(1000), true, false));
        let yes = Reply { code: 250, text: "2.0.0 yes indeed".into() };
        assert_eq!(send(&mut connection, "a@example.org").await, Verdict::Accepted(yes));
        assert_eq!(send(&mut connection, "a@example.org").await, refused(Stage::Dot, 550, "5.1.1 no such user"));
    }
}

mod loss {
    use super::*;

    /// The deadlines of one stage made short, the others as RFC 5321 has them.
    fn short(stage: Stage) -> Deadlines {
        let mut deadlines = Deadlines::default();
        *match stage {
            Stage::Connect | Stage::Handshake => &mut deadlines.connect,
            Stage::Greeting => &mut deadlines.greeting,
            Stage::Hello | Stage::StartTls | Stage::Auth => &mut deadlines.hello,
            Stage::Mail | Stage::Check | Stage::Reset => &mut deadlines.mail,
            Stage::Recipient => &mut deadlines.recipient,
            Stage::Data => &mut deadlines.data,
            Stage::Body => &mut deadlines.block,
            Stage::Dot => &mut deadlines.dot,
        } = SHORT;
        deadlines
    }

    fn silence(stage: Stage) -> Lost {
        Lost { stage, why: Why::Silence(SHORT) }
    }

    /// Opens and sends; a connection that never came counts as not sent.
    async fn try_once(relay: &Relay) -> Verdict {
        let attempt = async {
            match Connection::open(relay).await {
                Ok(mut connection) => {
                    let verdict = connection.send(&to("a@example.org"), MESSAGE).await;
                    assert!(!connection.is_open());
                    verdict
                }
                Err(ConnectError::Unreachable(lost)) => Verdict::NotSent(lost),
                Err(error) => panic!("{error}"),
            }
        };
        timeout(PATIENCE, attempt).await.expect("only the short deadline is waited for")
    }

    #[tokio::test]
    async fn silence_ends_at_the_deadline_of_its_stage_and_others_go_on() {
        let stages = [
            (catcher::Stage::Connect, Stage::Greeting),
            (catcher::Stage::Hello, Stage::Hello),
            (catcher::Stage::Auth, Stage::Auth),
            (catcher::Stage::Mail, Stage::Mail),
            (catcher::Stage::Rcpt, Stage::Recipient),
            (catcher::Stage::Data, Stage::Data),
            (catcher::Stage::Dot, Stage::Dot),
        ];
        for (silent, stage) in stages {
            let options = Options::default().auth().script(move |moment| {
                if moment.connection == 2 && moment.stage == silent { Act::Stall } else { Act::CarryOn }
            });
            let catcher = Catcher::start(loopback(), options).await.unwrap();
            let relay = Relay::parse(&format!("smtp://me:secret@{}", catcher.address())).unwrap();
            let mut healthy = Connection::open(&relay).await.unwrap();
            let stalled = relay.clone().with_deadlines(short(stage));
            let others = async {
                for _ in 0..10 {
                    assert!(matches!(send(&mut healthy, "b@example.org").await, Verdict::Accepted(_)));
                }
            };
            let (verdict, ()) = tokio::join!(try_once(&stalled), others);
            let lost = silence(stage);
            let expected = if stage == Stage::Dot { Verdict::InDoubt(lost) } else { Verdict::NotSent(lost) };
            assert_eq!(verdict, expected);
        }
    }

    #[tokio::test]
    async fn a_relay_that_stops_reading_has_not_got_the_message() {
        let address = by_hand(|mut hand| async move {
            hand.until_data().await;
            std::future::pending().await
        })
        .await;
        let mut connection = Connection::open(&relay(address).with_deadlines(short(Stage::Body))).await.unwrap();
        let message = vec![b'x'; 16 << 20];
        let verdict = timeout(PATIENCE, connection.send(&to("a@example.org"), &message)).await.unwrap();
        assert_eq!(verdict, Verdict::NotSent(silence(Stage::Body)));
        assert!(!connection.is_open());
    }

    #[tokio::test]
    async fn a_relay_that_gives_up_in_mid_message_has_not_got_it() {
        let address = by_hand(|mut hand| async move {
            hand.until_data().await;
            hand.0.read_exact(&mut [0; 1000]).await.unwrap();
            hand.say("421 4.3.2 going down\r\n").await;
        })
        .await;
        let mut connection = Connection::open(&relay(address)).await.unwrap();
        let message = vec![b'x'; 16 << 20];
        let verdict = timeout(PATIENCE, connection.send(&to("a@example.org"), &message)).await.unwrap();
        assert!(matches!(verdict, Verdict::NotSent(Lost { stage: Stage::Body, why: Why::Closing(_) })), "{verdict:?}");
        assert!(!connection.is_open());
    }

    #[tokio::test]
    async fn a_drip_does_not_stretch_the_deadline() {
        let address = by_hand(|mut hand| async move {
            let mut tick = tokio::time::interval(SHORT / 10);
            loop {
                tick.tick().await;
                hand.say("220-wait\r\n").await;
            }
        })
        .await;
        let relay = relay(address).with_deadlines(short(Stage::Greeting));
        assert_eq!(try_once(&relay).await, Verdict::NotSent(silence(Stage::Greeting)));
    }

    #[tokio::test]
    async fn a_timeout_never_shifts_the_next_reply() {
        let catcher = catcher(|moment| match (moment.connection, moment.stage) {
            (1, catcher::Stage::Dot) => Act::Stall,
            (2, catcher::Stage::Dot) if moment.message == 1 => Act::reply(554, "5.6.0 not this one"),
            _ => Act::CarryOn,
        })
        .await;
        let relay = relay(catcher.address()).with_deadlines(short(Stage::Dot));
        let mut connection = Connection::open(&relay).await.unwrap();
        assert_eq!(send(&mut connection, "a@example.org").await, Verdict::InDoubt(silence(Stage::Dot)));
        let not_open = Lost { stage: Stage::Check, why: Why::NotOpen };
        assert_eq!(send(&mut connection, "b@example.org").await, Verdict::NotSent(not_open));

        let mut connection = Connection::open(&relay).await.unwrap();
        assert_eq!(send(&mut connection, "b@example.org").await, refused(Stage::Dot, 554, "5.6.0 not this one"));
        assert!(matches!(send(&mut connection, "c@example.org").await, Verdict::Accepted(_)));
    }

    #[tokio::test]
    async fn a_dropped_send_closes_the_connection() {
        for stage in [catcher::Stage::Mail, catcher::Stage::Rcpt, catcher::Stage::Data, catcher::Stage::Dot] {
            let reached = Arc::new(Notify::new());
            let notify = Arc::clone(&reached);
            let catcher = catcher(move |moment| {
                if moment.stage != stage {
                    return Act::CarryOn;
                }
                notify.notify_one();
                Act::Stall
            })
            .await;
            let mut connection = open(&catcher).await;
            tokio::select! {
                verdict = send(&mut connection, "a@example.org") => panic!("{verdict:?}"),
                () = reached.notified() => {}
            }
            assert!(!connection.is_open(), "{stage:?}");
            let verdict = send(&mut connection, "b@example.org").await;
            assert!(matches!(verdict, Verdict::NotSent(Lost { why: Why::NotOpen, .. })), "{verdict:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_to_the_dot_that_is_neither_yes_nor_no_leaves_doubt() {
        let answers =
            ["354 go on\r\n", "hello\r\n", "199 x\r\n", "2\r\n", "250-yes\r\n550 no\r\n", "\r\n", "250\u{e9}\r\n"];
        for answer in answers {
            let catcher = catcher(move |moment| match moment.stage {
                catcher::Stage::Dot => Act::Raw(answer.into()),
                _ => Act::CarryOn,
            })
            .await;
            let mut connection = open(&catcher).await;
            let verdict = send(&mut connection, "a@example.org").await;
            assert!(matches!(verdict, Verdict::InDoubt(Lost { stage: Stage::Dot, .. })), "{answer:?}: {verdict:?}");
            assert!(!connection.is_open());
        }
    }

    #[tokio::test]
    async fn a_close_behind_the_dot_leaves_doubt_and_a_close_before_it_leaves_none() {
        let closing = [
            (catcher::Stage::Mail, Act::Close),
            (catcher::Stage::Rcpt, Act::Close),
            (catcher::Stage::Data, Act::Close),
            (catcher::Stage::Dot, Act::Close),
            (catcher::Stage::Dot, Act::RecordThenClose),
        ];
        for (stage, act) in closing {
            let taken = act == Act::RecordThenClose;
            let catcher = catcher(move |moment| if moment.stage == stage { act.clone() } else { Act::CarryOn }).await;
            let verdict = try_once(&relay(catcher.address())).await;
            match stage {
                catcher::Stage::Dot => {
                    assert_eq!(verdict, Verdict::InDoubt(Lost { stage: Stage::Dot, why: Why::Closed }));
                    assert_eq!(catcher.accepted(), usize::from(taken));
                }
                _ => assert!(matches!(verdict, Verdict::NotSent(Lost { why: Why::Closed, .. })), "{verdict:?}"),
            }
        }
    }

    #[tokio::test]
    async fn after_421_the_message_is_not_accepted_and_the_connection_is_dead() {
        for stage in [catcher::Stage::Mail, catcher::Stage::Rcpt, catcher::Stage::Data, catcher::Stage::Dot] {
            let catcher = catcher(
                move |moment| {
                    if moment.stage == stage { Act::reply(421, "4.7.0 enough") } else { Act::CarryOn }
                },
            )
            .await;
            let enough = Reply { code: 421, text: "4.7.0 enough".into() };
            match (stage, try_once(&relay(catcher.address())).await) {
                (catcher::Stage::Dot, verdict) => assert_eq!(verdict, refused(Stage::Dot, 421, "4.7.0 enough")),
                (_, Verdict::NotSent(Lost { why: Why::Closing(reply), .. })) => assert_eq!(reply, enough),
                (_, verdict) => panic!("{verdict:?}"),
            }
            assert_eq!(catcher.accepted(), 0);
        }
    }

    #[tokio::test]
    async fn no_answer_but_354_opens_the_message() {
        for answer in ["250 ok", "355 almost", "333 no"] {
            let catcher = catcher(move |moment| match moment.stage {
                catcher::Stage::Data => Act::Raw(format!("{answer}\r\n").into_bytes()),
                _ => Act::CarryOn,
            })
            .await;
            let verdict = try_once(&relay(catcher.address())).await;
            assert!(matches!(verdict, Verdict::NotSent(Lost { stage: Stage::Data, .. })), "{verdict:?}");
            assert!(catcher.mails().is_empty());
        }
    }

    #[tokio::test]
    async fn a_reply_too_many_is_never_taken_for_the_next() {
        for stage in [catcher::Stage::Mail, catcher::Stage::Rcpt, catcher::Stage::Data] {
            let catcher = catcher(move |moment| match moment.stage {
                catcher::Stage::Data if stage == moment.stage => Act::Raw(b"354 go\r\n250 ok\r\n".to_vec()),
                _ if stage == moment.stage => Act::Raw(b"250 ok\r\n250 ok\r\n".to_vec()),
                catcher::Stage::Dot => Act::reply(554, "5.6.0 no"),
                _ => Act::CarryOn,
            })
            .await;
            let verdict = try_once(&relay(catcher.address())).await;
            assert!(matches!(verdict, Verdict::NotSent(Lost { why: Why::Unexpected(_), .. })), "{verdict:?}");
            assert_eq!(catcher.accepted(), 0);
        }
    }

    #[tokio::test]
    async fn a_refusal_too_many_refuses_nobody() {
        for stage in [catcher::Stage::Mail, catcher::Stage::Rcpt, catcher::Stage::Dot] {
            let catcher = catcher(move |moment| match moment.message {
                1 if moment.stage == stage => Act::Raw(b"250 ok\r\n550 5.1.1 no such user\r\n".to_vec()),
                _ => Act::CarryOn,
            })
            .await;
            let mut connection = open(&catcher).await;
            if stage == catcher::Stage::Dot {
                assert!(matches!(send(&mut connection, "a@example.org").await, Verdict::Accepted(_)));
            }
            let verdict = send(&mut connection, "b@example.org").await;
            assert!(matches!(verdict, Verdict::NotSent(Lost { why: Why::Unexpected(_), .. })), "{verdict:?}");
            assert!(!connection.is_open());
        }
    }

    /// Sends to `count` readers, with a new connection whenever one is lost before the dot.
    async fn send_all(catcher: &Catcher, count: usize) {
        let mut connection = open(catcher).await;
        for number in 0..count {
            let address = format!("reader{number}@example.org");
            loop {
                match send(&mut connection, &address).await {
                    Verdict::Accepted(_) => break,
                    Verdict::NotSent(_) => connection = open(catcher).await,
                    verdict => panic!("{verdict:?}"),
                }
            }
        }
    }

    #[tokio::test]
    async fn a_relay_that_closes_every_few_messages_gets_each_once() {
        for act in [Act::reply(421, "4.7.0 too many messages"), Act::Close] {
            let catcher = catcher(move |moment| match moment.stage {
                catcher::Stage::Mail if moment.message > 20 => act.clone(),
                _ => Act::CarryOn,
            })
            .await;
            timeout(PATIENCE, send_all(&catcher, 70)).await.unwrap();
            let readers: Vec<_> = catcher.mails().iter().map(|mail| mail.to[0].clone()).collect();
            let expected: Vec<_> = (0..70).map(|number| format!("reader{number}@example.org")).collect();
            assert_eq!(readers, expected);
            assert_eq!(catcher.connections(), 4);
        }
    }
}

mod connecting {
    use super::*;

    async fn failure(relay: &Relay) -> ConnectError {
        timeout(PATIENCE, Connection::open(relay)).await.unwrap().expect_err("no connection")
    }

    #[tokio::test]
    async fn credentials_are_given_and_refused_ones_are_our_fault() {
        let options = Options::default().auth().script(|moment| match moment.stage {
            catcher::Stage::Auth if moment.credentials != Some(("me@example.org", "s3cret/")) => {
                Act::reply(535, "5.7.8 bad credentials")
            }
            _ => Act::CarryOn,
        });
        let catcher = Catcher::start(loopback(), options).await.unwrap();
        let address = catcher.address();
        let right = Relay::parse(&format!("smtp://me%40example.org:s3cret%2F@{address}")).unwrap();
        let mut connection = Connection::open(&right).await.unwrap();
        assert!(matches!(send(&mut connection, "a@example.org").await, Verdict::Accepted(_)));

        let error = failure(&Relay::parse(&format!("smtp://me:wrong@{address}")).unwrap()).await;
        assert_eq!(error, ConnectError::Authentication(Reply { code: 535, text: "5.7.8 bad credentials".into() }));
        assert!(error.is_ours() && !error.to_string().contains("wrong"));
    }

    #[tokio::test]
    async fn login_is_spoken_where_plain_is_not_offered() {
        let mut options = Options::default();
        options.extensions.push("AUTH LOGIN CRAM-MD5".into());
        let options = options.script(|moment| match moment.stage {
            catcher::Stage::Auth if moment.credentials != Some(("me", "secret")) => Act::reply(535, "no"),
            _ => Act::CarryOn,
        });
        let catcher = Catcher::start(loopback(), options).await.unwrap();
        let relay = Relay::parse(&format!("smtp://me:secret@{}", catcher.address())).unwrap();
        let mut connection = Connection::open(&relay).await.unwrap();
        assert!(matches!(send(&mut connection, "a@example.org").await, Verdict::Accepted(_)));
    }

    #[tokio::test]
    async fn a_temporary_refusal_to_log_in_is_not_our_fault() {
        let options = Options::default().auth().script(|moment| match moment.stage {
            catcher::Stage::Auth => Act::reply(454, "4.7.0 directory is down"),
            _ => Act::CarryOn,
        });
        let catcher = Catcher::start(loopback(), options).await.unwrap();
        let error = failure(&Relay::parse(&format!("smtp://me:secret@{}", catcher.address())).unwrap()).await;
        assert!(matches!(error, ConnectError::Refused { stage: Stage::Auth, .. }), "{error:?}");
        assert!(error.is_temporary() && !error.is_ours());
    }

    #[tokio::test]
    async fn a_refusal_keeps_its_stage_and_words() {
        for (at, stage) in [(catcher::Stage::Connect, Stage::Greeting), (catcher::Stage::Hello, Stage::Hello)] {
            for (code, temporary) in [(421, true), (450, true), (554, false)] {
                let catcher =
                    catcher(
                        move |moment| {
                            if moment.stage == at { Act::reply(code, "5.7.1 not you") } else { Act::CarryOn }
                        },
                    )
                    .await;
                let error = failure(&relay(catcher.address())).await;
                let reply = Reply { code, text: "5.7.1 not you".into() };
                assert_eq!(error, ConnectError::Refused { stage, reply });
                assert_eq!((error.is_temporary(), error.is_ours()), (temporary, false));
            }
        }
    }

    #[tokio::test]
    async fn who_is_not_there_or_speaks_no_smtp_is_unreachable() {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let nobody = listener.local_addr().unwrap();
        drop(listener);
        let error = failure(&relay(nobody)).await;
        assert!(matches!(error, ConnectError::Unreachable(Lost { stage: Stage::Connect, .. })), "{error:?}");

        for words in ["HTTP/1.1 400 Bad Request\r\n", "220 hi\r\n220 hi\r\n", "354 go\r\n", ""] {
            let address = by_hand(move |mut hand| async move { hand.say(words).await }).await;
            let error = failure(&relay(address)).await;
            assert!(matches!(error, ConnectError::Unreachable(Lost { stage: Stage::Greeting, .. })), "{error:?}");
            assert!(error.is_temporary());
        }
        for words in ["250 hi\r\n250 again\r\n", "250 hi\r\n25", "220\u{e9}\r\n", "350 hm\r\n"] {
            let address = by_hand(move |mut hand| async move {
                hand.say("220 hand\r\n").await;
                hand.hear().await;
                hand.say(words).await;
            })
            .await;
            let error = failure(&relay(address)).await;
            assert!(matches!(error, ConnectError::Unreachable(Lost { stage: Stage::Hello, .. })), "{error:?}");
        }
    }
}

mod tls {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::{ServerConfig, crypto::ring};

    use super::*;

    /// An authority that the relay under test trusts.
    struct Authority {
        issuer: Issuer<'static, KeyPair>,
        pem: String,
    }

    impl Authority {
        fn new() -> Self {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().unwrap();
            let pem = params.self_signed(&key).unwrap().pem();
            Self { issuer: Issuer::new(params, key), pem }
        }

        /// A server's certificate for `name`, mended by `change`, in an acceptor.
        fn certify(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> TlsAcceptor {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            change(&mut params);
            let key = KeyPair::generate().unwrap();
            let certificate = params.signed_by(&key, &self.issuer).unwrap();
            acceptor(certificate.der().clone(), &key)
        }
    }

    fn self_signed() -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        acceptor(params.self_signed(&key).unwrap().der().clone(), &key)
    }

    fn acceptor(certificate: tokio_rustls::rustls::pki_types::CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key.serialize_der().try_into().unwrap())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    /// A catcher that offers AUTH and notes what it is asked; nothing of value may reach it.
    async fn wary() -> (Catcher, Arc<Mutex<Vec<catcher::Stage>>>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        let options = Options::default().auth().script(move |moment| {
            notes.lock().unwrap().push(moment.stage);
            Act::CarryOn
        });
        (Catcher::start(loopback(), options).await.unwrap(), seen)
    }

    /// TLS from the first byte, the catcher behind it.
    async fn implicit(catcher: &Catcher, acceptor: TlsAcceptor) -> SocketAddr {
        let behind = catcher.address();
        by_hand(move |hand| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut tls) = acceptor.accept(hand.0).await else { return };
                let mut catcher = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut tls, &mut catcher).await;
            }
        })
        .await
    }

    /// STARTTLS answered with `answer`, then TLS, the catcher behind it.
    async fn start_tls(catcher: &Catcher, acceptor: TlsAcceptor, answer: &'static str) -> SocketAddr {
        let behind = catcher.address();
        by_hand(move |mut hand| {
            let acceptor = acceptor.clone();
            async move {
                hand.say("220 hand\r\n").await;
                assert!(hand.hear().await.starts_with("EHLO "));
                hand.say("250-hand\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n").await;
                let asked = hand.hear().await;
                assert!(asked == "STARTTLS\r\n" || asked.is_empty(), "nothing but STARTTLS in the clear: {asked:?}");
                hand.say(answer).await;
                let Ok(mut tls) = acceptor.accept(hand.0).await else { return };
                let mut catcher = BufReader::new(TcpStream::connect(behind).await.unwrap());
                catcher.read_line(&mut String::new()).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut tls, &mut catcher).await;
            }
        })
        .await
    }

    fn url(kind: &str, address: SocketAddr) -> String {
        match kind {
            "implicit" => format!("smtps://me:secret@localhost:{}", address.port()),
            _ => format!("smtp://me:secret@localhost:{}?tls=required", address.port()),
        }
    }

    async fn unsafe_error(url: &str, authority: &Authority) -> String {
        let relay = Relay::parse(url).unwrap().trusting(authority.pem.as_bytes()).unwrap();
        match timeout(PATIENCE, Connection::open(&relay)).await.unwrap() {
            Err(error @ ConnectError::Tls(_)) => {
                assert!(error.is_ours() && !error.is_temporary());
                error.to_string()
            }
            other => panic!("{other:?}"),
        }
    }

    const READY: &str = "220 2.0.0 go ahead\r\n";

    #[tokio::test]
    async fn a_trusted_relay_gets_credentials_and_mail_inside_tls() {
        let authority = Authority::new();
        for kind in ["implicit", "starttls"] {
            let (catcher, seen) = wary().await;
            let acceptor = authority.certify("localhost", |_| {});
            let address = match kind {
                "implicit" => implicit(&catcher, acceptor).await,
                _ => start_tls(&catcher, acceptor, READY).await,
            };
            let relay = Relay::parse(&url(kind, address)).unwrap().trusting(authority.pem.as_bytes()).unwrap();
            let mut connection = timeout(PATIENCE, Connection::open(&relay)).await.unwrap().unwrap();
            for _ in 0..3 {
                assert!(matches!(send(&mut connection, "a@example.org").await, Verdict::Accepted(_)));
            }
            let large = "0123456789\r\n".repeat(100_000);
            let verdict = timeout(PATIENCE, connection.send(&to("a@example.org"), large.as_bytes())).await.unwrap();
            assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
            assert!(catcher.mails()[3].raw == large.as_bytes());
            assert!(seen.lock().unwrap().contains(&catcher::Stage::Auth), "{kind}");
        }
    }

    #[tokio::test]
    async fn a_relay_that_cannot_prove_itself_gets_neither_credentials_nor_mail() {
        let authority = Authority::new();
        let expire = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        for kind in ["implicit", "starttls"] {
            let acceptors = [
                ("self-signed", self_signed()),
                ("wrong host", authority.certify("other.example", |_| {})),
                ("expired", authority.certify("localhost", expire)),
                ("unknown authority", Authority::new().certify("localhost", |_| {})),
            ];
            for (why, acceptor) in acceptors {
                let (catcher, seen) = wary().await;
                let address = match kind {
                    "implicit" => implicit(&catcher, acceptor).await,
                    _ => start_tls(&catcher, acceptor, READY).await,
                };
                let error = unsafe_error(&url(kind, address), &authority).await;
                assert!(error.contains("certificate"), "{why}: {error}");
                assert!(seen.lock().unwrap().is_empty(), "{kind}, {why}");
            }
        }
    }

    #[tokio::test]
    async fn starttls_that_was_stripped_ends_before_auth() {
        let authority = Authority::new();
        let (catcher, seen) = wary().await;
        let error = unsafe_error(&url("starttls", catcher.address()), &authority).await;
        assert!(error.contains("STARTTLS"), "{error}");
        assert_eq!(*seen.lock().unwrap(), [catcher::Stage::Connect, catcher::Stage::Hello]);
    }

    #[tokio::test]
    async fn bytes_behind_the_answer_to_starttls_end_the_connection() {
        let authority = Authority::new();
        for answer in ["220 go ahead\r\n250 injected\r\n", "220 go ahead\r\n2", "220 go ahead\r\n\r\n"] {
            let (catcher, seen) = wary().await;
            let address = start_tls(&catcher, authority.certify("localhost", |_| {}), answer).await;
            let error = unsafe_error(&url("starttls", address), &authority).await;
            assert!(error.contains("follows its answer"), "{error}");
            assert!(seen.lock().unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn auth_that_is_offered_in_the_clear_only_is_not_used() {
        let authority = Authority::new();
        for kind in ["implicit", "starttls"] {
            let catcher = catcher(|_| Act::CarryOn).await;
            let acceptor = authority.certify("localhost", |_| {});
            let address = match kind {
                "implicit" => implicit(&catcher, acceptor).await,
                _ => start_tls(&catcher, acceptor, READY).await,
            };
            let relay = Relay::parse(&url(kind, address)).unwrap().trusting(authority.pem.as_bytes()).unwrap();
            let error = timeout(PATIENCE, Connection::open(&relay)).await.unwrap().unwrap_err();
            assert!(matches!(error, ConnectError::Authentication(_)), "{error:?}");
            assert!(error.to_string().contains("AUTH"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_silent_handshake_ends_at_its_deadline() {
        let address = by_hand(|hand| async move {
            std::future::pending::<()>().await;
            drop(hand);
        })
        .await;
        let deadlines = Deadlines { connect: SHORT, ..Deadlines::default() };
        let relay = Relay::parse(&url("implicit", address)).unwrap().with_deadlines(deadlines);
        let error = timeout(PATIENCE, Connection::open(&relay)).await.unwrap().unwrap_err();
        assert_eq!(error, ConnectError::Unreachable(Lost { stage: Stage::Handshake, why: Why::Silence(SHORT) }));
    }
}
