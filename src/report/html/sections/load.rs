//! Load and latency over time.

use crate::measure::LatencyKind;
use crate::report::document::Document;
use crate::report::html::chart::axis::Scale;
use crate::report::html::chart::line::{Line, lines};
use crate::report::html::figures::{Figures, Show, pointer};
use crate::report::html::page::{Block, Chart, Legend, Section};
use crate::report::html::sections::time::{Times, seconds};

const HEIGHT: u32 = 220;
const LAG_HEIGHT: u32 = 110;

/// Members of a stream's series as lines: member, label, class.
const LINES: [(&str, &str, &str); 4] = [
    ("offered", "offered", "offered dash"),
    ("acked", "acknowledged", "acked"),
    ("delivered", "delivered, to all consumers", "delivered"),
    ("refused", "attempts refused by a limit", "refused"),
];

fn times(document: &Document) -> Option<Times> {
    let timeline = document.timeline.as_ref()?;
    Some(Times {
        from_s: timeline.from_s,
        point_s: timeline.point_s,
        points: timeline.points as usize,
    })
}

/// What was offered, accepted, delivered and refused.
pub(super) fn section(document: &Document, figures: &Figures) -> Option<Section> {
    let (times, timeline) = (times(document)?, document.timeline.as_ref()?);
    let mut section = super::section(
        document,
        "load",
        "Load over time",
        &format!(
            "By the time of what happened, in points of {} s. The shaded part is the measurement window; dashed lines are events.",
            seconds(times.point_s)
        ),
    );
    for (stream, series) in &timeline.streams {
        let moved = [
            &series.offered,
            &series.acked,
            &series.delivered,
            &series.refused,
        ];
        if moved.iter().any(|list| list.iter().any(|count| *count > 0)) {
            section
                .blocks
                .push(of_stream(document, figures, times, stream));
        }
        if series.lag_ms_max.iter().any(|lag| *lag > 0) {
            section.blocks.push(lag(document, figures, times, stream));
        }
    }
    Some(section)
}

fn of_stream(document: &Document, figures: &Figures, times: Times, stream: &str) -> Block {
    let per_s = |member: &str| -> Vec<f64> {
        let counts = figures.list(&pointer(&["timeline", "streams", stream, member]));
        counts
            .into_iter()
            .map(|count| count as f64 / times.point_s)
            .collect()
    };
    let shown: Vec<_> = LINES
        .iter()
        .map(|(member, label, class)| (per_s(member), *label, *class))
        .filter(|(values, ..)| values.iter().any(|value| *value > 0.0))
        .collect();
    let max = shown
        .iter()
        .flat_map(|(values, ..)| values)
        .copied()
        .fold(0.0, f64::max);
    let scale = Scale::linear(max);
    let drawn: Vec<_> = shown
        .iter()
        .map(|(values, _, class)| line(times, class, values.iter().map(|value| Some(*value))))
        .collect();
    let columns = [
        "offered",
        "sent",
        "acked",
        "refused",
        "failed_or_unknown",
        "delivered",
        "lag_ms_max",
    ];
    let lists: Vec<_> = columns
        .iter()
        .map(|member| (*member, vec!["timeline", "streams", stream, *member]))
        .collect();
    Block::Chart {
        chart: Chart {
            title: format!("Stream {stream}: records per second"),
            said: format!(
                "Records per second of stream {stream} over time; the table below has the numbers"
            ),
            height: HEIGHT,
            svg: lines(&drawn, scale, HEIGHT, Some(times.window(document))),
            legend: shown
                .iter()
                .map(|(_, label, class)| Legend {
                    class: (*class).trim_end_matches(" dash").to_owned(),
                    label: (*label).to_owned(),
                })
                .collect(),
            y: scale.ticks(|value| Show::Plain.text(value)),
            x: times.ticks(),
            marks: times.marks(document, Some(stream)),
            hover: "row",
            table: times.table(
                figures,
                &lists,
                &format!("Counts in points of {} s", seconds(times.point_s)),
            ),
            ..Chart::default()
        },
    }
}

fn lag(document: &Document, figures: &Figures, times: Times, stream: &str) -> Block {
    let place = ["timeline", "streams", stream, "lag_ms_max"];
    let values = figures.list(&pointer(&place));
    let values: Vec<f64> = values.into_iter().map(|millis| millis as f64).collect();
    let scale = Scale::linear(values.iter().copied().fold(0.0, f64::max));
    let drawn = line(times, "lag", values.iter().map(|value| Some(*value)));
    Block::Chart {
        chart: Chart {
            title: format!(
                "Stream {stream}: the farthest that a reader was behind the tip of a shard"
            ),
            said: format!(
                "Lag of the readers of stream {stream} over time; the table below has the numbers"
            ),
            height: LAG_HEIGHT,
            svg: lines(&[drawn], scale, LAG_HEIGHT, Some(times.window(document))),
            y: scale.ticks(|millis| Show::Millis.text(millis)),
            x: times.ticks(),
            marks: times.marks(document, Some(stream)),
            hover: "row",
            table: times.table(
                figures,
                &[("lag_ms_max", place.to_vec())],
                "Milliseconds behind",
            ),
            ..Chart::default()
        },
    }
}

fn line(times: Times, class: &str, values: impl Iterator<Item = Option<f64>>) -> Line {
    let points = values.enumerate();
    Line {
        class: class.to_owned(),
        points: points
            .map(|(point, value)| (times.middle(point), value))
            .collect(),
    }
}

/// The latencies that senders and readers waited, over time.
pub(super) fn latency(document: &Document, figures: &Figures) -> Vec<Block> {
    let (Some(times), Some(timeline)) = (times(document), document.timeline.as_ref()) else {
        return Vec::new();
    };
    let parts = timeline.parts.iter();
    let charts = parts.flat_map(|(part, kinds)| {
        kinds
            .keys()
            .map(move |kind| latency_chart(document, figures, times, part, *kind))
    });
    charts.collect()
}

fn latency_chart(
    document: &Document,
    figures: &Figures,
    times: Times,
    part: &str,
    kind: LatencyKind,
) -> Block {
    let place = |member| vec!["timeline", "parts", part, kind.as_str(), member];
    let list = |member| figures.list(&pointer(&place(member)));
    let count = list("count");
    let members = [("p50_us", "p50"), ("p99_us", "p99"), ("max_us", "max")];
    let values = members.map(|(member, label)| {
        let known = list(member).into_iter().zip(&count);
        let known = known.map(|(micros, count)| (*count > 0).then_some(micros as f64));
        (known.collect::<Vec<_>>(), label)
    });
    let scale = Scale::log(
        values
            .iter()
            .flat_map(|(values, _)| values)
            .flatten()
            .copied(),
    );
    // The median last: it must not be hidden.
    let drawn = values.iter().rev();
    let drawn: Vec<_> = drawn
        .map(|(values, label)| line(times, label, values.iter().copied()))
        .collect();
    let stream = part.split_once('.').and_then(|(table, name)| match table {
        "producers" => document
            .producers
            .get(name)
            .map(|part| part.stream.as_str()),
        "consumers" => document
            .consumers
            .get(name)
            .map(|part| part.stream.as_str()),
        _ => None,
    });
    let (table, name) = part.split_once('.').unwrap_or(("", part));
    let lists = ["count", "p50_us", "p99_us", "max_us"].map(|member| (member, place(member)));
    let title = format!("{kind} over time: {} {name}", table.trim_end_matches('s'));
    Block::Chart {
        chart: Chart {
            said: format!("{title}; the table below has the numbers"),
            title,
            height: HEIGHT,
            svg: lines(&drawn, scale, HEIGHT, Some(times.window(document))),
            legend: members
                .iter()
                .map(|(_, label)| Legend {
                    class: (*label).to_owned(),
                    label: (*label).to_owned(),
                })
                .collect(),
            y: scale.ticks(|micros| Show::Micros.text(micros)),
            x: times.ticks(),
            marks: times.marks(document, stream),
            hover: "row",
            table: times.table(
                figures,
                &lists,
                &format!("Microseconds in points of {} s", seconds(times.point_s)),
            ),
            ..Chart::default()
        },
    }
}
