//! The order of records with one key, as one consumer sees it.
//!
//! A lane is the top 16 bits of the hash key: all records of a key are in one lane, and each worker numbers the records
//! of each of its lanes.

/// Lanes of one worker.
pub(super) const LANES: usize = 1 << 16;

/// Lanes per page: a worker with one key pays for one page, one with many for all 256 KiB.
const PAGE: usize = 1 << 10;

/// One above the highest lane sequence that was delivered, by lane; 0 for none.
#[derive(Debug, Default)]
pub(super) struct LaneOrder {
    /// Empty until the first delivery.
    pages: Vec<Option<Box<[u32; PAGE]>>>,
}

impl LaneOrder {
    /// Takes in a first delivery; whether a later record of the lane was delivered before it.
    pub(super) fn inverts(&mut self, lane: u16, lane_sequence: u32) -> bool {
        if self.pages.is_empty() {
            self.pages.resize_with(LANES / PAGE, || None);
        }
        let page = self.pages[usize::from(lane) / PAGE].get_or_insert_with(|| Box::new([0; PAGE]));
        let highest = &mut page[usize::from(lane) % PAGE];
        // The last two of 2^32 records of one lane count as equal.
        let above = lane_sequence.saturating_add(1);
        let inverts = above < *highest;
        *highest = above.max(*highest);
        inverts
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.pages.capacity() * size_of::<Option<Box<[u32; PAGE]>>>()
            + self.pages.iter().flatten().count() * size_of::<[u32; PAGE]>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_after_a_later_one_of_its_lane_is_an_inversion_and_gaps_are_none() {
        let mut order = LaneOrder::default();
        let seen: Vec<_> = [
            (7, 0),
            (7, 3),
            (8, 0),
            (7, 2),
            (7, 4),
            (u16::MAX, 9),
            (u16::MAX, 0),
        ]
        .into_iter()
        .map(|(lane, sequence)| order.inverts(lane, sequence))
        .collect();
        assert_eq!(seen, [false, false, false, true, false, false, true]);
        // Two pages and the list of pages.
        assert!(order.heap_bytes() < 3 * 4_096, "{}", order.heap_bytes());
    }
}
