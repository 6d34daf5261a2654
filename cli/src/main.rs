//! `design-analysis`: the HTTP server and the everyday commands.

mod health;
mod listen;
mod rebuild;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The durable home of design analyses, on one S3 bucket or in plain files.
///
/// Configured by environment variables; see the README.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the HTTP API.
    Serve(serve::Options),
    /// Ask the server at `API_HOST` and `API_PORT` whether it lives; exit code 0 if it does
    Health,
    /// Check the index against the documents, or derive it anew from them
    Rebuild(rebuild::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let result: Result<(), Box<dyn std::error::Error>> = match command {
        Command::Serve(options) => serve::run(options).await.map_err(Into::into),
        Command::Health => health::run().await.map_err(Into::into),
        Command::Rebuild(options) => rebuild::run(options).await.map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

/// One clear line, and what lies beneath it.
fn report(error: &dyn std::error::Error) {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  caused by: {error}");
        cause = error.source();
    }
}
