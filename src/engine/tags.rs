//! Tags of streams by name, and of streams and consumers by ARN.

use super::account::Account;
use super::refuse::{Refuse, invalid, validation};
use super::stream::Stream;
use crate::base::Timestamp;
use crate::kinesis::KinesisError;
use crate::kinesis::arn::ResourceArn;
use crate::kinesis::operation::{StreamStatus, TagPage, Tags};
use crate::kinesis::quotas::{CapName, RateName};

/// Tags of one ListTagsForStream answer at most, and by default (service model).
const TAGS_PAGE: u32 = 50;

impl Account {
    /// AddTagsToStream: a tag whose key is there takes its place.
    ///
    /// # Errors
    /// `LimitExceeded` (call rate), `ResourceNotFound`; `ResourceInUse` while CREATING ("you can't make any updates to the
    /// tags until the stream is in ACTIVE state", API reference of CreateStream; code and text unverified);
    /// `InvalidArgument` for characters that tags may not have and for more tags than a stream may have (kinesalite, from
    /// the service's answers).
    pub fn add_tags_to_stream(
        &self,
        now: Timestamp,
        stream: &str,
        tags: &Tags,
    ) -> Result<(), KinesisError> {
        self.admit(now, RateName::AddTagsToStream, stream, None)?;
        let found = self.find(now, stream)?;
        let refuse = self.refuse(stream);
        check_created(&found, refuse)?;
        self.add(refuse, &mut found.control().tags, tags)
    }

    /// RemoveTagsFromStream: keys that are not there are ignored.
    ///
    /// # Errors
    /// `LimitExceeded` (call rate), `ResourceNotFound`; `ResourceInUse` while CREATING.
    pub fn remove_tags_from_stream(
        &self,
        now: Timestamp,
        stream: &str,
        keys: &[String],
    ) -> Result<(), KinesisError> {
        let found = self.find(now, stream)?;
        self.admit(now, RateName::RemoveTagsFromStream, stream, Some(&found))?;
        check_created(&found, self.refuse(stream))?;
        found.control().tags.retain(|key, _| !keys.contains(key));
        Ok(())
    }

    /// ListTagsForStream: at most `limit` tags (1 to 50, by default 50) after `exclusive_start`, in order of their keys.
    ///
    /// # Errors
    /// `LimitExceeded`, `ResourceNotFound`, `Validation` for a limit out of range.
    pub fn list_tags_for_stream(
        &self,
        now: Timestamp,
        stream: &str,
        limit: Option<u32>,
        exclusive_start: Option<&str>,
    ) -> Result<TagPage, KinesisError> {
        let limit = limit.unwrap_or(TAGS_PAGE);
        if !(1..=TAGS_PAGE).contains(&limit) {
            let constraint = if limit == 0 {
                "Member must have value greater than or equal to 1"
            } else {
                "Member must have value less than or equal to 50"
            };
            return Err(validation(limit, "limit", constraint));
        }
        let found = self.find(now, stream)?;
        self.admit(now, RateName::ListTagsForStream, stream, Some(&found))?;
        let control = found.control();
        let mut rest = control
            .tags
            .iter()
            .filter(|(key, _)| exclusive_start.is_none_or(|start| key.as_str() > start))
            .map(|(key, value)| (key.clone(), value.clone()));
        let tags = rest.by_ref().take(limit as usize).collect();
        Ok(TagPage {
            tags,
            has_more: rest.next().is_some(),
        })
    }

    /// TagResource: as AddTagsToStream, for the ARN of a stream or of a consumer.
    ///
    /// # Errors
    /// As [`Self::add_tags_to_stream`]; `InvalidArgument` for what is no ARN, `AccessDenied` for another account's.
    pub fn tag_resource(
        &self,
        now: Timestamp,
        resource: &str,
        tags: &Tags,
    ) -> Result<(), KinesisError> {
        let resource: ResourceArn = resource.parse()?;
        self.admit_for(now, RateName::TagResource, &resource)?;
        let refuse = self.refuse(resource.stream().stream.as_str());
        check_created(&*self.find(now, resource.stream().stream.as_str())?, refuse)?;
        self.with_resource(now, &resource, |kept, _| self.add(refuse, kept, tags))?
    }

    /// UntagResource: keys that are not there are ignored.
    ///
    /// # Errors
    /// As [`Self::tag_resource`].
    pub fn untag_resource(
        &self,
        now: Timestamp,
        resource: &str,
        keys: &[String],
    ) -> Result<(), KinesisError> {
        let resource: ResourceArn = resource.parse()?;
        self.admit_for(now, RateName::UntagResource, &resource)?;
        let stream = resource.stream().stream.as_str();
        check_created(&*self.find(now, stream)?, self.refuse(stream))?;
        self.with_resource(now, &resource, |kept, _| {
            kept.retain(|key, _| !keys.contains(key));
        })
    }

    /// ListTagsForResource.
    ///
    /// # Errors
    /// As [`Self::tag_resource`].
    pub fn list_tags_for_resource(
        &self,
        now: Timestamp,
        resource: &str,
    ) -> Result<Tags, KinesisError> {
        let resource: ResourceArn = resource.parse()?;
        self.admit_for(now, RateName::ListTagsForResource, &resource)?;
        self.with_resource(now, &resource, |kept, _| kept.clone())
    }

    fn add(&self, refuse: Refuse<'_>, kept: &mut Tags, tags: &Tags) -> Result<(), KinesisError> {
        let new = tags.keys().filter(|key| !kept.contains_key(*key)).count();
        self.check_tags(refuse, tags, kept.len() + new)?;
        kept.extend(tags.clone());
        Ok(())
    }

    /// Checks the characters of tags, and how many there will be in all.
    pub(super) fn check_tags(
        &self,
        refuse: Refuse<'_>,
        tags: &Tags,
        count: usize,
    ) -> Result<(), KinesisError> {
        let wrong = |text: &str| !text.chars().all(is_tag_character);
        if tags.iter().any(|(key, value)| wrong(key) || wrong(value)) {
            return Err(invalid(
                "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / \
                 = + - % @.",
            ));
        }
        match self.limits().cap(CapName::TagsPerResource) {
            Some(limit) if count as u64 > limit => Err(invalid(format!(
                "Failed to add tags to stream {} under account {} because a given stream cannot have more than \
                 {limit} tags associated with it.",
                refuse.stream, refuse.account
            ))),
            _ => Ok(()),
        }
    }

    /// Counts a call that names a resource, and checks whose it is.
    pub(super) fn admit_for(
        &self,
        now: Timestamp,
        rate: RateName,
        resource: &ResourceArn,
    ) -> Result<(), KinesisError> {
        self.check_arn(resource.stream())?;
        self.admit(now, rate, resource.stream().stream.as_str(), None)
    }

    /// Gives `look` the tags and the policy of a resource.
    pub(super) fn with_resource<T>(
        &self,
        now: Timestamp,
        resource: &ResourceArn,
        look: impl FnOnce(&mut Tags, &mut Option<String>) -> T,
    ) -> Result<T, KinesisError> {
        let found = self.find(now, resource.stream().stream.as_str())?;
        let mut control = found.control();
        let control = &mut *control;
        match resource {
            ResourceArn::Stream(_) => Ok(look(&mut control.tags, &mut control.policy)),
            ResourceArn::Consumer(arn) => {
                let refuse = self.refuse(arn.stream.stream.as_str());
                let consumer = control.consumers.by_arn(now, arn);
                let consumer = consumer.ok_or_else(|| refuse.no_consumer(arn.consumer.as_str()))?;
                Ok(look(&mut consumer.tags, &mut consumer.policy))
            }
        }
    }
}

fn check_created(stream: &Stream, refuse: Refuse<'_>) -> Result<(), KinesisError> {
    match stream.status() {
        status @ StreamStatus::Creating => Err(refuse.not_active(status.as_str())),
        _ => Ok(()),
    }
}

/// That `:` is refused and `%` is not, as the text says, is kinesalite's reading of the service's answers.
fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c.is_whitespace() || "_./=+-%@".contains(c)
}
