//! The server over real sockets.

mod accounts;
mod codecs;
mod encrypted;
mod extras;
mod front_door;
mod hostile;
mod limits;
mod logs;
mod program;
mod signatures;
mod subscriptions;
mod support;
mod switches;
