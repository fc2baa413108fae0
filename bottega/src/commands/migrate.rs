//! `migrate`: brings every database to the schema of this version.

use std::process::ExitCode;

use anyhow::Context;
use database::{Database, Settings};

use crate::Failure;
use crate::cli::Flags;
use crate::settings::SuiteConfig;

/// Applies every migration that is missing, service by service. Doing it again changes nothing.
///
/// # Errors
/// The configuration is wrong, a database does not answer, or a migration fails.
pub fn migrate(flags: &Flags) -> Result<ExitCode, Failure> {
    let (config, _) = SuiteConfig::load(&flags.layers()?)?;
    let log = config.log.clone();
    super::run(&log, async move {
        apply::<auth::Migrator>(&config.auth.database).await?;
        apply::<file::Migrator>(&config.file.database).await?;
        apply::<generation::Migrator>(&config.generation.database).await?;
        apply::<usage::Migrator>(&config.usage.database).await
    })
}

async fn apply<M: sea_orm_migration::MigratorTrait>(settings: &Settings) -> anyhow::Result<()> {
    let service = &settings.service;
    let failed = || format!("the database of {service} could not be migrated");
    let database = Database::connect(settings).await.with_context(failed)?;
    database.migrate::<M>().await.with_context(failed)?;
    database.close().await;
    tracing::info!(%service, "database is up to date");
    Ok(())
}
