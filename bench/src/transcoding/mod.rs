//! What transcoding costs, beside Envoy: processor time of the gateway's process for each request, before the same
//! gRPC server, by the same clients, in one run.

mod client;
mod echo;
mod gateway;
mod raw;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::Options;
use crate::load::run as repeat;
use client::{Ask, Client};
use gateway::Gateway;

const CONNECTIONS: [usize; 2] = [1, 16];

/// Measures both and prints it.
///
/// # Errors
/// A gateway does not begin, or answers anything but the whole of what was asked.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    println!("\ntranscoding, processor time of the gateway's process for each request");
    let echo = echo::open().await?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("descriptors.bin"), echo::descriptors()?)?;
    let ours = Gateway::ours(&folder, echo).await?;
    let envoy = match Gateway::envoy(&folder, echo).await {
        Ok(envoy) => Some(envoy),
        Err(error) => {
            println!("  Envoy cannot be had, so ours stands alone: {error:#}");
            None
        }
    };
    println!(
        "                          connections       ours               Envoy            ours to Envoy"
    );
    let span = Duration::from_secs(options.seconds);
    for ask in asks() {
        for connections in CONNECTIONS {
            let mine = measure(&ours, &ask, connections, span).await?;
            print!("  {:<24}{connections:>11}  {mine}", ask.name);
            if let Some(envoy) = &envoy {
                let other = measure(envoy, &ask, connections, span).await?;
                print!("  {other}  {:>8.2}", mine.micros / other.micros);
            }
            println!();
        }
    }
    print!(
        "  memory at most                           {:>9} MB",
        ours.peak_mb()?
    );
    if let Some(envoy) = &envoy {
        print!("           {:>9} MB", envoy.peak_mb()?);
    }
    println!();
    ours.stop().await?;
    if let Some(envoy) = envoy {
        envoy.stop().await?;
    }
    Ok(())
}

/// What a request costs.
struct Cost {
    micros: f64,
    per_second: f64,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>8.1} µs {:>6.0}/s", self.micros, self.per_second)
    }
}

async fn measure(
    gateway: &Gateway,
    ask: &Ask,
    connections: usize,
    span: Duration,
) -> anyhow::Result<Cost> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Client::connect(&gateway.host).await?);
    }
    let (clients, ask) = (Arc::new(clients), Arc::new(ask.clone()));
    let once = move |caller: usize| {
        let (clients, ask) = (Arc::clone(&clients), Arc::clone(&ask));
        async move {
            match clients.get(caller) {
                Some(client) => client.send(&ask).await,
                None => Ok(()),
            }
        }
    };
    repeat(connections, span / 10, once.clone()).await?;
    let before = gateway.cpu()?;
    let times = repeat(connections, span, once).await?;
    let spent = gateway.cpu()? - before;
    Ok(Cost {
        micros: spent * 1e6 / times.len() as f64,
        per_second: times.len() as f64 / span.as_secs_f64(),
    })
}

fn asks() -> Vec<Ask> {
    let item =
        |place: usize| json!({"name": format!("a thing of number {place}"), "amount": place});
    let body = json!({
        "id": "0199c2f1-6d7e-7a3b-9c41-2f8e5d6a7b80",
        "text": "a fox at night, ".repeat(28),
        "sequence": "1234567890123",
        "done": true,
        "share": 0.375,
        "tags": ["night", "fox", "forest", "moon"],
        "items": (1..=6).map(item).collect::<Vec<_>>(),
        "labels": {"project": "a shop", "colour": "blue"},
        "at": "2026-01-31T12:00:00.123456Z",
    });
    let query = "text=a%20fox%20at%20night&sequence=1234567890123&done=true&share=0.375&tags=night&tags=fox&\
        at=2026-01-31T12:00:00.123456Z";
    vec![
        Ask::post("POST 1 KB", "/v1/echo", body.to_string()),
        Ask::get("GET with query", format!("/v1/echo/0199c2f1?{query}")),
        Ask::get("stream of 1,000", format!("/v1/streams/0199c2f1?{query}")),
        Ask::get("HttpBody of 1 MiB", "/v1/bytes/0199c2f1".to_owned()).of(1024 * 1024),
    ]
}
