use super::*;

#[tokio::test]
async fn the_relay_gets_the_message_byte_for_byte() {
    for mode in MODES {
        let catcher = catcher(|_| Act::CarryOn).await;
        let mut connection = open(&catcher, mode).await;
        let messages = ["", ".", ".\r\n", "..\r\n.a\r\n\r\n.", "no line end", "a\r\n", "\r\n.\r\n.\r\n", "é\r\n"];
        for message in messages {
            let verdict =
                timeout(PATIENCE, connection.send(&Mail::new(to("a@example.org"), message.as_bytes()))).await.unwrap();
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
}

#[tokio::test]
async fn a_large_message_arrives_whole() {
    for mode in MODES {
        let catcher = catcher(|_| Act::CarryOn).await;
        let mut connection = open(&catcher, mode).await;
        let message = "0123456789\r\n.\r\n".repeat(200_000);
        let verdict =
            timeout(PATIENCE, connection.send(&Mail::new(to("a@example.org"), message.as_bytes()))).await.unwrap();
        assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
        assert!(catcher.mails()[0].raw == message.as_bytes());
    }
}

#[tokio::test]
async fn a_refused_reader_costs_the_next_one_nothing() {
    for mode in MODES {
        let catcher = catcher(|moment| match (moment.stage, moment.to) {
            (catcher::Stage::Rcpt, [to]) if to.starts_with("gone") => Act::reply(550, "5.1.1 no such user"),
            (catcher::Stage::Dot, [to]) if to.starts_with("spam") => Act::reply(554, "5.7.1 blocked"),
            (catcher::Stage::Mail, _) if moment.message == 7 => Act::reply(451, "4.3.0 later"),
            (catcher::Stage::Data, _) if moment.message == 8 => Act::reply(451, "4.3.0 later"),
            _ => Act::CarryOn,
        })
        .await;
        let mut connection = open(&catcher, mode).await;
        // BDAT is answered once.
        let at_data = if mode == CHUNKED { Stage::Dot } else { Stage::Data };
        for _ in 0..2 {
            assert_eq!(
                send(&mut connection, "gone@example.org").await,
                refused(Stage::Recipient, 550, "5.1.1 no such user")
            );
            assert!(matches!(send(&mut connection, "here@example.org").await, Verdict::Accepted(_)));
            assert_eq!(send(&mut connection, "spam@example.org").await, refused(Stage::Dot, 554, "5.7.1 blocked"));
        }
        assert_eq!(send(&mut connection, "here@example.org").await, refused(Stage::Mail, 451, "4.3.0 later"));
        assert_eq!(send(&mut connection, "here@example.org").await, refused(at_data, 451, "4.3.0 later"));
        assert!(matches!(send(&mut connection, "here@example.org").await, Verdict::Accepted(_)));
        assert_eq!((catcher.connections(), catcher.accepted()), (1, 3));
    }
}

#[tokio::test]
async fn each_refusal_has_its_class() {
    for mode in MODES {
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
        let mut connection = open(&catcher, mode).await;
        for (code, text, class) in replies {
            let verdict = send(&mut connection, "a@example.org").await;
            assert_eq!(verdict, refused(Stage::Recipient, code, text));
            assert_eq!(class_of(&verdict), class, "{text}");
        }
        assert!(connection.is_open());
    }
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
    let mut connection = open(&catcher, Mode::Sequence).await;
    let cases: [(&str, &[u8], ReplyClass); 5] = [
        ("a@example.org", &[b'x'; 101], ReplyClass::Content),
        ("josé@example.org", MESSAGE, ReplyClass::AddressForm),
        ("a@example.org", "é\r\n".as_bytes(), ReplyClass::Content),
        ("a@example.org", b"a\n.\nMAIL FROM:<b@example.org>\r\n", ReplyClass::Content),
        ("a@example.org", b"a\r.\rb\r\n", ReplyClass::Content),
    ];
    for (address, message, class) in cases {
        let verdict = connection.send(&Mail::new(to(address), message)).await;
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
    for mode in MODES {
        let catcher = catcher(|_| Act::CarryOn).await;
        let mut connection = open(&catcher, mode).await;
        assert!(matches!(send(&mut connection, "josé@example.org").await, Verdict::Accepted(_)));
        assert_eq!(catcher.mails()[0].to, ["josé@example.org"]);
    }
}

#[tokio::test]
async fn replies_are_understood_a_byte_at_a_time() {
    for mode in MODES {
        let catcher = catcher(move |moment| {
            let text = match moment.stage {
                catcher::Stage::Hello if mode == Mode::Sequence => "250-me\r\n250-SIZE 1000\r\n250 8BITMIME\r\n",
                catcher::Stage::Connect => "220-one\r\n220-two\r\n220 three\r\n",
                catcher::Stage::Hello => "250-me\r\n250-size 1000\r\n250-chunking\r\n250 PIPELINING\r\n",
                catcher::Stage::Data if mode == CHUNKED => return Act::CarryOn,
                catcher::Stage::Data => "354-go\r\n354 on\r\n",
                catcher::Stage::Dot if moment.message == 2 => "550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user\r\n",
                _ => "250-2.0.0 yes\r\n250 2.0.0 indeed\r\n",
            };
            Act::Drip(text.into())
        })
        .await;
        let mut connection = open(&catcher, mode).await;
        let capabilities = connection.capabilities();
        assert_eq!(capabilities.size, Some(1000));
        assert_eq!((capabilities.eight_bit, capabilities.pipelining), (mode == Mode::Sequence, mode != Mode::Sequence));
        let yes = Reply { code: 250, text: "2.0.0 yes indeed".into() };
        assert_eq!(send(&mut connection, "a@example.org").await, Verdict::Accepted(yes));
        assert_eq!(send(&mut connection, "a@example.org").await, refused(Stage::Dot, 550, "5.1.1 no such user"));
    }
}
