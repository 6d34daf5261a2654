//! `design-analysis completions`: scripts that let a shell complete commands and options.

use std::io::{self, Write};

use clap::Command;
use clap_complete::Shell;

use crate::command::CommandError;

/// For which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The shell to complete in
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(options: &Options, mut program: Command) -> Result<(), CommandError> {
    let name = program.get_name().to_owned();
    // The generator would panic if the reader left.
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut program, name, &mut script);
    io::stdout().write_all(&script).map_err(CommandError::Output)
}
