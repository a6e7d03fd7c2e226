//! A report as `JUnit` XML, which CI systems show as tests: the verdict is one, and each SLO is one.
//!
//! The form is the common one (`testsuites`, `testsuite`, `testcase` with `failure`, `error` or `skipped`); nobody owns its
//! definition. A missed SLO is a failure, a VOID measurement an error, and its SLOs are skipped: they judge nothing.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::measure::Status;
use crate::report::answer;
use crate::report::document::Document;
use crate::report::slo::{SloResult, SloStatus};

/// What became of a test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Passed,
    /// `<failure>`: what was tested is not so.
    Failed,
    /// `<error>`: it could not be tested.
    Error,
    /// `<skipped>`.
    Skipped,
}

struct Case {
    name: String,
    ending: Ending,
    /// The element's `type`.
    kind: &'static str,
    /// In a line.
    message: String,
    /// All of it.
    text: String,
}

/// Writes the document as one suite.
///
/// # Errors
/// What `out` answers.
pub fn write(out: &mut dyn Write, document: &Document) -> io::Result<()> {
    let mut cases = vec![verdict(document)];
    let is_void = document.verdict.status == Status::Void;
    cases.extend(document.slo.iter().map(|slo| bound(slo, is_void)));
    let of = |ending| cases.iter().filter(|case| case.ending == ending).count();
    let instrument = &document.instrument;
    let took_s = instrument.warm_up_s + instrument.measure_s + instrument.drain_s;
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{took_s:.3}\"",
        cases.len(),
        of(Ending::Failed),
        of(Ending::Error),
        of(Ending::Skipped),
    );
    let name = escaped(&document.scenario.name);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"streamgauge\" {counts}>")?;
    writeln!(
        out,
        "  <testsuite name=\"{name}\" timestamp=\"{}\" {counts}>",
        escaped(&instrument.started)
    )?;
    writeln!(out, "    <properties>")?;
    for (property, value) in [
        ("answer", document.answer.clone()),
        ("world", document.world.as_str().to_owned()),
        ("basis", document.basis.as_str().to_owned()),
        ("seed", document.seed.to_string()),
        ("streamgauge", instrument.version.clone()),
    ] {
        writeln!(
            out,
            "      <property name=\"{property}\" value=\"{}\"/>",
            escaped(&value)
        )?;
    }
    writeln!(out, "    </properties>")?;
    for case in &cases {
        write_case(out, &name, case)?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn write_case(out: &mut dyn Write, suite: &str, case: &Case) -> io::Result<()> {
    let element = match case.ending {
        Ending::Passed => None,
        Ending::Failed => Some("failure"),
        Ending::Error => Some("error"),
        Ending::Skipped => Some("skipped"),
    };
    let (name, text) = (escaped(&case.name), escaped(&case.text));
    write!(
        out,
        "    <testcase classname=\"streamgauge.{suite}\" name=\"{name}\""
    )?;
    match element {
        None if text.is_empty() => return writeln!(out, "/>"),
        None => writeln!(out, ">\n      <system-out>{text}</system-out>")?,
        Some(element) => writeln!(
            out,
            ">\n      <{element} type=\"{}\" message=\"{}\">{text}</{element}>",
            case.kind,
            escaped(&case.message)
        )?,
    }
    writeln!(out, "    </testcase>")
}

/// The test that the measurement can be believed. A DEGRADED one passes with its reasons: it is the reader's to judge.
fn verdict(document: &Document) -> Case {
    let status = document.verdict.status;
    let mut text = String::new();
    for reason in &document.verdict.reasons {
        let _ = writeln!(
            text,
            "{} ({}): {}",
            reason.status.as_str(),
            reason.code,
            reason.text
        );
    }
    Case {
        name: "measurement".to_owned(),
        ending: if status == Status::Void {
            Ending::Error
        } else {
            Ending::Passed
        },
        kind: "VOID",
        message: answer::lines(document)[0].clone(),
        text,
    }
}

fn bound(slo: &SloResult, is_void: bool) -> Case {
    let value = slo.value.map_or_else(
        || "no data".to_owned(),
        |value| format!("{} ({})", slo.show(value), slo.basis.as_str()),
    );
    let text = format!("{} {}: {value}", slo.metric, slo.bound());
    let (ending, kind) = match slo.status {
        _ if is_void => (Ending::Skipped, "VOID"),
        SloStatus::Met => (Ending::Passed, "met"),
        SloStatus::Missed => (Ending::Failed, "missed"),
        SloStatus::Unknown => (Ending::Failed, "unknown"),
        SloStatus::NoData => (Ending::Failed, "no_data"),
    };
    Case {
        name: format!("slo {}", slo.name),
        ending,
        kind,
        message: if is_void {
            "the figures of a VOID measurement judge nothing".to_owned()
        } else {
            text.clone()
        },
        text,
    }
}

/// Text for an element or an attribute. What XML 1.0 cannot hold, control characters for one, becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn written(document: &Document) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes, document).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The endings of the cases by name, as an XML reader finds them.
    fn endings(xml: &str) -> Vec<(String, String)> {
        let tree = roxmltree::Document::parse(xml).unwrap();
        let cases = tree
            .descendants()
            .filter(|node| node.has_tag_name("testcase"));
        cases
            .map(|case| {
                let ending = case.children().find(roxmltree::Node::is_element);
                let ending = ending.map_or("", |ending| ending.tag_name().name());
                let name = case.attribute("name").unwrap();
                (name.to_owned(), ending.to_owned())
            })
            .collect()
    }

    fn owned(cases: &[(&str, &str)]) -> Vec<(String, String)> {
        let cases = cases.iter();
        cases.map(|&(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    #[test]
    fn a_missed_slo_is_a_failure_and_a_degraded_measurement_tells_why_it_is() {
        let xml = written(&sample::document());
        assert_eq!(
            endings(&xml),
            owned(&[
                ("measurement", "system-out"),
                ("slo accepted", "failure"),
                ("slo fresh", "system-out"),
                ("slo nothing_lost", "system-out"),
            ])
        );
        let tree = roxmltree::Document::parse(&xml).unwrap();
        let suite = tree
            .descendants()
            .find(|node| node.has_tag_name("testsuite"))
            .unwrap();
        assert_eq!(
            ["tests", "failures", "errors", "skipped", "time"].map(|name| suite.attribute(name)),
            ["4", "1", "0", "0", "13.250"].map(Some)
        );
        let failure = tree
            .descendants()
            .find(|node| node.has_tag_name("failure"))
            .unwrap();
        assert_eq!(
            failure.attribute("message"),
            Some("producers.web.accepted_share >= 99.9 %: 62 % (measured)")
        );
    }

    #[test]
    fn a_void_measurement_is_an_error_and_judges_nothing() {
        let mut document = sample::document();
        document.verdict.status = Status::Void;
        assert_eq!(
            endings(&written(&document)),
            owned(&[
                ("measurement", "error"),
                ("slo accepted", "skipped"),
                ("slo fresh", "skipped"),
                ("slo nothing_lost", "skipped"),
            ])
        );
    }

    #[test]
    fn a_figure_that_nobody_saw_is_a_failure() {
        let mut document = sample::document();
        document.slo[1].status = SloStatus::NoData;
        document.slo[1].value = None;
        let cases = endings(&written(&document));
        assert_eq!(cases[2], ("slo fresh".to_owned(), "failure".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn whatever_names_and_texts_hold_it_is_well_formed(text in proptest::prelude::any::<String>()) {
            let mut document = sample::document();
            document.scenario.name = text.clone();
            document.answer = text.clone();
            document.slo[0].name = text.clone();
            document.verdict.reasons[0].text = text;
            proptest::prop_assert_eq!(endings(&written(&document)).len(), 4);
        }
    }
}
