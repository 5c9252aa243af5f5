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
async fn a_relay_without_a_mechanism_that_we_know_is_told_with_those_that_it_has() {
    let mut options = Options::default();
    options.extensions.push("AUTH CRAM-MD5 XOAUTH2".into());
    let catcher = Catcher::start(loopback(), options).await.unwrap();
    let error = failure(&Relay::parse(&format!("smtp://me:secret@{}", catcher.address())).unwrap()).await;
    assert_eq!(error, ConnectError::NoAuth(vec!["CRAM-MD5".to_owned(), "XOAUTH2".to_owned()]));
    assert!(error.to_string().contains("it offers CRAM-MD5, XOAUTH2"), "{error}");
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
            let catcher = catcher(
                move |moment| {
                    if moment.stage == at { Act::reply(code, "5.7.1 not you") } else { Act::CarryOn }
                },
            )
            .await;
            let error = failure(&relay(catcher.address(), Mode::Pipelined)).await;
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
    let error = failure(&relay(nobody, Mode::Pipelined)).await;
    assert!(matches!(error, ConnectError::Unreachable(Lost { stage: Stage::Connect, .. })), "{error:?}");

    for words in ["HTTP/1.1 400 Bad Request\r\n", "220 hi\r\n220 hi\r\n", "354 go\r\n", ""] {
        let address = by_hand(move |mut hand| async move { hand.say(words).await }).await;
        let error = failure(&relay(address, Mode::Pipelined)).await;
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
        let error = failure(&relay(address, Mode::Pipelined)).await;
        assert!(matches!(error, ConnectError::Unreachable(Lost { stage: Stage::Hello, .. })), "{error:?}");
    }
}
