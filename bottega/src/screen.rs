//! The short screen a started suite prints.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use crate::suite::Place;

/// What there is to tell.
pub(crate) struct Screen<'a> {
    pub(crate) places: &'a [Place],
    pub(crate) data_dir: &'a Path,
    pub(crate) providers: &'a [(String, bool)],
    /// Whether the gateway has a certificate.
    pub(crate) is_encrypted: bool,
}

/// Prints a line for each service that runs alone.
pub(crate) fn print_places(places: &[Place]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for Place { name, addr, admin } in places {
        writeln!(out, "{name} listens on {addr}, admin http://{admin}")?;
    }
    out.flush()
}

impl Screen<'_> {
    /// Prints it on standard output.
    pub(crate) fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(self.text().as_bytes())?;
        out.flush()
    }

    fn text(&self) -> String {
        let mut text = format!("\nBottega {}\n\n", env!("CARGO_PKG_VERSION"));
        let scheme = if self.is_encrypted { "https" } else { "http" };
        for place in self.places.iter().rev() {
            let Place { name, addr, admin } = place;
            // Writing into a String cannot fail.
            let _ = if *name == "gateway" {
                writeln!(
                    text,
                    "  API         {scheme}://{addr}\n  docs        {scheme}://{addr}/docs"
                )
            } else {
                writeln!(text, "  {name:<11} grpc://{addr}   admin http://{admin}")
            };
        }
        if let Some(gateway) = self.places.iter().find(|place| place.name == "gateway") {
            let _ = writeln!(text, "  health      http://{}/readyz", gateway.admin);
        }
        let data_dir = std::path::absolute(self.data_dir);
        let data_dir = data_dir.as_deref().unwrap_or(self.data_dir);
        let _ = writeln!(text, "  data        {}", data_dir.display());
        let named = |configured: bool| {
            let names = self.providers.iter().filter(|(_, is)| *is == configured);
            names
                .map(|(name, _)| name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let _ = writeln!(text, "  providers   {}", named(true));
        if !named(false).is_empty() {
            let _ = writeln!(text, "              not configured: {}", named(false));
        }
        text.push('\n');
        text
    }
}
