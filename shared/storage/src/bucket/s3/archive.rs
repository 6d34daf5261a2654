//! Bringing archived objects back.

use aws_sdk_s3::types::{GlacierJobParameters, RestoreRequest, Tier};

use super::failure::Failure;
use crate::bucket::{RestoreTier, Restoring};

/// The body of `RestoreObject`.
pub(super) fn request(days: u32, tier: RestoreTier) -> RestoreRequest {
    let tier = match tier {
        RestoreTier::Expedited => Tier::Expedited,
        RestoreTier::Standard => Tier::Standard,
        RestoreTier::Bulk => Tier::Bulk,
    };
    let parameters = GlacierJobParameters::builder().tier(tier).build().ok();
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    RestoreRequest::builder().days(days).set_glacier_job_parameters(parameters).build()
}

/// What a refusal says of the object, if it is no failure.
pub(super) fn refused(failure: &Failure) -> Option<Restoring> {
    let Failure::Answered(answer) = failure else { return None };
    match answer.code.as_str() {
        "RestoreAlreadyInProgress" => Some(Restoring::Accepted),
        // Its storage class is not, or no longer, one of the archive.
        "InvalidObjectState" | "ObjectAlreadyInActiveTierError" => Some(Restoring::NotArchived),
        _ => None,
    }
}
