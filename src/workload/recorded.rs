//! Where a recording's records fall, counted one by one.

use std::time::Duration;

use super::key_text::KeyText;
use super::placement::{Placed, ShardIndex};
use super::size_law::SizeLaw;
use crate::scenario::model::{Arrival, KeyChoice, Producer, Size};

/// What one shard is offered of a recording.
#[derive(Clone, Copy, Default)]
pub(super) struct Offered {
    /// Its keys, each with its share of the records.
    pub(super) placed: Placed,
    /// Bytes of data per record of the whole recording.
    pub(super) data_bytes: f64,
}

/// What each shard is offered in a load of this length by a producer that plays recorded keys in their order. Sizes that
/// are recorded too go with their keys; of others the mean counts. Nothing where keys are not recorded, or where no record
/// comes.
pub(super) fn offered(
    producer: &Producer,
    load: Duration,
    shards: &ShardIndex<'_>,
) -> Option<Vec<Offered>> {
    let KeyChoice::Listed(table) = &producer.keys.choice else {
        return None;
    };
    let turns = table.turns().filter(|turns| !turns.is_empty())?;
    let records = match &producer.arrival {
        Arrival::Trace { times_ns, speed_up } => {
            let end_ns = load.as_nanos() as f64 * speed_up;
            times_ns.partition_point(|&time| (time as f64) < end_ns)
        }
        _ => turns.len(),
    };
    if records == 0 {
        return None;
    }
    let text = KeyText::new(&producer.keys);
    let keys: Vec<_> = (0..table.population())
        .map(|number| {
            let explicit = text.explicit_hash_key(number);
            let explicit_bytes = explicit.map(|hash_key| hash_key.to_string().len() as f64);
            let shard = shards.find(text.hash(number));
            (shard, text.bytes(number) as f64, explicit_bytes)
        })
        .collect();
    let mean = SizeLaw::of(producer, load).mean_bytes();
    let data_bytes = |index: usize| match &producer.size {
        Size::Trace { sizes } if !sizes.is_empty() => f64::from(sizes[index % sizes.len()]),
        _ => mean,
    };
    let mut offered = vec![Offered::default(); shards.ranges.len()];
    let mut counts = vec![0u64; keys.len()];
    for index in 0..records {
        let number = turns[index % turns.len()] as usize;
        let (shard, key_bytes, explicit_bytes) = keys[number];
        counts[number] += 1;
        if let Some(offered) = shard.and_then(|shard| offered.get_mut(shard)) {
            offered.data_bytes += data_bytes(index);
            let placed = &mut offered.placed;
            placed.share += 1.0;
            placed.key_bytes += key_bytes;
            if let Some(bytes) = explicit_bytes {
                placed.explicit += 1.0;
                placed.explicit_bytes += bytes;
            }
        }
    }
    for offered in &mut offered {
        offered.data_bytes /= records as f64;
        let placed = &mut offered.placed;
        placed.share /= records as f64;
        placed.key_bytes /= records as f64;
        placed.explicit /= records as f64;
        placed.explicit_bytes /= records as f64;
    }
    for (count, (shard, ..)) in counts.iter().zip(&keys) {
        if let Some(offered) = shard.and_then(|shard| offered.get_mut(shard)) {
            offered.placed.squares += (*count as f64 / records as f64).powi(2);
        }
    }
    Some(offered)
}
