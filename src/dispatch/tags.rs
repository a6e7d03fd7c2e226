//! Tags of streams and of resources.

use super::Call;
use super::select;
use super::show::{self, read_texts, read_u32};
use crate::kinesis::KinesisError;
use crate::wire::Value;

fn resource<'a>(call: &'a Call<'_>) -> &'a str {
    call.input.str("ResourceARN").unwrap_or_default()
}

pub(super) fn add(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let tags = show::read_tags(call.input);
    call.account.add_tags_to_stream(call.now, &stream, &tags)?;
    Ok(Value::structure())
}

pub(super) fn remove(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let keys = read_texts(call.input, "TagKeys");
    call.account
        .remove_tags_from_stream(call.now, &stream, &keys)?;
    Ok(Value::structure())
}

pub(super) fn list(call: &Call<'_>) -> Result<Value, KinesisError> {
    let stream = select::stream(call.account, call.input)?;
    let limit = read_u32(call.input, "Limit");
    let after = call.input.str("ExclusiveStartTagKey");
    let page = call
        .account
        .list_tags_for_stream(call.now, &stream, limit, after)?;
    let tags: Value = page.tags.iter().map(|(k, v)| show::tag(k, v)).collect();
    Ok(Value::structure()
        .with("Tags", tags)
        .with("HasMoreTags", page.has_more))
}

pub(super) fn tag_resource(call: &Call<'_>) -> Result<Value, KinesisError> {
    let tags = show::read_tags(call.input);
    call.account.tag_resource(call.now, resource(call), &tags)?;
    Ok(Value::structure())
}

pub(super) fn untag_resource(call: &Call<'_>) -> Result<Value, KinesisError> {
    let keys = read_texts(call.input, "TagKeys");
    call.account
        .untag_resource(call.now, resource(call), &keys)?;
    Ok(Value::structure())
}

pub(super) fn list_resource(call: &Call<'_>) -> Result<Value, KinesisError> {
    let tags = call
        .account
        .list_tags_for_resource(call.now, resource(call))?;
    let tags: Value = tags.iter().map(|(k, v)| show::tag(k, v)).collect();
    Ok(Value::structure().with("Tags", tags))
}
