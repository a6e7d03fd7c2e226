//! A look at a target before anything is written or made there.

use std::time::Duration;

use super::session::{RunError, failed};
use crate::kinesis::StreamName;
use crate::kinesis::operation::StreamStatus;
use crate::scenario::Scenario;
use crate::scenario::created::missing_name;
use crate::target::{CallError, StreamState, Target};

/// How long a target may take to answer the first question.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a stream that is being deleted is waited for: the one of the run before.
const GONE_WITHIN: Duration = Duration::from_mins(1);

/// How often it is looked whether it is gone.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Whether the target answers, has the streams that the scenario calls existing, and none of those that it makes: of several
/// hosts only the first one makes them (`makes`), and the others may find them there or not.
/// The engine in this process is always there, and empty.
///
/// # Errors
/// When it does not answer, or a stream is there or missing against the scenario's word.
pub async fn reach(target: &Target, scenario: &Scenario, makes: bool) -> Result<(), RunError> {
    if target.host().is_some() {
        return Ok(());
    }
    if scenario.streams.is_empty() {
        // Scripts make their streams later: whether anybody answers is asked with a name that nobody has.
        if let Ok(nobodys) = missing_name(scenario, 0).parse() {
            look(target, &nobodys).await?;
        }
    }
    for stream in scenario.streams.values() {
        let found = look(target, &stream.name).await?;
        match (stream.existing, found) {
            (true, None) => return Err(RunError::Missing(stream.name.clone())),
            (false, Some(_)) if makes => return Err(RunError::Exists(stream.name.clone())),
            (true, Some(_)) | (false, _) => {}
        }
    }
    Ok(())
}

/// The stream, once it is not being deleted any more.
async fn look(target: &Target, stream: &StreamName) -> Result<Option<StreamState>, RunError> {
    let clock = target.clock();
    let deadline = clock.now().plus(GONE_WITHIN);
    loop {
        let found = tokio::select! {
            biased;
            found = target.find_stream(stream.as_str()) => found,
            () = clock.sleep(PATIENCE) => Err(CallError::Unanswered(format!(
                "nothing came within {} s",
                PATIENCE.as_secs()
            ))),
        };
        match found {
            Ok(Some(state)) if state.status == StreamStatus::Deleting && clock.now() < deadline => {
                clock.sleep(LOOK_EVERY).await;
            }
            Ok(found) => return Ok(found),
            Err(error) if error.is_unreachable() => return Err(RunError::Unreachable(error)),
            Err(error) => return Err(failed("look for stream", stream)(error)),
        }
    }
}
