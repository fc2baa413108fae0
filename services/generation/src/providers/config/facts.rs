//! What is known of a provider before anything is configured: each keeps its own beside its adapter.

/// What is known of a provider before anything is configured.
pub struct Facts {
    /// As users see it.
    pub name: &'static str,
    /// Where it is reached.
    pub base_url: &'static str,
    /// Models with the highest price of one picture; the first is used unless others are named.
    pub models: &'static [Price],
    /// How long an order may take.
    pub timeout: &'static str,
    /// Whether a base URL alone configures it: own servers often want no key.
    pub keyless: bool,
    /// Hosts, with their subdomains, that its answers name pictures on; none when pictures come
    /// with the answer.
    pub result_hosts: &'static [&'static str],
    /// Whether it counts something else than tokens, at a price of its own.
    pub has_units: bool,
    /// How many orders it is asked for at once unless more are set; 0 for any number.
    pub max_running: u64,
    /// Whether it can run a model, and whether that takes input pictures.
    pub takes: fn(&str) -> Result<bool, &'static str>,
}

/// A list price.
pub struct Price {
    /// The model.
    pub model: &'static str,
    /// US dollars for one picture.
    pub dollars: &'static str,
    /// When that was so.
    pub as_of: &'static str,
    /// Prices of a million tokens, for providers that say how many were used.
    pub rates: Option<&'static str>,
    /// US dollars for one of what the provider counts, where that is something else.
    pub unit: Option<&'static str>,
}
