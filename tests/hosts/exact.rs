//! What is merged is what one process would have written that saw everything, to the bit.

use std::collections::BTreeSet;
use std::path::Path;

use streamgauge::base::Timestamp;
use streamgauge::measure::integrity::read_book;
use streamgauge::measure::{Facts, Status, judge};
use streamgauge::report::merge::merge_folders;
use streamgauge::report::{Document, Folder, SloStatus, html, json};

use crate::saw::{outcome, parts, scenario, written};

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("it can be read").file_name());
    names
        .map(|name| name.into_string().expect("plain names"))
        .collect()
}

fn report(folder: &Path) -> Document {
    let bytes = std::fs::read(folder.join("report.json")).expect("it is there");
    json::read(&bytes).unwrap_or_else(|problem| panic!("failed to {problem}"))
}

#[test]
fn the_merged_folders_of_any_number_of_hosts_are_the_folder_of_one_that_saw_all_to_the_bit() {
    let (out, loaded) = (tempfile::tempdir().expect("room"), scenario());
    let single = written(out.path(), &loaded, &outcome(&loaded, None));
    let whole = report(&single);
    assert_eq!(whole.verdict, judge(&Facts::default()));
    assert!(
        whole.slo.iter().all(|slo| slo.status == SloStatus::Met),
        "{:?}",
        whole.slo
    );
    for of in [1, 2, 8] {
        let parts = parts(out.path(), &loaded, of);
        let merged =
            merge_folders(&parts, false).unwrap_or_else(|problem| panic!("failed to {problem}"));
        let files = merged.file_names();
        let folder = Folder::open(
            out.path(),
            Timestamp::from_secs(1),
            "merged",
            files.iter().map(String::as_str),
        );
        let folder = folder.expect("there is room");
        assert!(
            merged
                .save(&folder, "streamgauge run several.toml")
                .is_empty()
        );
        let folder = folder.finish().expect("there is room");
        assert_eq!(names(&folder), names(&single), "{of}");
        for name in names(&single)
            .iter()
            .filter(|name| !name.starts_with("report."))
        {
            let bytes = |folder: &Path| std::fs::read(folder.join(name)).expect("it is there");
            assert!(
                bytes(&folder) == bytes(&single),
                "{name} of {of} hosts differs"
            );
        }
        // What a report of several hosts has besides.
        let mut merged = report(&folder);
        assert_eq!(merged.workers.len(), of as usize);
        let intended: u64 = merged.workers.iter().map(|worker| worker.intended).sum();
        assert_eq!(intended, 8_000);
        let apart = if of == 1 {
            0.0
        } else {
            f64::from(of - 1) + 2.0
        };
        assert_eq!(merged.instrument.clocks_apart_ms_max, Some(apart));
        merged.workers.clear();
        merged.instrument.clocks_apart_ms_max = None;
        assert_eq!(merged, whole);
        let page = std::fs::read_to_string(single.join("report.html")).expect("it is there");
        assert!(
            html::render(&merged) == page,
            "the page of {of} hosts differs"
        );
    }
}

#[test]
fn what_a_missing_worker_sent_and_read_is_not_in_a_partial_merge_and_the_verdict_says_so() {
    let (out, loaded) = (tempfile::tempdir().expect("room"), scenario());
    let parts = parts(out.path(), &loaded, 3);
    let whole = merge_folders(&parts, false)
        .expect("they belong together")
        .document;
    // Worker 1 reads for `audit`.
    let rest = merge_folders(&parts[1..], true).expect("they belong together");
    let verdict = &rest.document.verdict;
    assert_eq!(verdict.status, Status::Degraded);
    assert_eq!(verdict.reasons.len(), 1, "{verdict:?}");
    assert_eq!(verdict.reasons[0].code, "missing_workers");
    let text = &verdict.reasons[0].text;
    assert!(
        text.contains("worker 1 is not merged") && text.contains("`audit`"),
        "{text}"
    );
    let (ledger, all) = (&rest.document.ledger, &whole.ledger);
    assert_eq!(ledger.consumers.keys().collect::<Vec<_>>(), ["billing"]);
    let web = |document: &Document, worker: usize| {
        let producers = &report(&parts[worker]).ledger.producers;
        let _ = document;
        producers["web"].total.intended
    };
    assert_eq!(
        ledger.producers["web"].total.intended,
        all.producers["web"].total.intended - web(&whole, 0)
    );
    // What worker 1 sent and `billing` was given has nobody who was acknowledged.
    let billing = ledger.consumers["billing"].total;
    assert!(
        billing.balances() && billing.delivered_unacked > 1_000,
        "{billing:?}"
    );
    assert_eq!(
        billing.deliveries,
        all.consumers["billing"].total.deliveries
    );
}

#[test]
fn a_part_says_that_it_is_one_and_judges_no_slo() {
    let (out, loaded) = (tempfile::tempdir().expect("room"), scenario());
    let part = report(&parts(out.path(), &loaded, 3)[1]);
    let worker = part.worker.as_ref().expect("it is said");
    assert_eq!(
        (worker.worker, worker.of, worker.run.as_str()),
        (2, 3, "0badcafe")
    );
    assert!(
        part.slo.is_empty() && part.answer.starts_with("part 2 of 3"),
        "{}",
        part.answer
    );
    assert_eq!(part.instrument.clock_offset_ms, Some([-0.5, 2.5]));
    assert_eq!(part.consumers.keys().collect::<Vec<_>>(), ["billing"]);
}

#[test]
fn the_merged_account_holds_every_record_once() {
    let (out, loaded) = (tempfile::tempdir().expect("room"), scenario());
    let merged =
        merge_folders(&parts(out.path(), &loaded, 5), false).expect("they belong together");
    let single = written(out.path(), &loaded, &outcome(&loaded, None));
    let book = std::fs::read(single.join("integrity.bin")).expect("it is there");
    assert_eq!(
        merged.accounts,
        read_book(&*book).expect("it was just written")
    );
}
