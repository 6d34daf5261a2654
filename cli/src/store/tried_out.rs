//! A store that calls itself S3 is tried out before anything is written to it.

use std::io::{self, Write};
use std::time::Duration;

use analysis_http::App;
use analysis_storage::conformance::TriedOut;
use analysis_storage::{Analyses, Error, StorageConfig};

use crate::exit::{FAILED, chain};

/// How long a server waits before it tries a store again that did not answer.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// For a command: ends it if the store does something wrong. What cannot be tried out is said, and no failure.
pub(super) async fn before_a_write(analyses: &Analyses, config: &StorageConfig) -> Result<(), Error> {
    match analyses.try_out_once_a_day(config).await? {
        TriedOut::Known | TriedOut::Sound => {}
        // The command will say so itself.
        TriedOut::Not(error) if is_passing(&error) => {}
        TriedOut::Not(error) => warn(config, &error.to_string()),
        TriedOut::Partly(why) => warn(config, &why),
    }
    Ok(())
}

fn warn(config: &StorageConfig, why: &str) {
    // Where nobody can read it, the work goes on.
    drop(writeln!(io::stderr(), "warning: {} could not be tried out: {why}", config.storage));
}

/// For a server: as for a command; while the store does not answer, it is tried again, and ends the process if it turns
/// out to do something wrong.
pub(crate) async fn before_serving(app: &App) -> Result<(), Error> {
    if let Some(error) = once(app).await? {
        tracing::warn!(store = %app.config().storage, %error, "the store could not be tried out");
        if is_passing(&error) {
            tokio::spawn(until_it_answers(app.clone()));
        }
    }
    Ok(())
}

/// The same for a store that does not answer yet.
pub(crate) fn once_it_answers(app: App) {
    tokio::spawn(until_it_answers(app));
}

async fn once(app: &App) -> Result<Option<Error>, Error> {
    Ok(match app.analyses_without_deadline().try_out_once_a_day(app.config()).await? {
        TriedOut::Known | TriedOut::Sound => None,
        TriedOut::Partly(why) => {
            tracing::warn!(store = %app.config().storage, why, "the store could not be tried out");
            None
        }
        TriedOut::Not(error) => Some(error),
    })
}

async fn until_it_answers(app: App) {
    loop {
        app.analyses_without_deadline().clock().sleep(AGAIN_AFTER).await;
        match once(&app).await {
            Ok(Some(error)) if is_passing(&error) => {}
            Ok(_) => return,
            Err(error) => {
                tracing::error!("{}", chain(&error));
                std::process::exit(FAILED.into());
            }
        }
    }
}

fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Refused { .. } | Error::NoAnswer { .. })
}
