//! The Lambda function `load`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    analysis_http::lambda::run(analysis_fn_load::routes()).await
}
