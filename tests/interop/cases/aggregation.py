"""Aggregated records, made and taken apart by aws_kinesis_agg, through puts and reads of boto3."""

import base64
import importlib.metadata
import struct

from aws_kinesis_agg import MAX_BYTES_PER_RECORD
from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import iter_deaggregate_records

from kit.claims import claim, main, say
from kit.stream import Stream

RECORDS = 20_000


def taken_apart(found):
    """The user records of (shard id, record) pairs: key, data."""
    for user in iter_deaggregate_records([record for _, record in found], data_format="Boto3"):
        user = user["kinesis"]
        # The library puts what it took out of another record into base64 again.
        data = base64.b64decode(user["data"]) if user.get("aggregated") else user["data"]
        yield user["partitionKey"], data


def send(stream, aggregated):
    partition_key, explicit_hash_key, data = aggregated.get_contents()
    placed = {} if explicit_hash_key is None else {"ExplicitHashKey": explicit_hash_key}
    stream.kinesis.put_record(StreamName=stream.name, PartitionKey=partition_key, Data=data, **placed)


@claim
def aggregated_records_come_back_whole():
    say(f"aws_kinesis_agg {importlib.metadata.version('aws_kinesis_agg')}")
    stream, made = Stream("aggregated", 2), 0
    aggregator = RecordAggregator(51_200)

    for i in range(RECORDS):
        if full := aggregator.add_user_record(f"key-{i % 97}", b"%d" % i):
            made += 1
            send(stream, full)
    made += 1
    send(stream, aggregator.clear_and_get())
    found = stream.read_all()
    assert len(found) == made, (len(found), made)
    users = list(taken_apart(found))
    assert sorted(int(data) for _, data in users) == list(range(RECORDS))
    assert all(key == f"key-{int(data) % 97}" for key, data in users)
    say(f"{RECORDS:,} user records in {made} records")


@claim
def an_explicit_hash_key_chooses_the_shard_of_the_whole():
    stream = Stream("placed", 2)
    for name, hash_key in (("low", 0), ("high", 2**128 - 1)):
        aggregator = RecordAggregator(MAX_BYTES_PER_RECORD)
        for i in range(10):
            aggregator.add_user_record("key", f"{name} {i}".encode(), str(hash_key))
        send(stream, aggregator.clear_and_get())
    found = stream.read_all()
    assert len(found) == 2, found
    for shard_id, record in found:
        names = {data.split()[0] for _, data in taken_apart([(shard_id, record)])}
        assert names == {b"low" if shard_id.endswith("0") else b"high"}, (shard_id, names)


@claim
def plain_and_damaged_records_pass_untouched():
    stream = Stream("plain", 1)
    aggregator = RecordAggregator(MAX_BYTES_PER_RECORD)
    aggregator.add_user_record("a", b"one")
    aggregator.add_user_record("b", b"two")
    whole = aggregator.clear_and_get().get_contents()[2]
    damaged = whole[:-1] + struct.pack("B", whole[-1] ^ 1)
    for data in (b"plain", damaged, whole):
        stream.kinesis.put_record(StreamName=stream.name, PartitionKey="k", Data=data)
    seen = [data for _, data in taken_apart(stream.read_all())]
    assert seen == [b"plain", damaged, b"one", b"two"], seen


main()
