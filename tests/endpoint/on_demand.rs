//! Streams whose shards are the service's choice, made over the wire.

use crate::place::{Serve, Wanted, folder, results, run, said_yes, scenario};
use crate::runs::has_stream;
use crate::support::folder::agrees_with_itself;

#[test]
fn an_on_demand_stream_is_made_with_four_shards_and_deleted_at_the_end() {
    let (files, serve) = (folder(), Serve::start());
    let path = scenario(files.path(), Wanted::default());
    let text = std::fs::read_to_string(&path).expect("it was written");
    let text = text.replace("shards = 2", "mode = \"on-demand\"");
    std::fs::write(&path, text).expect("it is there");
    for target in ["embedded", &serve.url] {
        let ran = results(run(files.path(), &path, target));
        assert!(said_yes(&ran), "{}", ran.ended.stdout);
        assert_eq!(ran.report.shards.len(), 4);
        let read = &ran.report.ledger.consumers["billing"].total;
        assert_eq!((read.acked, read.delivered), (360, 360), "{read:?}");
        agrees_with_itself(&ran);
    }
    assert!(!has_stream(&serve.url));
}
