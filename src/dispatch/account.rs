//! The account: limits, settings, policies of its resources.

use super::Call;
use super::show;
use crate::kinesis::KinesisError;
use crate::wire::Value;

fn resource<'a>(call: &'a Call<'_>) -> &'a str {
    call.input.str("ResourceARN").unwrap_or_default()
}

pub(super) fn describe_limits(call: &Call<'_>) -> Result<Value, KinesisError> {
    let limits = call.account.describe_limits(call.now)?;
    Ok(Value::structure()
        .with("ShardLimit", limits.shard_limit)
        .with("OpenShardCount", limits.open_shards)
        .with("OnDemandStreamCount", limits.on_demand_streams)
        .with("OnDemandStreamCountLimit", limits.on_demand_stream_limit))
}

pub(super) fn describe_settings(call: &Call<'_>) -> Result<Value, KinesisError> {
    let commitment = call.account.describe_account_settings(call.now)?;
    Ok(show::commitment(&commitment))
}

pub(super) fn update_settings(call: &Call<'_>) -> Result<Value, KinesisError> {
    let wanted = call.input.get("MinimumThroughputBillingCommitment");
    let enabled = wanted.and_then(|wanted| wanted.str("Status")) == Some("ENABLED");
    let commitment = call.account.update_account_settings(call.now, enabled)?;
    Ok(show::commitment(&commitment))
}

pub(super) fn put_policy(call: &Call<'_>) -> Result<Value, KinesisError> {
    let policy = call.input.str("Policy").unwrap_or_default();
    call.account
        .put_resource_policy(call.now, resource(call), policy)?;
    Ok(Value::structure())
}

pub(super) fn get_policy(call: &Call<'_>) -> Result<Value, KinesisError> {
    let policy = call.account.get_resource_policy(call.now, resource(call))?;
    Ok(Value::structure().with("Policy", policy))
}

pub(super) fn delete_policy(call: &Call<'_>) -> Result<Value, KinesisError> {
    call.account
        .delete_resource_policy(call.now, resource(call))?;
    Ok(Value::structure())
}
