//! A set of 65,536 numbers: as runs while they are few, as bits while they are many.

/// How many numbers one set covers.
pub(super) const SPAN: u32 = 1 << 16;

const WORDS: usize = SPAN as usize / 64;

/// A set that grows beyond this many runs turns into bits: inserting into a longer list costs more than the 8 KiB.
const GROWING_RUNS_MAX: usize = 64;

/// [`BitSet::pack`] makes runs of bits up to this many: half of what the bits take.
const PACKED_RUNS_MAX: usize = 1_024;

/// Consecutive members, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    pub(super) first: u16,
    pub(super) last: u16,
}

/// The set. Members are never taken out.
#[derive(Clone, Debug, Default)]
pub(super) struct BitSet {
    len: u32,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// Sorted, with at least one number missing between two runs.
    Runs(Vec<Run>),
    Bits(Box<[u64; WORDS]>),
}

impl Default for Form {
    fn default() -> Self {
        Self::Runs(Vec::new())
    }
}

impl BitSet {
    /// How many members there are.
    pub(super) const fn len(&self) -> u32 {
        self.len
    }

    /// Whether every number is a member.
    pub(super) const fn is_full(&self) -> bool {
        self.len == SPAN
    }

    /// Whether `number` is a member.
    pub(super) fn get(&self, number: u16) -> bool {
        match &self.form {
            Form::Runs(runs) => {
                let at = runs.partition_point(|run| run.last < number);
                runs.get(at).is_some_and(|run| run.first <= number)
            }
            Form::Bits(words) => words[usize::from(number) / 64] >> (number % 64) & 1 == 1,
        }
    }

    /// Makes `number` a member; whether it was none before.
    pub(super) fn insert(&mut self, number: u16) -> bool {
        let new = match &mut self.form {
            Form::Runs(runs) => insert_into_runs(runs, number),
            Form::Bits(words) => {
                let word = &mut words[usize::from(number) / 64];
                let bit = 1 << (number % 64);
                let new = *word & bit == 0;
                *word |= bit;
                new
            }
        };
        if new {
            self.len += 1;
            match &self.form {
                Form::Runs(runs) if runs.len() > GROWING_RUNS_MAX => self.form = to_bits(runs),
                Form::Bits(_) if self.is_full() => self.pack(),
                _ => {}
            }
        }
        new
    }

    /// Takes as little memory as the members allow.
    pub(super) fn pack(&mut self) {
        match &mut self.form {
            Form::Runs(runs) => runs.shrink_to_fit(),
            Form::Bits(words) => {
                if count_runs(words) <= PACKED_RUNS_MAX {
                    self.form = Form::Runs(to_runs(words));
                }
            }
        }
    }

    /// The members as sorted runs.
    pub(super) fn runs(&self) -> Vec<Run> {
        match &self.form {
            Form::Runs(runs) => runs.clone(),
            Form::Bits(words) => to_runs(words),
        }
    }

    /// Memory beyond the value itself, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        match &self.form {
            Form::Runs(runs) => runs.capacity() * size_of::<Run>(),
            Form::Bits(_) => WORDS * 8,
        }
    }
}

fn insert_into_runs(runs: &mut Vec<Run>, number: u16) -> bool {
    let at = match runs.last() {
        // In order: the usual case.
        Some(run) if run.last < number => runs.len(),
        None => 0,
        Some(_) => runs.partition_point(|run| run.last < number),
    };
    if runs.get(at).is_some_and(|run| run.first <= number) {
        return false;
    }
    let joins_before = at > 0 && runs[at - 1].last.checked_add(1) == Some(number);
    let joins_after = runs
        .get(at)
        .is_some_and(|run| number.checked_add(1) == Some(run.first));
    match (joins_before, joins_after) {
        (true, true) => {
            runs[at - 1].last = runs[at].last;
            runs.remove(at);
        }
        (true, false) => runs[at - 1].last = number,
        (false, true) => runs[at].first = number,
        (false, false) => runs.insert(
            at,
            Run {
                first: number,
                last: number,
            },
        ),
    }
    true
}

fn to_bits(runs: &[Run]) -> Form {
    let mut words = Box::new([0u64; WORDS]);
    for number in runs.iter().flat_map(|run| run.first..=run.last) {
        words[usize::from(number) / 64] |= 1 << (number % 64);
    }
    Form::Bits(words)
}

fn count_runs(words: &[u64; WORDS]) -> usize {
    let mut before = 0;
    let mut runs = 0;
    for &word in words {
        // A run begins at each member whose lower neighbour is none.
        runs += (word & !(word << 1 | before)).count_ones() as usize;
        before = word >> 63;
    }
    runs
}

fn to_runs(words: &[u64; WORDS]) -> Vec<Run> {
    let mut runs = Vec::<Run>::with_capacity(count_runs(words));
    for (&word, base) in words.iter().zip((0u32..).step_by(64)) {
        let mut rest = word;
        let mut at = 0;
        while rest != 0 {
            let first = at + rest.trailing_zeros();
            at = first + (word >> first).trailing_ones();
            rest = word.checked_shr(at).unwrap_or(0);
            let (first, last) = ((base + first) as u16, (base + at - 1) as u16);
            match runs.last_mut() {
                Some(run) if run.last.checked_add(1) == Some(first) => run.last = last,
                _ => runs.push(Run { first, last }),
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn members(set: &BitSet) -> BTreeSet<u16> {
        let runs = set.runs();
        assert!(
            runs.windows(2)
                .all(|pair| u32::from(pair[0].last) + 1 < u32::from(pair[1].first)),
            "runs touch: {runs:?}"
        );
        runs.iter().flat_map(|run| run.first..=run.last).collect()
    }

    #[test]
    fn a_set_filled_in_any_order_ends_as_one_run() {
        // 40,503 is odd, so that its multiples visit every number.
        for step in [1u16, 40_503, u16::MAX] {
            let mut set = BitSet::default();
            let mut number = 0u16;
            for _ in 0..SPAN {
                assert!(set.insert(number));
                number = number.wrapping_add(step);
            }
            assert!(set.is_full());
            assert!(!set.insert(7));
            assert_eq!(
                set.runs(),
                [Run {
                    first: 0,
                    last: u16::MAX
                }]
            );
            assert!(set.heap_bytes() < 512, "{}", set.heap_bytes());
        }
    }

    #[test]
    fn a_nearly_full_set_packs_into_its_gaps() {
        let mut set = BitSet::default();
        for number in (0..=u16::MAX).rev().filter(|number| number % 1_000 != 1) {
            set.insert(number);
        }
        for number in (0..=u16::MAX).step_by(1_000) {
            set.insert(number);
        }
        set.pack();
        assert_eq!(set.runs().len(), 67);
        assert!(set.heap_bytes() <= 67 * 4, "{}", set.heap_bytes());
        assert!(set.get(1_000) && !set.get(1_001));
    }

    proptest! {
        #[test]
        fn the_set_holds_what_an_ordered_set_holds(
            numbers in prop::collection::vec(
                prop_oneof![any::<u16>(), 0u16..300, 65_400u16..=u16::MAX, (0u16..900).prop_map(|n| n * 2)],
                0..1_500,
            ),
            packs in prop::collection::vec(0usize..1_500, 0..3),
        ) {
            let mut set = BitSet::default();
            let mut model = BTreeSet::new();
            for (step, &number) in numbers.iter().enumerate() {
                prop_assert_eq!(set.get(number), model.contains(&number));
                prop_assert_eq!(set.insert(number), model.insert(number));
                if packs.contains(&step) {
                    set.pack();
                }
            }
            prop_assert_eq!(set.len() as usize, model.len());
            prop_assert_eq!(&members(&set), &model);
            set.pack();
            prop_assert_eq!(&members(&set), &model);
        }
    }
}
