//! The same records by every client, and what became of them.

use streamgauge::kinesis::operation::{IteratorPosition, PutApi, ShardFilter};
use streamgauge::target::{Existence, Target};

use super::{batch, cpu, make};

/// What a client's puts and reads came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Account {
    acked: u64,
    refused: u64,
    read: u64,
    /// A sum over keys, data and shards that does not depend on their order.
    content: u64,
}

/// Batches under way at a time.
const IN_FLIGHT: usize = 8;

/// Puts batches of 500 by each client into a stream of its own and reads them back.
///
/// # Panics
/// When two clients' accounts differ, or a record is missing.
pub(crate) async fn compare(clients: &[(&'static str, Target)], batches: usize) {
    let mut first: Option<Account> = None;
    for (name, target) in clients {
        let stream = "account";
        make(target, stream).await;
        let before = cpu();
        let mut account = put(target, stream, batches).await;
        let written = cpu().saturating_sub(before);
        let before = cpu();
        read(target, stream, &mut account).await;
        let read = cpu().saturating_sub(before);
        let patience = std::time::Duration::from_secs(30);
        let ended = target.end_stream(stream, Existence::Certain, patience);
        ended.await.expect("it is there");
        let per_record = |cpu: std::time::Duration| cpu.as_secs_f64() * 1e6 / account.acked as f64;
        println!(
            "{name:<14} {} acked, {} refused, {} read back; {:.2} us of CPU a record written, {:.2} us read",
            account.acked,
            account.refused,
            account.read,
            per_record(written),
            per_record(read)
        );
        assert_eq!(
            (account.acked, account.read),
            (batches as u64 * 500, account.acked)
        );
        assert_eq!(
            *first.get_or_insert_with(|| account.clone()),
            account,
            "{name}"
        );
    }
}

async fn put(target: &Target, stream: &str, batches: usize) -> Account {
    let worker = async |worker: usize| {
        let (mut account, mut results) = (Account::default(), Vec::new());
        for number in (worker..batches).step_by(IN_FLIGHT) {
            let batch = batch(500, number);
            let put = target.put(PutApi::PutRecords, stream, &batch, &mut results);
            put.await.expect("it is answered");
            let acked = results.iter().filter(|result| result.is_ok()).count();
            account.acked += acked as u64;
            account.refused += (results.len() - acked) as u64;
        }
        account
    };
    let accounts = futures_util::future::join_all((0..IN_FLIGHT).map(worker)).await;
    accounts
        .into_iter()
        .fold(Account::default(), |sum, one| Account {
            acked: sum.acked + one.acked,
            refused: sum.refused + one.refused,
            ..sum
        })
}

async fn read(target: &Target, stream: &str, account: &mut Account) {
    let shards = target.list_shards(stream, ShardFilter::AtLatest).await;
    for shard in shards.expect("a list") {
        let start = IteratorPosition::TrimHorizon;
        let iterator = target.get_shard_iterator(stream, shard.shard, start).await;
        let mut iterator = iterator.expect("an iterator");
        loop {
            let fetched = target.get_records(stream, &iterator, None).await;
            let page = fetched.expect("a page").page;
            for record in &page.records {
                let bytes = record
                    .partition_key
                    .bytes()
                    .chain(record.data.iter().copied());
                let seed = u64::from(shard.shard.number());
                let content = bytes.fold(seed, |sum, byte| {
                    sum.wrapping_mul(31).wrapping_add(byte.into())
                });
                account.content = account.content.wrapping_add(content);
                account.read += 1;
            }
            if page.millis_behind_latest == 0 {
                break;
            }
            iterator = page.next_iterator.expect("the shard is open");
        }
    }
}
