//! The account that must own the bucket: a condition on every request (Amazon S3 User Guide, "Verifying bucket ownership
//! with bucket owner condition").

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

/// Sends `x-amz-expected-bucket-owner` with every request: here, so that none can be forgotten.
#[derive(Debug)]
pub(super) struct ExpectedOwner(pub(super) String);

impl Intercept for ExpectedOwner {
    fn name(&self) -> &'static str {
        "ExpectedOwner"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().try_insert("x-amz-expected-bucket-owner", self.0.clone())?;
        Ok(())
    }
}
