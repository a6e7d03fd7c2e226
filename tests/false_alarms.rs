//! The stopping rule that `gate` ships, on noise like a shared machine's: how often it cries wolf, and what it finds.

use rand::RngExt as _;
use rand_distr::{Distribution as _, StandardNormal, StudentT};
use streamgauge::analyse::statistics::judge::overall;
use streamgauge::analyse::statistics::looks::{LOOKS, Looks, median, noise};
use streamgauge::analyse::statistics::signed_rank::WalshAverages;
use streamgauge::analyse::statistics::{SIDE_ALPHA, Verdict, detectable, judge};
use streamgauge::base::rng::{Rng, generator};
use streamgauge::study::gate::{Side, order};

const COMPARISONS: u32 = 1_000;
const METRICS: usize = 8;

/// What a machine does to the logarithm of a run's figures.
#[derive(Clone, Copy, Debug)]
struct Machine {
    name: &'static str,
    /// Standard deviation of a quiet run.
    spread: f64,
    /// How much of the last run's disturbance is left in the next.
    carries: f64,
    /// From the first run of 64 to the last.
    drifts: f64,
    /// The share of runs that a neighbour disturbs.
    disturbed: f64,
    /// Degrees of freedom of Student's t; 0 is normal.
    tails: f64,
}

const QUIET: Machine = Machine {
    name: "normal",
    spread: 0.035,
    carries: 0.0,
    drifts: 0.0,
    disturbed: 0.0,
    tails: 0.0,
};

/// Ways of a shared machine to disturb a measurement.
const MACHINES: [Machine; 6] = [
    QUIET,
    Machine {
        name: "one run in thirty disturbed, up to five times as slow",
        disturbed: 0.033,
        spread: 0.03,
        ..QUIET
    },
    Machine {
        name: "heavy tails (Student's t, 2 degrees)",
        spread: 0.012,
        tails: 2.0,
        ..QUIET
    },
    Machine {
        name: "each run carries half of the last one's disturbance",
        carries: 0.5,
        ..QUIET
    },
    Machine {
        name: "carries nine tenths",
        carries: 0.9,
        ..QUIET
    },
    Machine {
        name: "drifts by half, heavy tails, carries",
        spread: 0.018,
        carries: 0.3,
        drifts: 0.4,
        disturbed: 0.033,
        tails: 3.0,
    },
];

impl Machine {
    /// The logarithms of all metrics of `runs` runs after each other.
    fn runs(&self, runs: usize, random: &mut Rng) -> Vec<[f64; METRICS]> {
        let draw = |random: &mut Rng| -> f64 {
            if self.tails > 0.0 {
                StudentT::new(self.tails)
                    .expect("degrees above zero")
                    .sample(random)
            } else {
                StandardNormal.sample(random)
            }
        };
        let mut carried = 0.0;
        let fresh = (1.0 - self.carries * self.carries).sqrt();
        (0..runs)
            .map(|run| {
                // What all metrics of a run share, as latencies do.
                carried = self.carries * carried + fresh * draw(random);
                let hit = if random.random_bool(self.disturbed) {
                    random.random_range(0.1..1.6)
                } else {
                    0.0
                };
                let drift = self.drifts * run as f64 / 64.0;
                std::array::from_fn(|_| {
                    let own = draw(random);
                    self.spread * (0.8 * carried + 0.6 * own) + hit + drift
                })
            })
            .collect()
    }
}

/// How a gate ended.
#[derive(Clone, Copy, Debug)]
struct Ended {
    verdict: Verdict,
    pairs: usize,
}

/// A gate of `pairs` pairs at most: the order of its runs, its looks, its rule. New is worse by `slower` in the first
/// metric.
fn gate(machine: &Machine, pairs: u32, min_effect: f64, slower: f64, random: &mut Rng) -> Ended {
    let runs = machine.runs(2 * pairs as usize, random);
    let differences: Vec<[f64; METRICS]> = (0..pairs as usize)
        .map(|pair| {
            let [first, second] = [runs[2 * pair], runs[2 * pair + 1]];
            let (base, new) = match order(pair as u32) {
                [Side::Base, _] => (first, second),
                [Side::New, _] => (second, first),
            };
            std::array::from_fn(|metric| {
                new[metric] - base[metric] + if metric == 0 { slower.ln_1p() } else { 0.0 }
            })
        })
        .collect();
    let looks = Looks::within(pairs);
    let mut settled = [Verdict::Inconclusive; METRICS];
    for &look in looks.pairs() {
        let metrics: Vec<Vec<f64>> = (0..METRICS)
            .map(|metric| {
                differences[..look as usize]
                    .iter()
                    .map(|pair| pair[metric])
                    .collect()
            })
            .collect();
        let judged = judge(&metrics, looks.spend(look, SIDE_ALPHA), min_effect);
        for (settled, judged) in settled.iter_mut().zip(judged) {
            if *settled == Verdict::Inconclusive {
                *settled = judged.verdict;
            }
        }
        let verdict = overall(settled);
        if verdict != Verdict::Inconclusive || look == looks.last() {
            return Ended {
                verdict,
                pairs: look as usize,
            };
        }
    }
    unreachable!("the last look ends it")
}

fn share(count: usize) -> f64 {
    count as f64 / f64::from(COMPARISONS)
}

#[test]
fn of_a_thousand_comparisons_of_equals_at_most_five_in_a_hundred_are_told_to_differ() {
    for machine in &MACHINES {
        let mut random = generator(1, "false alarms", 0, machine.name);
        let ended: Vec<_> = (0..COMPARISONS)
            .map(|_| gate(machine, 32, 0.0, 0.0, &mut random))
            .collect();
        let told = |verdict| share(ended.iter().filter(|e| e.verdict == verdict).count());
        // At a minimum effect of zero an improvement of any metric leaves others open, so it is counted where it is said of
        // the whole; a regression of any metric is one of the whole.
        let (worse, better) = (told(Verdict::Regression), told(Verdict::Improvement));
        println!(
            "{}: {worse:.3} regressions, {better:.3} improvements",
            machine.name
        );
        assert!(worse + better <= 0.05, "{}: {worse} {better}", machine.name);
        assert!(worse <= 0.035, "{}: {worse}", machine.name);
    }
}

#[test]
fn at_the_default_minimum_effect_equals_are_never_told_to_differ() {
    for machine in &MACHINES {
        let mut random = generator(2, "default", 0, machine.name);
        let ended: Vec<_> = (0..COMPARISONS)
            .map(|_| gate(machine, 32, 0.05, 0.0, &mut random))
            .collect();
        let alarms = ended
            .iter()
            .filter(|e| e.verdict == Verdict::Regression)
            .count();
        let held = ended
            .iter()
            .filter(|e| e.verdict == Verdict::NoRegression)
            .count();
        let pairs: usize = ended.iter().map(|e| e.pairs).sum();
        println!(
            "{}: {alarms} alarms, {:.2} no regression, {:.1} pairs on average",
            machine.name,
            share(held),
            share(pairs)
        );
        assert!(alarms <= 5, "{}: {alarms}", machine.name);
    }
}

#[test]
fn a_slow_down_of_ten_percent_is_found_where_it_is_advertised_to_be() {
    for machine in &MACHINES {
        let mut random = generator(3, "power", 0, machine.name);
        // What a long pilot would tell of the noise of a pair, and what is advertised by it.
        let pilot: Vec<f64> = (0..100)
            .flat_map(|_| {
                let runs = machine.runs(64, &mut random);
                let pairs = runs.chunks_exact(2).enumerate();
                pairs
                    .map(|(pair, runs)| {
                        let sign = if order(pair as u32)[0] == Side::Base {
                            1.0
                        } else {
                            -1.0
                        };
                        sign * (runs[1][0] - runs[0][0])
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
        let looks = Looks::within(32);
        let last = looks.spend(32, SIDE_ALPHA);
        let advertised = detectable(noise(&pilot), 32, last, METRICS, 0.05);
        let injected = advertised.max(0.10);
        let found: Vec<_> = (0..COMPARISONS)
            .map(|_| gate(machine, 32, 0.05, injected, &mut random))
            .filter(|ended| ended.verdict == Verdict::Regression)
            .collect();
        let pairs = median(found.iter().map(|ended| ended.pairs as f64).collect());
        println!(
            "{}: advertised {:.1} %, injected {:.1} %: found {:.3}, at {} pairs",
            machine.name,
            advertised * 100.0,
            injected * 100.0,
            share(found.len()),
            pairs.unwrap_or_default()
        );
        assert!(advertised <= 0.10, "{}: {advertised}", machine.name);
        assert!(
            share(found.len()) >= 0.90,
            "{}: {}",
            machine.name,
            share(found.len())
        );
    }
}

#[test]
fn the_interval_covers_what_it_says_where_a_bootstrap_of_few_pairs_does_not() {
    const RESAMPLES: usize = 200;
    for pairs in [8_usize, 16] {
        let machine = &MACHINES[2];
        let mut random = generator(4, "coverage", pairs as u32, machine.name);
        let (mut by_ranks, mut by_bootstrap) = (0, 0);
        for _ in 0..COMPARISONS {
            let runs = machine.runs(2 * pairs, &mut random);
            let differences: Vec<f64> = runs
                .chunks_exact(2)
                .map(|pair| pair[1][0] - pair[0][0])
                .collect();
            let [low, high] = WalshAverages::of(&differences)
                .interval(SIDE_ALPHA)
                .expect("pairs enough");
            by_ranks += usize::from(low <= 0.0 && 0.0 <= high);
            let mut means: Vec<f64> = (0..RESAMPLES)
                .map(|_| {
                    let drawn = (0..pairs).map(|_| differences[random.random_range(0..pairs)]);
                    drawn.sum::<f64>() / pairs as f64
                })
                .collect();
            means.sort_by(f64::total_cmp);
            let (low, high) = (means[RESAMPLES / 40], means[RESAMPLES - 1 - RESAMPLES / 40]);
            by_bootstrap += usize::from(low <= 0.0 && 0.0 <= high);
        }
        println!(
            "{pairs} pairs: 95 % intervals hold the truth in {:.3} (ranks), {:.3} (bootstrap)",
            share(by_ranks),
            share(by_bootstrap)
        );
        assert!(share(by_ranks) >= 0.94, "{pairs}: {by_ranks}");
        assert!(
            by_bootstrap < by_ranks,
            "{pairs}: {by_bootstrap} {by_ranks}"
        );
    }
}

#[test]
fn looks_are_where_the_documentation_says() {
    assert_eq!(LOOKS, [8, 16, 32]);
}
