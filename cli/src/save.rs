//! `design-analysis save`: documents from files or standard input.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use analysis_http::Item;
use analysis_storage::{Access, AnalysisId, Condition, Document, ETag, Error, Saved};
use bytes::Bytes;

use crate::command::CommandError;
use crate::store::Store;

/// What to save, and under which id.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Documents to save; - is standard input. Of several, those that cannot be read are skipped
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Save under this id [default: the document's `request_id`, else a new one]
    #[arg(long, conflicts_with = "id_from_name")]
    id: Option<String>,
    /// Save each file under its name, without .json
    #[arg(long)]
    id_from_name: bool,
    /// Replace only the document that has this entity tag, which `load --etag` prints; * is any document
    #[arg(long, value_name = "ETAG", conflicts_with = "create")]
    if_match: Option<String>,
    /// Create only: an id that is taken is refused
    #[arg(long)]
    create: bool,
    /// Print each saved analysis as a JSON object, instead of its id
    #[arg(long)]
    json: bool,
}

/// Saves one document after the other; prints the id of each as soon as it is acknowledged.
pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    options.check()?;
    let condition = options.condition()?;
    let store = Store::open_interruptible(Access::Write).await?;
    if let Some(id) = &options.id {
        store.id(id)?;
    }
    let mut refused = 0;
    for file in &options.files {
        match save(&store, &options, &condition, file).await {
            Ok(()) => {}
            Err(SaveError::Failed(error)) => return Err(error),
            Err(error) if options.files.len() > 1 => {
                eprintln!("{}: not saved: {error}", file.display());
                refused += 1;
            }
            Err(SaveError::Refused(reason)) => {
                return Err(CommandError::Refused(format!("{}: {reason}", file.display())));
            }
            Err(SaveError::Unreadable(source)) => {
                return Err(CommandError::File { path: file.clone(), source });
            }
        }
    }
    match refused {
        0 => Ok(()),
        _ => Err(CommandError::Refused(format!("{refused} of {} documents not saved", options.files.len()))),
    }
}

impl Options {
    fn check(&self) -> Result<(), CommandError> {
        let usage = |text: &str| Err(CommandError::Usage(text.to_owned()));
        let inputs = self.files.iter().filter(|file| is_stdin(file)).count();
        if self.files.len() > 1 && (self.id.is_some() || self.if_match.is_some()) {
            return usage("--id and --if-match are for one document; give one FILE");
        }
        if inputs > 1 {
            return usage("standard input can be read once; give - once");
        }
        if inputs > 0 && self.id_from_name {
            return usage("standard input has no name; give --id instead of --id-from-name");
        }
        Ok(())
    }

    fn condition(&self) -> Result<Condition, CommandError> {
        match self.if_match.as_deref() {
            None if self.create => Ok(Condition::Absent),
            None => Ok(Condition::None),
            Some("*") => Ok(Condition::Present),
            Some(tag) => entity_tag(tag).map(Condition::Match),
        }
    }

    /// The id to save under; `None` for a new one.
    fn id_for(&self, file: &Path, document: &Document) -> Result<Option<String>, Error> {
        let named = if self.id_from_name { Some(name(file)) } else { self.id.clone() };
        match (named, document.request_id()) {
            (Some(id), Some(request_id)) if id != request_id => Err(Error::InvalidDocument(format!(
                "field `request_id` is {request_id:?}, but the id is {id:?}; they must be equal"
            ))),
            (Some(id), _) => Ok(Some(id)),
            (None, request_id) => Ok(request_id.map(str::to_owned)),
        }
    }
}

/// An entity tag, in its quotes or without (RFC 9110, section 8.8.3). A weak one guards no write.
pub(crate) fn entity_tag(text: &str) -> Result<ETag, CommandError> {
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    if !bare.is_empty() && bare.bytes().all(|b| b > b' ' && b != b'"' && b != 0x7f) {
        Ok(ETag::new(format!("\"{bare}\"")))
    } else {
        Err(CommandError::Usage(format!("{text:?} is not an entity tag; `load --etag` prints one")))
    }
}

/// Why a document is not saved.
#[derive(Debug, thiserror::Error)]
enum SaveError {
    /// Others may fare better.
    #[error("{0}")]
    Refused(String),
    /// If there are others, this one is skipped.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// It ends the command.
    #[error(transparent)]
    Failed(CommandError),
}

impl From<Error> for SaveError {
    fn from(error: Error) -> Self {
        if error.code().is_of_one_document() {
            Self::Refused(error.to_string())
        } else {
            Self::Failed(error.into())
        }
    }
}

async fn save(store: &Store, options: &Options, condition: &Condition, file: &Path) -> Result<(), SaveError> {
    let document = Document::parse(read(file, store.config.max_document_bytes)?)?;
    let id = options.id_for(file, &document)?;
    let id = id.map(|id| AnalysisId::parse(&id, store.analyses.clock().now())).transpose()?;
    let _write = store.begin_write().await;
    let saved = match id {
        Some(id) => store.analyses.save(&id, &document, condition).await?,
        None if matches!(condition, Condition::Present | Condition::Match(_)) => {
            return Err(SaveError::Refused(
                "a new analysis has no tag that --if-match could meet".to_owned(),
            ));
        }
        None => store.analyses.save_new(&document).await?,
    };
    print(store, &saved, options.json).map_err(|e| SaveError::Failed(CommandError::Output(e)))
}

fn print(store: &Store, saved: &Saved, json: bool) -> io::Result<()> {
    let text = if json {
        serde_json::to_string(&Item::new(&store.analyses, &saved.entry))?
    } else {
        saved.entry.id.to_string()
    };
    writeln!(io::stdout(), "{text}")
}

/// The whole input, unless it is larger than the limit: then no more than that is read.
fn read(file: &Path, limit: u64) -> Result<Bytes, SaveError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if is_stdin(file) {
            io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)?;
        } else {
            File::open(file)?.take(limit + 1).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    };
    let bytes = read().map_err(SaveError::Unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes.into())
    } else {
        Err(Error::TooLarge { limit }.into())
    }
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn name(file: &Path) -> String {
    let is_json = file.extension().is_some_and(|extension| extension == "json");
    let name = if is_json { file.file_stem() } else { file.file_name() };
    name.unwrap_or_default().to_string_lossy().into_owned()
}
