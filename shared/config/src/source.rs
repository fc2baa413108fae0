//! Where settings come from.

use std::collections::BTreeMap;
use std::path::Path;

use crate::ConfigFault;

/// Looks settings up by their variable name; tests pass a map.
pub trait Source {
    /// The text of a setting, or `None` when it is not set.
    fn get(&self, name: &str) -> Option<String>;

    /// Every name that is set and begins with `BOTTEGA_`, to find misspelt ones.
    fn names(&self) -> Vec<String>;
}

/// Settings in a map.
#[derive(Debug, Clone, Default)]
pub struct MapSource(pub BTreeMap<String, String>);

impl<const N: usize> From<[(&str, &str); N]> for MapSource {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(
            pairs
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect(),
        )
    }
}

impl Source for MapSource {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// Flags over environment over a file.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    layers: Vec<MapSource>,
}

impl Layers {
    /// Nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds settings that count only where no earlier layer has them.
    #[must_use]
    pub fn then(mut self, layer: MapSource) -> Self {
        self.layers.push(layer);
        self
    }

    /// Adds the process' environment: every variable that begins with `BOTTEGA_`.
    #[must_use]
    pub fn then_environment(self) -> Self {
        // The environment may hold anything, ours and others'; what is not text becomes text that no
        // setting takes.
        let ours = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let value = value.to_string_lossy().into_owned();
            name.starts_with("BOTTEGA_").then_some((name, value))
        });
        self.then(MapSource(ours.collect()))
    }

    /// Adds a TOML file of `NAME = value` pairs, named like the environment's variables.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or holds something other than text, numbers and
    /// booleans.
    pub fn then_file(self, path: &Path) -> Result<Self, ConfigFault> {
        let fault = |problem: String| ConfigFault {
            name: path.display().to_string(),
            problem,
        };
        let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        let table: toml::Table =
            toml::from_str(&text).map_err(|error| fault(error.message().to_owned()))?;
        let mut map = BTreeMap::new();
        for (name, value) in table {
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                _ => return Err(fault(format!("{name} must be text, a number or a boolean"))),
            };
            map.insert(name, text);
        }
        Ok(self.then(MapSource(map)))
    }
}

impl Source for Layers {
    fn get(&self, name: &str) -> Option<String> {
        self.layers.iter().find_map(|layer| layer.get(name))
    }

    fn names(&self) -> Vec<String> {
        self.layers.iter().flat_map(Source::names).collect()
    }
}
