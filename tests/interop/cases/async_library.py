"""async-kinesis, a producer and a consumer on asyncio."""

import asyncio
import importlib.metadata
import os
import time

from kinesis import Consumer, Producer
from kinesis.processors import KPLJsonProcessor

from kit.claims import claim, main, say
from kit.stream import REGION, Stream

RECORDS = 10_000
SETTINGS = {"endpoint_url": os.environ["KINESIS_URL"], "region_name": REGION}


async def produce(stream, numbers, **settings):
    async with Producer(stream_name=stream.name, **SETTINGS, **settings) as producer:
        for number in numbers:
            await producer.put({"number": number})


async def consume(consumer, wanted, seconds):
    """Reads until it has so many different numbers; gives all that came."""
    came, deadline = [], time.monotonic() + seconds
    while len(set(came)) < wanted:
        assert time.monotonic() < deadline, f"{len(set(came))} of {wanted} within {seconds} s"
        # The iteration ends by itself when nothing comes for two seconds.
        async for item in consumer:
            came.append(item["number"])
    return came


@claim
def what_the_producer_put_the_consumer_reads_over_a_split():
    say(f"async-kinesis {importlib.metadata.version('async-kinesis')}")
    stream = Stream("async", 2)

    async def both():
        half = RECORDS // 2
        async with Consumer(stream_name=stream.name, **SETTINGS) as consumer:
            await produce(stream, range(half))
            first = await consume(consumer, half, 60)
            stream.split("shardId-000000000000")
            await produce(stream, range(half, RECORDS))
            # It looks for new shards once a minute.
            return first + await consume(consumer, RECORDS - half, 150)

    came = asyncio.run(both())
    assert set(came) == set(range(RECORDS))
    say(f"{RECORDS:,} records, {len(came) - RECORDS} duplicates")


@claim
def its_consumer_names_the_parents_of_a_split():
    stream = Stream("topology", 1)
    stream.split("shardId-000000000000")

    async def read():
        async with Consumer(stream_name=stream.name, use_list_shards=True, **SETTINGS) as consumer:
            await produce(stream, range(100))
            came = await consume(consumer, 100, 60)
            return came, consumer.get_shard_status()

    came, status = asyncio.run(read())
    assert sorted(came) == list(range(100))
    assert status["parent_shards"] == 1 and status["child_shards"] == 2, status


@claim
def records_that_it_aggregates_come_back():
    stream = Stream("aggregated", 2)

    async def both():
        async with Consumer(stream_name=stream.name, processor=KPLJsonProcessor(), **SETTINGS) as consumer:
            await produce(stream, range(RECORDS), processor=KPLJsonProcessor())
            return await consume(consumer, RECORDS, 60)

    came = asyncio.run(both())
    assert sorted(came) == list(range(RECORDS))
    stored = len(stream.read_all())
    assert stored < RECORDS // 10, stored
    say(f"{RECORDS:,} user records in {stored} records")


main()
