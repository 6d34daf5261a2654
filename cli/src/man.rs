//! `design-analysis man`: pages of the manual, made of what `--help` says.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::command::CommandError;
use crate::input;

/// Which pages.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The command whose page is printed [default: that of all commands]
    command: Option<String>,
    /// Write every page into this directory, instead of printing one
    #[arg(long, value_name = "DIR", value_parser = input::directory, conflicts_with = "command")]
    to: Option<PathBuf>,
}

/// Prints a page, or writes all of them and prints their names.
pub(crate) fn run(options: &Options, program: Command) -> Result<(), CommandError> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    if let Some(directory) = &options.to {
        return [&program].into_iter().chain(program.get_subcommands()).try_for_each(|command| {
            let name = format!("{}.1", command.get_display_name().unwrap_or(command.get_name()));
            write(&directory.join(name), &page(&program, command))
        });
    }
    let command = match &options.command {
        None => &program,
        Some(name) => program
            .find_subcommand(name)
            .ok_or_else(|| CommandError::Usage(format!("there is no command {name:?}")))?,
    };
    let text = page(&program, command).map_err(CommandError::Output)?;
    io::stdout().write_all(&text).map_err(CommandError::Output)
}

fn write(path: &Path, page: &io::Result<Vec<u8>>) -> Result<(), CommandError> {
    let failed = |source| CommandError::File { path: path.to_owned(), source };
    match page {
        Ok(page) => fs::write(path, page).map_err(failed)?,
        Err(error) => return Err(failed(io::Error::other(error.to_string()))),
    }
    writeln!(io::stdout(), "{}", path.display()).map_err(CommandError::Output)
}

fn page(program: &Command, command: &Command) -> io::Result<Vec<u8>> {
    let version = program.get_version().unwrap_or_default();
    let man = Man::new(command.clone())
        .source(format!("{} {version}", program.get_name()))
        .manual("Design Analysis Storage");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let notes = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    sections(&notes).to_writer(&mut page)?;
    Ok(page)
}

/// What stands below the options: each part with a heading is a section.
fn sections(notes: &str) -> Roff {
    let mut roff = Roff::new();
    for part in notes.split("\n\n") {
        let mut lines = part.lines();
        let heading = lines.next().unwrap_or_default().trim_end_matches(':').to_uppercase();
        roff.control("SH", [heading.as_str()]);
        let lines = lines.map(|line| line.strip_prefix("  ").unwrap_or(line));
        match heading.as_str() {
            "ENVIRONMENT VARIABLES" => variables(&mut roff, lines),
            _ => verbatim(&mut roff, lines),
        }
    }
    roff
}

/// Each name with what it is for, which stands indented below it; all else as it is.
fn variables<'a>(roff: &mut Roff, lines: impl Iterator<Item = &'a str>) {
    for line in lines {
        if let Some(meaning) = line.strip_prefix("        ") {
            roff.text([roman(meaning)]);
        } else if line.contains(' ') {
            roff.control("PP", []);
            roff.text([roman(line)]);
        } else {
            roff.control("TP", []);
            roff.text([bold(line)]);
        }
    }
}

/// Lines that stay as they are, with commands in bold.
fn verbatim<'a>(roff: &mut Roff, lines: impl Iterator<Item = &'a str>) {
    roff.control("nf", []);
    for line in lines {
        roff.text([if line.contains("design-analysis ") { bold(line) } else { roman(line) }]);
    }
    roff.control("fi", []);
}
