"""What boto3, in both of its forms, and the AWS command line see of a running server."""

import datetime
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import threading
import time

import boto3
from botocore.exceptions import ClientError

from kit.claims import claim, main, say
from kit.stream import REGION, Stream, active

URL, PID = os.environ["KINESIS_URL"], int(os.environ["KINESIS_PID"])
ACCOUNT = "000000000000"
kinesis = boto3.client("kinesis", endpoint_url=URL, region_name=REGION)


def stream_with(shards, name):
    return Stream(name, shards).arn


def until_active(stream):
    return active(kinesis, stream)


def code_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert status == 400, status
        return error.response["Error"]["Code"]
    raise AssertionError("it was not refused")


def read_all(stream, shard, kind="TRIM_HORIZON", **rest):
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType=kind, **rest
    )["ShardIterator"]
    return kinesis.get_records(ShardIterator=iterator)


@claim
def a_stream_is_created_described_listed_and_deleted():
    arn = stream_with(2, "life")
    assert arn == f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/life", arn
    for selector in ({"StreamName": "life"}, {"StreamARN": arn}):
        found = kinesis.describe_stream(**selector)["StreamDescription"]
        assert [s["ShardId"] for s in found["Shards"]] == [
            "shardId-000000000000",
            "shardId-000000000001",
        ]
        assert found["RetentionPeriodHours"] == 24
        assert found["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
        age = datetime.datetime.now(datetime.timezone.utc) - found["StreamCreationTimestamp"]
        assert abs(age.total_seconds()) < 120, age
    assert "life" in kinesis.list_streams()["StreamNames"]
    kinesis.delete_stream(StreamName="life")
    for _ in range(100):
        if "life" not in kinesis.list_streams()["StreamNames"]:
            break
        time.sleep(0.1)
    assert code_of(kinesis.describe_stream, StreamName="life") == "ResourceNotFoundException"


@claim
def a_record_comes_back_as_it_was_put():
    stream_with(1, "one")
    data = bytes(range(256))
    put = kinesis.put_record(StreamName="one", Data=data, PartitionKey="ключ")
    assert put["ShardId"] == "shardId-000000000000"
    page = read_all("one", put["ShardId"])
    (record,) = page["Records"]
    assert record["Data"] == data and record["PartitionKey"] == "ключ"
    assert record["SequenceNumber"] == put["SequenceNumber"]
    assert page["MillisBehindLatest"] == 0 and page["NextShardIterator"]
    after = read_all(
        "one",
        put["ShardId"],
        "AFTER_SEQUENCE_NUMBER",
        StartingSequenceNumber=put["SequenceNumber"],
    )
    assert after["Records"] == []


@claim
def a_batch_is_spread_over_shards_and_comes_back_in_order():
    stream_with(3, "batch")
    records = [{"Data": f"{i}".encode(), "PartitionKey": f"key-{i}"} for i in range(300)]
    answer = kinesis.put_records(StreamName="batch", Records=records)
    assert answer["FailedRecordCount"] == 0 and len(answer["Records"]) == 300
    seen = []
    for shard in kinesis.list_shards(StreamName="batch")["Shards"]:
        page = read_all("batch", shard["ShardId"])["Records"]
        assert page, "every shard has some"
        numbers = [int(record["SequenceNumber"]) for record in page]
        assert numbers == sorted(numbers)
        seen += [int(record["Data"]) for record in page]
    assert sorted(seen) == list(range(300))


@claim
def a_shard_is_split_and_its_children_merged():
    stream_with(1, "shards")
    kinesis.split_shard(
        StreamName="shards",
        ShardToSplit="shardId-000000000000",
        NewStartingHashKey=str(2**127),
    )
    until_active("shards")
    kinesis.merge_shards(
        StreamName="shards",
        ShardToMerge="shardId-000000000001",
        AdjacentShardToMerge="shardId-000000000002",
    )
    assert until_active("shards")["OpenShardCount"] == 1
    shards = kinesis.list_shards(StreamName="shards")["Shards"]
    assert len(shards) == 4
    last = shards[3]
    assert {last["ParentShardId"], last["AdjacentParentShardId"]} == {
        "shardId-000000000001",
        "shardId-000000000002",
    }
    end = read_all("shards", "shardId-000000000000")
    assert "NextShardIterator" not in end
    assert [child["ShardId"] for child in end["ChildShards"]] == [
        "shardId-000000000001",
        "shardId-000000000002",
    ]


@claim
def shards_and_streams_are_listed_in_pages():
    stream_with(5, "pages")
    found, arguments = [], {"StreamName": "pages"}
    while arguments:
        page = kinesis.list_shards(MaxResults=2, **arguments)
        found += [shard["ShardId"] for shard in page["Shards"]]
        arguments = {"NextToken": page["NextToken"]} if "NextToken" in page else None
    assert len(found) == 5 == len(set(found)), found
    names = [n for p in kinesis.get_paginator("list_streams").paginate(Limit=2) for n in p["StreamNames"]]
    assert names == sorted(names) and "pages" in names, names


@claim
def a_subscription_gives_what_is_stored_and_what_comes():
    arn = stream_with(1, "fanout")
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="app")["Consumer"]
    for _ in range(100):
        found = kinesis.describe_stream_consumer(ConsumerARN=consumer["ConsumerARN"])
        if found["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE":
            break
        time.sleep(0.1)
    assert [c["ConsumerName"] for c in kinesis.list_stream_consumers(StreamARN=arn)["Consumers"]] == ["app"]
    kinesis.put_record(StreamName="fanout", Data=b"stored", PartitionKey="k")
    answer = kinesis.subscribe_to_shard(
        ConsumerARN=consumer["ConsumerARN"],
        ShardId="shardId-000000000000",
        StartingPosition={"Type": "TRIM_HORIZON"},
    )

    def put_later():
        time.sleep(0.5)
        kinesis.put_record(StreamName="fanout", Data=b"pushed", PartitionKey="k")

    threading.Thread(target=put_later).start()
    begun, seen = time.monotonic(), []
    for event in answer["EventStream"]:
        event = event["SubscribeToShardEvent"]
        assert event["ContinuationSequenceNumber"]
        seen += [record["Data"] for record in event["Records"]]
        if b"pushed" in seen:
            break
    assert seen == [b"stored", b"pushed"], seen
    assert time.monotonic() - begun < 3, "a record is pushed on arrival"
    answer["EventStream"].close()
    again = code_of(
        kinesis.subscribe_to_shard,
        ConsumerARN=consumer["ConsumerARN"],
        ShardId="shardId-000000000000",
        StartingPosition={"Type": "LATEST"},
    )
    assert again == "ResourceInUseException", again
    kinesis.deregister_stream_consumer(StreamARN=arn, ConsumerName="app")


@claim
def a_subscription_ends_with_the_children_of_its_shard():
    arn = stream_with(1, "ending")
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="app")["Consumer"]["ConsumerARN"]
    for _ in range(100):
        found = kinesis.describe_stream_consumer(ConsumerARN=consumer)["ConsumerDescription"]
        if found["ConsumerStatus"] == "ACTIVE":
            break
        time.sleep(0.1)
    kinesis.split_shard(
        StreamName="ending", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127)
    )
    until_active("ending")
    events = kinesis.subscribe_to_shard(
        ConsumerARN=consumer,
        ShardId="shardId-000000000000",
        StartingPosition={"Type": "TRIM_HORIZON"},
    )["EventStream"]
    last = list(events)[-1]["SubscribeToShardEvent"]
    assert [c["ShardId"] for c in last["ChildShards"]] == ["shardId-000000000001", "shardId-000000000002"]
    assert not last.get("ContinuationSequenceNumber")


@claim
def tags_are_kept_by_stream_and_by_arn():
    arn = stream_with(1, "tags")
    kinesis.add_tags_to_stream(StreamName="tags", Tags={"a": "1", "b": "2"})
    kinesis.tag_resource(ResourceARN=arn, Tags={"c": "3"})
    tags = {t["Key"]: t["Value"] for t in kinesis.list_tags_for_stream(StreamName="tags")["Tags"]}
    assert tags == {"a": "1", "b": "2", "c": "3"}, tags
    kinesis.remove_tags_from_stream(StreamName="tags", TagKeys=["a"])
    kinesis.untag_resource(ResourceARN=arn, TagKeys=["b"])
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "c", "Value": "3"}]


@claim
def settings_of_a_stream_are_changed():
    arn = stream_with(1, "settings")
    kinesis.increase_stream_retention_period(StreamName="settings", RetentionPeriodHours=48)
    kinesis.start_stream_encryption(StreamName="settings", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    until_active("settings")
    levels = kinesis.enable_enhanced_monitoring(StreamName="settings", ShardLevelMetrics=["IncomingBytes"])
    assert levels["DesiredShardLevelMetrics"] == ["IncomingBytes"]
    found = until_active("settings")
    assert found["RetentionPeriodHours"] == 48 and found["EncryptionType"] == "KMS"
    assert found["EnhancedMonitoring"] == [{"ShardLevelMetrics": ["IncomingBytes"]}]
    put = kinesis.put_record(StreamName="settings", Data=b"x", PartitionKey="k")
    assert put["EncryptionType"] == "KMS"
    (record,) = read_all("settings", put["ShardId"])["Records"]
    assert record["EncryptionType"] == "KMS" and record["Data"] == b"x"
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert until_active("settings")["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    limits = kinesis.describe_limits()
    assert limits["OnDemandStreamCount"] >= 1 and limits["OpenShardCount"] >= 1


@claim
def errors_come_as_the_clients_own_classes():
    stream_with(1, "errors")
    classes = kinesis.exceptions
    cases = [
        (classes.ResourceNotFoundException, kinesis.describe_stream, {"StreamName": "missing"}),
        (classes.ResourceInUseException, kinesis.create_stream, {"StreamName": "errors", "ShardCount": 1}),
        (classes.InvalidArgumentException, kinesis.get_records, {"ShardIterator": "nonsense"}),
        (classes.ValidationException, kinesis.create_stream, {"StreamName": "a b", "ShardCount": 1}),
        (
            classes.AccessDeniedException,
            kinesis.describe_stream,
            {"StreamARN": f"arn:aws:kinesis:{REGION}:999999999999:stream/errors"},
        ),
    ]
    for kind, call, arguments in cases:
        try:
            call(**arguments)
        except kind:
            continue
        raise AssertionError(f"{kind.__name__} was not raised")
    dry = code_of(kinesis.put_record, StreamName="errors", Data=b"", PartitionKey="k", DryRun=True)
    assert dry == "DryRunOperationException", dry
    assert read_all("errors", "shardId-000000000000")["Records"] == []


@claim
def a_shard_takes_a_thousand_records_a_second_and_says_which_it_refused():
    stream_with(1, "throttled")
    records = [{"Data": b"x", "PartitionKey": "k"}] * 500
    failed = sum(
        kinesis.put_records(StreamName="throttled", Records=records)["FailedRecordCount"] for _ in range(4)
    )
    assert failed > 0
    last = kinesis.put_records(StreamName="throttled", Records=records)["Records"]
    refused = [record for record in last if "ErrorCode" in record]
    assert refused and refused[0]["ErrorCode"] == "ProvisionedThroughputExceededException"
    assert "shardId-000000000000 in stream throttled under account" in refused[0]["ErrorMessage"]


@claim
def regions_do_not_see_each_other():
    stream_with(1, "here")
    elsewhere = boto3.client("kinesis", endpoint_url=URL, region_name="us-west-2")
    assert "here" not in elsewhere.list_streams()["StreamNames"]


@claim
def the_command_line_creates_puts_and_reads():
    def aws(*words):
        command = [sys.executable, "-m", "awscli", "--endpoint-url", URL, "kinesis", *words]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout) if ended.stdout.strip() else None

    aws("create-stream", "--stream-name", "cli", "--shard-count", "1")
    until_active("cli")
    put = aws("put-record", "--stream-name", "cli", "--partition-key", "k", "--data", "aGVsbG8=")
    iterator = aws(
        "get-shard-iterator", "--stream-name", "cli", "--shard-id", put["ShardId"],
        "--shard-iterator-type", "TRIM_HORIZON",
    )["ShardIterator"]
    assert aws("get-records", "--shard-iterator", iterator)["Records"][0]["Data"]


@claim
def waiters_and_paginators_end():
    kinesis.create_stream(StreamName="waited", ShardCount=3)
    quick = {"Delay": 1, "MaxAttempts": 30}
    kinesis.get_waiter("stream_exists").wait(StreamName="waited", WaiterConfig=quick)
    arn = active(kinesis, "waited")["StreamARN"]
    for name in ("a", "b", "c"):
        kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)

    def found(operation, key, size, **selector):
        pages = kinesis.get_paginator(operation).paginate(**selector, PaginationConfig={"PageSize": size})
        return [item for page in pages for item in page[key]]

    # This paginator names the stream again with the token, and AWS refuses that too.
    again = code_of(found, operation="list_shards", key="Shards", size=2, StreamName="waited")
    assert again == "InvalidArgumentException", again
    consumers = found("list_stream_consumers", "Consumers", 2, StreamARN=arn)
    assert [consumer["ConsumerName"] for consumer in consumers] == ["a", "b", "c"]
    described = kinesis.get_paginator("describe_stream").paginate(StreamName="waited", PaginationConfig={"PageSize": 2})
    assert [len(page["StreamDescription"]["Shards"]) for page in described] == [2, 1]
    kinesis.delete_stream(StreamName="waited", EnforceConsumerDeletion=True)
    kinesis.get_waiter("stream_not_exists").wait(StreamName="waited", WaiterConfig=quick)


@claim
def a_count_of_shards_is_asked_for_and_made():
    arn = stream_with(2, "counted")
    answer = kinesis.update_shard_count(StreamName="counted", TargetShardCount=3, ScalingType="UNIFORM_SCALING")
    assert (answer["CurrentShardCount"], answer["TargetShardCount"], answer["StreamARN"]) == (2, 3, arn)
    assert until_active("counted")["OpenShardCount"] == 3
    latest = kinesis.list_shards(StreamName="counted", ShardFilter={"Type": "AT_LATEST"})["Shards"]
    ranges = sorted((int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"])) for s in latest)
    assert ranges[0][0] == 0 and ranges[-1][1] == 2**128 - 1
    assert all(left[1] + 1 == right[0] for left, right in zip(ranges, ranges[1:])), ranges


@claim
def a_policy_of_a_stream_is_kept_word_for_word():
    arn = stream_with(1, "policed")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "kinesis:PutRecord", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    kinesis.put_resource_policy(ResourceARN=arn, Policy=policy)
    assert json.loads(kinesis.get_resource_policy(ResourceARN=arn)["Policy"]) == json.loads(policy)
    kinesis.delete_resource_policy(ResourceARN=arn)


@claim
def reading_begins_at_a_time_or_a_number():
    stream_with(1, "places")
    puts = []
    for i in range(3):
        puts.append(kinesis.put_record(StreamName="places", Data=b"%d" % i, PartitionKey="k")["SequenceNumber"])
        time.sleep(0.05)
    shard = "shardId-000000000000"

    def data(kind, **rest):
        return [record["Data"] for record in read_all("places", shard, kind, **rest)["Records"]]

    assert data("AT_SEQUENCE_NUMBER", StartingSequenceNumber=puts[1]) == [b"1", b"2"]
    assert data("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=puts[1]) == [b"2"]
    records = read_all("places", shard)["Records"]
    assert data("AT_TIMESTAMP", Timestamp=records[2]["ApproximateArrivalTimestamp"]) == [b"2"]
    assert data("AT_TIMESTAMP", Timestamp=0) == [b"0", b"1", b"2"]
    assert data("LATEST") == []


@claim
def a_signal_ends_the_server():
    # Last, for what comes after it finds nobody.
    os.kill(PID, signal.SIGTERM)
    for _ in range(200):
        try:
            stat = open(f"/proc/{PID}/stat").read()
        except FileNotFoundError:
            return
        if stat.rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.05)
    raise AssertionError("it still runs")


say(f"boto3 {boto3.__version__}, awscli {importlib.metadata.version('awscli')}")
main()
