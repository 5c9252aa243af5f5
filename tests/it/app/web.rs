//! The readers' side: pages, forms and links.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::TcpStream;

use masthead::subscriber::EmailAddress;
use masthead::token::Claim;

use super::{App, PATIENCE, Running, text};

impl App {
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.web_port.address)
    }

    /// Serves the readers' web where the mailed links lead, and sends no issue; ends when it is dropped.
    pub(crate) fn serve(&self) -> Running {
        self.serve_with(&["--no-send"])
    }

    /// Serves with arguments of its own.
    pub(crate) fn serve_with(&self, arguments: &[&str]) -> Running {
        let listen = self.web_port.address.to_string();
        let mut serving = self.spawn(&[&["serve", "--listen", &listen], arguments].concat());
        serving.wait_for("serving on");
        self.get("/instance").is(200);
        serving
    }

    /// Asks the readers' web.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.http(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    }

    /// Posts a form, as a browser does.
    pub(crate) fn post(&self, path: &str, form: &str) -> Answer {
        self.post_with(path, "", form)
    }

    /// Posts a form with headers of its own, each ended by CRLF.
    pub(crate) fn post_with(&self, path: &str, headers: &str, form: &str) -> Answer {
        self.http(&format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ))
    }

    /// Signs an address up.
    pub(crate) fn sign_up(&self, address: &str) -> Answer {
        self.post("/garden/subscribe", &format!("email={}", address.replace('+', "%2B").replace('@', "%40")))
    }

    /// Sends these bytes and reads the answer.
    pub(crate) fn http(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(self.web_port.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = text(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    /// Sends a form, and closes the connection without waiting for the answer.
    pub(crate) fn post_and_hang_up(&self, path: &str, form: &str) {
        let mut stream = TcpStream::connect(self.web_port.address).unwrap();
        let length = form.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + form).as_bytes()).unwrap();
    }

    /// The path of a reader's unsubscribe link.
    pub(crate) fn unsubscribe_path(&self, address: &str) -> String {
        let address = EmailAddress::parse(address).unwrap();
        let subscriber_id = self.block_on(self.store().subscriber_id(&address)).unwrap().unwrap();
        let claim = Claim::Unsubscribe { newsletter_id: self.newsletter_id(), subscriber_id };
        format!("/u/{}", self.store().keyring().sign(claim))
    }
}

/// A page, or whatever the web says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The same, once its status is this.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.body);
        self
    }
}
