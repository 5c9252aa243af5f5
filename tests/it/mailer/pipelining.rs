use std::collections::BTreeMap;
use std::io::ErrorKind;

use super::*;

/// Puts a mail on the wire with the envelope of the next.
async fn submit(connection: &mut Connection, address: &str, next: Option<&str>) {
    timeout(PATIENCE, connection.submit(&mail(address), next.map(mail).as_ref())).await.unwrap();
}

async fn verdict(connection: &mut Connection) -> Verdict {
    timeout(PATIENCE, connection.verdict()).await.unwrap().expect("a mail is in flight")
}

/// Sends to everybody with the next envelope behind each dot; the verdicts in order.
async fn send_behind(connection: &mut Connection, addresses: &[&str]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (number, address) in addresses.iter().enumerate() {
        submit(connection, address, addresses.get(number + 1).copied()).await;
        verdicts.push(verdict(connection).await);
    }
    verdicts
}

/// Sends to everybody with as many in flight as there is room for; the verdicts in order.
async fn send_through_window(connection: &mut Connection, addresses: &[&str]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let mut rest = addresses.iter();
    while verdicts.len() < addresses.len() {
        while connection.room() > 0
            && let Some(address) = rest.next()
        {
            submit(connection, address, None).await;
        }
        match timeout(PATIENCE, connection.verdict()).await.unwrap() {
            Some(verdict) => verdicts.push(verdict),
            None => break,
        }
    }
    verdicts
}

#[tokio::test]
async fn the_next_envelope_is_there_before_the_answer_to_the_dot() {
    let address = by_hand(|mut hand| async move {
        hand.greet().await;
        hand.hear_until("DATA").await;
        hand.say("250 mail\r\n250 rcpt\r\n354 data\r\n").await;
        for _ in 0..2 {
            hand.hear_until(".\r\n").await;
            // Nothing is answered before the next envelope is whole.
            assert!(hand.hear().await.starts_with("MAIL "));
            assert!(hand.hear().await.starts_with("RCPT "));
            assert!(hand.hear().await.starts_with("DATA"));
            hand.say("250 taken\r\n250 mail\r\n250 rcpt\r\n354 data\r\n").await;
        }
        hand.hear_until(".\r\n").await;
        hand.say("250 taken\r\n").await;
        assert_eq!(hand.hear().await, "QUIT\r\n");
    })
    .await;
    let mut connection = Connection::open(&relay(address, Mode::Pipelined)).await.unwrap();
    let verdicts = send_behind(&mut connection, &["a@example.org", "b@example.org", "c@example.org"]).await;
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Accepted(_))), "{verdicts:?}");
    connection.quit().await;
}

#[tokio::test]
async fn a_whole_window_is_there_before_the_first_answer() {
    let address = by_hand(|mut hand| async move {
        hand.greet().await;
        for message in 0..4 {
            assert_eq!(hand.hear().await == "RSET\r\n", message > 0);
            hand.hear_until("BDAT ").await;
            hand.0.read_exact(&mut [0; MESSAGE.len()]).await.unwrap();
        }
        hand.say("250 mail\r\n250 rcpt\r\n250 taken\r\n").await;
        for _ in 0..3 {
            hand.say("250 reset\r\n250 mail\r\n250 rcpt\r\n250 taken\r\n").await;
        }
        hand.hear().await;
    })
    .await;
    let mut connection = Connection::open(&relay(address, CHUNKED)).await.unwrap();
    let verdicts = send_through_window(&mut connection, &["a@example.org"; 4]).await;
    assert_eq!(verdicts.len(), 4);
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Accepted(_))), "{verdicts:?}");
}

#[tokio::test]
async fn a_relay_without_pipelining_hears_one_command_at_a_time() {
    let address = by_hand(|mut hand| async move {
        hand.say("220 hand\r\n").await;
        hand.hear().await;
        hand.say("250-hand\r\n250 CHUNKING\r\n").await;
        for _ in 0..2 {
            for answer in ["250 mail\r\n", "250 rcpt\r\n", "354 data\r\n"] {
                hand.hear().await;
                let more = hand.0.get_ref().try_read(&mut [0]);
                assert!(hand.0.buffer().is_empty() && more.is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
                hand.say(answer).await;
            }
            hand.hear_until(".\r\n").await;
            hand.say("250 taken\r\n").await;
        }
    })
    .await;
    let mut connection = Connection::open(&relay(address, CHUNKED)).await.unwrap();
    assert_eq!(connection.mode(), Mode::Sequence);
    let verdicts = send_behind(&mut connection, &["a@example.org", "b@example.org"]).await;
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Accepted(_))), "{verdicts:?}");
}

#[tokio::test]
async fn who_is_refused_in_a_pipeline_costs_nobody_else() {
    let addresses =
        ["a@example.org", "gone@example.org", "b@example.org", "spam@example.org", "gone@example.org", "c@example.org"];
    for mode in MODES {
        let catcher = catcher(|moment| match (moment.stage, moment.to) {
            (catcher::Stage::Rcpt, [to]) if to.starts_with("gone") => Act::reply(550, "5.1.1 no such user"),
            (catcher::Stage::Dot, [to]) if to.starts_with("spam") => Act::reply(554, "5.7.1 blocked"),
            _ => Act::CarryOn,
        })
        .await;
        let mut connection = open(&catcher, mode).await;
        let verdicts = match mode {
            Mode::Chunked { .. } => send_through_window(&mut connection, &addresses).await,
            _ => send_behind(&mut connection, &addresses).await,
        };
        let gone = refused(Stage::Recipient, 550, "5.1.1 no such user");
        let taken = |verdict: &Verdict| matches!(verdict, Verdict::Accepted(_));
        assert!(taken(&verdicts[0]) && taken(&verdicts[2]) && taken(&verdicts[5]), "{verdicts:?}");
        assert_eq!((&verdicts[1], &verdicts[4]), (&gone, &gone));
        assert_eq!(verdicts[3], refused(Stage::Dot, 554, "5.7.1 blocked"));
        assert_eq!((catcher.connections(), catcher.accepted()), (1, 3));
        assert!(connection.is_open());
        connection.quit().await;
    }
}

#[tokio::test]
async fn a_next_reader_who_has_left_costs_that_connection_and_nothing_else() {
    let catcher = catcher(|_| Act::CarryOn).await;
    let mut connection = open(&catcher, Mode::Pipelined).await;
    submit(&mut connection, "a@example.org", Some("left@example.org")).await;
    assert!(matches!(verdict(&mut connection).await, Verdict::Accepted(_)));
    submit(&mut connection, "b@example.org", None).await;
    let not_open = Lost { stage: Stage::Check, why: Why::NotOpen };
    assert_eq!(verdict(&mut connection).await, Verdict::NotSent(not_open));
    assert!(!connection.is_open());
    let mut connection = open(&catcher, Mode::Pipelined).await;
    assert!(matches!(send(&mut connection, "b@example.org").await, Verdict::Accepted(_)));
    let readers: Vec<_> = catcher.mails().iter().map(|mail| mail.to[0].clone()).collect();
    assert_eq!(readers, ["a@example.org", "b@example.org"]);
}

/// RFC 2920 §3.1: a server may answer DATA with 354 though it took no recipient.
#[tokio::test]
async fn a_relay_that_wants_a_message_to_nobody_gets_an_empty_one() {
    for (answer, goes_on) in [("554 no valid recipients\r\n", true), ("250 well\r\n", true), ("421 bye\r\n", false)] {
        let address = by_hand(move |mut hand| async move {
            hand.greet().await;
            hand.hear_until("DATA").await;
            hand.say("250 mail\r\n550 5.1.1 no such user\r\n354 go ahead\r\n").await;
            assert_eq!(hand.hear().await, ".\r\n");
            hand.say(answer).await;
            hand.hear_until("DATA").await;
            hand.say("250 reset\r\n250 mail\r\n250 rcpt\r\n354 data\r\n").await;
            hand.hear_until(".\r\n").await;
            hand.say("250 taken\r\n").await;
        })
        .await;
        let mut connection = Connection::open(&relay(address, Mode::Pipelined)).await.unwrap();
        let verdicts = send_behind(&mut connection, &["gone@example.org", "b@example.org"]).await;
        assert_eq!(verdicts[0], refused(Stage::Recipient, 550, "5.1.1 no such user"));
        assert_eq!(matches!(verdicts[1], Verdict::Accepted(_)), goes_on, "{verdicts:?}");
        assert!(goes_on || matches!(verdicts[1], Verdict::NotSent(_)));
    }
}

/// What goes wrong with an envelope behind the dot is of the message that it belongs to.
#[tokio::test]
async fn a_fault_in_the_next_envelope_leaves_the_answer_to_the_dot() {
    let faults = [
        Act::Close,
        Act::reply(421, "4.7.0 enough"),
        Act::Raw(b"hello\r\n".to_vec()),
        Act::Raw(b"355 hm\r\n".to_vec()),
        Act::Raw(b"250 ok\r\n250 ok\r\n".to_vec()),
        Act::Raw(b"250 ok\r\n550 5.1.1 no such user\r\n".to_vec()),
        Act::Stall,
    ];
    for stage in [catcher::Stage::Mail, catcher::Stage::Rcpt, catcher::Stage::Data] {
        for fault in &faults {
            let act = fault.clone();
            let catcher = catcher(move |moment| match moment.message {
                2 if moment.stage == stage => act.clone(),
                _ => Act::CarryOn,
            })
            .await;
            let deadlines = Deadlines { mail: SHORT, recipient: SHORT, data: SHORT, ..Deadlines::default() };
            let relay = relay(catcher.address(), Mode::Pipelined).with_deadlines(deadlines);
            let mut connection = Connection::open(&relay).await.unwrap();
            let verdicts = send_behind(&mut connection, &["a@example.org", "b@example.org"]).await;
            assert!(matches!(verdicts[0], Verdict::Accepted(_)), "{fault:?} at {stage:?}: {verdicts:?}");
            assert!(matches!(verdicts[1], Verdict::NotSent(_)), "{fault:?} at {stage:?}: {verdicts:?}");
            assert_eq!(catcher.accepted(), 1);
            assert!(!connection.is_open());
        }
    }
}

#[tokio::test]
async fn a_window_that_is_cut_off_is_exact_about_each_message() {
    let addresses = ["a@example.org", "b@example.org", "c@example.org", "d@example.org", "e@example.org"];
    for act in [Act::Close, Act::RecordThenClose, Act::reply(421, "4.7.0 enough"), Act::Raw(b"354 hm\r\n".to_vec())] {
        let fault = act.clone();
        let catcher = catcher(move |moment| match moment.message {
            2 if moment.stage == catcher::Stage::Dot => act.clone(),
            _ => Act::CarryOn,
        })
        .await;
        let mut connection = open(&catcher, CHUNKED).await;
        for address in &addresses[..4] {
            submit(&mut connection, address, None).await;
        }
        let mut verdicts = Vec::new();
        while let Some(verdict) = timeout(PATIENCE, connection.verdict()).await.unwrap() {
            verdicts.push(verdict);
        }
        let says_goodbye = fault == Act::reply(421, "4.7.0 enough");
        assert!(matches!(verdicts[0], Verdict::Accepted(_)), "{verdicts:?}");
        match says_goodbye {
            true => assert_eq!(verdicts[1], refused(Stage::Dot, 421, "4.7.0 enough")),
            false => assert!(matches!(verdicts[1], Verdict::InDoubt(_)), "{verdicts:?}"),
        }
        for verdict in &verdicts[2..] {
            assert_eq!(matches!(verdict, Verdict::NotSent(_)), says_goodbye, "{verdicts:?}");
            assert!(says_goodbye || matches!(verdict, Verdict::InDoubt(_)), "{verdicts:?}");
        }
        assert_eq!((verdicts.len(), connection.room()), (4, 0));
    }
}

/// Against RFC 5321 §3.8; some relays put off a single mail so. What they take behind it is taken.
#[tokio::test]
async fn a_relay_that_says_421_and_goes_on_is_heard_out() {
    for stage in [catcher::Stage::Mail, catcher::Stage::Rcpt, catcher::Stage::Data, catcher::Stage::Dot] {
        let catcher = catcher(move |moment| match moment.message {
            2 if moment.stage == stage => Act::Raw(b"421 4.7.0 later\r\n".to_vec()),
            _ => Act::CarryOn,
        })
        .await;
        let mut connection = open(&catcher, CHUNKED).await;
        for address in ["a@example.org", "b@example.org", "c@example.org", "d@example.org"] {
            submit(&mut connection, address, None).await;
        }
        assert!(matches!(connection.verdict().await, Some(Verdict::Accepted(_))));
        match (stage, connection.verdict().await.unwrap()) {
            (catcher::Stage::Data | catcher::Stage::Dot, verdict) => {
                assert_eq!(verdict, refused(Stage::Dot, 421, "4.7.0 later"));
            }
            (_, verdict) => assert!(matches!(verdict, Verdict::NotSent(Lost { why: Why::Closing(_), .. }))),
        }
        assert_eq!(connection.room(), 0);
        for _ in 0..2 {
            assert!(matches!(connection.verdict().await, Some(Verdict::Accepted(_))), "{stage:?}");
        }
        assert_eq!((catcher.accepted(), connection.verdict().await), (3, None));
        submit(&mut connection, "e@example.org", None).await;
        assert!(matches!(connection.verdict().await, Some(Verdict::NotSent(_))));
    }
}

/// Who takes mail after a 421 may have taken the one, too, that it did not answer.
#[tokio::test]
async fn a_relay_that_says_421_takes_another_and_then_closes_leaves_doubt_behind_it() {
    for (last, taken) in [(Act::RecordThenClose, 2), (Act::Close, 1)] {
        let catcher = catcher(move |moment| match (moment.message, moment.stage) {
            (1, catcher::Stage::Rcpt) => Act::Raw(b"421 4.7.0 later\r\n".to_vec()),
            (3, catcher::Stage::Dot) => last.clone(),
            _ => Act::CarryOn,
        })
        .await;
        let mut connection = open(&catcher, CHUNKED).await;
        for address in ["a@example.org", "b@example.org", "c@example.org", "d@example.org"] {
            submit(&mut connection, address, None).await;
        }
        assert!(matches!(connection.verdict().await, Some(Verdict::NotSent(_))));
        assert!(matches!(connection.verdict().await, Some(Verdict::Accepted(_))));
        for _ in 0..2 {
            assert!(matches!(connection.verdict().await, Some(Verdict::InDoubt(_))));
        }
        assert_eq!(catcher.accepted(), taken);
    }
}

#[tokio::test]
async fn what_is_behind_a_421_is_in_doubt_where_the_relay_neither_closes_nor_goes_on() {
    for act in [Act::Stall, Act::Raw(b"what\r\n".to_vec())] {
        let catcher = catcher(move |moment| match (moment.message, moment.stage) {
            (1, catcher::Stage::Dot) => Act::Raw(b"421 4.7.0 later\r\n".to_vec()),
            (2, catcher::Stage::Dot) => act.clone(),
            _ => Act::CarryOn,
        })
        .await;
        let relay = relay(catcher.address(), CHUNKED).with_deadlines(Deadlines { dot: SHORT, ..Deadlines::default() });
        let mut connection = Connection::open(&relay).await.unwrap();
        for address in ["a@example.org", "b@example.org", "c@example.org"] {
            submit(&mut connection, address, None).await;
        }
        assert_eq!(connection.verdict().await, Some(refused(Stage::Dot, 421, "4.7.0 later")));
        for _ in 0..2 {
            let verdict = timeout(PATIENCE, connection.verdict()).await.unwrap();
            assert!(matches!(verdict, Some(Verdict::InDoubt(_))), "{verdict:?}");
        }
    }
}

#[tokio::test]
async fn a_verdict_that_nobody_waited_for_can_be_asked_for_again() {
    for mode in MODES {
        let catcher = catcher(|_| Act::CarryOn).await;
        let mut connection = open(&catcher, mode).await;
        submit(&mut connection, "a@example.org", None).await;
        assert_eq!(connection.room(), connection.window() - 1);
        for _ in 0..3 {
            // Polled once; whatever it has read by then is kept.
            tokio::select! {
                biased;
                answered = connection.verdict() => assert!(matches!(answered, Some(Verdict::Accepted(_)))),
                () = std::future::ready(()) => continue,
            }
            break;
        }
        while let Some(verdict) = timeout(PATIENCE, connection.verdict()).await.unwrap() {
            assert!(matches!(verdict, Verdict::Accepted(_)));
        }
        assert_eq!((catcher.accepted(), connection.room()), (1, connection.window()));
    }
}

/// Any fault at any stage, in every form: what a verdict says is what the relay has on record.
#[tokio::test]
async fn verdicts_agree_with_the_record_whatever_goes_wrong() {
    const READERS: usize = 200;
    let faults = [
        Act::reply(550, "5.1.1 no such user"),
        Act::reply(451, "4.3.0 later"),
        Act::reply(421, "4.7.0 enough"),
        Act::Raw(b"421 4.7.0 later\r\n".to_vec()),
        Act::Close,
        Act::RecordThenClose,
        Act::Raw(b"what\r\n".to_vec()),
        Act::Raw(b"355 hm\r\n".to_vec()),
        Act::Drip(b"451-4.3.0 much\r\n451 4.3.0 later\r\n".to_vec()),
    ];
    for mode in MODES {
        for seed in 0..6_u64 {
            let state = Arc::new(Mutex::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1));
            let faults = faults.clone();
            let catcher = catcher(move |moment| {
                let mut state = state.lock().unwrap();
                // Marsaglia's xorshift.
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                let late = !matches!(moment.stage, catcher::Stage::Connect | catcher::Stage::Hello);
                match faults.get((*state >> 20) as usize % (10 * faults.len())) {
                    Some(fault) if late => fault.clone(),
                    _ => Act::CarryOn,
                }
            })
            .await;
            let addresses: Vec<_> = (0..READERS).map(|number| format!("reader{number}@example.org")).collect();
            let mut verdicts = BTreeMap::new();
            let mut rest = addresses.iter().map(String::as_str).peekable();
            while rest.peek().is_some() {
                let mut connection = open(&catcher, mode).await;
                let mut flying = std::collections::VecDeque::new();
                loop {
                    while connection.room() > 0
                        && let Some(address) = rest.next()
                    {
                        submit(&mut connection, address, rest.peek().copied()).await;
                        flying.push_back(address);
                    }
                    let Some(verdict) = timeout(PATIENCE, connection.verdict()).await.unwrap() else { break };
                    verdicts.insert(flying.pop_front().unwrap(), verdict);
                }
            }
            assert_eq!(verdicts.len(), READERS);
            let mut taken = BTreeMap::new();
            for mail in catcher.mails().iter().filter(|mail| mail.accepted) {
                *taken.entry(mail.to[0].clone()).or_insert(0) += 1;
                assert!(mail.raw == MESSAGE);
            }
            let mut doubts = 0;
            for (address, verdict) in &verdicts {
                let copies = taken.get(*address).copied().unwrap_or(0);
                let agrees = match verdict {
                    Verdict::Accepted(_) => copies == 1,
                    Verdict::Refused { .. } | Verdict::NotSent(_) => copies == 0,
                    Verdict::InDoubt(_) => copies <= 1,
                };
                assert!(agrees, "{mode:?}, seed {seed}, {address}: {copies} copies, {verdict:?}");
                doubts += usize::from(matches!(verdict, Verdict::InDoubt(_)));
            }
            let window = match mode {
                Mode::Chunked { window } => window,
                _ => 1,
            };
            assert!(doubts <= window * catcher.connections(), "{doubts} in doubt");
            assert!(doubts > 0 && verdicts.values().any(|verdict| matches!(verdict, Verdict::Accepted(_))));
        }
    }
}
