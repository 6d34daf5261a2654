//! What store, manifest and directory know of the same ids.

use std::io;
use std::path::{Path, PathBuf};

use analysis_storage::bucket::MAX_KEYS;
use analysis_storage::{Analyses, Entry, Key};
use serde::{Deserialize, Serialize};

use super::files::{Found, walk};
use super::manifest::{Line, MANIFEST, read_lines};
use super::report::Problem;
use super::sorter::{RecordsOfId, Sorter};
use super::{TransferError, TransferKind, Work, list};

/// One thing that is known of an id. A sorter keeps the first of very many records, by these names: of files and
/// objects there may be so many.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum SourceRecord {
    /// The store has it: its entry, as the index spells it.
    #[serde(rename = "1")]
    Stored(String),
    /// The manifest has it, in the line of that number.
    #[serde(rename = "2")]
    Listed(u64, Line),
    /// The directory has it.
    #[serde(rename = "4")]
    File(Found),
    /// The bucket to take documents from has it, under this key.
    #[serde(rename = "5")]
    Object(String),
    /// Its document is being restored from the archive.
    #[serde(rename = "3")]
    Requested,
}

/// All that is known of an id.
#[derive(Debug, Default)]
pub(crate) struct JoinedById {
    pub(crate) id: String,
    pub(crate) entry: Option<Entry>,
    /// The lines of the manifest, in order.
    pub(crate) lines: Vec<Line>,
    /// The files below the directory, and their sizes in bytes.
    pub(crate) files: Vec<(PathBuf, u64)>,
    /// The keys in the bucket to take documents from.
    pub(crate) keys: Vec<Key>,
    pub(crate) is_requested: bool,
    /// How many more files or keys there are.
    pub(crate) more: u64,
    /// What is wrong with files that are no analyses.
    pub(crate) problems: Vec<Problem>,
}

impl From<RecordsOfId<SourceRecord>> for JoinedById {
    fn from(group: RecordsOfId<SourceRecord>) -> Self {
        let mut joined = Self { id: group.id, more: group.more, ..Self::default() };
        let mut lines = Vec::new();
        for side in group.records {
            match side {
                SourceRecord::Stored(entry) => joined.entry = Entry::parse(&entry),
                SourceRecord::Listed(number, line) => lines.push((number, line)),
                SourceRecord::File(Found::File { path, size }) => joined.files.push((path, size)),
                SourceRecord::File(Found::Bad { kind, path, reason }) => {
                    joined.problems.push(Problem::new(kind, path, reason));
                }
                SourceRecord::Object(key) => joined.keys.push(Key::new(key)),
                SourceRecord::Requested => joined.is_requested = true,
            }
        }
        lines.sort_by_key(|(number, _)| *number);
        joined.lines = lines.into_iter().map(|(_, line)| line).collect();
        joined
    }
}

impl Sorter<SourceRecord> {
    /// Adds the lines of the manifest; whether there is one. What cannot be read is handed to `unreadable`.
    pub(crate) fn add_lines(
        &mut self,
        directory: &Path,
        mut unreadable: impl FnMut(Problem),
    ) -> Result<bool, TransferError> {
        read_lines(directory, |number, line| {
            if let Some(line) = line {
                return self.push(&line.id.clone(), &SourceRecord::Listed(number, line));
            }
            unreadable(Problem::new(
                TransferKind::BadLine,
                format!("{MANIFEST}, line {number}"),
                "cannot be read",
            ));
            Ok(())
        })
    }

    /// Adds the files of a directory; how many there are, and how many others.
    pub(crate) async fn add_files(
        &mut self,
        directory: &Path,
        nested: bool,
        analyses: &Analyses,
        work: &mut Work,
    ) -> Result<(u64, u64), TransferError> {
        let mut files = 0;
        work.progress.begin("looking for files", None);
        let walked = walk(directory, nested, analyses.clock(), |id, found| {
            files += u64::from(matches!(found, Found::File { .. }));
            self.push(id, &SourceRecord::File(found))
        });
        let others = work.signals.beside(walked).await?;
        Ok((files, others))
    }

    /// Adds the entries of the list; how many there are.
    pub(crate) async fn add_stored(
        &mut self,
        analyses: &Analyses,
        work: &mut Work,
    ) -> Result<u64, TransferError> {
        let mut stored = 0;
        work.progress.begin("listing", None);
        let push = |entry: &Entry| -> io::Result<()> {
            stored += 1;
            self.push(entry.id.as_str(), &SourceRecord::Stored(entry.to_string()))
        };
        work.signals.beside(list(analyses, &work.progress, push)).await?;
        Ok(stored)
    }

    /// Adds them only if listing takes fewer requests than it saves: one for each thousand analyses, against one or two
    /// for each document that is there already.
    pub(crate) async fn add_stored_if_worthwhile(
        &mut self,
        analyses: &Analyses,
        work: &mut Work,
    ) -> Result<(), TransferError> {
        let stats = async { analyses.stats_unsealed().await.map_err(TransferError::Failed) };
        let stored = work.signals.beside(stats).await?.total_analyses;
        if stored > 0 && stored / MAX_KEYS as u64 <= self.count() {
            self.add_stored(analyses, work).await?;
        }
        Ok(())
    }
}
