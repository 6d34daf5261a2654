//! What is not to take the place of a copy: documents that are damaged, gone, or replaced by another program.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use analysis_storage::bucket::Object;
use analysis_storage::repair::{Damage, Finding, Mode};
use analysis_storage::{Analyses, AnalysisId, Document, Doubt, Entry, Error};
use bytes::Bytes;

use crate::progress::Amount;
use crate::transfer::{Done, Problem, TransferError, TransferKind, Work, blocking, doubtful};

/// Compares the listings of index and documents, so that a copy that is up to date hides nothing. Reports what is wrong;
/// the ids of it. A store that cannot be compared may yet be copied, document by document.
pub(super) async fn look(
    analyses: &Analyses,
    stored: u64,
    work: &mut Work,
) -> Result<HashSet<AnalysisId>, TransferError> {
    work.progress.begin("comparing index and documents", Some(Amount::items(stored)));
    let mut found = HashSet::new();
    match compare(analyses, work, &mut found).await {
        Err(TransferError::Failed(error)) => {
            let reason = format!("index and documents could not be compared: {error}");
            work.report.add(&Done::problem(Problem::new(error.code(), "the store", reason)))?;
        }
        end => end?,
    }
    Ok(found)
}

async fn compare(
    analyses: &Analyses,
    work: &mut Work,
    found: &mut HashSet<AnalysisId>,
) -> Result<(), TransferError> {
    let months = work.signals.beside(failing(analyses.months())).await?;
    for month in months {
        let mut check = analyses.repair_month(month, Mode::CHECK).of_indexed();
        while let Some(page) = work.signals.beside(failing(check.step())).await? {
            work.progress.advance(Amount::items(page.documents));
            for finding in page.findings {
                let Some((id, problem)) = problem(finding) else { continue };
                work.report.add(&Done::problem(problem))?;
                found.insert(id);
            }
        }
    }
    Ok(())
}

async fn failing<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, TransferError> {
    work.await.map_err(TransferError::Failed)
}

/// What a repair does not put right by itself.
fn problem(finding: Finding) -> Option<(AnalysisId, Problem)> {
    let kind = match finding.damage {
        Damage::DamagedDocument => TransferKind::Damaged,
        Damage::ChangedDocument => TransferKind::Changed,
        Damage::DanglingEntry => TransferKind::Lost,
        _ => return None,
    };
    let id = finding.id?;
    let reason = format!(
        "{} ({}) and was not copied; a copy that there is stays: {}",
        kind.as_str(),
        finding.detail.unwrap_or_default(),
        finding.advice.unwrap_or_default()
    );
    let problem = Problem::new(kind, id.as_str(), reason);
    Some((id, problem))
}

/// Why the document that was read is not to replace the copy at this place, if there is one.
pub(super) async fn doubt(
    entry: &Entry,
    object: &Object,
    copy: Option<PathBuf>,
    limit: u64,
) -> Result<Option<Problem>, TransferError> {
    let (listed, read) = (entry.clone(), object.clone());
    let doubt = blocking(move || {
        Doubt::about(&listed, &read).or_else(|| {
            // An earlier version took whatever lay there into the index.
            let copy = copy.filter(|_| !is_json(&read.body))?;
            let copy = fs::metadata(&copy).is_ok_and(|found| found.len() <= limit).then_some(copy)?;
            let copy = fs::read(copy).ok()?;
            is_json(&copy.into()).then(|| Doubt::Damaged("is no JSON, and the copy is".to_owned()))
        })
    });
    Ok(doubt.await?.map(|doubt| doubtful(&entry.id, &doubt, "a copy that there is stays")))
}

fn is_json(bytes: &Bytes) -> bool {
    !matches!(Document::parse(bytes.clone()), Err(Error::MalformedDocument(_)))
}
