//! What to send and when: intended times, partition keys, sizes, payloads and stamps, and what they will do to the
//! shards.
//!
//! Invariant: everything here is a plain function of (seed, producer, worker, purpose). Nothing waits, reads a clock or
//! knows where its records go, so that every world is offered the same records at the same intended times.

pub mod arrival;
mod compressible;
mod course;
pub mod draw;
mod endless;
pub mod forecast;
pub mod heavy_keys;
mod json;
pub mod key_text;
pub mod keys;
pub mod own_bounds;
mod packed;
pub mod payload;
pub mod pieces;
mod placement;
pub mod portion;
mod recorded;
pub mod shares;
mod shortfall;
pub mod size_law;
pub mod sizes;
pub mod stamp;
pub mod walk;
pub mod zipf;

pub use arrival::{Schedule, due};
pub use draw::{RecordPlan, RecordSource, calls_schedule, payload_pool, schedule};
pub use forecast::{Forecast, ShardForecast, forecast};
pub use heavy_keys::HeavyKey;
pub use key_text::{KeyHashes, KeyText};
pub use keys::KeyGenerator;
pub use own_bounds::{OwnBound, own_bounds};
pub use payload::{PayloadGenerator, PayloadPool};
pub use portion::{Own, Portion};
pub use size_law::SizeLaw;
pub use sizes::SizeGenerator;
pub use stamp::{Stamp, StampError};

#[cfg(test)]
mod goodness;
#[cfg(test)]
mod schedules;
