//! The process' numbers, in the Prometheus text format. Labels are bounded: names of rpcs, codes,
//! servers and providers, never ids.

use std::sync::LazyLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

// Seconds: from a cached read to the longest generation.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

static HANDLE: LazyLock<MetricsHandle> = LazyLock::new(install);

/// Reads the numbers of the whole process.
#[derive(Debug, Clone)]
pub struct MetricsHandle(PrometheusHandle);

impl MetricsHandle {
    /// Every number, in the Prometheus text format 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds the samples taken since the last call. Without it they pile up until somebody reads
    /// them, so servers call it every few seconds.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// The process' numbers; the first call installs the recorder.
#[must_use]
pub fn metrics_handle() -> MetricsHandle {
    HANDLE.clone()
}

fn install() -> MetricsHandle {
    let builder = PrometheusBuilder::new();
    let buckets = Matcher::Suffix("_seconds".to_owned());
    let builder = match builder.set_buckets_for_metric(buckets, SECONDS) {
        Ok(builder) => builder,
        // Only an empty list of buckets is refused.
        Err(_) => PrometheusBuilder::new(),
    };
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    // Whoever has set a recorder of their own keeps it; ours then stays empty.
    let _ = metrics::set_global_recorder(recorder);
    MetricsHandle(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_histograms() {
        let handle = metrics_handle();
        metrics::histogram!("telemetry_test_seconds").record(0.02);
        let text = handle.render();
        assert!(
            text.contains(r#"telemetry_test_seconds_bucket{le="0.025"} 1"#),
            "{text}"
        );
    }
}
