"""The Java KCL over a split and a merge. Usage: java_kcl.py polling|fan-out"""

import sys

from kit import group, multilang, servers
from kit.claims import claim, main, say

MODE = sys.argv[1]
read = group.Group(f"kcl-{MODE}", multilang.JOURNALS)


@claim
def the_group_reads_over_a_split_and_a_merge():
    say(f"amazon-kinesis-client {multilang.VERSION}, {MODE}")
    daemon = multilang.start(read.stream.name, MODE)
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
    assert not multilang.unexpected(), "\n".join(multilang.unexpected()[:5])


main()
