//! Many pieces of work, several at a time, until the end, a failure or a signal.

use std::io;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::report::{Done, Report};
use super::sorter::{RecordsOfId, Sorter};
use super::{JoinedById, SourceRecord, TransferError};
use crate::progress::{Amount, Progress};
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
    /// Works on all ids. `weigh` says how much of the work each is: their sum is the total that is shown.
    ///
    /// What has been begun when a failure or a signal comes is finished; a second signal ends that, too, which is safe
    /// as well.
    pub(crate) async fn each<F>(
        &mut self,
        what: &'static str,
        mut records: Sorter<SourceRecord>,
        weigh: impl Fn(&JoinedById) -> Amount,
        work: impl Fn(JoinedById) -> F,
    ) -> Result<(), TransferError>
    where
        F: Future<Output = Result<Done, TransferError>>,
    {
        self.progress.begin("sorting", None);
        let total = self.signals.beside(total(&mut records, &weigh)).await?;
        self.progress.begin(what, Some(total));
        let groups = records.groups().map_err(TransferError::Temporary)?;
        let pieces = groups.map(|group| {
            let joined = group?.into();
            let weight = weigh(&joined);
            let piece = work(joined);
            Ok(async move { (weight, piece.await) })
        });
        self.all(pieces).await
    }

    async fn all<F>(&mut self, mut pieces: impl Iterator<Item = io::Result<F>>) -> Result<(), TransferError>
    where
        F: Future<Output = (Amount, Result<Done, TransferError>)>,
    {
        let mut running = FuturesUnordered::new();
        let mut stop = Stop::default();
        loop {
            while stop.cause.is_none() && running.len() < self.jobs {
                match pieces.next() {
                    Some(Ok(piece)) => running.push(piece),
                    Some(Err(error)) => stop.because(TransferError::Temporary(error)),
                    None => break,
                }
            }
            if running.is_empty() {
                return stop.cause.map_or(Ok(()), Err);
            }
            tokio::select! {
                Some((weight, result)) = running.next() => {
                    if let Err(error) = result.and_then(|done| self.done(weight, &done)) {
                        stop.because(error);
                    }
                }
                () = self.signals.received() => {
                    if stop.is_signalled {
                        return Err(stop.cause.unwrap_or(TransferError::Interrupted));
                    }
                    self.progress.note("finishing what has been begun; a second signal stops at once");
                    stop.signalled();
                }
            }
        }
    }

    /// Ends the command: with the totals, also of what was done before it was interrupted.
    pub(crate) fn end(self, result: Result<(), TransferError>) -> Result<(), TransferError> {
        self.progress.clear();
        self.report.finish(result)
    }

    fn done(&mut self, weight: Amount, done: &Done) -> Result<(), TransferError> {
        if done.is_skipped {
            self.progress.skip(weight);
        } else {
            self.progress.advance(weight);
        }
        let added = if done.problems.is_empty() {
            // Prints nothing, so that the line may stay.
            self.report.add(done)
        } else {
            self.progress.suspend(|| self.report.add(done))
        };
        added.map_err(TransferError::Output)
    }
}

async fn total(
    records: &mut Sorter<SourceRecord>,
    weigh: impl Fn(&JoinedById) -> Amount,
) -> Result<Amount, TransferError> {
    let mut total = Amount::default();
    let add = |group: RecordsOfId<SourceRecord>| total += weigh(&group.into());
    records.look(add).await.map_err(TransferError::Temporary)?;
    Ok(total)
}

/// Whether nothing more is begun, and why: the first cause counts.
#[derive(Debug, Default)]
struct Stop {
    cause: Option<TransferError>,
    is_signalled: bool,
}

impl Stop {
    fn because(&mut self, cause: TransferError) {
        self.cause.get_or_insert(cause);
    }

    fn signalled(&mut self) {
        self.is_signalled = true;
        self.because(TransferError::Interrupted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_after_a_failure_does_not_hide_it() {
        let mut stop = Stop::default();
        stop.because(TransferError::Unusable("full".into()));
        stop.signalled();
        assert!(stop.is_signalled && matches!(stop.cause, Some(TransferError::Unusable(_))), "{stop:?}");
    }
}
