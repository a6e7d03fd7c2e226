//! The summary that a person reads in ten seconds: a pure function from document to text.
//!
//! Plain text of at most 96 columns as long as names and counts are short; no colours, no terminal codes. Every section
//! says what kind of numbers it shows.

mod hosts;
mod ledgers;
mod load;
pub(crate) mod table;
mod watched;

use std::fmt::Write as _;
use std::slice;

use crate::base::units::{HumanBytes, HumanMicros};
use crate::measure::Status;
use crate::report::answer;
use crate::report::aws::AwsRun;
use crate::report::calls;
use crate::report::document::{Document, TargetSummary};
use crate::report::text::{Percent, Plain, counted, shortened, wrapped};
use table::Table;

/// The columns that text is broken at.
const WIDTH: usize = 96;

/// Names of streams, producers and consumers are cut to so many characters.
pub(in crate::report) const NAME_CHARS: usize = 20;

/// The whole summary. Begins with the three lines of [`answer::lines`], ends in a line end.
pub fn render(document: &Document) -> String {
    let mut sections = vec![answer::lines(document).join("\n")];
    sections.extend(doubts(document));
    sections.push(scenario(document));
    sections.extend(slos(document));
    sections.extend(ledgers::producers(document));
    sections.extend(ledgers::consumers(document));
    sections.extend(calls::render(document));
    sections.extend(load::latency(document).map(|table| table + &hosts::clocks(document)));
    sections.extend(load::throttling(document));
    sections.extend(load::outlived(document));
    sections.extend(load::shards(document));
    sections.extend(watched::watched(document));
    sections.extend(events(document));
    sections.extend(target(document));
    sections.push(instrument(document));
    sections.extend(hosts::workers(document));
    sections.extend(document.aws.as_ref().map(AwsRun::render));
    let mut text = sections.join("\n\n");
    text.push('\n');
    text
}

/// `first` and, beside it and hanging below, each of `lines` broken at [`WIDTH`].
pub(in crate::report) fn hanging(first: &str, lines: &[String]) -> String {
    let indent = first.chars().count();
    let width = WIDTH.saturating_sub(indent);
    let broken: Vec<_> = lines.iter().flat_map(|line| wrapped(line, width)).collect();
    format!("{first}{}", broken.join(&format!("\n{:indent$}", "")))
}

fn doubts(document: &Document) -> Option<String> {
    let reasons = &document.verdict.reasons;
    if reasons.is_empty() && !document.instrument.interrupted {
        return None;
    }
    let is_doubted = instrument_doubts(document);
    let title = if is_doubted {
        "Reasons to doubt it"
    } else {
        "Worth knowing"
    };
    let mut text = title.to_owned();
    let pad = reasons
        .iter()
        .map(|reason| reason.status.as_str().len())
        .max()
        .unwrap_or_default();
    for status in [Status::Void, Status::Degraded, Status::Valid] {
        for reason in reasons.iter().filter(|reason| reason.status == status) {
            let label = if status == Status::Valid {
                "note"
            } else {
                status.as_str()
            };
            let first = format!("  {label:pad$}  ");
            text.push('\n');
            text.push_str(&hanging(&first, slice::from_ref(&reason.text)));
        }
    }
    if document.instrument.interrupted {
        text.push_str(
            "\n  The run was ended early: what was under way is unknown or was not sent.",
        );
    }
    Some(text)
}

/// Whether anything speaks against the measurement.
fn instrument_doubts(document: &Document) -> bool {
    document.verdict.status != Status::Valid || document.instrument.interrupted
}

fn scenario(document: &Document) -> String {
    let (info, instrument) = (&document.scenario, &document.instrument);
    let mut text = hanging(
        "Scenario: ",
        &[format!("{}, {}", info.name, answer::provenance(document))],
    );
    if !info.question.trim().is_empty() {
        text.push('\n');
        text.push_str(&hanging("  ", slice::from_ref(&info.question)));
    }
    let _ = write!(
        text,
        "\n  warm-up {} s, measurement window {} s, drain {} s; seed {}",
        Plain(instrument.warm_up_s),
        Plain(instrument.measure_s),
        Plain(instrument.drain_s),
        document.seed
    );
    text
}

/// The target outside of this process, and what is wrong with it.
fn target(document: &Document) -> Option<String> {
    let target = document.target.as_ref()?;
    let url = target.url.as_deref().filter(|url| *url != target.name);
    let mut lines = vec![format!(
        "{}{}, {}; `[engine]` {}",
        target.name,
        url.map_or_else(String::new, |url| format!(" ({url})")),
        callers(target),
        target.engine
    )];
    if let Some(reason) = &target.unreachable {
        lines.push(format!("not reachable at the end: {reason}"));
    }
    for (stream, reason) in &target.left_behind {
        lines.push(format!("stream `{stream}` is left there: {reason}"));
    }
    for finding in &target.findings {
        lines.push(format!("{} times {}", finding.count, finding.text));
    }
    Some(hanging("Target: ", &lines))
}

/// What called a target.
fn callers(target: &TargetSummary) -> String {
    let calls = target.calls_client.as_ref();
    let calls = calls.map_or_else(String::new, |client| format!(", calls by {client}"));
    format!("called by {}{calls}", target.client)
}

fn slos(document: &Document) -> Option<String> {
    if document.slo.is_empty() {
        return None;
    }
    let mut table = Table::new("  result  name  figure  <bound  <value");
    for slo in &document.slo {
        let result = slo.status.as_str();
        table.row([
            result.to_owned(),
            shortened(&slo.name, NAME_CHARS),
            shortened(&slo.metric, 44),
            slo.bound(),
            slo.shown_value(),
        ]);
    }
    let mut title = format!("SLO ({})", document.basis.as_str());
    if document.verdict.status == Status::Void {
        title.push_str(": the figures of a VOID measurement judge nothing");
    }
    Some(table.titled(&title))
}

fn events(document: &Document) -> Option<String> {
    if document.events.is_empty() {
        return None;
    }
    let mut table = Table::new("  <at  event  action  stream  status  took");
    let mut details = String::new();
    for event in &document.events {
        let at_s = event.started_s.unwrap_or(event.planned_s);
        let took = match (event.started_s, event.ended_s) {
            (Some(start), Some(end)) => HumanMicros(((end - start) * 1e6) as u64).to_string(),
            _ => "-".to_owned(),
        };
        table.row([
            format!("{} s", Plain(at_s)),
            shortened(&event.name, NAME_CHARS),
            event.action.clone(),
            shortened(&event.stream, NAME_CHARS),
            event.status.as_str().to_owned(),
            took,
        ]);
        if !event.detail.is_empty() {
            let first = format!("  {}: ", shortened(&event.name, NAME_CHARS));
            details.push('\n');
            details.push_str(&hanging(&first, slice::from_ref(&event.detail)));
        }
    }
    Some(table.titled("Events (from the start of the load)") + &details)
}

fn instrument(document: &Document) -> String {
    let instrument = &document.instrument;
    let mut parts = vec![format!(
        "longest pacer gap {}",
        HumanMicros(instrument.pacer_gap_us_max)
    )];
    let mut share = |what: &str, share: Option<f64>| {
        parts.extend(share.map(|share| format!("{what} {}", Percent(share))));
    };
    share("host processors busy", instrument.host_cpu_share);
    share("this process", instrument.process_cpu_share);
    share("taken by the hypervisor", instrument.cpu_steal_share);
    share(
        "a sending thread without a processor",
        instrument.sender_wait_share,
    );
    parts.extend(
        instrument
            .major_page_faults
            .filter(|&faults| faults > 0)
            .map(|faults| counted(faults, "page fault") + " from disk"),
    );
    if let (Some(step), Some(read)) = (instrument.clock_step_ns, instrument.clock_read_ns) {
        parts.push(format!("clock step {step} ns, read in {read} ns"));
    }
    let offset = instrument.clock_offset_ms.map(hosts::offset);
    parts.extend(offset.map(|offset| format!("the service's clock minus this host's is {offset}")));
    parts.push(format!("streamgauge {}", instrument.version));
    let mut text = hanging("Instrument: ", &[parts.join(", ")]);
    if let Some(environment) = &document.environment {
        let host = format!(
            "{}, {}, {}, {}; target {}",
            environment.cpu_model,
            counted(u64::from(environment.cpus), "processor"),
            HumanBytes(environment.memory_bytes),
            environment.os,
            environment.target
        );
        text.push('\n');
        text.push_str(&hanging("Host: ", &[host]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Facts, judge};
    use crate::report::{FigureBasis, World, sample};

    #[test]
    fn the_summary_of_a_known_document_is_this_text() {
        insta::assert_snapshot!(render(&sample::document()));
    }

    #[test]
    fn the_three_answer_lines_come_first_and_every_line_fits() {
        let text = render(&sample::document());
        let first: Vec<_> = text.lines().take(3).collect();
        assert_eq!(
            first,
            [
                "Measurement: DEGRADED",
                "SLO: missed 1 of 3",
                "Answer: no, 4 shards accepted 62 % of 2,400 records/s"
            ]
        );
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
            assert_eq!(line.trim_end(), line);
        }
    }

    #[test]
    fn a_simulated_summary_says_so_and_shows_no_host() {
        let mut document = sample::document();
        document.world = World::Simulated;
        document.basis = FigureBasis::Simulated;
        document.environment = None;
        document.instrument.host_cpu_share = None;
        document.instrument.cpu_steal_share = None;
        let text = render(&document);
        assert!(text.contains("simulated on a virtual clock"), "{text}");
        assert!(!text.contains("measured)"), "{text}");
        assert!(!text.contains("Host:"), "{text}");
        assert!(!text.contains("hypervisor"), "{text}");
    }

    #[test]
    fn text_of_the_scenario_cannot_paint_the_terminal() {
        let mut document = sample::document();
        document.scenario.question = "\u{1b}[31mred?\r\n".repeat(3);
        document.events[0].detail = "\u{1b}]0;title\u{7}".into();
        document.slo[0].name = "a\u{1b}b".into();
        let text = render(&document);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
    }

    #[test]
    fn a_run_that_saw_nothing_is_still_a_summary() {
        let mut document = sample::document();
        document.slo.clear();
        document.ledger = crate::report::Ledger::default();
        document.latency = crate::report::Latency::default();
        document.producers.clear();
        document.consumers.clear();
        document.throttling.clear();
        document.balance.clear();
        document.shards.clear();
        document.events.clear();
        document.conclude([]);
        let text = render(&document);
        assert!(text.contains("SLO: none set"), "{text}");
        assert!(text.contains("no record was offered"), "{text}");
        assert!(!text.contains("Latency"), "{text}");
    }

    #[test]
    fn calls_are_said_to_go_by_the_client_that_makes_them() {
        let target = |client: &str, calls: Option<&str>| TargetSummary {
            client: client.to_owned(),
            calls_client: calls.map(str::to_owned),
            ..TargetSummary::default()
        };
        assert_eq!(callers(&target("lean", None)), "called by lean");
        let both = target("sdk", Some("lean"));
        assert_eq!(callers(&both), "called by sdk, calls by lean");
    }

    #[test]
    fn a_void_measurement_says_so_beside_its_slos_and_gives_its_reasons_first() {
        let mut document = sample::document();
        document.instrument.interrupted = true;
        document.verdict = judge(&Facts {
            pacer_gap_us_max: 512_300,
            intended: 24_000,
            dropped: 15,
            ..Facts::default()
        });
        document.answer = answer::answer(&document);
        let text = render(&document);
        let place = |what: &str| {
            text.find(what)
                .unwrap_or_else(|| panic!("`{what}`: {text}"))
        };
        assert!(place("  VOID      the longest time") < place("  DEGRADED  records"));
        assert!(place("ended early") < place("Scenario: "));
        assert!(
            text.contains("SLO (measured): the figures of a VOID"),
            "{text}"
        );
    }
}
