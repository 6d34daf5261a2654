//! Healing: documents that are damaged or gone are brought back from a backup, with the very bytes that were saved.

use std::fs;
use std::path::{Path, PathBuf};

use analysis_storage::bucket::local::set_aside;
use analysis_storage::config::Storage;
use analysis_storage::repair::{Finding, Wounded};
use analysis_storage::{Analyses, Document, Error, SavedAt, StorageConfig};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::copies::{Copies, Copy};
use crate::transfer::{Budget, Line, TransferError, keep_apart, read_file, sha256};

/// How many documents are brought back together.
const PARALLEL: usize = 8;

/// A backup to heal from, and where to.
#[derive(Debug)]
pub(crate) struct Healer {
    copies: Copies,
    storage: Storage,
    budget: Budget,
    limit: u64,
    keeps_versions: OnceCell<bool>,
}

/// A copy that is what was saved.
struct Remedy {
    name: PathBuf,
    document: Document,
}

impl Healer {
    /// Opens the backup.
    pub(crate) fn open(backup: &Path, config: &StorageConfig) -> Result<Self, TransferError> {
        keep_apart(config, backup)?;
        Ok(Self {
            copies: Copies::open(backup)?,
            storage: config.storage.clone(),
            budget: Budget::new(config.max_document_bytes),
            limit: config.max_document_bytes,
            keeps_versions: OnceCell::new(),
        })
    }

    /// Heals what can be healed. What cannot stays as it was found.
    pub(crate) async fn heal_all(
        &self,
        analyses: &Analyses,
        findings: Vec<Finding>,
    ) -> Result<Vec<Finding>, Error> {
        let healing = findings.into_iter().map(|finding| self.heal(analyses, finding));
        stream::iter(healing).buffered(PARALLEL).try_collect().await
    }

    /// Heals one, if it is a wound.
    pub(crate) async fn heal(&self, analyses: &Analyses, finding: Finding) -> Result<Finding, Error> {
        let Some(wounded) = analyses.find_wound(&finding).await? else { return Ok(finding) };
        // Twice: a copy that does not fit is read beside the next.
        let _reserved = self.budget.reserve(wounded.entry().size * 2).await;
        let Some(Remedy { name, document }) = self.remedy(&wounded).await else {
            return Ok(without_copy(finding));
        };
        let Some(kept) = self.keep_damaged(analyses, &wounded).await? else {
            let advice = "could not be healed: the damaged bytes cannot be kept aside, in `.storage/damaged`";
            return Ok(Finding { advice: Some(advice.to_owned()), ..finding });
        };
        match analyses.heal(&wounded, &document).await {
            Ok(true) => Ok(finding.healed(format!("with {} of the backup{kept}", name.display()))),
            Ok(false) => Ok(finding),
            Err(error) if error.code().is_of_one_document() => {
                Ok(Finding { advice: Some(format!("could not be healed: {error}")), ..finding })
            }
            Err(error) => Err(error),
        }
    }

    /// The newest copy that is what its line says, and what the index says was saved.
    async fn remedy(&self, wounded: &Wounded) -> Option<Remedy> {
        let entry = wounded.entry();
        for Copy { name, place, lines } in self.copies.of(entry.id.as_str()).ok()? {
            let is_there = fs::metadata(&place).is_ok_and(|copy| copy.is_file() && copy.len() == entry.size);
            if !is_there || entry.size > self.limit {
                continue;
            }
            let Ok(Ok(bytes)) = read_file(place, entry.size).await else { continue };
            let wounded = wounded.clone();
            let checked = tokio::task::spawn_blocking(move || fitting(&wounded, &lines, bytes));
            if let Ok(Some(document)) = checked.await {
                return Some(Remedy { name, document });
            }
        }
        None
    }

    /// Sees to it that the bytes which are about to be replaced are still somewhere; what to say of that, if they are.
    async fn keep_damaged(&self, analyses: &Analyses, wounded: &Wounded) -> Result<Option<String>, Error> {
        if wounded.is_gone() {
            return Ok(Some(String::new()));
        }
        match &self.storage {
            Storage::Local { directory } => {
                let key = analyses.document_key(wounded.entry());
                let Ok(aside) = set_aside(directory, &key) else { return Ok(None) };
                let place = aside.map(|place| format!("; the damaged bytes are in {}", place.display()));
                Ok(Some(place.unwrap_or_default()))
            }
            Storage::S3 { .. } => {
                let info =
                    || async { Ok::<_, Error>(analyses.bucket_info().await?.versioning_status == "Enabled") };
                let keeps_versions = *self.keeps_versions.get_or_try_init(info).await?;
                let said = if keeps_versions {
                    "; the damaged bytes are the version before"
                } else {
                    "; the damaged bytes are gone, because the bucket keeps no versions"
                };
                Ok(Some(said.to_owned()))
            }
        }
    }
}

/// The document of a copy, if it is what its line says, and what was saved.
fn fitting(wounded: &Wounded, lines: &[Line], bytes: Bytes) -> Option<Document> {
    let (digest, size) = sha256(&bytes[..]).ok()?;
    let mut describing = lines.iter().filter(|line| line.sha256 == digest && line.size == size);
    let saved_at = |line: &Line| line.saved_at.parse::<Timestamp>().ok().map(SavedAt::from);
    let line = describing.find(|line| wounded.is_healed_by(&bytes, saved_at(line)))?;
    let kept = Document::unindexable(bytes.clone(), line.summary());
    Some(Document::parse(bytes).unwrap_or(kept))
}

fn without_copy(finding: Finding) -> Finding {
    let advice = finding
        .advice
        .as_ref()
        .map(|advice| format!("the backup has no copy that is what was saved; from another, {advice}"));
    Finding { advice, ..finding }
}
