use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
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
        Self::named("an authority")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
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

fn self_signed(is_ca: IsCa) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = is_ca;
    params.distinguished_name.push(DnType::CommonName, "a relay of its own");
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
        let verdict =
            timeout(PATIENCE, connection.send(&Mail::new(to("a@example.org"), large.as_bytes()))).await.unwrap();
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
            ("is signed by nobody whom this machine trusts", self_signed(IsCa::NoCa)),
            ("is signed by itself", self_signed(IsCa::Ca(BasicConstraints::Unconstrained))),
            ("is for another name", authority.certify("other.example", |_| {})),
            ("has expired", authority.certify("localhost", expire)),
            ("is signed by nobody whom this machine trusts", Authority::named("another").certify("localhost", |_| {})),
            ("is not signed by whom it names", Authority::new().certify("localhost", |_| {})),
        ];
        for (why, acceptor) in acceptors {
            let (catcher, seen) = wary().await;
            let address = match kind {
                "implicit" => implicit(&catcher, acceptor).await,
                _ => start_tls(&catcher, acceptor, READY).await,
            };
            let error = unsafe_error(&url(kind, address), &authority).await;
            assert!(error.contains(&format!("its certificate {why};")), "{why}: {error}");
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
        assert_eq!(error, ConnectError::NoAuth(Vec::new()));
        assert!(error.is_ours() && error.to_string().contains("offers no AUTH"), "{error}");
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

#[tokio::test]
async fn the_wrong_kind_of_tls_is_told_with_the_url_of_the_other() {
    let authority = Authority::new();
    let (catcher, seen) = wary().await;
    let port = catcher.address().port();
    let error = unsafe_error(&url("implicit", catcher.address()), &authority).await;
    assert!(error.contains(&format!("its URL is smtp://localhost:{port}?tls=required;")), "{error}");
    assert_eq!(*seen.lock().unwrap(), [catcher::Stage::Connect]);

    let address = implicit(&catcher, authority.certify("localhost", |_| {})).await;
    let deadlines = Deadlines { greeting: SHORT, ..Deadlines::default() };
    let relay = Relay::parse(&url("starttls", address)).unwrap().with_deadlines(deadlines);
    let error = timeout(PATIENCE, Connection::open(&relay)).await.unwrap().unwrap_err();
    assert!(error.is_temporary() && !error.is_ours());
    assert!(error.to_string().ends_with(&format!("its URL is smtps://localhost:{}", address.port())), "{error}");
}
