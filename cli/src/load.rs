//! `design-analysis load`: the very bytes that were saved.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use analysis_storage::bucket::GetOptions;
use analysis_storage::{Error, Loaded};

use crate::command::{CommandError, Store};

/// What to load, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The analysis
    id: String,
    /// Write to this file, whole or not at all, instead of standard output
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
    let store = Store::open().await?;
    let id = store.id(&options.id)?;
    if options.etag {
        let meta = store.analyses.describe(&id).await?;
        return writeln!(io::stdout(), "{}", meta.etag).map_err(CommandError::Output);
    }
    let wanted = GetOptions { if_none_match: None, version_id: options.version_id };
    let Loaded::Document(object) = store.analyses.load(&id, &wanted).await? else {
        return Err(Error::NotFound(format!("analysis `{id}`")).into());
    };
    match options.output {
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
    let permissions = existing.map_or_else(|| Permissions::from_mode(0o666), |meta| meta.permissions());
    let mut file = tempfile::Builder::new()
        .prefix(".design-analysis-")
        .permissions(permissions)
        .tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    File::open(directory)?.sync_all()
}
