//! `design-analysis`: the HTTP server and the everyday commands.

mod exit;
mod listen;
mod rebuild;
mod serve;

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
}

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(options) => exit::conclude(serve::run(options).await),
        Command::Rebuild(options) => exit::conclude(rebuild::run(options).await),
    }
}
