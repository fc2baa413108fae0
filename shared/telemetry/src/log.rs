//! The log: text for people, JSON for machines, on stderr.

use std::fmt;
use std::io::{self, IsTerminal};
use std::str::FromStr;
use std::sync::Once;
use std::time::Duration;

use config::Reader;
use tracing_subscriber::EnvFilter;

use crate::pipe::{self, Lines};

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// A line of text per event.
    #[default]
    Text,
    /// A JSON object per event.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json"),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

// A first start applies every migration; one line for each would hide the screen.
const DEFAULT_FILTER: &str = "info,sea_orm_migration=warn";

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// `BOTTEGA_LOG`: a level, or levels per module (`info,server=debug`); default
    /// `info,sea_orm_migration=warn`.
    pub filter: String,
    /// `BOTTEGA_LOG_FORMAT`: `text` (default) or `json`.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            filter: DEFAULT_FILTER.to_owned(),
            format: LogFormat::Text,
        }
    }
}

impl LogSettings {
    /// Reads `BOTTEGA_LOG` and `BOTTEGA_LOG_FORMAT`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let filter = reader.text("BOTTEGA_LOG", DEFAULT_FILTER);
        if let Err(error) = EnvFilter::try_new(&filter) {
            reader.fault("BOTTEGA_LOG", format!("is not a log filter: {error}"));
        }
        Self {
            filter,
            format: reader.parse("BOTTEGA_LOG_FORMAT", LogFormat::Text),
        }
    }
}

/// Starts the log. Only the first call counts, so that tests may call it too.
pub fn init(settings: &LogSettings) {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let filter =
            EnvFilter::try_new(&settings.filter).unwrap_or_else(|_| EnvFilter::new("info"));
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_target(false)
            .with_writer(Lines(pipe::stderr()));
        // Whoever has set a subscriber of their own keeps it.
        let _ = match settings.format {
            LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).try_init(),
            LogFormat::Json => log
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false)
                .try_init(),
        };
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(location, message = %panic.payload_as_str().unwrap_or_default(), "panicked");
        }));
    });
}

/// Waits up to a second until what was logged is written. `main` calls it before it ends.
pub fn flush() {
    pipe::stderr().flush(Duration::from_secs(1));
}

#[cfg(test)]
mod tests {
    use config::MapSource;

    use super::*;

    #[test]
    fn a_filter_that_is_none_is_a_fault() {
        let source = MapSource::from([
            ("BOTTEGA_LOG", "server=loud=very"),
            ("BOTTEGA_LOG_FORMAT", "xml"),
        ]);
        let mut reader = Reader::new(&source);
        LogSettings::read(&mut reader);
        assert_eq!(reader.finish().unwrap_err().0.len(), 2);
    }
}
