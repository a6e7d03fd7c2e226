//! Registered consumers.

use super::select::{self, invalid};
use super::show::{self, read_u32};
use super::{Call, token};
use crate::kinesis::arn::StreamArn;
use crate::kinesis::delays::DelayName;
use crate::kinesis::operation::ConsumerSelector;
use crate::kinesis::{ConsumerName, KinesisError};
use crate::wire::Value;

fn name(input: &Value) -> Result<Option<ConsumerName>, KinesisError> {
    let name = input.str("ConsumerName").map(str::parse).transpose();
    name.map_err(|error: crate::kinesis::names::ConsumerNameError| invalid(error.to_string()))
}

/// Hands the consumer that an input names to `then`.
fn with_consumer<T>(
    call: &Call<'_>,
    then: impl FnOnce(ConsumerSelector<'_>) -> Result<T, KinesisError>,
) -> Result<T, KinesisError> {
    let input = call.input;
    let stream: Option<StreamArn> = input.str("StreamARN").map(str::parse).transpose()?;
    let arn = select::consumer_arn(input.str("ConsumerARN"))?;
    let settings = call.account.settings();
    for stream in stream.iter().chain(arn.iter().map(|arn| &arn.stream)) {
        stream.check(&settings.account_id, &settings.region)?;
    }
    let name = name(input)?;
    then(ConsumerSelector::of(
        stream.as_ref(),
        name.as_ref(),
        arn.as_ref(),
    )?)
}

pub(super) fn register(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let name = name(call.input)?.ok_or_else(|| invalid("ConsumerName should be provided."))?;
    let tags = show::read_tags(call.input);
    let takes = call.host.takes(DelayName::Control);
    let made = call
        .account
        .register_stream_consumer(call.now, takes, &stream, &name, &tags)?;
    Ok(Value::structure().with("Consumer", show::consumer(&made)))
}

pub(super) fn deregister(call: &Call<'_>) -> Result<Value, KinesisError> {
    let takes = call.host.takes(DelayName::Control);
    with_consumer(call, |consumer| {
        call.account
            .deregister_stream_consumer(call.now, takes, consumer)
    })?;
    Ok(Value::structure())
}

pub(super) fn describe(call: &Call<'_>) -> Result<Value, KinesisError> {
    let found = with_consumer(call, |consumer| {
        call.account.describe_stream_consumer(call.now, consumer)
    })?;
    let description = show::consumer(&found).with("StreamARN", found.arn.stream.to_string());
    Ok(Value::structure().with("ConsumerDescription", description))
}

pub(super) fn list(call: &Call<'_>) -> Result<Value, KinesisError> {
    let token = call.input.str("NextToken");
    if token.is_some() {
        token::check_alone(call.input, &["StreamCreationTimestamp"])?;
    }
    let stream = select::listed(call)?;
    let (after, incarnation) = if let Some(text) = token {
        let [listed, incarnation, after] = token::read::<3>(call.now, "ListStreamConsumers", text)?;
        if listed != *stream {
            return Err(invalid("Invalid NextToken."));
        }
        token::check_stream(call, &stream, &incarnation)?;
        (Some(after), incarnation)
    } else {
        let incarnation = call.account.incarnation(call.now, &stream)?;
        (None, incarnation.to_string())
    };
    let limit = read_u32(call.input, "MaxResults");
    let (found, has_more) =
        call.account
            .list_stream_consumers(call.now, &stream, limit, after.as_deref())?;
    let next = found.last().filter(|_| has_more).map(|last| {
        let parts = [&*stream, &incarnation, last.arn.consumer.as_str()];
        token::write(call.now, "ListStreamConsumers", &parts)
    });
    let consumers: Value = found.iter().map(show::consumer).collect();
    Ok(Value::structure()
        .with("Consumers", consumers)
        .with_some("NextToken", next))
}
