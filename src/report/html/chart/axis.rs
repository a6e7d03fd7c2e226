//! Where numbers stand on an axis, and which of them are written beside it.

use crate::report::html::page::Tick;

/// A vertical axis from bottom to top.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::report::html) enum Scale {
    /// From 0 to here.
    Linear(f64),
    /// From the first to the second, both above 0, by powers of ten.
    Log(f64, f64),
}

impl Scale {
    /// From 0 to a round number that is not below `max`.
    pub(in crate::report::html) fn linear(max: f64) -> Self {
        let max = if max.is_finite() && max > 0.0 {
            max
        } else {
            1.0
        };
        let step = step(max);
        Self::Linear((max / step - 1e-9).ceil() * step)
    }

    /// Whole powers of ten around all of `values`; those that are not above 0 stand at the bottom.
    pub(in crate::report::html) fn log(values: impl IntoIterator<Item = f64>) -> Self {
        let (mut least, mut most) = (f64::INFINITY, 0.0f64);
        for value in values.into_iter().filter(|value| *value > 0.0) {
            least = least.min(value);
            most = most.max(value);
        }
        if most <= 0.0 {
            return Self::Log(1.0, 10.0);
        }
        let low = 10f64.powf(least.log10().floor());
        let high = 10f64.powf((most.log10() - 1e-9).ceil());
        Self::Log(low, high.max(low * 10.0))
    }

    /// From the top, as a part of 1; what is beyond an end stands at it.
    pub(in crate::report::html) fn down(self, value: f64) -> f64 {
        let up = match self {
            Self::Linear(max) => value / max,
            Self::Log(low, high) => (value.max(low) / low).log10() / (high / low).log10(),
        };
        1.0 - up.clamp(0.0, 1.0)
    }

    /// The numbers that are written, the highest first.
    pub(in crate::report::html) fn ticks(self, show: impl Fn(f64) -> String) -> Vec<Tick> {
        let values: Vec<f64> = match self {
            Self::Linear(max) => {
                let step = step(max);
                let count = (max / step).round() as u32;
                (0..=count).map(|n| f64::from(n) * step).collect()
            }
            Self::Log(low, high) => {
                let powers = (high / low).log10().round() as i32;
                let skip = (powers / 6 + 1) as usize;
                // Where there are few powers, what is between them is written too.
                let between: &[f64] = if powers <= 2 {
                    &[1.0, 2.0, 5.0]
                } else {
                    &[1.0]
                };
                let all = (0..=powers).map(|power| low * 10f64.powi(power));
                let all = all.step_by(skip);
                all.flat_map(|power| between.iter().map(move |digit| digit * power))
                    .filter(|value| *value <= high * 1.000_001)
                    .collect()
            }
        };
        let ticks = values.into_iter().rev().map(|value| Tick {
            at: percent(self.down(value)),
            label: show(value),
            minor: false,
        });
        ticks.collect()
    }
}

/// 1, 2 or 5 times a power of ten, of which three to five make `max`.
fn step(max: f64) -> f64 {
    let rough = max / 4.0;
    let power = 10f64.powf(rough.log10().floor());
    let digit = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .find(|digit| digit * power >= rough * 0.999)
        .unwrap_or(10.0);
    digit * power
}

/// A part of 1 in percent, with as many digits as a screen can show.
pub(in crate::report::html) fn percent(part: f64) -> f64 {
    (part * 1e4).round() / 1e2
}

/// How far apart the times of an axis may be, in seconds.
const STEPS: [f64; 22] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0,
    3_600.0, 7_200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 604_800.0,
];

/// Round times of an axis of time from `from_s` to `until_s`.
pub(in crate::report::html) fn times(from_s: f64, until_s: f64) -> Vec<Tick> {
    let length = until_s - from_s;
    if length <= 0.0 {
        return Vec::new();
    }
    let step = STEPS.into_iter().find(|step| length / step <= 9.0);
    let step = step.unwrap_or_else(|| (length / 9.0 / 604_800.0).ceil() * 604_800.0);
    let first = (from_s / step).ceil() as i64;
    let last = (until_s / step + 1e-9).floor() as i64;
    let ticks = (first..=last).map(|n| {
        let at_s = n as f64 * step;
        Tick {
            at: percent((at_s - from_s) / length),
            label: time(at_s, step),
            minor: (n - first) % 2 != 0,
        }
    });
    ticks.collect()
}

/// A time on an axis whose times are `step` seconds apart: `12 s`, `1:30 min`, `2:15 h`.
fn time(at_s: f64, step: f64) -> String {
    let sign = if at_s < 0.0 { "-" } else { "" };
    let at = at_s.abs().round() as u64;
    if step < 1.0 {
        format!("{at_s:.1} s")
    } else if step < 60.0 {
        format!("{sign}{at} s")
    } else if step < 3_600.0 && at < 7_200 {
        format!("{sign}{} min", at / 60)
    } else {
        format!("{sign}{}:{:02} h", at / 3_600, at % 3_600 / 60)
    }
}

/// Labels of things side by side or below each other, at most `most` of them.
pub(in crate::report::html) fn places(
    count: usize,
    most: usize,
    name: impl Fn(usize) -> String,
) -> Vec<Tick> {
    let step = count.div_ceil(most.max(1)).max(1);
    let ticks = (0..count).step_by(step).map(|index| Tick {
        at: percent((index as f64 + 0.5) / count as f64),
        label: name(index),
        minor: !(index / step).is_multiple_of(2),
    });
    ticks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn an_axis_ends_at_a_round_number_above_its_values() {
        for (max, end) in [
            (97.0, 100.0),
            (2_400.0, 3_000.0),
            (1.0, 1.0),
            (0.0, 1.0),
            (13_200.0, 15_000.0),
            (f64::NAN, 1.0),
        ] {
            assert_eq!(Scale::linear(max), Scale::Linear(end), "{max}");
        }
        let ticks = Scale::linear(97.0).ticks(|value| value.to_string());
        assert_eq!(labels(&ticks), ["100", "75", "50", "25", "0"]);
        assert_eq!((ticks[0].at, ticks[4].at), (0.0, 100.0));
    }

    #[test]
    fn a_logarithmic_axis_gives_each_power_of_ten_the_same_room() {
        let scale = Scale::log([30.0, 0.0, 45_000.0]);
        assert_eq!(scale, Scale::Log(10.0, 100_000.0));
        assert!((scale.down(1_000.0) - 0.5).abs() < 1e-12);
        assert!((scale.down(0.0) - 1.0).abs() < 1e-12);
        assert_eq!(Scale::log([]), Scale::Log(1.0, 10.0));
        let between = Scale::Log(1.0, 10.0).ticks(|value| value.to_string());
        assert_eq!(labels(&between), ["10", "5", "2", "1"]);
    }

    #[test]
    fn times_are_round_and_few() {
        assert_eq!(
            labels(&times(0.0, 14.0)),
            ["0 s", "2 s", "4 s", "6 s", "8 s", "10 s", "12 s", "14 s"]
        );
        assert_eq!(labels(&times(-5.0, 3_605.0))[..2], ["0 min", "10 min"]);
        assert_eq!(labels(&times(0.0, 86_400.0))[1], "3:00 h");
        assert!(times(0.0, 4e9).len() <= 10);
        assert!(times(1.0, 1.0).is_empty());
    }

    #[test]
    fn many_places_are_named_by_some() {
        let ticks = places(200, 10, |index| index.to_string());
        assert_eq!(ticks.len(), 10);
        assert_eq!(ticks[1].label, "20");
        assert!(places(0, 10, |index| index.to_string()).is_empty());
    }
}
