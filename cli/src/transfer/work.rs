//! Many pieces of work, several at a time, until the end, a failure or a signal.

use std::io;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::TransferError;
use super::report::{Done, Report};
use super::sorter::RecordsOfId;
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
        groups: impl Iterator<Item = io::Result<RecordsOfId<R>>>,
        work: impl Fn(RecordsOfId<R>) -> F,
    ) -> Result<(), TransferError>
    where
        F: Future<Output = Result<Done, TransferError>>,
    {
        self.each_weighed(groups, |group| group.records.len() as u64 + group.more, work).await
    }

    /// Works on all groups as [`each`](Self::each) does; `weigh` says how much of the progress a group is.
    pub(crate) async fn each_weighed<R, F>(
        &mut self,
        mut groups: impl Iterator<Item = io::Result<RecordsOfId<R>>>,
        weigh: impl Fn(&RecordsOfId<R>) -> u64,
        work: impl Fn(RecordsOfId<R>) -> F,
    ) -> Result<(), TransferError>
    where
        F: Future<Output = Result<Done, TransferError>>,
    {
        let mut running = FuturesUnordered::new();
        let mut stop = Stop::default();
        loop {
            while stop.cause.is_none() && running.len() < self.jobs {
                match groups.next() {
                    Some(Ok(group)) => {
                        let weight = weigh(&group);
                        let piece = work(group);
                        running.push(async move { (weight, piece.await) });
                    }
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

    fn done(&mut self, weight: u64, done: &Done) -> Result<(), TransferError> {
        self.progress.advance(weight);
        self.progress.suspend(|| self.report.add(done)).map_err(TransferError::Output)
    }
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
