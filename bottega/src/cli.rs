//! The command line: commands, and the settings that have flags.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use config::{ConfigFault, Layers, MapSource};
use generation::domain::unknown::{MAX_COST, NOT_A_NOTE, is_note};
use types::GenerationId;

/// The backend for products that generate things with paid models.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Settings with flags; each is also an environment variable.
    #[command(flatten)]
    pub settings: Flags,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start all five services in this process.
    Up,
    /// Start one service alone.
    Serve {
        /// Which one.
        service: Service,
    },
    /// Bring every database to the schema of this version.
    Migrate,
    /// What operators do beside the running suite.
    Admin {
        /// What to do.
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Print the settings as they will be used, or everything that is wrong with them.
    CheckConfig,
    /// Print the API's OpenAPI document, to make clients of or to compare.
    Openapi,
}

/// What operators do beside the running suite.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Compare the books of usage with each other: balances, counters, sums of days, reservations.
    /// Changes nothing. Exits with 0 when they agree, 1 when they differ, 2 when they could not be
    /// compared (no database, no answer, not up to date) and 64 when the settings are wrong.
    Reconcile {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Attempts at generations that may have been paid for while nobody knows, and whose money is in suspense: list
    /// them, or end one by hand, as the provider's bill has it. The running service tells the books.
    Attempts(Attempts),
    /// Make the books of usage count by BOTTEGA_USAGE_TIME_ZONE. Stop every usage service first. Days
    /// and months under way begin anew by the new zone, so do it at the turn of a month.
    ChangeTimeZone,
}

/// What to do about attempts of unknown outcome.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["unknown", "settle", "release"]))]
pub struct Attempts {
    /// List them, the newest first.
    #[arg(long)]
    pub unknown: bool,
    /// The attempt of this generation cost what --cost says.
    #[arg(long, value_name = "GENERATION", requires = "cost")]
    pub settle: Option<GenerationId>,
    /// What its provider takes, in millionths of a US dollar.
    #[arg(long, value_name = "MICROUSD", requires = "settle", conflicts_with_all = ["release", "unknown"])]
    #[arg(value_parser = clap::value_parser!(i64).range(0..=MAX_COST))]
    pub cost: Option<i64>,
    /// The attempt of this generation cost nothing: all of it is given back.
    #[arg(long, value_name = "GENERATION")]
    pub release: Option<GenerationId>,
    /// Why, e.g. the line of the provider's bill.
    #[arg(long, default_value = "", value_parser = read_note, hide_default_value = true)]
    pub note: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

fn read_note(text: &str) -> Result<String, &'static str> {
    is_note(text).then(|| text.to_owned()).ok_or(NOT_A_NOTE)
}

/// A process of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// Users and tokens.
    Auth,
    /// Files.
    File,
    /// Generations.
    Generation,
    /// Quotas.
    Usage,
    /// HTTP/JSON in front of the four.
    Gateway,
}

/// Settings that have flags: they count before the environment, which counts before the file.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings (each is also an environment variable)")]
pub struct Flags {
    /// A TOML file of `BOTTEGA_…` settings.
    #[arg(long, global = true, env = "BOTTEGA_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where databases and files are kept [BOTTEGA_DATA_DIR].
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<String>,
    /// Where the gateway listens for HTTP [BOTTEGA_GATEWAY_ADDR].
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub gateway_addr: Option<String>,
    /// Where auth listens for gRPC [BOTTEGA_AUTH_ADDR].
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub auth_addr: Option<String>,
    /// Where file listens for gRPC [BOTTEGA_FILE_ADDR].
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub file_addr: Option<String>,
    /// Where generation listens for gRPC [BOTTEGA_GENERATION_ADDR].
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub generation_addr: Option<String>,
    /// Where usage listens for gRPC [BOTTEGA_USAGE_ADDR].
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub usage_addr: Option<String>,
    /// Health and metrics of the gateway [BOTTEGA_GATEWAY_ADMIN_ADDR].
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub gateway_admin_addr: Option<String>,
    /// Health and metrics of auth [BOTTEGA_AUTH_ADMIN_ADDR].
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub auth_admin_addr: Option<String>,
    /// Health and metrics of file [BOTTEGA_FILE_ADMIN_ADDR].
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub file_admin_addr: Option<String>,
    /// Health and metrics of generation [BOTTEGA_GENERATION_ADMIN_ADDR].
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub generation_admin_addr: Option<String>,
    /// Health and metrics of usage [BOTTEGA_USAGE_ADMIN_ADDR].
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub usage_admin_addr: Option<String>,
}

impl Flags {
    /// Flags over environment over the file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn layers(&self) -> Result<Layers, ConfigFault> {
        let flags = [
            ("BOTTEGA_DATA_DIR", &self.data_dir),
            ("BOTTEGA_GATEWAY_ADDR", &self.gateway_addr),
            ("BOTTEGA_AUTH_ADDR", &self.auth_addr),
            ("BOTTEGA_FILE_ADDR", &self.file_addr),
            ("BOTTEGA_GENERATION_ADDR", &self.generation_addr),
            ("BOTTEGA_USAGE_ADDR", &self.usage_addr),
            ("BOTTEGA_GATEWAY_ADMIN_ADDR", &self.gateway_admin_addr),
            ("BOTTEGA_AUTH_ADMIN_ADDR", &self.auth_admin_addr),
            ("BOTTEGA_FILE_ADMIN_ADDR", &self.file_admin_addr),
            ("BOTTEGA_GENERATION_ADMIN_ADDR", &self.generation_admin_addr),
            ("BOTTEGA_USAGE_ADMIN_ADDR", &self.usage_admin_addr),
        ];
        let given: BTreeMap<String, String> = flags
            .into_iter()
            .filter_map(|(name, flag)| Some((name.to_owned(), flag.clone()?)))
            .collect();
        let layers = Layers::new().then(MapSource(given)).then_environment();
        match &self.config {
            Some(path) => layers.then_file(path),
            None => Ok(layers),
        }
    }
}
