//! What is true of every page.

use regex::Regex;
use serde_json::Value;

use super::render;
use crate::report::{Document, json, sample};

/// Each number of the page that has a place: the place, its value there, and its text.
fn figures(page: &str) -> Vec<(String, String, String)> {
    let pattern = r#"data-figure="([^"]*)" data-value="([^"]*)">([^<]*)<"#;
    let pattern = Regex::new(pattern).unwrap();
    pattern
        .captures_iter(page)
        .map(|found| {
            (
                unescaped(&found[1]),
                found[2].to_owned(),
                unescaped(&found[3]),
            )
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    text.replace("&#x2f;", "/")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

fn read_back(document: &Document) -> Document {
    let mut bytes = Vec::new();
    json::write(&mut bytes, document).unwrap();
    json::read(&bytes).unwrap()
}

#[test]
fn every_number_of_the_page_is_the_one_at_its_place_in_the_report() {
    let document = sample::document();
    let mut bytes = Vec::new();
    json::write(&mut bytes, &document).unwrap();
    let report: Value = serde_json::from_slice(&bytes).unwrap();
    let figures = figures(&render(&document));
    assert!(figures.len() > 150, "{}", figures.len());
    for (place, value, _) in figures {
        let held = report
            .pointer(&place)
            .unwrap_or_else(|| panic!("{place} is not there"));
        assert_eq!(held.to_string(), value, "{place}");
    }
}

#[test]
fn page_and_summary_are_made_from_the_report_alone() {
    let document = sample::document();
    let again = read_back(&document);
    assert_eq!(render(&again), render(&document));
    let terminal = crate::report::terminal::render;
    assert_eq!(terminal(&again), terminal(&document));
}

#[test]
fn text_of_others_cannot_become_markup() {
    let mut document = sample::document();
    let evil = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'&";
    document.scenario.name = evil.into();
    document.scenario.question = evil.into();
    document.scenario.text = evil.into();
    document.slo[0].name = evil.into();
    document.events[0].name = evil.into();
    document.events[0].detail = evil.into();
    let producer = document.producers.remove("web").unwrap();
    document.producers.insert(evil.into(), producer);
    let ledger = document.ledger.producers.remove("web").unwrap();
    document.ledger.producers.insert(evil.into(), ledger);
    let balance = document.balance.remove("orders").unwrap();
    document.balance.insert(evil.into(), balance);
    let page = render(&document);
    assert!(!page.contains("<img"), "an element got through");
    assert_eq!(page.matches("<script>").count(), 1, "only the page's own");
    assert!(page.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn the_page_asks_the_network_for_nothing() {
    let page = render(&sample::document());
    for word in [
        "http://",
        "https://",
        "src=",
        "@import",
        "url(",
        "<link rel=\"stylesheet",
    ] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn a_run_that_saw_nothing_is_still_a_page() {
    let mut document = sample::document();
    document.slo.clear();
    document.ledger = crate::report::Ledger::default();
    document.latency = crate::report::Latency::default();
    document.producers.clear();
    document.consumers.clear();
    document.throttling.clear();
    document.refusals_outlived.clear();
    document.balance.clear();
    document.shards.clear();
    document.events.clear();
    document.conclude([]);
    let page = render(&document);
    for id in ["slo", "latency", "ledgers", "throttling", "shards"] {
        assert!(
            !page.contains(&format!("<section id=\"{id}\">")),
            "{id} is empty and there"
        );
    }
    assert!(page.contains("<section id=\"instrument\">"));
}
