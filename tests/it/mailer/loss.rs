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
                let verdict = connection.send(&Mail::new(to("a@example.org"), MESSAGE)).await;
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
    for mode in MODES {
        let stages = [
            (catcher::Stage::Connect, Stage::Greeting),
            (catcher::Stage::Hello, Stage::Hello),
            (catcher::Stage::Auth, Stage::Auth),
            (catcher::Stage::Mail, Stage::Mail),
            (catcher::Stage::Rcpt, Stage::Recipient),
            // BDAT is answered once.
            (catcher::Stage::Data, if mode == CHUNKED { Stage::Dot } else { Stage::Data }),
            (catcher::Stage::Dot, Stage::Dot),
        ];
        for (silent, stage) in stages {
            let options = Options::default().auth().script(move |moment| {
                if moment.connection == 2 && moment.stage == silent { Act::Stall } else { Act::CarryOn }
            });
            let catcher = Catcher::start(loopback(), options).await.unwrap();
            let relay = Relay::parse(&format!("smtp://me:secret@{}", catcher.address())).unwrap();
            let relay = in_mode(relay, mode);
            let mut healthy = Connection::open(&relay).await.unwrap();
            let stalled = relay.clone().with_deadlines(short(stage));
            let others = async {
                for _ in 0..10 {
                    assert!(matches!(send(&mut healthy, "b@example.org").await, Verdict::Accepted(_)));
                }
            };
            let (verdict, ()) = tokio::join!(try_once(&stalled), others);
            // In one piece with its commands, the message may have been taken while they were answered.
            let was_sent = match stage {
                Stage::Dot => true,
                Stage::Mail | Stage::Recipient => mode == CHUNKED,
                _ => false,
            };
            let lost = silence(stage);
            assert_eq!(verdict, if was_sent { Verdict::InDoubt(lost) } else { Verdict::NotSent(lost) });
        }
    }
}

#[tokio::test]
async fn a_relay_that_stops_reading_has_not_got_the_message() {
    for mode in MODES {
        let address = by_hand(|mut hand| async move {
            hand.until_message().await;
            std::future::pending().await
        })
        .await;
        let mut connection = Connection::open(&relay(address, mode).with_deadlines(short(Stage::Body))).await.unwrap();
        let message = vec![b'x'; 16 << 20];
        let verdict = timeout(PATIENCE, connection.send(&Mail::new(to("a@example.org"), message))).await.unwrap();
        assert_eq!(verdict, Verdict::NotSent(silence(Stage::Body)));
        assert!(!connection.is_open());
    }
}

#[tokio::test]
async fn a_relay_that_gives_up_in_mid_message_has_not_got_it() {
    for mode in MODES {
        let address = by_hand(|mut hand| async move {
            hand.until_message().await;
            hand.0.read_exact(&mut [0; 1000]).await.unwrap();
            hand.say("421 4.3.2 going down\r\n").await;
        })
        .await;
        let mut connection = Connection::open(&relay(address, mode)).await.unwrap();
        let message = vec![b'x'; 16 << 20];
        let verdict = timeout(PATIENCE, connection.send(&Mail::new(to("a@example.org"), message))).await.unwrap();
        assert!(matches!(verdict, Verdict::NotSent(Lost { stage: Stage::Body, why: Why::Closing(_) })), "{verdict:?}");
        assert!(!connection.is_open());
    }
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
    let relay = relay(address, Mode::Pipelined).with_deadlines(short(Stage::Greeting));
    assert_eq!(try_once(&relay).await, Verdict::NotSent(silence(Stage::Greeting)));
}

#[tokio::test]
async fn a_timeout_never_shifts_the_next_reply() {
    for mode in MODES {
        let catcher = catcher(|moment| match (moment.connection, moment.stage) {
            (1, catcher::Stage::Dot) => Act::Stall,
            (2, catcher::Stage::Dot) if moment.message == 1 => Act::reply(554, "5.6.0 not this one"),
            _ => Act::CarryOn,
        })
        .await;
        let relay = relay(catcher.address(), mode).with_deadlines(short(Stage::Dot));
        let mut connection = Connection::open(&relay).await.unwrap();
        assert_eq!(send(&mut connection, "a@example.org").await, Verdict::InDoubt(silence(Stage::Dot)));
        let not_open = Lost { stage: Stage::Check, why: Why::NotOpen };
        assert_eq!(send(&mut connection, "b@example.org").await, Verdict::NotSent(not_open));

        let mut connection = Connection::open(&relay).await.unwrap();
        assert_eq!(send(&mut connection, "b@example.org").await, refused(Stage::Dot, 554, "5.6.0 not this one"));
        assert!(matches!(send(&mut connection, "c@example.org").await, Verdict::Accepted(_)));
    }
}

#[tokio::test]
async fn a_dropped_send_closes_the_connection() {
    for mode in MODES {
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
            let mut connection = open(&catcher, mode).await;
            tokio::select! {
                verdict = send(&mut connection, "a@example.org") => panic!("{verdict:?}"),
                () = reached.notified() => {}
            }
            assert!(!connection.is_open(), "{stage:?}");
            let verdict = send(&mut connection, "b@example.org").await;
            assert!(matches!(verdict, Verdict::NotSent(Lost { why: Why::NotOpen, .. })), "{verdict:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_to_the_dot_that_is_neither_yes_nor_no_leaves_doubt() {
    for mode in MODES {
        let answers =
            ["354 go on\r\n", "hello\r\n", "199 x\r\n", "2\r\n", "250-yes\r\n550 no\r\n", "\r\n", "250\u{e9}\r\n"];
        for answer in answers {
            let catcher = catcher(move |moment| match moment.stage {
                catcher::Stage::Dot => Act::Raw(answer.into()),
                _ => Act::CarryOn,
            })
            .await;
            let mut connection = open(&catcher, mode).await;
            let verdict = send(&mut connection, "a@example.org").await;
            assert!(matches!(verdict, Verdict::InDoubt(Lost { stage: Stage::Dot, .. })), "{answer:?}: {verdict:?}");
            assert!(!connection.is_open());
        }
    }
}

#[tokio::test]
async fn a_close_behind_the_message_leaves_doubt_and_a_close_before_it_leaves_none() {
    for mode in MODES {
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
            let verdict = try_once(&relay(catcher.address(), mode)).await;
            match stage {
                catcher::Stage::Dot => {
                    assert_eq!(verdict, Verdict::InDoubt(Lost { stage: Stage::Dot, why: Why::Closed }));
                    assert_eq!(catcher.accepted(), usize::from(taken));
                }
                _ if mode == CHUNKED => {
                    assert!(matches!(verdict, Verdict::InDoubt(Lost { why: Why::Closed, .. })), "{verdict:?}");
                }
                _ => assert!(matches!(verdict, Verdict::NotSent(Lost { why: Why::Closed, .. })), "{verdict:?}"),
            }
        }
    }
}

#[tokio::test]
async fn after_421_the_message_is_not_accepted_and_the_connection_is_dead() {
    for mode in MODES {
        for stage in [catcher::Stage::Mail, catcher::Stage::Rcpt, catcher::Stage::Data, catcher::Stage::Dot] {
            let catcher = catcher(
                move |moment| {
                    if moment.stage == stage { Act::reply(421, "4.7.0 enough") } else { Act::CarryOn }
                },
            )
            .await;
            let enough = Reply { code: 421, text: "4.7.0 enough".into() };
            match (stage, try_once(&relay(catcher.address(), mode)).await) {
                (catcher::Stage::Data, verdict) if mode == CHUNKED => {
                    assert_eq!(verdict, refused(Stage::Dot, 421, "4.7.0 enough"));
                }
                (catcher::Stage::Dot, verdict) => assert_eq!(verdict, refused(Stage::Dot, 421, "4.7.0 enough")),
                (_, Verdict::NotSent(Lost { why: Why::Closing(reply), .. })) => assert_eq!(reply, enough),
                (_, verdict) => panic!("{verdict:?}"),
            }
            assert_eq!(catcher.accepted(), 0);
        }
    }
}

#[tokio::test]
async fn no_answer_but_354_opens_the_message() {
    for mode in [Mode::Sequence, Mode::Pipelined] {
        for answer in ["250 ok", "355 almost", "333 no"] {
            let catcher = catcher(move |moment| match moment.stage {
                catcher::Stage::Data => Act::Raw(format!("{answer}\r\n").into_bytes()),
                _ => Act::CarryOn,
            })
            .await;
            let verdict = try_once(&relay(catcher.address(), mode)).await;
            assert!(matches!(verdict, Verdict::NotSent(Lost { stage: Stage::Data, .. })), "{verdict:?}");
            assert!(catcher.mails().is_empty());
        }
    }
}

#[tokio::test]
async fn a_reply_too_many_is_never_taken_for_the_next() {
    for mode in [Mode::Sequence, Mode::Pipelined] {
        for stage in [catcher::Stage::Mail, catcher::Stage::Rcpt, catcher::Stage::Data] {
            let catcher = catcher(move |moment| match moment.stage {
                catcher::Stage::Data if stage == moment.stage => Act::Raw(b"354 go\r\n250 ok\r\n".to_vec()),
                _ if stage == moment.stage => Act::Raw(b"250 ok\r\n250 ok\r\n".to_vec()),
                catcher::Stage::Dot => Act::reply(554, "5.6.0 no"),
                _ => Act::CarryOn,
            })
            .await;
            let verdict = try_once(&relay(catcher.address(), mode)).await;
            assert!(matches!(verdict, Verdict::NotSent(Lost { why: Why::Unexpected(_), .. })), "{verdict:?}");
            assert_eq!(catcher.accepted(), 0);
        }
    }
}

#[tokio::test]
async fn a_refusal_too_many_refuses_nobody() {
    for mode in [Mode::Sequence, Mode::Pipelined] {
        for stage in [catcher::Stage::Mail, catcher::Stage::Rcpt, catcher::Stage::Dot] {
            let catcher = catcher(move |moment| match moment.message {
                1 if moment.stage == stage => Act::Raw(b"250 ok\r\n550 5.1.1 no such user\r\n".to_vec()),
                _ => Act::CarryOn,
            })
            .await;
            let mut connection = open(&catcher, mode).await;
            if stage == catcher::Stage::Dot {
                assert!(matches!(send(&mut connection, "a@example.org").await, Verdict::Accepted(_)));
            }
            let verdict = send(&mut connection, "b@example.org").await;
            assert!(matches!(verdict, Verdict::NotSent(Lost { why: Why::Unexpected(_), .. })), "{verdict:?}");
            assert!(!connection.is_open());
        }
    }
}

/// A reply to BDAT looks like those to MAIL and RCPT, so which of them was one too many cannot be told.
#[tokio::test]
async fn with_chunks_a_reply_too_many_leaves_doubt() {
    for stage in [catcher::Stage::Mail, catcher::Stage::Rcpt, catcher::Stage::Data, catcher::Stage::Dot] {
        for surplus in ["250 ok", "550 5.1.1 no such user"] {
            let catcher = catcher(move |moment| match moment.stage {
                _ if moment.stage == stage => Act::Raw(format!("250 ok\r\n{surplus}\r\n").into_bytes()),
                _ => Act::CarryOn,
            })
            .await;
            let verdict = try_once(&relay(catcher.address(), CHUNKED)).await;
            assert!(matches!(verdict, Verdict::InDoubt(Lost { why: Why::Unexpected(_), .. })), "{verdict:?}");
        }
    }
}

/// Sends to `count` readers, with a new connection whenever one is lost before the dot.
async fn send_all(catcher: &Catcher, count: usize, mode: Mode) {
    let mut connection = open(catcher, mode).await;
    for number in 0..count {
        let address = format!("reader{number}@example.org");
        loop {
            match send(&mut connection, &address).await {
                Verdict::Accepted(_) => break,
                Verdict::NotSent(_) => connection = open(catcher, mode).await,
                verdict => panic!("{verdict:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_relay_that_closes_every_few_messages_gets_each_once() {
    let enough = Act::reply(421, "4.7.0 too many messages");
    let forms = [
        (Mode::Sequence, Act::Close),
        (Mode::Pipelined, Act::Close),
        (Mode::Sequence, enough.clone()),
        (Mode::Pipelined, enough.clone()),
        (CHUNKED, enough),
    ];
    for (mode, act) in forms {
        let catcher = catcher(move |moment| match moment.stage {
            catcher::Stage::Mail if moment.message > 20 => act.clone(),
            _ => Act::CarryOn,
        })
        .await;
        timeout(PATIENCE, send_all(&catcher, 70, mode)).await.unwrap();
        let readers: Vec<_> = catcher.mails().iter().map(|mail| mail.to[0].clone()).collect();
        let expected: Vec<_> = (0..70).map(|number| format!("reader{number}@example.org")).collect();
        assert_eq!(readers, expected);
        assert_eq!(catcher.connections(), 4);
    }
}
