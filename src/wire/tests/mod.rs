//! Claims that hold over the whole table: both codecs, slow paths and fast paths, and bytes of any kind.

mod conversion;
mod generated;
