//! The Lambda function `save`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    analysis_http::lambda::run(analysis_fn_save::routes()).await
}
