//! Several hosts that make one run: their records together are the single run's, and their folders merge without loss.

mod exact;
mod refusals;
mod saw;
mod together;
