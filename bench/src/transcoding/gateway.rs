//! The processes that are measured: ours and Envoy, each before the same gRPC server.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// Ticks of `/proc/PID/stat` in a second; the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;
const MOST_BYTES: u32 = 8 * 1024 * 1024;

/// A running gateway.
pub struct Gateway {
    process: Child,
    pid: u32,
    /// Where it speaks HTTP.
    pub host: String,
}

impl Gateway {
    /// The transcoding crate, as a process.
    ///
    /// # Errors
    /// It is not built, or does not begin.
    pub async fn ours(folder: &TempDir, echo: SocketAddr) -> anyhow::Result<Self> {
        let host = free_addr()?;
        let binary = std::env::current_exe()?.with_file_name("transcode");
        let mut command = Command::new(binary);
        command
            .arg(folder.path().join("descriptors.bin"))
            .arg(format!("http://{echo}"))
            .args([&host, &free_addr()?]);
        Self::start(command, host).await
    }

    /// Envoy with its JSON transcoder.
    ///
    /// # Errors
    /// It cannot be had, or does not begin.
    pub async fn envoy(folder: &TempDir, echo: SocketAddr) -> anyhow::Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/envoy");
        let fetched = Command::new(&script).arg("--version").output().await?;
        let said = String::from_utf8_lossy(&fetched.stderr);
        ensure!(fetched.status.success(), "{}", said.trim());
        let host = free_addr()?;
        let config = folder.path().join("envoy.json");
        let descriptors = folder.path().join("descriptors.bin");
        std::fs::write(
            &config,
            envoy_config(&host, echo, &descriptors)?.to_string(),
        )?;
        let mut command = Command::new(script);
        command
            .arg("--config-path")
            .arg(config)
            .args(["--log-level", "error", "--disable-hot-restart"])
            // As many threads as ours has.
            .args(["--concurrency", &threads()?.to_string()]);
        Self::start(command, host).await
    }

    async fn start(mut command: Command, host: String) -> anyhow::Result<Self> {
        let process = command.stdout(Stdio::null()).kill_on_drop(true).spawn()?;
        let pid = process.id().context("it ended at once")?;
        for _ in 0..500 {
            if TcpStream::connect(&host).await.is_ok() {
                return Ok(Self { process, pid, host });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("nobody listens on {host}")
    }

    /// The processor time it has used, of all threads, in seconds.
    ///
    /// # Errors
    /// It has ended.
    pub fn cpu(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name, in brackets, may hold anything; user and system time are the 12th and 13th after it.
        let (_, rest) = stat.rsplit_once(')').context("stat")?;
        let ticks = rest
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse::<f64>);
        Ok(ticks.sum::<Result<f64, _>>()? / TICKS)
    }

    /// The most memory it has had, in MB.
    ///
    /// # Errors
    /// It has ended.
    pub fn peak_mb(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kb = line.and_then(|line| line.split_whitespace().next());
        Ok(kb.context("VmHWM")?.parse::<u64>()? / 1024)
    }

    /// Ends it.
    ///
    /// # Errors
    /// It has ended before.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }
}

fn threads() -> anyhow::Result<usize> {
    Ok(std::thread::available_parallelism()?.get())
}

fn free_addr() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

fn envoy_config(host: &str, echo: SocketAddr, descriptors: &Path) -> anyhow::Result<Value> {
    let listen: SocketAddr = host.parse()?;
    let socket = |addr: SocketAddr| json!({"socket_address": {"address": addr.ip().to_string(), "port_value": addr.port()}});
    let kind = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
    let transcoder = json!({
        "@type": kind("filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"),
        "proto_descriptor": descriptors,
        "services": ["bench.v1.Echo"],
        "max_response_body_size": MOST_BYTES,
    });
    let routes =
        json!([{"match": {"prefix": "/"}, "route": {"cluster": "echo", "timeout": "60s"}}]);
    let manager = json!({
        "@type": kind("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "http",
        "route_config": {"virtual_hosts": [{"name": "echo", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {"name": "envoy.filters.http.grpc_json_transcoder", "typed_config": transcoder},
            {"name": "envoy.filters.http.router", "typed_config": {"@type": kind("filters.http.router.v3.Router")}},
        ],
    });
    let filter =
        json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": manager});
    let protocol = json!({
        "@type": kind("upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": {"http2_protocol_options": {}},
    });
    let endpoint = json!({"endpoint": {"address": socket(echo)}});
    Ok(json!({"static_resources": {
        "listeners": [{
            "address": socket(listen),
            "per_connection_buffer_limit_bytes": MOST_BYTES,
            "filter_chains": [{"filters": [filter]}],
        }],
        "clusters": [{
            "name": "echo",
            "type": "STATIC",
            "per_connection_buffer_limit_bytes": MOST_BYTES,
            "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol},
            "load_assignment": {"cluster_name": "echo", "endpoints": [{"lb_endpoints": [endpoint]}]},
        }],
    }}))
}
