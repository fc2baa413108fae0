//! Tells other processes what happens here, and this one what happens there.
//!
//! Changes are gathered for a moment and told in one message; to nobody, while nobody else is there: each
//! process greets the others every few seconds, and whoever greets is told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use server::Shutdown;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use crate::domain::error::Error;
use crate::domain::news::{Ear, News, Wire};
use crate::domain::signals::Signals;

// News of so long go into one message.
const GATHERED: Duration = Duration::from_millis(10);
const GREETING: Duration = Duration::from_secs(5);
// Who was not heard of for so long is not there.
const PRESENT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_secs(2);

/// Carries news.
pub struct Messenger {
    wire: Arc<dyn Wire>,
    signals: Arc<Signals>,
    // Whose message it is.
    name: String,
    heard: Mutex<Heard>,
    greet: Notify,
}

#[derive(Default)]
struct Heard {
    own: Option<Instant>,
    others: Option<Instant>,
}

impl Messenger {
    /// A messenger for the process of this name.
    #[must_use]
    pub fn new(wire: Arc<dyn Wire>, signals: Arc<Signals>, name: String) -> Self {
        Self {
            wire,
            signals,
            name,
            heard: Mutex::default(),
            greet: Notify::new(),
        }
    }

    /// Carries news until the switch is thrown.
    pub async fn run(self, shutdown: Shutdown) {
        tokio::select! {
            () = shutdown.triggered() => {}
            () = self.carry() => {}
        }
    }

    async fn carry(&self) {
        let mut is_cut = false;
        loop {
            match self.wire.listen().await {
                Ok(None) => return,
                Ok(Some(ear)) => {
                    if is_cut {
                        tracing::info!("other processes are heard again");
                    }
                    is_cut = false;
                    *self.lock() = Heard::default();
                    self.signals.hear(&News::anything());
                    let cut = tokio::select! {
                        error = self.listen(ear) => error,
                        error = self.speak() => error,
                    };
                    tracing::warn!(error = ?cut, "other processes are not heard; the database is polled");
                }
                Err(error) if !is_cut => {
                    tracing::warn!(error = %error, "other processes are not heard; the database is polled");
                    is_cut = true;
                }
                Err(_) => {}
            }
            sleep(PAUSE).await;
        }
    }

    async fn listen(&self, mut ear: Box<dyn Ear>) -> Option<Error> {
        loop {
            match ear.next().await {
                Ok(Some(text)) => self.hear(&text),
                Ok(None) => self.signals.hear(&News::anything()),
                Err(error) => return Some(error),
            }
        }
    }

    // Ends when nothing arrives, not even what is told here: such a connection is dead.
    async fn speak(&self) -> Option<Error> {
        let begun = Instant::now();
        loop {
            if let Err(error) = self.tell(&News::default()).await {
                return Some(error);
            }
            let next = Instant::now() + GREETING;
            loop {
                tokio::select! {
                    () = self.signals.wait_for_news() => {}
                    () = self.greet.notified() => break,
                    () = sleep_until(next) => break,
                }
                if let Err(error) = self.pass_on().await {
                    return Some(error);
                }
            }
            let heard = self.lock().own.unwrap_or(begun);
            if heard.elapsed() > PRESENT {
                return None;
            }
        }
    }

    async fn pass_on(&self) -> Result<(), Error> {
        sleep(GATHERED).await;
        let news = self.signals.take_news();
        let is_anybody_there = (self.lock().others).is_some_and(|at| at.elapsed() < PRESENT);
        match is_anybody_there && !news.is_empty() {
            true => self.tell(&news).await,
            false => Ok(()),
        }
    }

    async fn tell(&self, news: &News) -> Result<(), Error> {
        let news = serde_json::to_string(news).unwrap_or_default();
        self.wire.tell(&format!("{} {news}", self.name)).await
    }

    fn hear(&self, text: &str) {
        let Some((name, news)) = text.split_once(' ') else {
            return;
        };
        let now = Some(Instant::now());
        if name == self.name {
            self.lock().own = now;
            return;
        }
        let before = std::mem::replace(&mut self.lock().others, now);
        if before.is_none_or(|at| at.elapsed() > PRESENT) {
            self.greet.notify_one();
        }
        // Another version may say more.
        if let Ok(news) = serde_json::from_str(news) {
            self.signals.hear(&news);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
