//! The instrument against targets whose faults are known: what a run says must be what was done to it, to the record and
//! to the microsecond.
//!
//! Most runs are in virtual time, where arithmetic gives every figure. The few in real time run alone (see
//! [`world::alone`]) and are made again, a bounded number of times, when the run itself says that the host disturbed it.

mod closed_forms;
mod faults;
mod integrity_memory;
mod interruption;
mod limits;
mod reckoning;
mod same_records;
mod slots;
mod stalls;
mod stopped_generator;
mod world;
