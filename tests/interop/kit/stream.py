"""A stream of the server under test, made and changed with botocore, and numbered records put into it."""

import os
import threading
import time

from botocore.config import Config
from botocore.session import get_session

REGION = "eu-west-1"
FILLER = b"." * 90


def client():
    """A client that retries hardly by itself; of botocore, which every environment of Python has, boto3 or not."""
    return get_session().create_client(
        "kinesis",
        endpoint_url=os.environ["KINESIS_URL"],
        region_name=REGION,
        config=Config(retries={"max_attempts": 1, "mode": "standard"}),
    )


def active(kinesis, name):
    """Waits for the end of a change; gives the stream's summary."""
    for _ in range(200):
        found = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        if found["StreamStatus"] == "ACTIVE":
            return found
        time.sleep(0.1)
    raise AssertionError(f"{name} did not become active")


class Stream:
    """A stream, active."""

    def __init__(self, name, shards):
        self.kinesis, self.name = client(), name
        while True:
            try:
                self.kinesis.create_stream(StreamName=name, ShardCount=shards)
                break
            except self.kinesis.exceptions.LimitExceededException:
                # Five a second are what an account may create, and cases are faster.
                time.sleep(0.2)
        self.arn = self.until_active()["StreamARN"]

    def until_active(self):
        """Waits for the end of a change."""
        return active(self.kinesis, self.name)

    def shards(self):
        """All its shards, closed ones too."""
        return self.kinesis.list_shards(StreamName=self.name)["Shards"]

    def split(self, shard_id):
        """Splits a shard in halves; gives the ids of its children."""
        range_ = next(s for s in self.shards() if s["ShardId"] == shard_id)["HashKeyRange"]
        middle = (int(range_["StartingHashKey"]) + int(range_["EndingHashKey"])) // 2 + 1
        self.kinesis.split_shard(
            StreamName=self.name, ShardToSplit=shard_id, NewStartingHashKey=str(middle)
        )
        self.until_active()
        return [s["ShardId"] for s in self.shards() if s.get("ParentShardId") == shard_id]

    def merge(self, first, second):
        """Merges two neighbours; gives the id of their child."""
        self.kinesis.merge_shards(StreamName=self.name, ShardToMerge=first, AdjacentShardToMerge=second)
        self.until_active()
        return next(s["ShardId"] for s in self.shards() if s.get("AdjacentParentShardId") == second)

    def put(self, numbers):
        """Puts a record for each number; gives how many were refused by a limit on the way, and put again."""
        waiting, refused = list(numbers), 0
        while waiting:
            batch, waiting = waiting[:500], waiting[500:]
            records = [{"Data": b"%d " % n + FILLER, "PartitionKey": f"key-{n}"} for n in batch]
            answers = self.kinesis.put_records(StreamName=self.name, Records=records)["Records"]
            again = [n for n, answer in zip(batch, answers) if "ErrorCode" in answer]
            unexpected = {a["ErrorCode"] for a in answers if "ErrorCode" in a}
            assert unexpected <= {"ProvisionedThroughputExceededException"}, unexpected
            refused += len(again)
            waiting = again + waiting
            if again:
                time.sleep(0.1)
        return refused

    def read_all(self, until=None):
        """Every record of every shard, by polling, as (shard id, record); `until` is the number of records to end at."""
        found = []
        iterators = {}
        for shard in self.shards():
            iterators[shard["ShardId"]] = self.kinesis.get_shard_iterator(
                StreamName=self.name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
        while iterators:
            for shard_id in list(iterators):
                page = self.kinesis.get_records(ShardIterator=iterators[shard_id])
                found += [(shard_id, record) for record in page["Records"]]
                iterators[shard_id] = page.get("NextShardIterator")
                if not iterators[shard_id] or (not page["Records"] and page["MillisBehindLatest"] == 0):
                    del iterators[shard_id]
            # Five reads a second are all that a shard gives.
            time.sleep(0.2)
        return found


class Load(threading.Thread):
    """Numbered records into a stream that is split and merged while they come and are read.

    The first fifth is put at once. The rest waits for `flowing`, so that what follows happens to readers that run:
    at two fifths shard 0 is split, at seven tenths its children are merged. Gives a lineage of three generations.
    """

    def __init__(self, stream, records):
        super().__init__(daemon=True)
        self.stream, self.records = stream, records
        self.flowing = threading.Event()
        self.refused = 0
        self.parents = {}
        self.error = None
        self.seconds = None

    def run(self):
        try:
            self._run()
        except Exception as error:  # noqa: BLE001: handed to the thread that waits
            self.error = error

    def _run(self):
        root = self.stream.shards()[0]["ShardId"]
        fifth = self.records // 5
        self.refused += self.stream.put(range(fifth))
        self.flowing.wait()
        begun = time.monotonic()
        self.refused += self.stream.put(range(fifth, 2 * fifth))
        children = self.stream.split(root)
        self.parents = {child: [root] for child in children}
        self.refused += self.stream.put(range(2 * fifth, self.records * 7 // 10))
        self.parents[self.stream.merge(*children)] = children
        self.refused += self.stream.put(range(self.records * 7 // 10, self.records))
        self.seconds = time.monotonic() - begun
