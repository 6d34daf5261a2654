//! The Lambda function `repair`.

use analysis_http::{App, telemetry};
use analysis_storage::Config;
use lambda_http::{Error, lambda_runtime, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_env()?;
    telemetry::init(&config)?;
    let app = App::open(config).await?;
    let handle = async |event| {
        analysis_fn_repair::handle(app.analyses_without_deadline(), event).await.map_err(Error::from)
    };
    lambda_runtime::run(service_fn(handle)).await
}
