//! Debian's Chromium without a window, spoken to over its DevTools pipe: JSON messages, each with a zero byte at its end.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Nothing that is asked of a browser takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Only what it is asked for, and nothing of its user's. It opens pages of our own only, so it needs no sandbox,
/// which containers and root do not have.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
];

/// Chromium listens on descriptor 3 and answers on 4; what it prints goes to a file.
const WITH_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>"$HOME/log" 2>&1"#;

/// What every script may use: waiting until something is there.
const PRELUDE: &str = "const until = async (find) => { for (;;) { const found = find(); if (found) return found; \
    await new Promise((go) => setTimeout(go, 10)); } };";

/// A running browser with one page.
pub struct Browser {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Its profile and its log.
    folder: TempDir,
    /// The page; none while the browser itself is spoken to.
    session: Option<String>,
    calls: u64,
    /// What it told without being asked.
    events: Vec<Value>,
}

impl Browser {
    /// Starts one with a blank page.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", WITH_PIPES, "chromium"])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", folder.path().display()))
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut browser = Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            folder,
            session: None,
            calls: 0,
            events: Vec::new(),
        };
        let blank = json!({"url": "about:blank"});
        let page = browser.call("Target.createTarget", blank).await;
        let page = json!({"targetId": page["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", page).await;
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser
    }

    /// Goes to an address.
    pub async fn open(&mut self, url: &str) {
        let went = self.call("Page.navigate", json!({"url": url})).await;
        assert_eq!(went["errorText"], Value::Null, "{url}");
    }

    /// Runs the body of an asynchronous function in the page, and gives what it returns.
    pub async fn run(&mut self, script: &str) -> Value {
        let expression = format!("(async () => {{ {PRELUDE} {script} }})()");
        let asked = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut ran = self.call("Runtime.evaluate", asked).await;
        let thrown = &ran["exceptionDetails"];
        assert!(thrown.is_null(), "{thrown}\n{:?}", self.complaints());
        ran["result"]["value"].take()
    }

    /// What the page complained of since this was last asked: console, policies, requests, exceptions.
    pub fn complaints(&mut self) -> Vec<String> {
        let events = std::mem::take(&mut self.events);
        events.iter().filter_map(complaint).collect()
    }

    /// Ends it, and looks that nothing of it is left.
    pub async fn close(mut self) {
        self.session = None;
        self.call("Browser.close", json!({})).await;
        let ended = timeout(PATIENCE, self.child.wait()).await;
        assert!(ended.unwrap().unwrap().success());
        let begun = std::time::Instant::now();
        while runs_in(self.folder.path()) {
            assert!(begun.elapsed() < PATIENCE, "processes of it are left");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut message = json!({"id": self.calls, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let bytes = format!("{message}\0");
        // Whoever is gone does not answer either.
        let _ = self.input.write_all(bytes.as_bytes()).await;
        let Ok(mut answer) = timeout(PATIENCE, self.answer()).await else {
            panic!("no answer to {message}: {:?}", self.complaints());
        };
        assert!(answer["error"].is_null(), "{message}: {answer}");
        answer["result"].take()
    }

    async fn answer(&mut self) -> Value {
        loop {
            let mut bytes = Vec::new();
            let read = self.output.read_until(0, &mut bytes).await.unwrap();
            if read == 0 {
                let log = std::fs::read_to_string(self.folder.path().join("log"));
                panic!("chromium does not run; `scripts/need chromium` installs it: {log:?}");
            }
            bytes.pop();
            let message: Value = serde_json::from_slice(&bytes).unwrap();
            if message["id"] == self.calls {
                return message;
            }
            self.events.push(message);
        }
    }
}

fn complaint(event: &Value) -> Option<String> {
    let params = &event["params"];
    let is_bad = |level: &Value| {
        ["error", "warning", "assert"]
            .contains(&level.as_str()?)
            .then_some(())
    };
    match event["method"].as_str()? {
        "Log.entryAdded" => is_bad(&params["entry"]["level"]).map(|()| params["entry"].to_string()),
        "Runtime.consoleAPICalled" => is_bad(&params["type"]).map(|()| params["args"].to_string()),
        "Runtime.exceptionThrown" => Some(params["exceptionDetails"].to_string()),
        _ => None,
    }
}

/// Whether any process was started with this folder.
fn runs_in(folder: &Path) -> bool {
    let folder = folder.display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(&folder))
}
