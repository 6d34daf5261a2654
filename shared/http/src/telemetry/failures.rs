//! What ends or breaks a Lambda function outside its log: a start that fails, and panics.
//!
//! Where a function logs errors only, Lambda drops lines that do not say that they are one. These are written at ERROR
//! whatever the filter of the log, and before there is one.

use std::panic::PanicHookInfo;

use super::lambda_log;
use crate::problem::chain;

/// Has every panic written as an error, in the form of Lambda's log.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| write(|| log_panic(panic))));
}

/// Writes the error of a function that ends with one, and passes it on.
///
/// # Errors
/// The one that it was given.
pub fn report_end<E>(end: Result<(), E>) -> Result<(), E>
where
    E: AsRef<dyn std::error::Error + Send + Sync>,
{
    end.inspect_err(|error| {
        write(|| tracing::error!(cause = chain(error.as_ref()), "the function has ended with an error"));
    })
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string);
    tracing::error!(cause = panic.payload_as_str(), at, "the function has panicked");
}

/// Logs with a subscriber of its own.
fn write(log: impl FnOnce()) {
    if let Ok(errors) = lambda_log("error", std::io::stderr) {
        tracing::subscriber::with_default(errors, log);
    }
}
