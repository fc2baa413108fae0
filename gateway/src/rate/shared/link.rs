//! The connection to Redis: there or away, known to all requests without asking.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};
use tokio::sync::Notify;

use super::{StoreAway, TakeScript};
use crate::rate::{Bucket, Class, Limit, Who};

/// How long a connection may take to stand; nobody waits for it.
const CONNECT: Duration = Duration::from_secs(1);
/// The pauses between two questions whether it is back grow from this
const SOON: Duration = Duration::from_millis(50);
/// to this.
const LATER: Duration = Duration::from_secs(1);
/// Lost again sooner than this, it was not really back.
const STEADY: Duration = Duration::from_secs(10);

pub(super) struct Link {
    client: Client,
    pub(super) script: TakeScript,
    /// How long a request waits for an answer.
    pub(super) budget: Duration,
    state: RwLock<State>,
    lost: Notify,
}

#[derive(Default)]
struct State {
    /// None while it is away.
    connection: Option<MultiplexedConnection>,
    /// Counts the connections, so that the end of an old one is not taken for the end of the new.
    epoch: u64,
}

impl Link {
    pub(super) fn new(client: Client, budget: Duration) -> Self {
        Self {
            client,
            script: TakeScript::new(),
            budget,
            state: RwLock::default(),
            lost: Notify::new(),
        }
    }

    /// The connection and its epoch; none while Redis is away.
    pub(super) fn current(&self) -> Option<(u64, MultiplexedConnection)> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        Some((state.epoch, state.connection.clone()?))
    }

    /// Says to everybody that Redis is away, unless it was asked by a connection of the past.
    pub(super) fn lose(&self, epoch: u64, away: &StoreAway) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.epoch != epoch || state.connection.take().is_none() {
            return;
        }
        drop(state);
        self.note_away(away);
    }

    /// Notes that Redis is away, and has it asked for.
    pub(super) fn note_away(&self, away: &StoreAway) {
        tracing::warn!(error = %away, "rate limits are no longer shared: each class does as it is told");
        metrics::gauge!("bottega_gateway_rate_store_up").set(0);
        self.lost.notify_one();
    }

    /// Connects anew and sees whether a request could be counted. A replica and a full store answer
    /// PING too, so that is not what is asked.
    pub(super) async fn connect(&self) -> Result<(), StoreAway> {
        // The budget is watched by whoever asks.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None);
        let refuses = |error: redis::RedisError| StoreAway::Refuses(error.to_string());
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let connection = tokio::time::timeout(CONNECT, connecting).await;
        let connection = connection.map_err(|_| StoreAway::Late)?.map_err(refuses)?;
        // The first may have to load the script; what counts is the second.
        for _ in 0..2 {
            let buckets = [probe()];
            let asking = self.script.take(connection.clone(), &buckets);
            let answer = tokio::time::timeout(self.budget, asking).await;
            answer.map_err(|_| StoreAway::Late)??;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.epoch += 1;
        state.connection = Some(connection);
        drop(state);
        metrics::gauge!("bottega_gateway_rate_store_up").set(1);
        Ok(())
    }

    /// Brings Redis back whenever it was lost; never ends.
    pub(super) async fn keep(self: Arc<Self>) {
        let (mut pause, mut up_since) = (SOON, None::<Instant>);
        loop {
            self.lost.notified().await;
            // One that comes and goes is asked ever more seldom: each time costs a request its budget.
            match up_since {
                Some(since) if since.elapsed() < STEADY => rest(&mut pause).await,
                _ => pause = SOON,
            }
            while self.connect().await.is_err() {
                rest(&mut pause).await;
            }
            up_since = Some(Instant::now());
            tracing::info!("rate limits are shared again");
        }
    }
}

async fn rest(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LATER);
}

/// A bucket nobody else uses.
fn probe() -> Bucket {
    Bucket {
        who: Who::Address(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        class: Class::Read,
        key: None,
        limit: Limit {
            count: 1_000_000,
            window: 1,
        },
    }
}
