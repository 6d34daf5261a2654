//! `design-analysis`: the HTTP server and the everyday commands.

mod backup;
mod exit;
mod listen;
mod migrate;
mod progress;
mod rebuild;
mod restore_backup;
mod serve;
mod signals;
mod transfer;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The durable home of design analyses, on one S3 bucket or in plain files.
///
/// Configured by environment variables; see the README.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = exit::HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the HTTP API
    Serve(serve::Options),
    /// Check the index against the documents, or derive it anew from them
    Rebuild(rebuild::Options),
    /// Take in the documents of a directory or of an older bucket
    Migrate(migrate::Options),
    /// Copy every document into a directory
    Backup(backup::Options),
    /// Save the documents of a backup in the store
    RestoreBackup(restore_backup::Options),
    /// Compare the store with a directory, both ways
    Verify(verify::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(options) => exit::conclude(serve::run(options).await),
        Command::Rebuild(options) => exit::conclude(rebuild::run(options).await),
        Command::Migrate(options) => exit::conclude(migrate::run(options).await),
        Command::Backup(options) => exit::conclude(backup::run(options).await),
        Command::RestoreBackup(options) => exit::conclude(restore_backup::run(options).await),
        Command::Verify(options) => exit::conclude(verify::run(options).await),
    }
}
