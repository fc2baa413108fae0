//! Callers that do one thing over and over, and what came of it.

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

use futures::future::try_join_all;

/// What was measured.
pub struct Measured {
    /// How often it was done, each second.
    pub per_second: f64,
    /// Half were faster.
    pub p50: Duration,
    /// Of a hundred, ninety-nine were faster.
    pub p99: Duration,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            per_second,
            p50,
            p99,
        } = self;
        let (p50, p99) = (p50.as_secs_f64() * 1e3, p99.as_secs_f64() * 1e3);
        write!(
            f,
            "{per_second:>9.0}/s   p50 {p50:>6.2} ms   p99 {p99:>6.2} ms"
        )
    }
}

/// Lets `callers` do `once` over and over for `span`, after a tenth of it to warm up.
///
/// # Errors
/// What `once` fails with: a benchmark of failures measures nothing.
pub async fn drive<F, Fut>(callers: usize, span: Duration, once: F) -> anyhow::Result<Measured>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    run(callers, span / 10, once.clone()).await?;
    let begun = Instant::now();
    let mut times = run(callers, span, once).await?;
    let took = begun.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |part: f64| {
        let index = (times.len() as f64 * part) as usize;
        times.get(index).copied().unwrap_or_default()
    };
    Ok(Measured {
        per_second: times.len() as f64 / took,
        p50: at(0.50),
        p99: at(0.99),
    })
}

/// The same without warming up; gives how long each time took.
///
/// # Errors
/// What `once` fails with.
pub async fn run<F, Fut>(callers: usize, span: Duration, once: F) -> anyhow::Result<Vec<Duration>>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let end = Instant::now() + span;
    let running = (0..callers).map(|caller| {
        let once = once.clone();
        let calls = async move {
            let mut times = Vec::new();
            while Instant::now() < end {
                let begun = Instant::now();
                once(caller).await?;
                times.push(begun.elapsed());
            }
            anyhow::Ok(times)
        };
        async { tokio::spawn(calls).await? }
    });
    Ok(try_join_all(running).await?.concat())
}
