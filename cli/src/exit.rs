//! How commands end: exit codes as those of diff(1).

use std::error::Error;
use std::process::ExitCode;

/// The command ran to its end, and something is not as it should be: differences, damage, documents that were refused
/// or skipped, ids that are unknown.
pub(crate) const FOUND: u8 = 1;
/// The command could not run, or not to its end: usage, configuration, storage, input or output, a signal.
pub(crate) const FAILED: u8 = 2;

/// What `--help` says of the exit codes.
pub(crate) const HELP: &str = "\
Exit codes:
  0  all is well
  1  the command ran to its end, and something is not as it should be:
     differences, damage, refused or skipped documents, unknown ids
  2  the command could not run, or not to its end:
     usage, configuration, storage, input or output, a signal";

/// Why a command did not end well.
pub(crate) trait Failure: Error {
    /// [`FOUND`] or [`FAILED`].
    fn exit_code(&self) -> u8 {
        FAILED
    }
}

/// Ends with the code of this result, and one clear line with what lies beneath it.
pub(crate) fn conclude<F: Failure>(result: Result<(), F>) -> ExitCode {
    let Err(failure) = result else { return ExitCode::SUCCESS };
    report(&failure);
    failure.exit_code().into()
}

fn report(error: &dyn Error) {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  caused by: {error}");
        cause = error.source();
    }
}
