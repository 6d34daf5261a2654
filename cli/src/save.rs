//! `design-analysis save`: documents from files or standard input.

mod file;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use analysis_http::Item;
use analysis_storage::{Access, AnalysisId, Condition, CreatedAt, Document, ETag, Entry, Error, Saved};
use clap_complete::ArgValueCompleter;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};

use crate::command::CommandError;
use crate::completions;
use crate::input::{self, is_dash};
use crate::progress::Amount;
use crate::store::Store;
use crate::transfer::Budget;

/// What to save, under which id, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Documents to save; - is standard input. Of several, those that cannot be read are skipped
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Save under this id [default: the document's `request_id`, else a new one]; - reads it from standard input
    #[arg(long, conflicts_with = "id_from_name", help_heading = ID, add = ArgValueCompleter::new(completions::ids))]
    id: Option<String>,
    /// Save each file under its name, without .json
    #[arg(long, help_heading = ID)]
    id_from_name: bool,
    /// What becomes the creation time, by which lists are ordered
    ///
    /// It is chosen when an id is saved for the first time, and never changes, not even by deleting and saving again. A
    /// UUIDv7 carries its own. Any other id gets the present, or with `timestamp` the document's field of that name, as
    /// `import` has it; a document without that field, or one from the future, is refused. A new id is made for that time.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Created::Now, help_heading = ID)]
    created_at: Created,
    /// Replace only the document that has this entity tag, which `load --etag` prints; * is any document
    #[arg(long, value_name = "ETAG", conflicts_with = "create", help_heading = REPLACING)]
    if_match: Option<String>,
    /// Create only: an id that is taken is refused
    #[arg(long, help_heading = REPLACING)]
    create: bool,
    /// How many documents to save at once; of several for one id, any may be the last
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256), help_heading = HOW)]
    jobs: u16,
    /// Print each saved analysis as a JSON object, instead of its id
    #[arg(long, help_heading = HOW)]
    json: bool,
}

const ID: &str = "Id and creation time";
const REPLACING: &str = "What is there already";
const HOW: &str = "How to work and report";

/// How far the clock that has written a `timestamp` may run ahead, as that of a UUIDv7 may.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
const FROM_TIMESTAMP: &str =
    "--created-at timestamp needs one of the past, because a creation time never changes";

/// Where creation times come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Created {
    /// The present
    Now,
    /// The document's field `timestamp`
    Timestamp,
}

/// Saves documents, and prints the id of each as soon as it is acknowledged.
pub(crate) async fn run(mut options: Options) -> Result<(), CommandError> {
    options.check()?;
    let condition = options.condition()?;
    options.id = options.id.as_deref().map(input::one_id).transpose().map_err(CommandError::Usage)?;
    let store = Store::open_interruptible(Access::Write).await?;
    if let Some(id) = &options.id {
        store.id(id)?;
    }
    let budget = Budget::new(store.config.max_document_bytes);
    let saving = Saving { store: &store, options: &options, condition, budget };
    if options.files.len() > 1 {
        store.progress.begin("saving", Some(options.files.iter().map(|file| amount(file)).sum()));
    }
    let saved = saving.all().await;
    store.progress.clear();
    let refused = saved?;
    match refused {
        0 => Ok(()),
        _ => Err(CommandError::Refused(format!("{refused} of {} documents not saved", options.files.len()))),
    }
}

/// One document; of standard input nobody knows the size.
fn amount(file: &Path) -> Amount {
    Amount { items: 1, bytes: file::size(file).unwrap_or_default() }
}

impl Options {
    fn check(&self) -> Result<(), CommandError> {
        let usage = |text: &str| Err(CommandError::Usage(text.to_owned()));
        let files = self.files.iter().filter(|file| is_dash(file)).count();
        let inputs = files + self.id.iter().filter(|id| is_dash(id)).count();
        if self.files.len() > 1 && (self.id.is_some() || self.if_match.is_some()) {
            return usage("--id and --if-match are for one document; give one FILE");
        }
        if inputs > 1 {
            return usage("standard input can be read once; give - once");
        }
        if files > 0 && self.id_from_name {
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

    /// The creation time of an id that has none yet; `None` for the present.
    fn created_at(&self, document: &Document, now: Timestamp) -> Result<Option<CreatedAt>, SaveError> {
        if self.created_at == Created::Now {
            return Ok(None);
        }
        match document.summary().timestamp {
            Some(timestamp) if timestamp <= now.saturating_add(AHEAD).unwrap_or(now) => {
                Ok(Some(CreatedAt::clamped(timestamp)))
            }
            Some(timestamp) => Err(SaveError::Refused(format!(
                "its `timestamp` {timestamp} is in the future: {FROM_TIMESTAMP}"
            ))),
            None => Err(SaveError::Refused(format!("it has no `timestamp`: {FROM_TIMESTAMP}"))),
        }
    }

    /// The id to save under; `None` for a new one.
    fn id_for(&self, file: &Path, document: &Document) -> Result<Option<String>, Error> {
        let named = if self.id_from_name { Some(file::name(file)) } else { self.id.clone() };
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

/// What is done with each document.
struct Saving<'a> {
    store: &'a Store,
    options: &'a Options,
    condition: Condition,
    budget: Budget,
}

impl Saving<'_> {
    /// Saves all, some at once; how many were refused. What is under way when one fails is finished.
    async fn all(&self) -> Result<usize, CommandError> {
        let mut files = self.options.files.iter();
        let mut running = FuturesUnordered::new();
        let (mut refused, mut failure) = (0, None);
        loop {
            while failure.is_none() && running.len() < self.options.jobs.into() {
                let Some(file) = files.next() else { break };
                running.push(async move { (file, self.one(file).await) });
            }
            let Some((file, result)) = running.next().await else { break };
            match self.refused(file, result) {
                Ok(is_refused) => refused += usize::from(is_refused),
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        failure.map_or(Ok(refused), Err)
    }

    /// Reports that a document is refused: whether it is. The only one fails the command.
    fn refused(&self, file: &Path, result: Result<(), SaveError>) -> Result<bool, CommandError> {
        match result {
            Ok(()) => Ok(false),
            Err(SaveError::Failed(error)) => Err(error),
            Err(error) if self.options.files.len() > 1 => {
                self.store.progress.note(&format!("{}: not saved: {error}", file.display()));
                self.store.progress.advance(amount(file));
                Ok(true)
            }
            Err(SaveError::Refused(reason)) => {
                Err(CommandError::Refused(format!("{}: {reason}", file.display())))
            }
            Err(SaveError::Unreadable(source)) => Err(CommandError::File { path: file.to_owned(), source }),
        }
    }

    async fn one(&self, file: &Path) -> Result<(), SaveError> {
        let Self { store, options, condition, .. } = self;
        let limit = store.config.max_document_bytes;
        let _reserved = self.budget.reserve(file::size(file).unwrap_or(limit).min(limit)).await;
        let document = Document::parse(file::read(file, limit).await?)?;
        let now = store.analyses.clock().now();
        let id = options.id_for(file, &document)?.map(|id| AnalysisId::parse(&id, now)).transpose()?;
        let created_at = options.created_at(&document, now)?;
        let _write = store.begin_write().await;
        let saved = match (id, created_at) {
            (Some(id), _) => store.analyses.save_created(&id, &document, condition, created_at).await?,
            (None, _) if matches!(condition, Condition::Present | Condition::Match(_)) => {
                return Err(SaveError::Refused(
                    "a new analysis has no tag that --if-match could meet".to_owned(),
                ));
            }
            (None, None) => store.analyses.save_new(&document).await?,
            (None, Some(created_at)) => {
                let clock = store.analyses.clock();
                let id = AnalysisId::generate(created_at, [clock.random(), clock.random()]);
                store.analyses.save(&id, &document, &Condition::Absent).await?
            }
        };
        let Entry { id, created_at: kept, .. } = &saved.entry;
        if id.created_at().is_none() && created_at.is_some_and(|wanted| wanted != *kept) {
            store.progress.note(&format!("{id}: saved; the id was created at {kept}, which never changes"));
        }
        let printed = store.progress.suspend(|| print(store, &saved, options.json));
        printed.map_err(|e| SaveError::Failed(CommandError::Output(e)))?;
        // Before signals are heard again: what they say of the progress is what has been printed.
        store.progress.advance(amount(file));
        Ok(())
    }
}

fn print(store: &Store, saved: &Saved, json: bool) -> io::Result<()> {
    let text = if json {
        serde_json::to_string(&Item::new(&store.analyses, &saved.entry))?
    } else {
        saved.entry.id.to_string()
    };
    writeln!(io::stdout(), "{text}")
}
