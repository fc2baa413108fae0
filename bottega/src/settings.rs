//! The configuration of all five processes.

use config::{Common, ConfigFaults, Effective, Reader, Source};
use telemetry::LogSettings;

use crate::cli::Service;

/// What a process that runs the whole suite reads.
#[derive(Debug, Clone)]
pub struct SuiteConfig {
    /// How it logs.
    pub log: LogSettings,
    /// What all share.
    pub common: Common,
    /// The auth service.
    pub auth: auth::Config,
    /// The file service.
    pub file: file::Config,
    /// The generation service.
    pub generation: generation::Config,
    /// The usage service.
    pub usage: usage::Config,
    /// The gateway.
    pub gateway: gateway::Config,
}

impl SuiteConfig {
    fn read(reader: &mut Reader<'_>) -> Self {
        note_file(reader);
        Self {
            log: LogSettings::read(reader),
            common: Common::read(reader),
            auth: auth::Config::read(reader),
            file: file::Config::read(reader),
            generation: generation::Config::read(reader),
            usage: usage::Config::read(reader),
            gateway: gateway::Config::read(reader),
        }
    }

    /// Reads the settings of all five, and what each comes to.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(source: &dyn Source) -> Result<(Self, Vec<Effective>), ConfigFaults> {
        let mut reader = Reader::new(source);
        let config = Self::read(&mut reader);
        Ok((config, reader.finish()?))
    }
}

/// What a process that runs one service reads.
#[derive(Debug, Clone)]
pub struct OneConfig {
    /// How it logs.
    pub log: LogSettings,
    /// What all share.
    pub common: Common,
    /// The service's own settings.
    pub service: ServiceConfig,
}

/// The settings of one service.
#[derive(Debug, Clone)]
pub enum ServiceConfig {
    /// The auth service.
    Auth(auth::Config),
    /// The file service.
    File(file::Config),
    /// The generation service.
    Generation(generation::Config),
    /// The usage service.
    Usage(usage::Config),
    /// The gateway.
    Gateway(gateway::Config),
}

impl OneConfig {
    /// Reads the settings of one service. Settings of the others may be set here too, and are not
    /// looked at: an environment file can be shared.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(service: Service, source: &dyn Source) -> Result<Self, ConfigFaults> {
        let mut all = Reader::new(source);
        SuiteConfig::read(&mut all);

        let mut reader = Reader::new(source);
        reader.allow(all.names());
        note_file(&mut reader);
        let config = Self {
            log: LogSettings::read(&mut reader),
            common: Common::read(&mut reader),
            service: match service {
                Service::Auth => ServiceConfig::Auth(auth::Config::read(&mut reader)),
                Service::File => ServiceConfig::File(file::Config::read(&mut reader)),
                Service::Generation => {
                    ServiceConfig::Generation(generation::Config::read(&mut reader))
                }
                Service::Usage => ServiceConfig::Usage(usage::Config::read(&mut reader)),
                Service::Gateway => ServiceConfig::Gateway(gateway::Config::read(&mut reader)),
            },
        };
        reader.finish()?;
        Ok(config)
    }
}

// The file was read before all else; here it is only listed, so that its name is no mistake.
fn note_file(reader: &mut Reader<'_>) {
    reader.text("BOTTEGA_CONFIG", "");
}
