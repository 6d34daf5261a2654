//! `design-analysis`: the HTTP server and the everyday commands.

mod backup;
mod command;
mod completions;
mod cost;
mod delete;
mod exit;
mod health;
mod human;
mod list;
mod listen;
mod load;
mod migrate;
mod progress;
mod rebuild;
mod restore_backup;
mod save;
mod serve;
mod signals;
mod stats;
mod table;
mod transfer;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use command::unless_reader_left;
use exit::conclude;

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
    /// Ask the server at `API_HOST` and `API_PORT` whether it lives; exit code 0 if it does
    Health,
    /// Save documents, and print their ids
    Save(save::Options),
    /// Load a document: the very bytes that were saved
    Load(load::Options),
    /// List analyses, newest first
    List(list::Options),
    /// Show totals
    Stats(stats::Options),
    /// Delete analyses
    Delete(delete::Options),
    /// Estimate what a month on AWS costs
    Cost(cost::Options),
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
    /// Print a script that completes commands and options in a shell
    Completions(completions::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(options) => conclude(serve::run(options).await),
        Command::Health => conclude(health::run().await),
        Command::Save(options) => conclude(save::run(options).await),
        Command::Load(options) => conclude(unless_reader_left(load::run(options).await)),
        Command::List(options) => conclude(unless_reader_left(list::run(options).await)),
        Command::Stats(options) => conclude(unless_reader_left(stats::run(options).await)),
        Command::Delete(options) => conclude(delete::run(options).await),
        Command::Cost(options) => conclude(unless_reader_left(cost::run(options).await)),
        Command::Rebuild(options) => conclude(rebuild::run(options).await),
        Command::Migrate(options) => conclude(migrate::run(options).await),
        Command::Backup(options) => conclude(backup::run(options).await),
        Command::RestoreBackup(options) => conclude(restore_backup::run(options).await),
        Command::Verify(options) => conclude(verify::run(options).await),
        Command::Completions(options) => {
            conclude(unless_reader_left(completions::run(&options, Arguments::command())))
        }
    }
}
