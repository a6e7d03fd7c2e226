//! How far the local Kinesis is to be trusted: every statement about it stands once, in a table beside the tests that
//! hold it. `page` prints the tables as `src/server/FIDELITY.md`.

mod fifteen;
mod front_door;
mod limits;
mod messages;
mod operations;
mod page;
mod rates;

mod row;
mod states;

#[expect(dead_code, reason = "the server's own tests need more of it")]
#[path = "../server/support.rs"]
mod support;
mod validation;
