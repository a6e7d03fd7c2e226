//! How documents write a shard: as the service does, `shardId-000000000007`.

#![expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference to the field over"
)]

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

use crate::kinesis::ShardId;

pub(super) fn serialize<S: Serializer>(shard: &ShardId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(shard)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ShardId, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    text.parse().map_err(D::Error::custom)
}

/// The same for a shard that may be unknown.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Serializer, ShardId};
    use serde::de::Error as _;

    #[expect(clippy::ref_option, reason = "as above")]
    pub(in crate::measure) fn serialize<S: Serializer>(
        shard: &Option<ShardId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match shard {
            Some(shard) => serializer.collect_str(shard),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::measure) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ShardId>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom))
            .transpose()
    }
}
