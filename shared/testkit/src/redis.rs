//! Redis for tests: the test run's own, or one that a test may stop, starve and kill.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test without its Redis must stop at once"
)]

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The URL of the test run's Redis, which tests share: each takes keys of its own.
///
/// # Panics
/// When the tests were not started with `scripts/with-servers`.
#[must_use]
pub fn redis_url() -> String {
    env::var("BOTTEGA_TEST_REDIS_URL").expect(
        "BOTTEGA_TEST_REDIS_URL is not set: run `make test`, or `scripts/with-servers cargo nextest run`",
    )
}

/// A Redis of the test's own; it goes when this is dropped.
pub struct TestRedis {
    port: u16,
    folder: TempDir,
    server: Option<Child>,
}

impl TestRedis {
    /// Starts one.
    ///
    /// # Panics
    /// When there is no `redis-server`, or it does not start.
    #[must_use]
    pub fn start() -> Self {
        let mut redis = Self::absent();
        redis.revive();
        redis
    }

    /// One that is not there yet: its port is known, and nobody listens.
    ///
    /// # Panics
    /// When there is no free port.
    #[must_use]
    pub fn absent() -> Self {
        Self {
            port: crate::free_port(),
            folder: tempfile::tempdir().expect("a temporary folder is made"),
            server: None,
        }
    }

    /// Starts it, or starts it again, empty, on the same port.
    ///
    /// # Panics
    /// When it does not start within ten seconds.
    pub fn revive(&mut self) {
        self.launch(&[]);
        let log = self.log();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            let text = fs::read_to_string(&log).unwrap_or_default();
            if text.contains("Ready to accept connections") {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("redis-server did not start: {:?}", fs::read_to_string(&log));
    }

    /// Starts it again with what it was told to `SAVE`. Each key takes it this long to load, and it
    /// answers LOADING until it is through.
    ///
    /// # Panics
    /// When there is no `redis-server`.
    pub fn revive_loading(&mut self, each: Duration) {
        let each = each.as_micros().to_string();
        let often = ["--loading-process-events-interval-bytes", "1024"];
        self.launch(&[&["--key-load-delay", &each], &often[..]].concat());
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn launch(&mut self, more: &[&str]) {
        let log = self.log();
        let _ = fs::remove_file(&log);
        let server = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--rdbcompression", "no"])
            .args(more)
            .arg("--dir")
            .arg(self.folder.path())
            .arg("--logfile")
            .arg(&log)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts: install the package 'redis-server'");
        self.server = Some(server);
    }

    /// Whether it takes connections, and answers that it is loading.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        TcpStream::connect(self.addr()).is_ok()
            && self.command(&["GET", "1"]).starts_with("-LOADING")
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}/", self.addr())
    }

    /// The same as an address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Ends it at once, with all it knew.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Stops it in the middle of whatever it does: connections stand, nothing is answered.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Sends it a command, e.g. `["FLUSHALL"]`; the first line of the answer.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> String {
        let mut stream = TcpStream::connect(self.addr()).expect("redis-server takes connections");
        let mut text = format!("*{}\r\n", words.len());
        for word in words {
            text += &format!("${}\r\n{word}\r\n", word.len());
        }
        stream
            .write_all(text.as_bytes())
            .expect("it takes a command");
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer).expect("it answers");
        let answer = String::from_utf8_lossy(&answer[..length]);
        answer.lines().next().unwrap_or_default().to_owned()
    }

    fn signal(&self, name: &str) {
        let Some(server) = &self.server else { return };
        let status = Command::new("kill")
            .args([&format!("-{name}"), &server.id().to_string()])
            .status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{name}");
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        self.kill();
    }
}
