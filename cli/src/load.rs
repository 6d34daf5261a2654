//! `design-analysis load`: the very bytes that were saved.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use analysis_storage::bucket::GetOptions;
use analysis_storage::{Access, Error, Loaded};
use clap_complete::ArgValueCompleter;

use crate::atomic_file::{self, sync_directory, usual_permissions};
use crate::command::CommandError;
use crate::completions;
use crate::input;
use crate::store::Store;

/// What to load, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The analysis; - reads the id from standard input. Write -- before an id that begins with -
    #[arg(add = ArgValueCompleter::new(completions::ids))]
    id: String,
    /// Write to this file, whole or not at all, instead of standard output, which is also -
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Load this version of the document, on a bucket that keeps versions
    #[arg(long, value_name = "VERSION")]
    version_id: Option<String>,
    /// Print the entity tag of the document instead, for `save --if-match`
    #[arg(long, conflicts_with_all = ["output", "version_id"])]
    etag: bool,
}

/// Loads a document.
pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    let store = Store::open_interruptible(Access::Existing).await?;
    let id = store.id(&input::one_id(&options.id).map_err(CommandError::Usage)?)?;
    if options.etag {
        let meta = store.analyses.describe(&id).await?;
        return writeln!(io::stdout(), "{}", meta.etag).map_err(CommandError::Output);
    }
    let wanted = GetOptions { version_id: options.version_id.clone(), ..GetOptions::default() };
    let Loaded::Document(object) = store.analyses.load(&id, &wanted).await? else {
        return Err(Error::NotFound { id, version: options.version_id }.into());
    };
    match options.output.filter(|path| !input::is_dash(path)) {
        None => print(&object.body).map_err(CommandError::Output),
        Some(path) => write(&path, &object.body).map_err(|source| CommandError::File { path, source }),
    }
}

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// A file appears with all its bytes, or keeps those it had. What is no regular file, such as a pipe, is written to.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let existing = fs::metadata(path).ok();
    if existing.as_ref().is_some_and(|meta| !meta.is_file()) {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    // A link stays one: the file that it leads to is replaced.
    let path = if existing.is_some() { path.canonicalize()? } else { path.to_owned() };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = existing.map_or_else(usual_permissions, |meta| meta.permissions());
    atomic_file::write(directory, permissions, |file| file.write_all(bytes))?.place(&path)?;
    sync_directory(directory)
}
