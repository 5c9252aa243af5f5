//! From nothing to an authenticated connection.
//!
//! ```text
//! Implicit   TCP  TLS  greeting                                    EHLO  AUTH
//! StartTls   TCP       greeting  EHLO  STARTTLS  TLS  (greeting)   EHLO  AUTH
//! Plain      TCP       greeting                                    EHLO  AUTH
//!            └──────────────── ours ────────────────┘              └─ lettre ─┘
//! ```
//!
//! lettre wants to see a greeting; it gets one of ours, so that the relay's own has its own deadline and verdict.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, CertificateError as Fault};

use super::lent::{self, Owned};
use super::relay::is_host_name;
use super::reply::{Answer, Incoming};
use super::wire::{Stream, Wire};
use super::{Capabilities, Deadlines, Lost, Relay, Security, Stage, Why};
use crate::delivery::Reply;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answers, or not in SMTP; another try may help.
    #[error("the relay cannot be reached: {0}")]
    Unreachable(Lost),
    /// A relay that should offer STARTTLS says nothing; the URL of one that waits for TLS.
    #[error("the relay was silent for {0:?} (at greeting); where it speaks TLS from the first byte its URL is {1}")]
    Ungreeted(Duration, String),
    /// The relay wants no connection from us, now or at all.
    #[error("the relay refused at {stage}: {reply}")]
    Refused {
        /// Greeting, EHLO, STARTTLS or AUTH.
        stage: Stage,
        /// The relay's words.
        reply: Reply,
    },
    /// The connection cannot be made safe; nothing was sent over it.
    #[error("the connection to the relay is not safe: {0}; check the host in its URL, and who is between")]
    Tls(String),
    /// The relay does not take our user and password.
    #[error("the relay did not let us in: {0}; check user and password in its URL")]
    Authentication(Reply),
    /// The relay takes no user and password, or not in a way that we know; what it offers.
    #[error(
        "the relay takes no user and password by AUTH PLAIN or LOGIN ({}); leave them out of its URL, or take another port",
        if .0.is_empty() { "it offers no AUTH".to_owned() } else { format!("it offers {}", .0.join(", ")) }
    )]
    NoAuth(Vec<String>),
}

impl ConnectError {
    /// Whether our own configuration is at fault, so that no further try helps until somebody mends it.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Tls(_) | Self::Authentication(_) | Self::NoAuth(_))
    }

    /// Whether another try may help.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Ungreeted(..) => true,
            Self::Refused { reply, .. } => reply.is_transient(),
            Self::Tls(_) | Self::Authentication(_) | Self::NoAuth(_) => false,
        }
    }
}

impl From<Lost> for ConnectError {
    fn from(lost: Lost) -> Self {
        match lost.why {
            Why::Closing(reply) => Self::Refused { stage: lost.stage, reply },
            _ => Self::Unreachable(lost),
        }
    }
}

/// Opens a connection that is ready for MAIL.
pub(super) async fn open(relay: &Relay) -> Result<(Wire, Capabilities), ConnectError> {
    let deadlines = &relay.deadlines;
    let tcp = connect(relay).await?;
    let (peer, local) = (tcp.peer_addr().map_err(broken)?, tcp.local_addr().map_err(broken)?);
    let hello = hello_name(relay, local);
    let stream = match relay.security() {
        Security::Plain => greeted(Box::new(tcp), deadlines).await?.stream,
        Security::Implicit => greeted(secure(relay, Box::new(tcp)).await?, deadlines).await?.stream,
        Security::StartTls => {
            let mut wire = greeted(Box::new(tcp), deadlines).await.map_err(|error| ungreeted(error, relay))?;
            start_tls(&mut wire, &hello, deadlines).await?;
            secure(relay, wire.stream).await?
        }
    };
    introduce(stream, peer, hello, relay).await
}

/// A TCP connection to the first address that answers.
async fn connect(relay: &Relay) -> Result<TcpStream, ConnectError> {
    let deadline = relay.deadlines.connect;
    let lost = |why| Lost { stage: Stage::Connect, why };
    let addresses = match timeout(deadline, lookup_host((relay.host(), relay.port()))).await {
        Ok(addresses) => addresses.map_err(|error| lost(Why::Broken(format!("{}: {error}", relay.host()))))?,
        Err(_) => return Err(lost(Why::Silence(deadline)).into()),
    };
    let mut why = Why::Broken(format!("{} has no address that may be used", relay.host()));
    // What `localhost` means is up to the machine, so the address itself is looked at.
    for address in addresses.filter(|address| relay.security() != Security::Plain || address.ip().is_loopback()) {
        match timeout(deadline, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A command waits for its reply, so holding it back gains nothing and costs 40 ms.
                stream.set_nodelay(true).map_err(broken)?;
                return Ok(stream);
            }
            Ok(Err(error)) => why = Why::Broken(format!("{address}: {error}")),
            Err(_) => why = Why::Silence(deadline),
        }
    }
    Err(lost(why).into())
}

fn broken(error: io::Error) -> ConnectError {
    Lost { stage: Stage::Connect, why: error.into() }.into()
}

async fn secure(relay: &Relay, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, ConnectError> {
    let unsafe_because = |why: String| ConnectError::Tls(why);
    let lost = |why| ConnectError::from(Lost { stage: Stage::Handshake, why });
    let name = ServerName::try_from(relay.host().to_owned()).map_err(|error| unsafe_because(error.to_string()))?;
    let config = relay.tls().map_err(|error| unsafe_because(error.to_string()))?;
    match timeout(relay.deadlines.connect, TlsConnector::from(config).connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
            Some(error) => unsafe_because(tls_fault(error, relay)),
            None => lost(error.into()),
        }),
        Err(_) => Err(lost(Why::Silence(relay.deadlines.connect))),
    }
}

/// What is wrong with a relay's TLS, in words for whoever has to mend it.
fn tls_fault(error: &rustls::Error, relay: &Relay) -> String {
    let fault = match error {
        rustls::Error::InvalidCertificate(fault) => fault,
        rustls::Error::InvalidMessage(_) if relay.security() == Security::Implicit => {
            let url = relay.url_with(Security::StartTls);
            return format!("it does not speak TLS from the first byte; where it speaks STARTTLS its URL is {url}");
        }
        _ => return error.to_string(),
    };
    let what = match fault {
        Fault::Expired | Fault::ExpiredContext { .. } => "has expired",
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => "is not valid yet, by this machine's clock",
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => "is for another name",
        Fault::UnknownIssuer => "is signed by nobody whom this machine trusts",
        Fault::BadSignature => "is not signed by whom it names",
        Fault::Revoked => "was revoked",
        // By webpki's name: one that may sign others, and so signed itself.
        Fault::Other(other) if other.to_string() == "CaUsedAsEndEntity" => "is signed by itself",
        _ => return error.to_string(),
    };
    format!("its certificate {what}")
}

/// Waits for 220.
async fn greeted(stream: Box<dyn Stream>, deadlines: &Deadlines) -> Result<Wire, ConnectError> {
    let mut wire = Wire::new(stream);
    let answer = wire.reply(Stage::Greeting, deadlines.greeting).await?;
    positive(Stage::Greeting, answer)?;
    // Who talks on before EHLO is no SMTP server.
    wire.expect_quiet().map_err(|why| Lost { stage: Stage::Greeting, why })?;
    Ok(wire)
}

/// Who waits for our TLS says nothing, as long as we wait for its greeting.
fn ungreeted(error: ConnectError, relay: &Relay) -> ConnectError {
    match error {
        ConnectError::Unreachable(Lost { stage: Stage::Greeting, why: Why::Silence(deadline) }) => {
            ConnectError::Ungreeted(deadline, relay.url_with(Security::Implicit))
        }
        error => error,
    }
}

/// EHLO and STARTTLS in the clear; nothing that is read here is believed afterwards.
async fn start_tls(wire: &mut Wire, hello: &str, deadlines: &Deadlines) -> Result<(), ConnectError> {
    let answer = wire.command(Stage::Hello, &format!("EHLO {hello}"), deadlines.hello).await?;
    if !Capabilities::read(&positive(Stage::Hello, answer)?.lines).start_tls {
        return Err(ConnectError::Tls("it offers no STARTTLS".to_owned()));
    }
    let answer = wire.command(Stage::StartTls, "STARTTLS", deadlines.hello).await?;
    positive(Stage::StartTls, answer)?;
    // Whatever follows the 220 was slipped in and must not be read as part of the secured session.
    wire.expect_quiet().map_err(|_| ConnectError::Tls("something follows its answer to STARTTLS".to_owned()))
}

/// EHLO and AUTH by lettre.
async fn introduce(
    stream: Box<dyn Stream>,
    peer: SocketAddr,
    hello: String,
    relay: &Relay,
) -> Result<(Wire, Capabilities), ConnectError> {
    let deadline = relay.deadlines.hello;
    let silence = |stage| Lost { stage, why: Why::Silence(deadline) };
    let (lent, owned) = lent::lend(stream, b"220 ready\r\n", peer);
    let hello = ClientId::Domain(hello);
    let smtp = timeout(deadline, AsyncSmtpConnection::connect_with_transport(Box::new(lent), &hello)).await;
    let (answers, quiet) = heard(&owned, Stage::Hello)?;
    let capabilities = match answers.first().cloned() {
        Some(answer) => Capabilities::read(&positive(Stage::Hello, answer)?.lines),
        None if smtp.is_err() => return Err(silence(Stage::Hello).into()),
        None => return Err(Lost { stage: Stage::Hello, why: Why::Closed }.into()),
    };
    let mut smtp = match smtp {
        Ok(Ok(smtp)) => smtp,
        Ok(Err(error)) => return Err(Lost { stage: Stage::Hello, why: Why::Garbage(error.to_string()) }.into()),
        Err(_) => return Err(silence(Stage::Hello).into()),
    };
    if !quiet || answers.len() > 1 {
        return Err(chatter(Stage::Hello));
    }
    if let Some(credentials) = &relay.credentials {
        authenticate(&mut smtp, credentials, &owned, relay).await?;
    }
    drop(smtp);
    let stream = owned.take_back().ok_or_else(|| broken(io::Error::other("lettre has kept the stream")))?;
    Ok((Wire::new(stream), capabilities))
}

async fn authenticate(
    smtp: &mut AsyncSmtpConnection,
    credentials: &Credentials,
    owned: &Owned,
    relay: &Relay,
) -> Result<(), ConnectError> {
    let stage = Stage::Auth;
    if smtp.server_info().get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
        return Err(ConnectError::NoAuth(offered(owned)?));
    }
    let outcome = timeout(relay.deadlines.hello, smtp.auth(DEFAULT_MECHANISMS, credentials)).await;
    let (answers, quiet) = heard(owned, stage)?;
    // The first answer is EHLO's; 334 asks for more.
    let mut answers = answers.into_iter().skip(1).skip_while(|answer| answer.code == 334);
    match (answers.next().map(Reply::from), outcome) {
        (Some(reply), Ok(Ok(_))) if reply.is_positive() && quiet && answers.next().is_none() => Ok(()),
        (Some(reply), _) if reply.is_permanent() => Err(ConnectError::Authentication(reply)),
        (Some(reply), _) if reply.is_transient() => Err(ConnectError::Refused { stage, reply }),
        (Some(_), _) => Err(chatter(stage)),
        (None, Err(_)) => Err(Lost { stage, why: Why::Silence(relay.deadlines.hello) }.into()),
        (None, Ok(_)) => Err(Lost { stage, why: Why::Closed }.into()),
    }
}

/// The mechanisms that the answer to EHLO names.
fn offered(owned: &Owned) -> Result<Vec<String>, ConnectError> {
    let (answers, _) = heard(owned, Stage::Hello)?;
    let lines = answers.iter().flat_map(|answer| &answer.lines).map(|line| line.split_ascii_whitespace());
    let auth =
        lines.filter_map(|mut words| words.next().filter(|word| word.eq_ignore_ascii_case("AUTH")).map(|_| words));
    Ok(auth.flatten().map(str::to_owned).collect())
}

fn chatter(stage: Stage) -> ConnectError {
    Lost { stage, why: Why::Garbage("more than one answer".to_owned()) }.into()
}

/// The replies that lettre has read, and whether nothing but whole replies came.
fn heard(owned: &Owned, stage: Stage) -> Result<(Vec<Answer>, bool), ConnectError> {
    let mut incoming = Incoming::default();
    incoming.bytes = owned.heard();
    let mut answers = Vec::new();
    while let Some(answer) = incoming.next().map_err(|garbage| Lost { stage, why: garbage.into() })? {
        answers.push(answer);
    }
    Ok((answers, incoming.is_empty()))
}

/// The answer if it is 2xx.
fn positive(stage: Stage, answer: Answer) -> Result<Answer, ConnectError> {
    match answer.code {
        200..=299 => Ok(answer),
        400..=599 => Err(ConnectError::Refused { stage, reply: answer.into() }),
        _ => Err(Lost { stage, why: Why::Unexpected(answer.into()) }.into()),
    }
}

/// The name to say in EHLO (RFC 5321 §4.1.4): the configured one, the machine's full one, or its address.
fn hello_name(relay: &Relay, local: SocketAddr) -> String {
    let own = || rustix::system::uname().nodename().to_str().ok().map(str::to_owned);
    let full = |name: &String| name.contains('.') && is_host_name(name);
    relay.hello.clone().or_else(|| own().filter(full)).unwrap_or_else(|| match local {
        SocketAddr::V4(address) => format!("[{}]", address.ip()),
        SocketAddr::V6(address) => format!("[IPv6:{}]", address.ip()),
    })
}
