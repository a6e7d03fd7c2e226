//! A recorded stream, played, is the stream: record by record in virtual time, and over real sockets. A stream that others
//! write is watched without a word written to it.

#[path = "../endpoint/place.rs"]
#[allow(dead_code, reason = "its proxies are for other tests")]
mod place;
mod played;
mod recorded;
#[path = "../support/mod.rs"]
mod support;
mod watched;
mod writer;
