//! PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy. Policies are kept and given back; the engine has one
//! caller, whom none of them keeps out.

use super::account::Account;
use super::refuse::invalid;
use crate::base::Timestamp;
use crate::kinesis::arn::ResourceArn;
use crate::kinesis::quotas::RateName;
use crate::kinesis::{ErrorCode, KinesisError};

impl Account {
    /// PutResourcePolicy. A consumer must be ACTIVE (cloudformation-coverage-roadmap issue 2442).
    ///
    /// # Errors
    /// `LimitExceeded`, `ResourceNotFound`, `ResourceInUse`, `AccessDenied` for another account's resource;
    /// `InvalidArgument` for what is no ARN or no JSON object (unverified).
    pub fn put_resource_policy(
        &self,
        now: Timestamp,
        resource: &str,
        policy: &str,
    ) -> Result<(), KinesisError> {
        let resource: ResourceArn = resource.parse()?;
        self.admit_for(now, RateName::PutResourcePolicy, &resource)?;
        if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(policy).is_err() {
            return Err(invalid("The policy is not a JSON object."));
        }
        self.with_active_resource(now, &resource, |_, kept| *kept = Some(policy.to_owned()))
    }

    /// GetResourcePolicy.
    ///
    /// # Errors
    /// `LimitExceeded`, `AccessDenied`, `InvalidArgument`; `ResourceNotFound` without the resource or without a policy
    /// (the latter unverified).
    pub fn get_resource_policy(
        &self,
        now: Timestamp,
        resource: &str,
    ) -> Result<String, KinesisError> {
        let resource: ResourceArn = resource.parse()?;
        self.admit_for(now, RateName::GetResourcePolicy, &resource)?;
        self.with_resource(now, &resource, |_, kept| kept.clone())?
            .ok_or_else(|| no_policy(&resource))
    }

    /// DeleteResourcePolicy.
    ///
    /// # Errors
    /// As [`Self::get_resource_policy`].
    pub fn delete_resource_policy(
        &self,
        now: Timestamp,
        resource: &str,
    ) -> Result<(), KinesisError> {
        let resource: ResourceArn = resource.parse()?;
        self.admit_for(now, RateName::DeleteResourcePolicy, &resource)?;
        self.with_resource(now, &resource, |_, kept| kept.take())?
            .map(|_| ())
            .ok_or_else(|| no_policy(&resource))
    }
}

fn no_policy(resource: &ResourceArn) -> KinesisError {
    KinesisError::new(
        ErrorCode::ResourceNotFound,
        format!("Resource policy of {resource} not found."),
    )
}
