//! Every copy of the history, read back and compared with its line.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::transfer::{
    Done, JoinedById, Line, MANIFEST, Problem, RecordsOfId, Run, Sorter, SourceRecord, TransferError,
    TransferKind, Work, blocking, runs, sha256,
};

/// How many bytes there are to read of an id.
pub(super) fn bytes(group: &RecordsOfId<SourceRecord>) -> u64 {
    group.records.iter().map(SourceRecord::bytes).sum()
}

/// Reads every copy of the history. What the store had then it has no longer, so nothing heals them.
pub(super) async fn history(backup: &Path, work: &mut Work) -> Result<(), TransferError> {
    for run in runs(backup)? {
        let mut copies = Sorter::default();
        let total = copies.add_taken_out(backup, run, |_| true)?;
        work.progress.begin_bytes("checking the history", total);
        let groups = copies.groups().map_err(TransferError::Temporary)?;
        work.each_weighed(groups, bytes, |group| one(backup, run, group.into())).await?;
    }
    Ok(())
}

async fn one(backup: &Path, run: Run, joined: JoinedById) -> Result<Done, TransferError> {
    let mut done = Done::default();
    for copy in joined.taken_out {
        let name = run.path().join(format!("{}.json", joined.id));
        let reason = match copy.file {
            None => Some(format!("is in {MANIFEST} of its run, but not in its directory")),
            Some((_, size)) if copy.lines.iter().all(|line| line.size != size) => {
                Some(format!("is not what {MANIFEST} of its run says: it has {size} bytes"))
            }
            Some((path, _)) => damage(backup.join(path), &copy.lines).await?,
        };
        let problem = |reason| Problem::new(TransferKind::DamagedCopy, name.display().to_string(), reason);
        done.problems.extend(reason.map(problem));
    }
    Ok(done)
}

async fn damage(place: PathBuf, lines: &[Line]) -> Result<Option<String>, TransferError> {
    Ok(match blocking(move || sha256(File::open(place)?)).await? {
        Err(error) => Some(format!("cannot be read: {error}")),
        Ok((digest, size)) => Line::describing(lines, &digest, size)
            .is_none()
            .then(|| format!("is not what {MANIFEST} of its run says: its SHA-256 is {digest}")),
    })
}
