//! The one binary: reads the command line and does what it says.

use std::process::ExitCode;

use bottega::cli::{AdminCommand, Cli, Command};
use bottega::commands;
use clap::Parser;
use mimalloc::MiMalloc;

// Calls are many small allocations on every thread, and passwords a few of 19 MiB: the system's own allocator
// is slower at the ones and keeps the others.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // A huge page is zeroed and kept whole, 2 MiB, for pictures and messages of some kilobytes. What cannot
    // do without them only takes more memory.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(true);
    let Cli { command, settings } = Cli::parse();
    let outcome = match command {
        Command::Up => commands::up(&settings),
        Command::Serve { service } => commands::serve(service, &settings),
        Command::Migrate => commands::migrate(&settings),
        Command::Admin {
            command: AdminCommand::Reconcile { json },
        } => commands::reconcile(json, &settings),
        Command::Admin {
            command: AdminCommand::Attempts(wanted),
        } => commands::attempts(wanted, &settings),
        Command::Admin {
            command: AdminCommand::ChangeTimeZone,
        } => commands::change_time_zone(&settings),
        Command::CheckConfig => commands::check_config(&settings),
        Command::Openapi => commands::openapi(),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}
