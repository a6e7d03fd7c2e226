//! Fan-out consumers, registered before the readers are made.

use super::created::Created;
use crate::scenario::created::consumer_name;
use crate::scenario::model::{Consumer, ConsumerKind};
use crate::target::{CallError, Target};

/// Registers a fan-out consumer and waits until it is ACTIVE; gives its ARN, or nothing for another kind. One that was
/// registered before the run is taken as it is.
///
/// # Errors
/// As the service answers, or does not. What may have been registered then is noted.
pub(super) async fn register(
    target: &Target,
    created: &Created,
    consumer: &Consumer,
    run: u32,
) -> Result<Option<String>, CallError> {
    if let ConsumerKind::FanOut {
        registered: Some(arn),
        ..
    } = &consumer.kind
    {
        return Ok(Some(arn.clone()));
    }
    let Some(name) = consumer_name(consumer, run) else {
        return Ok(None);
    };
    let stream = &consumer.stream;
    created.note_consumer(stream, &name);
    let made = target.register_consumer(stream.as_str(), &name).await;
    match &made {
        Ok(_) => created.confirm_consumer(stream, &name),
        Err(error) if error.may_be_done() => {}
        // Refused for certain, be it that somebody else has a consumer of this name.
        Err(_) => created.forget_consumer(stream, &name),
    }
    let arn = made?;
    target.wait_consumer_active(&arn).await?;
    Ok(Some(arn))
}
