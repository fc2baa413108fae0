//! What must not be found anywhere: passwords and tokens, in logs or in tables.

use std::io;
use std::sync::{Arc, Mutex};

use testkit::TestDb;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Auth, EMAIL, PASSWORD, SECRET};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn neither_the_log_nor_the_file_holds_a_secret() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .init();
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let (user, first) = auth.register(EMAIL).await;
    auth.login(EMAIL, "some wrong guess").await.unwrap_err();
    auth.try_register(EMAIL, PASSWORD).await.unwrap_err();
    let second = auth.refresh(&first.refresh_token).await.unwrap();
    auth.refresh(&second.refresh_token).await.unwrap();
    auth.refresh(&first.refresh_token).await.unwrap_err();
    auth.stop().await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains(&user.id), "the log was kept");
    assert!(
        log.contains("refresh token used twice"),
        "what an operator must see is there"
    );
    let url = db.settings().url;
    let url = secrecy::ExposeSecret::expose_secret(&url).to_owned();
    let file = std::fs::read(url.trim_start_matches("sqlite:")).unwrap();
    let holds = |bytes: &[u8], text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds(&file, EMAIL), "the file was read");
    let tokens = [
        &first.refresh_token,
        &second.refresh_token,
        &first.access_token,
    ];
    let secrets = [PASSWORD, "some wrong guess", SECRET].into_iter();
    for secret in secrets.chain(tokens.map(String::as_str)) {
        assert!(!holds(log.as_bytes(), secret), "{secret} is in the log");
        assert!(!holds(&file, secret), "{secret} is in the file");
    }
}
