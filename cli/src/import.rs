//! `design-analysis import`: documents of a directory, or of an older bucket, saved in the store.

mod bucket;
mod directory;

use std::path::{Path, PathBuf};

use analysis_storage::import::Existing;
use analysis_storage::{AnalysisId, CreatedAt, Document, Entry};
use bytes::Bytes;

use crate::input;
use crate::transfer::{
    Done, Importer, Problem, Transfer, TransferError, TransferKind, TransferOptions, blocking, keep_apart,
    refuse_backup,
};
use bucket::Location;

/// What to take, and what to do about what is there already.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A directory of `{id}.json` files, flat or nested, or `s3://bucket/prefix` with `analysis/YYYY/MM/{id}.json`
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX", value_parser = input::directory)]
    from: PathBuf,
    /// The region of the bucket to take from [default: that of the store]
    #[arg(long, value_name = "REGION")]
    from_region: Option<String>,
    /// The URL of the S3-compatible store to take from [default: that of the store]
    #[arg(long, value_name = "URL")]
    from_endpoint: Option<String>,
    /// Only say what would happen; nothing is written
    #[arg(long)]
    dry_run: bool,
    /// Replace documents that are stored under the same ids with other content
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    transfer: TransferOptions,
}

/// Takes everything in, until the end, a signal or a failure.
pub(crate) async fn run(options: Options) -> Result<(), TransferError> {
    let source = Source::from_options(&options)?;
    let counts = Importer::counts(options.dry_run);
    let access = Transfer::access_to_save(options.dry_run);
    let Transfer { config, analyses, budget, mut work } =
        Transfer::begin("import", access, &options.transfer, &counts).await?;
    if let Source::Directory(root) = source {
        keep_apart(&config, root)?;
        refuse_backup(root)?;
    }
    let existing = if options.replace { Existing::Replace } else { Existing::Keep };
    let limit = config.max_document_bytes;
    let importer = Importer { analyses: &analyses, budget, limit, existing, dry_run: options.dry_run };
    let result = match source {
        Source::Directory(root) => directory::import(root, &importer, &mut work).await,
        Source::Bucket(location) => bucket::import(location, &config, &importer, &mut work).await,
    };
    work.end(result)
}

enum Source<'a> {
    Directory(&'a Path),
    Bucket(Location<'a>),
}

impl<'a> Source<'a> {
    fn from_options(options: &'a Options) -> Result<Self, TransferError> {
        let Some(url) = options.from.to_str().and_then(|from| from.strip_prefix("s3://")) else {
            if options.from_region.is_some() || options.from_endpoint.is_some() {
                let text = "--from-region and --from-endpoint go with --from s3://BUCKET/PREFIX only";
                return Err(TransferError::Unusable(text.into()));
            }
            return Ok(Self::Directory(&options.from));
        };
        let (bucket, prefix) = url.split_once('/').unwrap_or((url, ""));
        let (region, endpoint) = (options.from_region.clone(), options.from_endpoint.clone());
        Ok(Self::Bucket(Location { bucket, prefix, region, endpoint }))
    }
}

/// Checks a document that another program has written, and saves it.
async fn take(
    importer: &Importer<'_>,
    id: &AnalysisId,
    known: Option<&Entry>,
    origin: &str,
    bytes: Bytes,
    created_at: impl FnOnce(&Document) -> CreatedAt,
) -> Result<Done, TransferError> {
    let document = match blocking(move || Document::parse(bytes)).await? {
        Ok(document) => document,
        Err(error) => return Ok(Done::problem(Problem::from_error(error, origin)?)),
    };
    match document.request_id() {
        Some(other) if other != id.as_str() => {
            let reason = format!("its request_id is {other:?}, not {:?}", id.as_str());
            Ok(Done::problem(Problem::new(TransferKind::IdMismatch, origin, reason)))
        }
        _ => Ok(importer.import(id, origin, &document, created_at(&document), known).await?.0),
    }
}
