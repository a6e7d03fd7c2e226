//! The server over real sockets.

mod accounts;
mod codecs;
mod encrypted;
mod extras;
mod facts;
mod front_door;
mod hostile;
mod limits;
mod logs;
#[expect(dead_code, reason = "the siege uses the rest")]
mod program;
mod ready;
mod signatures;
mod subscriptions;
mod support;
mod switches;
