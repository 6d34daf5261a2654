//! `design-analysis cost`: placeholder
use crate::command::CommandError;
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}
pub(crate) async fn run(_: Options) -> Result<(), CommandError> {
    Ok(())
}
