//! Reads settings one by one, remembering each for `check-config` and noting every fault.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use crate::{ConfigFault, ConfigFaults, Source};

/// A setting as it will be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The variable.
    pub name: String,
    /// Its value; `(hidden)` for a secret that is set, empty for what is not set.
    pub value: String,
    /// Whether it comes from the file, flags or environment, not from the default.
    pub set: bool,
}

/// Reads settings from a source.
pub struct Reader<'a> {
    source: &'a dyn Source,
    faults: Vec<ConfigFault>,
    effective: Vec<Effective>,
    elsewhere: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new(source: &'a dyn Source) -> Self {
        Self {
            source,
            faults: Vec::new(),
            effective: Vec::new(),
            elsewhere: BTreeSet::new(),
        }
    }

    /// Every name that was read so far, set or not.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        self.effective.iter().map(|one| one.name.clone()).collect()
    }

    /// Names that other processes of the suite read: being set here, they are no mistake.
    pub fn allow(&mut self, names: BTreeSet<String>) {
        self.elsewhere = names;
    }

    /// A setting with a default. A text that does not parse is noted, and the default used so
    /// that reading goes on.
    pub fn parse<T>(&mut self, name: &str, default: T) -> T
    where
        T: FromStr + Display,
        T::Err: Display,
    {
        let found = self.lookup::<T>(name);
        let set = found.is_some();
        let value = found.unwrap_or(default);
        self.note(name, value.to_string(), set);
        value
    }

    /// A setting that may be left out.
    pub fn optional<T>(&mut self, name: &str) -> Option<T>
    where
        T: FromStr + Display,
        T::Err: Display,
    {
        let found = self.lookup::<T>(name);
        self.note(
            name,
            found.as_ref().map(ToString::to_string).unwrap_or_default(),
            found.is_some(),
        );
        found
    }

    /// A text with a default.
    pub fn text(&mut self, name: &str, default: &str) -> String {
        self.parse(name, default.to_owned())
    }

    /// A number within bounds.
    pub fn number(&mut self, name: &str, default: u64, low: u64, high: u64) -> u64 {
        let value = self.parse(name, default);
        if !(low..=high).contains(&value) {
            self.fault(name, format!("must be {low} to {high}"));
            return default;
        }
        value
    }

    /// A span of time: `250ms`, `30s`, `5m`, `24h`.
    pub fn duration(&mut self, name: &str, default: &str) -> Duration {
        let text = self.text(name, default);
        match parse_duration(&text).or_else(|| {
            self.fault(name, "must be a span of time, like 250ms, 30s, 5m or 24h");
            parse_duration(default)
        }) {
            Some(span) => span,
            None => Duration::ZERO,
        }
    }

    /// `on` or `off`.
    pub fn switch(&mut self, name: &str, default: bool) -> bool {
        let text = self.text(name, if default { "on" } else { "off" });
        match text.as_str() {
            "on" | "true" | "1" => true,
            "off" | "false" | "0" => false,
            _ => {
                self.fault(name, "must be on or off");
                default
            }
        }
    }

    /// A secret, from the variable itself or from the file that `<name>_FILE` names. Its value is
    /// never shown.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        let file_name = format!("{name}_FILE");
        let path = self.source.get(&file_name);
        self.note(&file_name, path.clone().unwrap_or_default(), path.is_some());
        let direct = self.source.get(name).filter(|text| !text.is_empty());
        let secret = match (direct, path) {
            (Some(_), Some(_)) => {
                self.fault(name, format!("is set twice: here and by {file_name}"));
                None
            }
            (Some(text), None) => Some(text),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(error) => {
                    self.fault(&file_name, format!("cannot read {path}: {error}"));
                    None
                }
            },
            (None, None) => None,
        };
        let shown = if secret.is_some() { "(hidden)" } else { "" };
        self.note(name, shown.to_owned(), secret.is_some());
        secret.map(SecretString::from)
    }

    /// Notes a fault found by a rule over several settings.
    pub fn fault(&mut self, name: &str, problem: impl Into<String>) {
        let fault = ConfigFault {
            name: name.to_owned(),
            problem: problem.into(),
        };
        // What several services read is wrong once.
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Ends the reading: everything that was read, sorted by name.
    ///
    /// # Errors
    /// Every fault noted, and every `BOTTEGA_` name that is set but nobody reads.
    pub fn finish(mut self) -> Result<Vec<Effective>, ConfigFaults> {
        let known: BTreeSet<&str> = self.effective.iter().map(|one| one.name.as_str()).collect();
        let unknown: BTreeSet<String> = (self.source.names().into_iter())
            .filter(|name| !known.contains(name.as_str()) && !self.elsewhere.contains(name))
            .filter(|name| !name.starts_with("BOTTEGA_TEST_"))
            .collect();
        for name in unknown {
            let problem = "is not a setting of Bottega; see the table in README.md";
            self.faults.push(ConfigFault {
                name,
                problem: problem.to_owned(),
            });
        }
        if !self.faults.is_empty() {
            return Err(ConfigFaults(self.faults));
        }
        Ok(self.effective)
    }

    fn lookup<T>(&mut self, name: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.source.get(name).filter(|text| !text.is_empty())?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(name, format!("'{text}' cannot be used: {error}"));
                None
            }
        }
    }

    // A setting may be read by several services in one process; it is listed once.
    fn note(&mut self, name: &str, value: String, set: bool) {
        match self
            .effective
            .binary_search_by(|one| one.name.as_str().cmp(name))
        {
            Ok(_) => {}
            Err(place) => {
                self.effective.insert(
                    place,
                    Effective {
                        name: name.to_owned(),
                        value,
                        set,
                    },
                );
            }
        }
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "ms" => number,
        "s" => number.checked_mul(1_000)?,
        "m" => number.checked_mul(60_000)?,
        "h" => number.checked_mul(3_600_000)?,
        _ => return None,
    };
    Some(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MapSource;

    #[test]
    fn names_every_fault_at_once() {
        let source = MapSource::from([
            ("BOTTEGA_A", "many"),
            ("BOTTEGA_B", "soon"),
            ("BOTTEGA_TYPO", "1"),
        ]);
        let mut reader = Reader::new(&source);
        assert_eq!(reader.number("BOTTEGA_A", 4, 1, 64), 4);
        assert_eq!(reader.duration("BOTTEGA_B", "30s"), Duration::from_secs(30));
        let faults = reader.finish().unwrap_err();
        let names: Vec<&str> = faults.0.iter().map(|fault| fault.name.as_str()).collect();
        assert_eq!(names, ["BOTTEGA_A", "BOTTEGA_B", "BOTTEGA_TYPO"]);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let source = MapSource::from([("BOTTEGA_KEY", "hunter2")]);
        let mut reader = Reader::new(&source);
        assert!(reader.secret("BOTTEGA_KEY").is_some());
        let shown = format!("{:?}", reader.finish().unwrap());
        assert!(!shown.contains("hunter2") && shown.contains("(hidden)"));
    }

    #[test]
    fn spans() {
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("5m"), Some(Duration::from_secs(300)));
        assert_eq!(parse_duration("5"), None);
        assert_eq!(parse_duration("s"), None);
        assert_eq!(parse_duration("18446744073709551615h"), None);
    }
}
