//! The Lambda function `list`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    analysis_http::lambda::run(analysis_fn_list::routes()).await
}
