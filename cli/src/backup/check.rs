//! Every copy of the history, read back and compared with its line.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::progress::Amount;
use crate::transfer::{
    Done, JoinedById, Line, MANIFEST, Problem, Run, Sorter, TransferError, TransferKind, Work, blocking,
    runs, sha256,
};

/// How many copies there are to read of an id, and how many bytes.
fn amount(joined: &JoinedById) -> Amount {
    let bytes = joined.taken_out.iter().filter_map(|copy| copy.file.as_ref()).map(|(_, size)| size).sum();
    Amount { items: joined.taken_out.len() as u64, bytes }
}

/// Reads every copy of the history. What the store had then it has no longer, so nothing heals them.
pub(super) async fn history(backup: &Path, work: &mut Work) -> Result<(), TransferError> {
    for run in runs(backup)? {
        let mut copies = Sorter::default();
        copies.add_taken_out(backup, run, |_| true)?;
        work.each("checking the history", copies, amount, |joined| one(backup, run, joined)).await?;
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
