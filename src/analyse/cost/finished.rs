//! The bill of a finished run, by what it counted.

use std::time::Duration;

use super::lines::{Bill, Stay};
use super::offer::Offer;
use super::{AROUND, FoundStreams, as_found, begun_hours, is_on_demand};
use crate::analyse::call_cost;
use crate::analyse::prices::Prices;
use crate::kinesis::api::{ApiCall, LOAD_RECORD_BILLED};
use crate::kinesis::record::Billed;
use crate::report::Document;
use crate::report::cost::Cost;
use crate::scenario::Scenario;

/// What a finished run cost, or would have cost on AWS, by its report. Its streams are those of `scenario`, which says
/// what the report need not: retention, and which streams were there before.
pub fn of_report(
    document: &Document,
    scenario: &Scenario,
    found: &FoundStreams,
    prices: &Prices,
) -> Cost {
    let scenario = &as_found(scenario, found);
    let instrument = &document.instrument;
    let seconds = instrument.warm_up_s + instrument.measure_s + instrument.drain_s;
    let ran = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let basis = document.world.basis();
    let mut lines = Vec::new();
    for stream in scenario.streams.values() {
        let name = stream.name.as_str();
        let rows = || document.shards.iter().filter(|row| row.stream == name);
        let opened = rows().filter(|row| row.opened_s.is_some()).count();
        let shards = rows().count().max(stream.shards as usize);
        let owed = if stream.existing { opened } else { shards };
        let stay = Stay {
            shards: shards as f64,
            owed: owed as f64,
            time: ran,
            hours: begun_hours(ran + AROUND),
            basis,
        };
        let bill = Bill {
            scenario,
            stream,
            is_on_demand: is_on_demand(found, stream),
            prices,
        };
        let offer = Offer::counted(billed(document, name), basis);
        lines.extend(bill.lines(&offer, &stay));
    }
    lines.extend(call_cost::counted(scenario, document, prices));
    Cost::of(prices.list(), lines)
}

/// What is billed of the records that were put to a stream, or may have been.
fn billed(document: &Document, stream: &str) -> Billed {
    let producers = document.producers.iter();
    let producers = producers.filter(|(_, producer)| producer.stream == stream);
    let ledgers = producers.filter_map(|(producer, _)| document.ledger.producers.get(producer));
    let mut billed = Billed::default();
    for ledger in ledgers {
        billed.add(ledger.total.billed());
    }
    billed.add(LOAD_RECORD_BILLED.times(called_records(document, stream)));
    billed
}

/// Records that loads of API calls put to a stream, or may have.
fn called_records(document: &Document, stream: &str) -> u64 {
    let loads = document.calls.values();
    let loads = loads.filter(|load| load.stream.as_deref() == Some(stream));
    let calls = loads.flat_map(|load| &load.operations);
    let records = calls.map(|(call, summary)| {
        let each = ApiCall::parse(call).map_or(0, |call| call.records());
        let ledger = &summary.ledger.total;
        // Of a batch that was refused in part some records may be stored.
        each * (ledger.intended - ledger.not_sent.min(ledger.intended))
    });
    records.sum()
}
