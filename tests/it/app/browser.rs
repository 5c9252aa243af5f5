//! A real browser: Chromium without a window, driven through its debugging pipe.
//!
//! It finds no machine but this one; what its pages ask for is noted all the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::PATIENCE;

/// Where the distributions put it.
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The accessibility checker that runs in the page.
const AXE: &str = include_str!("../../vendor/axe-core/axe.min.js");

/// A browser with one tab; ends when it is dropped.
pub(crate) struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    /// Events that nobody has waited for yet.
    events: VecDeque<Value>,
    session: String,
    last_id: u64,
    /// The addresses that pages asked for.
    requests: Vec<String>,
    _profile: TempDir,
}

/// What the reader prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let profile = TempDir::new().unwrap();
        // the pipe is file descriptors 3 and 4; its ends are our child's stdin and stdout
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#, program()])
            .args(["--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--hide-scrollbars", "--force-color-profile=srgb", "--disable-extensions"])
            // frames without an origin stay in this process, so that what they ask for is noted
            .args([
                "--disable-features=IsolateSandboxedIframes",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = child.stdin.take().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while answers.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let (events, session, last_id) = (VecDeque::new(), String::new(), 0);
        let requests = Vec::new();
        let mut browser = Self { child, commands, messages, events, session, last_id, requests, _profile: profile };
        let tab = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": tab["targetId"], "flatten": true });
        browser.session = browser.call("Target.attachToTarget", &attach)["sessionId"].as_str().unwrap().to_owned();
        browser.call("Page.enable", &json!({}));
        browser.call("Network.enable", &json!({}));
        browser
    }

    /// Sets the window's width, in CSS pixels, and what the reader prefers.
    pub(crate) fn look(&mut self, width: u32, scheme: Scheme) {
        let size = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let scheme = if scheme == Scheme::Dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &features);
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) fn open(&mut self, url: &str) {
        self.events.clear();
        let answer = self.call("Page.navigate", &json!({ "url": url }));
        assert_eq!(answer["errorText"], Value::Null, "{url}");
        self.wait_for("Page.loadEventFired");
    }

    /// Opens a file.
    pub(crate) fn open_file(&mut self, path: &Path) {
        self.open(&format!("file://{}", path.display()));
    }

    /// Waits for the next event of a kind; those before it are forgotten.
    pub(crate) fn wait_for(&mut self, event: &str) {
        loop {
            let next = self.events.pop_front().unwrap_or_else(|| self.receive());
            if next["method"] == event {
                return;
            }
        }
    }

    /// The value of a JavaScript expression, promises awaited.
    #[track_caller]
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let wanted =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let mut answer = self.call("Runtime.evaluate", &wanted);
        assert_eq!(answer["exceptionDetails"], Value::Null, "{}", &expression[..expression.len().min(300)]);
        answer["result"]["value"].take()
    }

    /// Shows this tab again, where a page has opened others.
    pub(crate) fn bring_to_front(&mut self) {
        self.call("Page.bringToFront", &json!({}));
    }

    /// Evaluates an expression again and again until it is true.
    #[track_caller]
    pub(crate) fn until(&mut self, condition: &str) {
        super::wait_until(condition, || self.value(condition) == true);
    }

    /// Moves the focus on, as the Tab key does, until it is on what a selector names.
    #[track_caller]
    pub(crate) fn tab_to(&mut self, selector: &str) {
        for _ in 0..50 {
            self.press("Tab");
            if self.value(&format!("document.activeElement.matches({selector:?})")) == true {
                return;
            }
        }
        panic!("the Tab key never gets to {selector}");
    }

    /// Presses a key as a person does: `Tab`, `Enter`, `ArrowRight`.
    pub(crate) fn press(&mut self, key: &str) {
        let text = if key == "Enter" { "\r" } else { "" };
        let code = [("Tab", 9), ("Enter", 13), ("ArrowLeft", 37), ("ArrowRight", 39), ("ArrowDown", 40)];
        let code = code.iter().find(|(name, _)| *name == key).expect("a known key").1;
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Types a text into what has the focus.
    pub(crate) fn write(&mut self, text: &str) {
        self.call("Input.insertText", &json!({ "text": text }));
    }

    /// What is wider than the window, by the page's own account: `[scroll width, window width]`.
    #[track_caller]
    pub(crate) fn assert_no_sideways_scroll(&mut self, what: &str) {
        let widths = self.value("[document.documentElement.scrollWidth, document.documentElement.clientWidth]");
        assert!(widths[0].as_u64() <= widths[1].as_u64(), "{what} is {} wide in a window of {}", widths[0], widths[1]);
    }

    /// Accessibility violations that axe-core finds, but for the rules in `allowed`: `rule: element: why`.
    #[track_caller]
    pub(crate) fn violations(&mut self, allowed: &[&str]) -> Vec<String> {
        self.value(&format!("{{{AXE}}}; true"));
        let found = self.value(
            "axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations.flatMap(rule =>
                rule.nodes.map(node => [rule.id, node.target.join(' '), node.failureSummary])))",
        );
        let lines = found.as_array().unwrap().iter().map(|parts| [0, 1, 2].map(|at| parts[at].as_str().unwrap()));
        lines.filter(|[rule, ..]| !allowed.contains(rule)).map(|parts| parts.join(": ")).collect()
    }

    /// What pages asked of other machines; none of it got there.
    pub(crate) fn asked_outside(&self) -> Vec<&str> {
        let inside = ["http://127.0.0.1:", "file://", "data:", "about:"];
        let outside = |url: &&str| !inside.iter().any(|start| url.starts_with(start));
        self.requests.iter().map(String::as_str).filter(outside).collect()
    }

    /// Calls a method of the DevTools protocol.
    #[track_caller]
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": params });
        if !self.session.is_empty() {
            command["sessionId"] = self.session.as_str().into();
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).unwrap();
        loop {
            let mut message = self.receive();
            if message["id"] == self.last_id {
                assert_eq!(message["error"], Value::Null, "{method}");
                return message["result"].take();
            }
            self.events.push_back(message);
        }
    }

    #[track_caller]
    fn receive(&mut self) -> Value {
        let message = self.messages.recv_timeout(PATIENCE).expect("an answer of the browser");
        if message["method"] == "Network.requestWillBeSent" {
            self.requests.push(message["params"]["request"]["url"].as_str().unwrap().to_owned());
        }
        message
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> &'static str {
    let there = |name: &&&str| {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).any(|folder| folder.join(name).is_file())
    };
    PROGRAMS.iter().find(there).expect("Chromium is not installed; `tests/run` installs it")
}
