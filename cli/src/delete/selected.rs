//! Deleting what a filter selects.

use std::io::{self, Write};

use analysis_storage::{Access, Analyses, AnalysisId, ETag, Entry, Error, SavedAt};

use super::{Options, Tally, confirm};
use crate::command::CommandError;
use crate::human;
use crate::pages::Pages;
use crate::store::Store;

/// An analysis as it was when it was selected.
struct Selected {
    id: AnalysisId,
    saved_at: SavedAt,
}

/// Deletes what is selected once it has been counted and confirmed, and only what has not been saved again meanwhile.
pub(super) async fn run(options: &Options) -> Result<(), CommandError> {
    options.selection.filter()?;
    let store = Store::open_interruptible(Access::Existing).await?;
    let (selected, bytes) = select(&store, options).await?;
    let count = selected.len() as u64;
    let store_name = store.name();
    let what = match count {
        1 => format!("1 analysis ({}) in {store_name}", human::size(bytes)),
        _ => format!("{} analyses ({}) in {store_name}", human::count(count), human::size(bytes)),
    };
    if options.dry_run {
        let mut out = io::stdout().lock();
        let printed = selected.iter().try_for_each(|analysis| writeln!(out, "{}", analysis.id));
        printed.map_err(CommandError::Output)?;
        eprintln!("{what} would be deleted");
        return Ok(());
    }
    if count == 0 && options.yes.is_none() {
        eprintln!("there are no such analyses in {store_name}");
        return Ok(());
    }
    confirm::selected(options.yes, count, &what)?;
    store.try_out().await?;
    let mut tally = Tally::of(selected.len());
    for analysis in &selected {
        let _write = store.begin_write().await;
        match unchanged(&store.analyses, analysis).await {
            Ok(Some(tag)) => {
                tally.add(&analysis.id, store.analyses.delete(&analysis.id, Some(&tag)).await)?;
            }
            Ok(None) => tally.keep(&analysis.id, "it has been saved again since it was selected"),
            Err(Error::NotFound { .. }) => {
                tally.keep(&analysis.id, "its document is gone; `check` says more");
            }
            Err(error) => tally.add(&analysis.id, Err(error))?,
        }
    }
    tally.finish(false)
}

/// What the options select, and the bytes of it.
async fn select(store: &Store, options: &Options) -> Result<(Vec<Selected>, u64), CommandError> {
    let (mut selected, mut bytes) = (Vec::new(), 0);
    let mut pages = Pages::of(&store.analyses, &options.selection, u64::MAX)?;
    while let Some(entries) = pages.next().await? {
        bytes += entries.iter().map(|entry| entry.size).sum::<u64>();
        selected.extend(entries.into_iter().map(|Entry { id, saved_at, .. }| Selected { id, saved_at }));
    }
    Ok((selected, bytes))
}

/// The tag of the document, if it is still the one that was selected.
async fn unchanged(analyses: &Analyses, selected: &Selected) -> Result<Option<ETag>, Error> {
    let meta = analyses.describe(&selected.id).await?;
    Ok((meta.saved_at == selected.saved_at).then_some(meta.etag))
}
