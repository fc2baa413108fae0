//! The real binary as a process of its own, to be killed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{defaults, http};

/// A running `bottega`.
pub struct Process {
    child: Child,
}

impl Process {
    /// `bottega up` on `folder`; gives the process and the gateway's URL it printed.
    pub fn up(folder: &Path, settings: &[(&str, &str)]) -> (Self, String) {
        let mut map = defaults(folder);
        map.extend(
            settings
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned())),
        );
        let mut child = command(&["up"], &map)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut url = None;
        for line in lines.map_while(Result::ok) {
            if let Some((_, found)) = line.split_once("API ") {
                url = Some(found.trim().to_owned());
                break;
            }
        }
        (
            Self { child },
            url.expect("the screen tells where the API listens"),
        )
    }

    /// `bottega serve <service>`.
    pub fn serve(service: &str, settings: &BTreeMap<String, String>) -> Self {
        Self {
            child: command(&["serve", service], settings).spawn().unwrap(),
        }
    }

    /// Ends the process with no warning, as a power cut does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the process to end by itself, and gives its exit code.
    pub fn wait(mut self, at_most: Duration) -> Option<i32> {
        let started = Instant::now();
        while started.elapsed() < at_most {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the process did not end within {at_most:?}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary with these arguments and only these settings.
pub fn command(arguments: &[&str], settings: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bottega"));
    command.args(arguments).env("BOTTEGA_LOG", "warn");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BOTTEGA_")) {
        command.env_remove(name);
    }
    command.envs(settings);
    command
}

/// An address nobody listens on, another one each time: a port that was let go is soon given again.
pub fn free_addr() -> String {
    static GIVEN: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        if GIVEN.lock().unwrap().insert(addr) {
            return addr.to_string();
        }
    }
}

/// Waits until a readiness URL says so.
pub async fn ready(url: &str) {
    let started = Instant::now();
    let client = http();
    loop {
        let answer = client.get(url).send().await;
        if answer
            .as_ref()
            .is_ok_and(|answer| answer.status().is_success())
        {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{url} is not ready: {answer:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
