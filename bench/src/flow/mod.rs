//! Whole orders, over HTTP, against the release binary: how many are accepted and how many completed.

mod client;
mod painter;
mod stand;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use serde_json::json;

use crate::Options;
use crate::load::{Measured, drive};
use crate::pgbench::Server;
use client::Client;
use painter::{Painter, SIDE};
use stand::Stand;

/// Connections at a time, as the systems that are compared with were measured.
const CONNECTIONS: usize = 32;
const WORKERS: usize = 64;
const SLOW: Duration = Duration::from_millis(200);
const ALONE: usize = 100;

/// Measures the life of orders and prints it.
///
/// # Errors
/// The database or the suite does not answer, or an order fails.
pub async fn run(server: &Server, options: &Options) -> anyhow::Result<()> {
    let span = Duration::from_secs(options.seconds);
    println!("\norders over HTTP, {CONNECTIONS} connections, 64 KB pictures");
    let painter = Painter::open().await?;
    let url = server.make("bench_flow").await?;

    let stand = Stand::start(&url, &painter, 0).await?;
    let clients = Arc::new(stand.clients(CONNECTIONS).await?);
    let accepted = accept(&clients, span).await?;
    println!("  accepted, workers off             {accepted}");
    println!(
        "  looked at                         {}",
        look(&clients, span).await?
    );
    place(&clients, options.tasks).await?;
    stand.stop("with workers off").await?;

    let stand = Stand::start(&url, &painter, WORKERS).await?;
    println!(
        "  completed                         {}",
        drain(&stand).await?
    );
    let clients = Arc::new(stand.clients(CONNECTIONS).await?);
    let done = stand.completed().await?;
    let begun = Instant::now();
    let accepted = accept(&clients, span).await?;
    let meanwhile = (stand.completed().await? - done) as f64 / begun.elapsed().as_secs_f64();
    println!("  accepted while they drain         {accepted}");
    println!("    completed meanwhile             {meanwhile:>9.0}/s");
    println!(
        "  the rest                          {}",
        drain(&stand).await?
    );
    // Connections that lay idle were closed meanwhile.
    let clients = Arc::new(stand.clients(CONNECTIONS).await?);
    alone(&clients).await?;
    painter.take(SLOW);
    let begun = Instant::now();
    let few = 200 * options.seconds;
    place(&clients, few).await?;
    drain(&stand).await?;
    let rate = few as f64 / begun.elapsed().as_secs_f64();
    println!("  completed, 200 ms each            {rate:>9.0}/s");
    stand.stop("in all").await
}

// A picture of its own each time: none is given again.
fn order() -> String {
    let prompt = uuid::Uuid::now_v7().to_string();
    json!({"kind": "IMAGE", "image": {"prompt": prompt, "width": SIDE, "height": SIDE}}).to_string()
}

async fn accept(clients: &Arc<Vec<Client>>, span: Duration) -> anyhow::Result<Measured> {
    let clients = Arc::clone(clients);
    drive(CONNECTIONS, span, move |caller| {
        let clients = Arc::clone(&clients);
        async move { at(&clients, caller)?.create(order()).await.map(drop) }
    })
    .await
}

async fn look(clients: &Arc<Vec<Client>>, span: Duration) -> anyhow::Result<Measured> {
    let orders = clients.iter().map(|client| client.create(order()));
    let ids = Arc::new(try_join_all(orders).await?);
    let clients = Arc::clone(clients);
    drive(CONNECTIONS, span, move |caller| {
        let (clients, ids) = (Arc::clone(&clients), Arc::clone(&ids));
        async move {
            let id = at(&ids, caller)?;
            at(&clients, caller)?.find(id).await.map(drop)
        }
    })
    .await
}

async fn place(clients: &Arc<Vec<Client>>, tasks: u64) -> anyhow::Result<()> {
    let left = Arc::new(AtomicU64::new(tasks));
    let orders = clients.iter().map(|client| {
        let left = Arc::clone(&left);
        async move {
            let one_less = |left: u64| left.checked_sub(1);
            while (left.fetch_update(Relaxed, Relaxed, one_less)).is_ok() {
                client.create(order()).await?;
            }
            anyhow::Ok(())
        }
    });
    try_join_all(orders).await.map(drop)
}

// Waits until nothing is left to do, and tells how fast that went, the first tasks and the last apart.
async fn drain(stand: &Stand) -> anyhow::Result<String> {
    let first = loop {
        match stand.completed().await? {
            0 => tokio::time::sleep(Duration::from_millis(5)).await,
            some => break some,
        }
    };
    let begun = Instant::now();
    stand.drained().await?;
    let took = begun.elapsed().as_secs_f64();
    let tasks = stand.completed().await? - first;
    Ok(format!("{:>9.0}/s   {tasks} tasks", tasks as f64 / took))
}

async fn alone(clients: &Arc<Vec<Client>>) -> anyhow::Result<()> {
    let client = at(clients, 0)?;
    let mut times = Vec::new();
    for _ in 0..ALONE {
        let begun = Instant::now();
        let id = client.create(order()).await?;
        while client.find(&id).await? != "COMPLETED" {
            tokio::time::sleep(Duration::from_micros(250)).await;
        }
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let of = |part: usize| at(&times, ALONE * part / 100).map(|time| time.as_secs_f64() * 1e3);
    let (half, most) = (of(50)?, of(99)?);
    println!("  one alone, ordered to completed   p50 {half:>6.2} ms   p99 {most:>6.2} ms");
    Ok(())
}

fn at<T>(all: &[T], index: usize) -> anyhow::Result<&T> {
    (all.get(index)).ok_or_else(|| anyhow::anyhow!("there is no number {index}"))
}
