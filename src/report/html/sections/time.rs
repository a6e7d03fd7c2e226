//! Points of a series as places on an axis of time, shared by every chart over time.

use crate::report::document::Document;
use crate::report::html::chart::axis::{percent, times};
use crate::report::html::figures::{Figures, pointer};
use crate::report::html::page::{Head, Mark, Table, Tick};

/// Equal points of time from left to right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) from_s: f64,
    pub(super) point_s: f64,
    pub(super) points: usize,
}

impl Times {
    fn length_s(self) -> f64 {
        self.point_s * self.points as f64
    }

    /// Where a time lies, 0 to 1.
    pub(super) fn place(self, at_s: f64) -> f64 {
        ((at_s - self.from_s) / self.length_s().max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
    }

    /// Where the middle of a point lies, 0 to 1.
    pub(super) fn middle(self, point: usize) -> f64 {
        (point as f64 + 0.5) / self.points.max(1) as f64
    }

    /// The times that are written.
    pub(super) fn ticks(self) -> Vec<Tick> {
        times(self.from_s, self.from_s + self.length_s())
    }

    /// From where to where the measurement window is, 0 to 1.
    pub(super) fn window(self, document: &Document) -> (f64, f64) {
        let from_s = document.instrument.warm_up_s;
        let until_s = from_s + document.instrument.measure_s;
        (self.place(from_s), self.place(until_s))
    }

    /// The events that happened to a stream.
    pub(super) fn marks(self, document: &Document, stream: Option<&str>) -> Vec<Mark> {
        let events = document.events.iter();
        let events = events.filter(|event| stream.is_none_or(|stream| event.stream == stream));
        let marks = events.filter_map(|event| {
            let place = self.place(event.started_s?);
            Some(Mark {
                at: percent(place),
                label: event.name.clone(),
                left: place > 0.75,
            })
        });
        marks.collect()
    }

    /// The table of these lists, each with its name and its place, a row per point.
    pub(super) fn table(self, figures: &Figures, lists: &[(&str, Vec<&str>)], name: &str) -> Table {
        let mut head = Head::row(&["<from (s)"]);
        let mut columns = Vec::new();
        for (name, steps) in lists {
            let place = pointer(steps);
            columns.push(figures.list(&place));
            head.push(Head {
                text: (*name).to_owned(),
                number: true,
                series: Some(place),
            });
        }
        let mut body = String::new();
        for point in 0..self.points {
            let from_s = self.from_s + self.point_s * point as f64;
            body.push_str("<tr><td class=n>");
            body.push_str(&seconds(from_s));
            for column in &columns {
                body.push_str("<td class=n>");
                body.push_str(&column.get(point).copied().unwrap_or_default().to_string());
            }
            body.push('\n');
        }
        Table {
            head,
            body,
            folded: name.to_owned(),
            ..Table::default()
        }
    }
}

/// Seconds to the millisecond, without noise after the point.
pub(super) fn seconds(seconds: f64) -> String {
    ((seconds * 1e3).round() / 1e3).to_string()
}
