"""Our producer packs records and aws_kinesis_agg takes them apart; aws_kinesis_agg packs and our consumer takes apart."""

import base64
import hashlib
import json
import os
import pathlib
import subprocess

from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import iter_deaggregate_records

from kit.claims import claim, main, say
from kit.stream import REGION, Stream

RATE, SECONDS = 3_000, 3
RECORDS = RATE * SECONDS


def run(stream, producer, more=""):
    """Runs a scenario on a stream that is there; gives its report."""
    folder = pathlib.Path(os.environ["WORK"]) / stream.name
    folder.mkdir()
    scenario = folder / "packed.toml"
    scenario.write_text(f"""
schema = 1
name = "packed"
[time]
warm_up = "0s"
measure = "{SECONDS}s"
[streams.{stream.name}]
shards = 2
existing = true
[producers.web]
size = {{ kind = "fixed", bytes = "60B" }}
payload = {{ stamp = "none" }}
{producer}
{more}
""")
    target = f'kind = "endpoint"\nurl = "{os.environ["KINESIS_URL"]}"\nregion = "{REGION}"\n'
    (folder / "streamgauge.toml").write_text(f"[targets.served]\n{target}")
    command = [os.environ["PROGRAM"], "run", str(scenario), "--target", "served"]
    done = subprocess.run([*command, "--out", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "latest" / "report.json").read_text())


def hash_key(user):
    """Where a user record belongs."""
    if explicit := user.get("explicitHashKey"):
        return int(explicit)
    return int.from_bytes(hashlib.md5(user["partitionKey"].encode()).digest())


def taken_apart(stream):
    """The user records of each Kinesis record, with its shard."""
    for shard_id, record in stream.read_all():
        users = [user["kinesis"] for user in iter_deaggregate_records([record], data_format="Boto3")]
        assert len(users) == 1 or record["PartitionKey"] == "a", record["PartitionKey"]
        yield shard_id, users


def claim_whole(stream, report):
    """Every user record is there once, in the shard of its key, numbered in the order in which it was packed."""
    ledger = report["ledger"]["producers"]["web"]["total"]
    assert ledger["acked"] == ledger["intended"] == RECORDS, ledger
    ranges = {
        shard["ShardId"]: [int(shard["HashKeyRange"][end]) for end in ("StartingHashKey", "EndingHashKey")]
        for shard in stream.shards()
    }
    keys, made = [], 0
    for shard_id, users in taken_apart(stream):
        made += 1
        low, high = ranges[shard_id]
        assert all(low <= hash_key(user) <= high for user in users), shard_id
        numbers = [int(user["partitionKey"].removeprefix("key-")) for user in users]
        assert numbers == sorted(numbers), numbers
        if len(users) > 1:
            assert [user["subSequenceNumber"] for user in users] == list(range(len(users)))
            assert len({user["sequenceNumber"] for user in users}) == 1
            assert all(len(base64.b64decode(user["data"])) == 60 for user in users)
        keys += numbers
    assert made == ledger["kinesis_records"]["acked"], (made, ledger["kinesis_records"])
    say(f"{len(keys):,} user records in {made} records")
    return keys


@claim
def every_record_that_our_producer_packs_is_taken_apart_once_and_in_order():
    stream = Stream("packed", 2)
    keys = f'keys = {{ kind = "sequential", population = {RECORDS} }}'
    arrival = f'arrival = {{ kind = "constant", rate = "{RATE}/s" }}'
    report = run(stream, f'{arrival}\n{keys}\nsend = {{ preset = "kpl" }}')
    assert sorted(claim_whole(stream, report)) == list(range(RECORDS))


@claim
def explicit_hash_keys_are_packed_and_put_records_where_they_say():
    stream = Stream("explicit", 2)
    keys = 'keys = { kind = "shard-share", shares = [0.25, 0.75], by = "explicit-hash-key", population = 1 }'
    arrival = f'arrival = {{ kind = "constant", rate = "{RATE}/s" }}'
    report = run(stream, f'{arrival}\n{keys}\nsend = {{ preset = "kpl" }}')
    ledger = report["ledger"]["producers"]["web"]["total"]
    assert ledger["acked"] == RECORDS, ledger
    ranges = {shard["ShardId"]: int(shard["HashKeyRange"]["StartingHashKey"]) for shard in stream.shards()}
    counts = dict.fromkeys(ranges, 0)
    for shard_id, users in taken_apart(stream):
        counts[shard_id] += len(users)
        for user in users if len(users) > 1 else []:
            placed = max(start for start in ranges.values() if start <= int(user["explicitHashKey"]))
            assert placed == ranges[shard_id], (shard_id, user["explicitHashKey"])
    low, high = (counts[shard_id] for shard_id in sorted(ranges, key=ranges.get))
    assert low + high == RECORDS and 0.2 < low / RECORDS < 0.3, counts


@claim
def our_consumer_takes_apart_what_the_library_packed():
    stream, made = Stream("unpacked", 2), 0
    aggregator = RecordAggregator(51_200)

    def send(aggregated):
        partition_key, explicit_hash_key, data = aggregated.get_contents()
        placed = {} if explicit_hash_key is None else {"ExplicitHashKey": explicit_hash_key}
        stream.kinesis.put_record(StreamName=stream.name, PartitionKey=partition_key, Data=data, **placed)

    for i in range(RECORDS):
        placed = str(i << 100) if i % 3 == 0 else None
        if full := aggregator.add_user_record(f"key-{i % 97}", b"%d" % i, placed):
            made += 1
            send(full)
    made += 1
    send(aggregator.clear_and_get())
    stream.kinesis.put_record(StreamName=stream.name, PartitionKey="k", Data=b"plain")
    report = run(
        stream,
        'arrival = { kind = "constant", rate = "10/s" }\nkeys = { kind = "single" }',
        '[consumers.reader]\nkind = "polling"\n',
    )
    sent = report["ledger"]["producers"]["web"]["total"]["acked"]
    reader = report["consumers"]["reader"]
    assert reader["deliveries"] == RECORDS + 1 + sent, reader
    assert reader["kinesis_records"] == made + 1 + sent, reader
    say(f"{RECORDS:,} user records in {made} records")


main()
