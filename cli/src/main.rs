//! `design-analysis`: the HTTP server and the everyday commands.

mod atomic_file;
mod backup;
mod check;
mod command;
mod completions;
mod config;
mod cost;
mod delete;
mod deprecated;
mod doctor;
mod exit;
mod front_page;
mod health;
mod help;
mod human;
mod import;
mod input;
mod list;
mod listen;
mod load;
mod maintenance;
mod man;
mod order;
mod pages;
mod progress;
mod repair;
mod restore;
mod save;
mod selection;
mod serve;
mod signals;
mod stats;
mod store;
mod table;
mod transfer;
mod variables;
mod verify;

use std::process::ExitCode;
use std::time::Duration;

use analysis_storage::config::StoreName;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use command::unless_reader_left;
use exit::conclude;

/// How long work on files that nobody waits for any more may go on: a disk that stalls does not keep the process.
const LAST_FILES: Duration = Duration::from_secs(1);

/// The durable home of design analyses, on one S3 bucket or in plain files.
///
/// Configured by environment variables, which --help lists, and --store; `config` shows what holds.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    /// The store to work on, in place of the one that the environment variables configure; the region and endpoint of a
    /// bucket are still theirs
    #[arg(long, global = true, display_order = 900, value_name = "DIR|s3://BUCKET[/PREFIX]")]
    store: Option<StoreName>,
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
    /// Compare the index with the documents, and report what is wrong
    Check(check::Options),
    /// Derive the index anew from the documents
    Repair(repair::Options),
    /// Take in the documents of a directory or of an older bucket
    Import(import::Options),
    /// Copy every document into a directory
    Backup(backup::Options),
    /// Save the documents of a backup in the store
    Restore(restore::Options),
    /// Compare the store with a directory, both ways
    Verify(verify::Options),
    /// Look for what may stand in the way of the store, and say what to do
    Doctor(doctor::Options),
    /// Show each setting, its value, and where it comes from
    Config(config::Options),
    /// Print a script that lets a shell complete commands, options and ids
    Completions(completions::Options),
    /// Print or write pages of the manual
    Man(man::Options),
}

/// The commands with their options, as `--help` shows them.
fn program() -> clap::Command {
    help::described(Arguments::command())
}

fn main() -> ExitCode {
    completions::answer(program);
    let matches = program().get_matches_from(deprecated::renamed(std::env::args_os()));
    match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => run(arguments),
        Err(error) => error.exit(),
    }
}

/// Runs a command, and ends with it.
fn run(arguments: Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return exit::FAILED.into();
        }
    };
    let code = runtime.block_on(work(arguments));
    runtime.shutdown_timeout(LAST_FILES);
    code
}

async fn work(Arguments { store, command }: Arguments) -> ExitCode {
    store::choose(store);
    match command {
        Command::Serve(options) => conclude(serve::run(options).await),
        Command::Health => conclude(health::run().await),
        Command::Save(options) => conclude(save::run(options).await),
        Command::Load(options) => conclude(unless_reader_left(load::run(options).await)),
        Command::List(options) => conclude(unless_reader_left(list::run(options).await)),
        Command::Stats(options) => conclude(unless_reader_left(stats::run(options).await)),
        Command::Delete(options) => conclude(delete::run(options).await),
        Command::Cost(options) => conclude(unless_reader_left(cost::run(options).await)),
        Command::Check(options) => conclude(check::run(options).await),
        Command::Repair(options) => conclude(repair::run(options).await),
        Command::Import(options) => conclude(import::run(options).await),
        Command::Backup(options) => conclude(backup::run(options).await),
        Command::Restore(options) => conclude(restore::run(options).await),
        Command::Verify(options) => conclude(verify::run(options).await),
        Command::Doctor(options) => conclude(unless_reader_left(doctor::run(options).await)),
        Command::Config(options) => conclude(unless_reader_left(config::run(&options))),
        Command::Completions(options) => conclude(unless_reader_left(completions::run(&options, &program()))),
        Command::Man(options) => conclude(unless_reader_left(man::run(&options, program()))),
    }
}
