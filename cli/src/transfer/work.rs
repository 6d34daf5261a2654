//! Many pieces of work, several at a time, until the end, a failure or a signal.

use std::io;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::TransferError;
use super::report::{Done, Report};
use super::sorter::Group;
use crate::progress::Progress;
use crate::signals::Signals;

/// What every transfer has at hand.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) jobs: usize,
    pub(crate) signals: Signals,
    pub(crate) progress: Progress,
    pub(crate) report: Report,
}

impl Work {
    /// Works on all groups. What has been begun when a failure or a signal comes is finished; a second signal ends
    /// that, too, which is safe as well.
    pub(crate) async fn each<R, F>(
        &mut self,
        mut groups: impl Iterator<Item = io::Result<Group<R>>>,
        work: impl Fn(Group<R>) -> F,
    ) -> Result<(), TransferError>
    where
        F: Future<Output = Result<Done, TransferError>>,
    {
        let mut running = FuturesUnordered::new();
        let mut stop = None;
        loop {
            while stop.is_none() && running.len() < self.jobs {
                let Some(group) = groups.next() else { break };
                let group = group.map_err(TransferError::Temporary)?;
                let records = group.records.len() as u64;
                let piece = work(group);
                running.push(async move { (records, piece.await) });
            }
            if running.is_empty() {
                return stop.map_or(Ok(()), Err);
            }
            tokio::select! {
                Some((records, result)) = running.next() => match result {
                    Ok(done) => {
                        self.progress.advance(records);
                        self.progress.suspend(|| self.report.add(&done)).map_err(TransferError::Output)?;
                    }
                    Err(error) => drop(stop.get_or_insert(error)),
                },
                () = self.signals.received() => {
                    if matches!(stop, Some(TransferError::Interrupted)) {
                        return Err(TransferError::Interrupted);
                    }
                    self.progress.note("finishing what has been begun; a second signal stops at once");
                    stop = Some(TransferError::Interrupted);
                }
            }
        }
    }
}
