//! The Lambda function `delete`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    analysis_http::lambda::run(analysis_fn_delete::routes()).await
}
