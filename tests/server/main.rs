//! The server over real sockets.

mod accounts;
mod codecs;
mod extras;
mod front_door;
mod hostile;
mod signatures;
mod subscriptions;
mod support;
