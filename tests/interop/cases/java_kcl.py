"""The Java KCL as its users run it: the MultiLangDaemon, a properties file, and a processor of our own for each shard.

Usage: java_kcl.py polling|fan-out
"""

import os
import pathlib
import re
import subprocess
import sys

from kit import group, servers
from kit.claims import claim, main, say
from kit.stream import REGION

MODE = sys.argv[1]
WORK = pathlib.Path(os.environ["WORK"])
JARS = pathlib.Path(os.environ["WHEEL"]) / "amazon_kclpy" / "jars"
JOURNALS = WORK / "journals"
(VERSION,) = (jar.stem.rpartition("-")[2] for jar in JARS.glob("amazon-kinesis-client-[0-9]*.jar"))
# The default chain of the AWS SDK that it is made with: version 1 or 2.
CREDENTIALS = "DefaultAWSCredentialsProviderChain" if VERSION < "3" else "DefaultCredentialsProvider"


def properties(stream, processor):
    """Waits and intervals are short, so that the run is; everything else is the library's own choice."""
    settings = {
        "executableName": processor,
        "streamName": stream,
        "applicationName": f"group-{MODE}",
        "AWSCredentialsProvider": CREDENTIALS,
        "processingLanguage": "python",
        "initialPositionInStream": "TRIM_HORIZON",
        "regionName": REGION,
        "kinesisEndpoint": os.environ["KINESIS_URL"],
        "dynamoDBEndpoint": os.environ["DYNAMODB_URL"],
        "metricsLevel": "NONE",
        "failoverTimeMillis": 3000,
        "shardSyncIntervalMillis": 5000,
        "parentShardPollIntervalMillis": 500,
        "retrievalMode": {"polling": "POLLING", "fan-out": "FANOUT"}[MODE],
    }
    if MODE == "polling":
        settings |= {"maxRecords": 2000, "idleTimeBetweenReadsInMillis": 250}
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def start():
    """The daemon, in the group of this process, which the runner ends as a whole."""
    JOURNALS.mkdir()
    processor = WORK / "processor"
    script = pathlib.Path(__file__).parent / "multilang_processor.py"
    processor.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "{JOURNALS}"\n')
    processor.chmod(0o755)
    settings = WORK / "kcl.properties"
    settings.write_text(properties(read.stream.name, processor))
    java = [os.environ["JAVA"], "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{JARS}/*"]
    daemon = ["software.amazon.kinesis.multilang.MultiLangDaemon", "--properties-file", str(settings)]
    with open(WORK / "kcl.log", "wb") as log:
        return subprocess.Popen([*java, *daemon], stdin=subprocess.DEVNULL, stdout=log, stderr=log)


read = group.Group(f"kcl-{MODE}", JOURNALS)


@claim
def the_group_reads_over_a_split_and_a_merge():
    say(f"amazon-kinesis-client {VERSION}, {MODE}")
    daemon = start()
    try:
        read.read(lambda: daemon.poll() is None)
    finally:
        servers.end(daemon, patience_seconds=20)


@claim
def nothing_was_lost():
    read.nothing_was_lost()


@claim
def every_parent_ended_before_its_child_began():
    read.parents_ended_before_their_children_began()


@claim
def each_shard_came_in_order():
    read.each_shard_came_in_order()


@claim
def it_read_the_way_it_was_told():
    consumers = read.stream.kinesis.list_stream_consumers(StreamARN=read.stream.arn)["Consumers"]
    names = [consumer["ConsumerName"] for consumer in consumers]
    assert names == ([] if MODE == "polling" else [f"group-{MODE}"]), names


@claim
def it_was_refused_nothing_it_did_not_expect():
    log = (WORK / "kcl.log").read_text(errors="replace")
    unexpected = re.findall(r"^.*(?:InternalFailure|SerializationException|UnknownOperation|ValidationException).*$", log, re.M)
    assert not unexpected, "\n".join(unexpected[:5])


main()
