//! How commands end: exit codes as those of diff(1).

use std::error::Error;
use std::iter::successors;
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

/// What libraries put between an error and its cause, and tells a person nothing.
const NOTHING_NEW: [&str; 6] = [
    "an error occurred while loading credentials",
    "dispatch failure",
    "io error",
    "other",
    "service error",
    "the credential provider was not enabled",
];

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
    eprintln!("{}", chain(error));
}

/// An error and its causes, each on a line. What a line before has said already is not said again.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = format!("error: {error}");
    for cause in successors(error.source(), |&cause| cause.source()).map(ToString::to_string) {
        // The lines behind the first one are lists of what has been tried.
        let first = cause.lines().next().unwrap_or_default();
        let said = first.trim_end_matches(" Attempted:").trim_end_matches(['.', ' ']);
        if !NOTHING_NEW.contains(&said) && !text.contains(said) {
            text.push_str("\n  caused by: ");
            text.push_str(said);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    fn layers(texts: &[&'static str]) -> Option<Box<Layer>> {
        let (text, rest) = texts.split_first()?;
        Some(Box::new(Layer { text, source: layers(rest) }))
    }

    #[test]
    fn no_cause_is_said_twice() {
        let error =
            layers(&["cannot read a: it is gone", "it is gone.", "dispatch failure", "not so", "not so"]);
        assert_eq!(chain(&*error.unwrap()), "error: cannot read a: it is gone\n  caused by: not so");
    }
}
