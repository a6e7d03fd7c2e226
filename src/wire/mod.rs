//! AWS's formats, both directions: JSON and CBOR bodies, event streams, signatures, and what the service says of bodies
//! that are wrong.
//!
//! Invariant: functions of bytes. Nothing here knows a stream or a connection, and no input makes it panic or allocate
//! more than a small multiple of its own length.
//!
//! [`decode`], [`validate()`] and [`encode`] work on [`Value`] trees by the table in [`shapes`], for every operation and
//! with the service's exact texts. [`fast`] and [`answer`] do the same for puts and reads without a
//! tree; they step aside for the slow path wherever the answer would not be the ordinary one.

pub mod answer;
mod blob;
mod cbor;
pub mod codec;
mod convert;
mod digits;
pub mod error;
pub mod event_stream;
pub mod fast;
mod json;
pub mod pattern;
pub mod shapes;
pub mod sigv4;
#[cfg(test)]
mod tests;
pub mod validate;
pub mod value;

pub use answer::{encode_get_records, encode_put_record, encode_put_records};
pub use codec::{Codec, decode, decode_output, encode, encode_input, is_object};
pub use error::{WireError, encode_error};
pub use fast::{PutHead, get_records_fast, put_record_fast, put_records_fast};
pub use shapes::{OPERATIONS, Operation, Shape, UNIMPLEMENTED_FAMILIES, operation};
pub use validate::validate;
pub use value::Value;
