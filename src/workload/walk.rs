//! Walks along a curve: when the integral of its rate reaches what.

use super::pieces::{Piece, Pieces};
use crate::base::rng::Rng;
use crate::scenario::model::Curve;

const NANOS_PER_S: f64 = 1e9;

/// Finds the times at which the integral of a rate reaches rising values.
///
/// What went before the piece under way is kept as a whole number and a fraction, so that neither a long load nor a great
/// count costs digits: the time of record `i` comes from `i`, not from the time of record `i - 1`.
#[derive(Clone, Debug)]
pub struct Walk {
    pieces: Pieces,
    piece: Piece,
    start_ns: u64,
    piece_s: f64,
    piece_mass: f64,
    /// The integral before the piece.
    whole: u64,
    fraction: f64,
    end_ns: u64,
}

impl Walk {
    /// A walk over a load of `end_ns` nanoseconds. `rng` decides the lengths of random bursts.
    pub fn new(curve: &Curve, end_ns: u64, rng: &mut Rng) -> Self {
        let mut pieces = Pieces::new(curve, 0, rng);
        let piece = pieces.next();
        let mut walk = Self {
            pieces,
            piece,
            start_ns: 0,
            piece_s: 0.0,
            piece_mass: 0.0,
            whole: 0,
            fraction: 0.0,
            end_ns,
        };
        walk.measure();
        walk
    }

    fn measure(&mut self) {
        let end_ns = self.piece.end_ns.min(self.end_ns);
        self.piece_s = end_ns.saturating_sub(self.start_ns) as f64 / NANOS_PER_S;
        self.piece_mass = self.piece.mass(self.piece_s);
    }

    /// The first nanosecond at which the integral is above `whole + fraction`, or [`u64::MAX`] if that is not within the
    /// load. Values that are asked for rise.
    pub fn time_of(&mut self, whole: u64, fraction: f64) -> u64 {
        loop {
            let mass =
                (i128::from(whole) - i128::from(self.whole)) as f64 + (fraction - self.fraction);
            if mass < self.piece_mass {
                // Below zero only by rounding, at the piece's start.
                let t = self.piece.time_of(mass.max(0.0), self.piece_s);
                return self.start_ns + (t * NANOS_PER_S) as u64;
            }
            if self.piece.end_ns >= self.end_ns {
                return u64::MAX;
            }
            let sum = self.fraction + self.piece_mass;
            self.whole = self.whole.saturating_add(sum as u64);
            self.fraction = sum.fract();
            self.start_ns = self.piece.end_ns;
            self.piece = self.pieces.next();
            self.measure();
        }
    }
}
