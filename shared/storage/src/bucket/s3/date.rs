//! The bucket's clock: the header `Date` (RFC 9110, section 6.6.1) of every answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_async::time::TimeSource;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use jiff::Timestamp;

use super::failure::http_date;
use crate::clock::{Clock, ClockOffset, SystemClock};

/// Takes in the `Date` of every answer, refusals included.
#[derive(Debug)]
pub(super) struct Observe(pub(super) Arc<ClockOffset>);

/// When a request was sent, by the host's clock.
#[derive(Debug)]
struct Sent(Timestamp);

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

fn date(context: &BeforeDeserializationInterceptorContextRef<'_>) -> Option<Timestamp> {
    context.response().headers().get("date").and_then(http_date)
}

impl Intercept for Observe {
    fn name(&self) -> &'static str {
        "ObserveClockOffset"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        bag.interceptor_state().store_put(Sent(SystemClock.now()));
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(date), Some(Sent(sent))) = (date(context), bag.load::<Sent>()) {
            self.0.observe(*sent, SystemClock.now(), date);
        }
        Ok(())
    }
}

/// Keeps the `Date` of the answer to one request.
#[derive(Debug, Clone, Default)]
pub(super) struct DateOfAnswer(Arc<Mutex<Option<Timestamp>>>);

impl DateOfAnswer {
    pub(super) fn get(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for DateOfAnswer {
    fn name(&self) -> &'static str {
        "DateOfAnswer"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date(context);
        Ok(())
    }
}

/// The time that requests are signed with: S3 refuses those that are more than 15 minutes off (`RequestTimeTooSkewed`),
/// and says in that very answer what time it is.
#[derive(Debug)]
pub(super) struct SigningTime(pub(super) Arc<ClockOffset>);

impl TimeSource for SigningTime {
    fn now(&self) -> SystemTime {
        let now = SystemClock.now();
        let corrected = now.checked_add(self.0.get().unwrap_or_default()).unwrap_or(now);
        UNIX_EPOCH + Duration::from_micros(u64::try_from(corrected.as_microsecond()).unwrap_or_default())
    }
}
