//! Prometheus' text format, version 0.0.4: the one place that writes it.
//!
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>, read on 2026-11-23.

use std::fmt::{Display, Write as _};

/// The media type of a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What kind of number a family's samples are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Only rises, until the process ends. Its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Quantiles beside a sum and a count.
    Summary,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Summary => "summary",
        }
    }
}

/// A page that is written family by family.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page(String);

impl Page {
    /// An empty page.
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// Begins a family of samples. `name` is of letters, digits and `_`; its unit is part of it.
    pub fn family<'a>(&'a mut self, name: &'a str, kind: Kind, help: &str) -> Family<'a> {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(
            self.0,
            "# HELP {name} {help}\n# TYPE {name} {}",
            kind.as_str()
        );
        Family { page: self, name }
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// A family that samples are added to.
#[derive(Debug)]
pub struct Family<'a> {
    page: &'a mut Page,
    name: &'a str,
}

impl Family<'_> {
    /// Adds a sample. Names of labels are of letters, digits and `_`; their values may be anything.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.part("", labels, value);
    }

    /// Adds the sample of a summary with this ending: `_sum`, `_count`.
    pub fn part(&mut self, ending: &str, labels: &[(&str, &str)], value: impl Display) {
        let out = &mut self.page.0;
        out.push_str(self.name);
        out.push_str(ending);
        for (number, (name, value)) in labels.iter().enumerate() {
            out.push(if number == 0 { '{' } else { ',' });
            let _ = write!(out, "{name}=\"{}\"", escaped(value));
        }
        if !labels.is_empty() {
            out.push('}');
        }
        let _ = writeln!(out, " {value}");
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_has_its_help_and_its_type_once_before_its_samples() {
        let mut page = Page::new();
        let mut family = page.family("x_total", Kind::Counter, "Lines \\ and\nmore.");
        family.sample(&[], 1);
        family.sample(&[("a", "b"), ("c", "d\"e\\f\ng")], 0.5);
        let mut family = page.family("t_seconds", Kind::Summary, "Times.");
        family.sample(&[("quantile", "0.5")], 2);
        family.part("_count", &[], 3);
        assert_eq!(
            page.into_text(),
            "# HELP x_total Lines \\\\ and\\nmore.\n# TYPE x_total counter\nx_total 1\n\
             x_total{a=\"b\",c=\"d\\\"e\\\\f\\ng\"} 0.5\n# HELP t_seconds Times.\n# TYPE t_seconds summary\n\
             t_seconds{quantile=\"0.5\"} 2\nt_seconds_count 3\n"
        );
    }
}
