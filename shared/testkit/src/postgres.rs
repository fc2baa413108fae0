//! A PostgreSQL of a test's own, which it may end, start again and set up as it likes.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test without its PostgreSQL must stop at once"
)]

use std::env;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tempfile::TempDir;

use crate::TestDb;

/// A PostgreSQL server; it goes when this is dropped. A commit it acknowledged survives its end, though
/// not the machine's.
pub struct TestPostgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl TestPostgres {
    /// Starts one, with an empty database.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder is made");
        // The server may run as somebody else, see `run`.
        let open = Permissions::from_mode(0o777);
        fs::set_permissions(folder.path(), open).expect("the folder is opened");
        let server = Self {
            programs: programs(),
            folder,
            port: crate::free_port(),
        };
        let options = "-U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync";
        server.run("initdb", &options.split(' ').collect::<Vec<_>>());
        let port = server.port;
        let settings = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n\
             fsync = off\nfull_page_writes = off\nmax_wal_size = 128MB\n"
        );
        let own = "postgresql.auto.conf";
        let file = server.data().join(own);
        fs::write(&file, settings).expect("the server's settings are written");
        server.revive();
        server
    }

    /// Ends it in the middle of whatever it does, as a crash would.
    ///
    /// # Panics
    /// When it was not running.
    pub fn kill(&self) {
        self.run("pg_ctl", &["-m", "immediate", "-w", "stop"]);
    }

    /// Starts it again, with everything it acknowledged.
    ///
    /// # Panics
    /// When it does not start.
    pub fn revive(&self) {
        let log = self.folder.path().join("log");
        let log = log.to_str().expect("a path is text");
        self.run("pg_ctl", &["-l", log, "-w", "-t", "60", "start"]);
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Its database, for a service.
    #[must_use]
    pub fn db(&self, service: &str) -> TestDb {
        TestDb::of_server(self.addr(), service)
    }

    /// Does these commands, each by itself, in one session.
    ///
    /// # Panics
    /// When one is refused.
    pub async fn execute(&self, commands: &[&str]) {
        let url = format!("postgres://postgres@{}/postgres", self.addr());
        let options = PgConnectOptions::from_str(&url).expect("the server's URL is one");
        let session = options.connect().await;
        let mut session: PgConnection = session.expect("the server takes connections");
        for command in commands {
            let command = sqlx::AssertSqlSafe((*command).to_owned());
            session.execute(command).await.expect("a command is done");
        }
        session.close().await.expect("the session closes");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    // PostgreSQL refuses to run as root: it is nobody then.
    fn run(&self, program: &str, arguments: &[&str]) {
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let path = self.programs.join(program);
        let mut command = Command::new(if is_root { Path::new("setpriv") } else { &path });
        if is_root {
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]);
            command.arg(&path);
        }
        command.arg("-D").arg(self.data()).args(arguments);
        let output = command.current_dir(self.folder.path()).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {said}");
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            self.kill();
        }
    }
}

// As in `scripts/with-servers`.
fn programs() -> PathBuf {
    if let Ok(programs) = env::var("PGBIN") {
        return programs.into();
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions.flatten().map(|version| version.path()).max();
    let newest = newest.expect("PostgreSQL is installed, or PGBIN names the folder of initdb");
    newest.join("bin")
}
