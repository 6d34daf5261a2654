//! What store, manifest and directory know of the same ids.

use std::io;
use std::path::{Path, PathBuf};

use analysis_storage::bucket::MAX_KEYS;
use analysis_storage::{Analyses, Entry, Key};
use serde::{Deserialize, Serialize};

use super::files_by_id::{Found, walk};
use super::history::Run;
use super::manifest::{Line, MANIFEST, read_lines};
use super::report::Problem;
use super::sorter::{RecordsOfId, Sorter};
use super::{TransferError, TransferKind, Work, list};
use crate::progress::Amount;

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
    /// The bucket to take documents from has it, under this key and with so many bytes.
    #[serde(rename = "5")]
    Object(String, u64),
    /// Its document is being restored from the archive.
    #[serde(rename = "3")]
    Requested,
    /// A run of the backup, by its name, has taken it out: a line, or a file. Those of the oldest runs come first.
    #[serde(rename = "6")]
    TakenOut(String, Box<SourceRecord>),
}

/// What a directory holds.
#[derive(Debug, Default)]
pub(crate) struct FilesFound {
    /// Files that may be analyses.
    pub(crate) count: u64,
    /// Other files.
    pub(crate) others: u64,
}

/// What a run of the backup has taken out of an id.
#[derive(Debug)]
pub(crate) struct TakenOutCopy {
    pub(crate) run: Run,
    /// The lines that may describe the file.
    pub(crate) lines: Vec<Line>,
    /// The file below the directory, and its size in bytes; `None` if the run was killed before it moved it.
    pub(crate) file: Option<(PathBuf, u64)>,
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
    /// The keys in the bucket to take documents from, and the sizes of their objects in bytes.
    pub(crate) keys: Vec<(Key, u64)>,
    pub(crate) is_requested: bool,
    /// What runs have taken out of the backup, in their order.
    pub(crate) taken_out: Vec<TakenOutCopy>,
    /// How many more files or keys there are.
    pub(crate) more: u64,
    /// What is wrong with files that are no analyses.
    pub(crate) problems: Vec<Problem>,
}

impl From<RecordsOfId<SourceRecord>> for JoinedById {
    fn from(group: RecordsOfId<SourceRecord>) -> Self {
        let mut joined = Self { id: group.id, more: group.more, ..Self::default() };
        let mut lines = Vec::new();
        for record in group.records {
            match record {
                SourceRecord::Stored(entry) => joined.entry = Entry::parse(&entry),
                SourceRecord::Listed(number, line) => lines.push((number, line)),
                SourceRecord::File(Found::File { path, size }) => joined.files.push((path, size)),
                SourceRecord::File(Found::Bad { kind, path, reason }) => {
                    joined.problems.push(Problem::new(kind, path, reason));
                }
                SourceRecord::Object(key, size) => joined.keys.push((Key::new(key), size)),
                SourceRecord::Requested => joined.is_requested = true,
                SourceRecord::TakenOut(run, record) => joined.add_taken_out(&run, *record),
            }
        }
        lines.sort_by_key(|(number, _)| *number);
        joined.lines = lines.into_iter().map(|(_, line)| line).collect();
        joined
    }
}

impl JoinedById {
    /// Whether the directory has anything of it, or anything to say of it.
    pub(crate) fn is_in_backup(&self) -> bool {
        let is_bare = self.lines.is_empty() && self.files.is_empty() && self.taken_out.is_empty();
        !is_bare || !self.problems.is_empty()
    }

    /// How many files or objects there are of it, and how many bytes these have.
    pub(crate) fn sources(&self) -> Amount {
        let sizes = self.files.iter().map(|(_, size)| *size).chain(self.keys.iter().map(|(_, size)| *size));
        let found: Amount = sizes.map(|bytes| Amount { items: 1, bytes }).sum();
        found + Amount::items(self.problems.len() as u64 + self.more)
    }

    fn add_taken_out(&mut self, name: &str, record: SourceRecord) {
        let Some(run) = Run::parse(name) else { return };
        if self.taken_out.last().is_none_or(|last| last.run != run) {
            self.taken_out.push(TakenOutCopy { run, lines: Vec::new(), file: None });
        }
        let Some(copy) = self.taken_out.last_mut() else { return };
        match record {
            SourceRecord::Listed(_, line) => copy.lines.push(line),
            SourceRecord::File(Found::File { path, size }) => copy.file = Some((path, size)),
            _ => {}
        }
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

    /// Adds the files of a directory, and says what there is.
    pub(crate) async fn add_files(
        &mut self,
        directory: &Path,
        nested: bool,
        analyses: &Analyses,
        work: &mut Work,
    ) -> Result<FilesFound, TransferError> {
        let mut files = FilesFound::default();
        work.progress.begin("looking for files", None);
        let walked = walk(directory, nested, analyses.clock(), |id, found| {
            if let Found::File { .. } = found {
                files.count += 1;
            }
            self.push(id, &SourceRecord::File(found))
        });
        files.others = work.signals.beside(walked).await?;
        Ok(files)
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
