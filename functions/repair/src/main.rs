//! The Lambda function `repair`.

use analysis_http::telemetry::{self, LogConfig};
use analysis_storage::{Analyses, StorageConfig};
use lambda_http::{Error, lambda_runtime, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::report_panics();
    telemetry::report_end(run().await)
}

async fn run() -> Result<(), Error> {
    telemetry::init(&LogConfig::from_env()?)?;
    let analyses = Analyses::open(&StorageConfig::from_env()?).await?;
    let handle = async |event| analysis_fn_repair::handle(&analyses, event).await.map_err(Error::from);
    lambda_runtime::run(service_fn(handle)).await
}
