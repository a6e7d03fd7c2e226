"""Two workers of the Java KCL, one of which is killed: the other reads on. Usage: java_takeover.py polling|fan-out"""

import sys
import time

from kit import group, multilang, servers
from kit.claims import claim, main, say

MODE = sys.argv[1]
read = group.Group(f"takeover-{MODE}", multilang.JOURNALS)
killed = {}


def begun_by(worker):
    """The shards that a worker began, and when it last did."""
    return {shard: at for at, shard, by in read.reading.begins if by == worker}


@claim
def the_group_reads_on_when_a_worker_is_killed():
    say(f"amazon-kinesis-client {multilang.VERSION}, {MODE}")
    daemons = {"first": multilang.start(read.stream.name, MODE, "first")}

    def with_both():
        """Starts the second worker, lets the load go on once it has a shard, and kills it while it reads."""
        if "second" not in daemons:
            daemons["second"] = multilang.start(read.stream.name, MODE, "second")
        shards = begun_by("second")
        if shards and not killed and time.monotonic() - min(shards.values()) > 3:
            killed.update(shards=set(shards) - read.reading.ended.keys(), at=time.monotonic())
            daemons["second"].kill()
        return bool(shards)

    try:
        read.read(lambda: daemons["first"].poll() is None, ready=with_both)
    finally:
        for daemon in daemons.values():
            servers.end(daemon, patience_seconds=20)


@claim
def nothing_was_lost():
    read.nothing_was_lost()


@claim
def the_survivor_took_over_what_the_other_had():
    assert killed["shards"]
    for shard in killed["shards"]:
        again = begun_by("first").get(shard, 0) - killed["at"]
        assert again > 0, f"{shard} was not begun again"
        say(f"{shard[-4:]} was taken over {again:.1f} s after the kill")


@claim
def every_parent_ended_before_its_child_began():
    read.parents_ended_before_their_children_began()


@claim
def each_shard_came_in_order():
    read.each_shard_came_in_order()


@claim
def it_was_refused_nothing_it_did_not_expect():
    assert not multilang.unexpected(), "\n".join(multilang.unexpected()[:5])


main()
