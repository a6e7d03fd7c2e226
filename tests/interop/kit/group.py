"""One run of a consumer group over a load, and what must hold of it, whichever library the group is made with."""

import os
import time

from kit.claims import say
from kit.journal import Reading
from kit.stream import Load, Stream

RECORDS = int(os.environ.get("INTEROP_RECORDS", "100000"))
SHARDS = 4


class Group:
    """What a group of record processors was given of a load."""

    def __init__(self, name, journals):
        self.stream = Stream(name, SHARDS)
        self.load = Load(self.stream, RECORDS)
        self.reading = Reading(journals)

    def read(self, is_alive, ready=None, seconds=400):
        """Puts the load while the group reads, until it has read everything and checkpointed every end.

        `ready`, asked again and again since the first delivery, says when the load may go on past its first fifth;
        otherwise that delivery does.
        """
        begun, first = time.monotonic(), None
        self.load.start()
        while not self._complete():
            assert is_alive(), "the group ended by itself"
            if self.load.error:
                raise self.load.error
            assert time.monotonic() - begun < seconds, self._progress(seconds)
            time.sleep(0.2)
            if self.reading.update().deliveries and not first:
                first = time.monotonic()
                say(f"first delivery after {first - begun:.1f} s")
            if first and (ready is None or ready()):
                self.load.flowing.set()
        took = time.monotonic() - begun
        say(f"{RECORDS:,} records in {took:.1f} s; {self.load.refused:,} of the puts were refused and put again")
        say(
            f"{self.reading.deliveries:,} deliveries, {self.reading.deliveries - len(self.reading.numbers):,} of them "
            f"duplicates; leases lost {self.reading.losses}"
        )

    def _complete(self):
        everything = len(self.reading.numbers) >= RECORDS and not self.load.is_alive()
        return everything and self._parents() <= self.reading.ended.keys()

    def _parents(self):
        return {parent for parents in self.load.parents.values() for parent in parents}

    def _progress(self, seconds):
        return (
            f"after {seconds} s: {len(self.reading.numbers):,} of {RECORDS:,} records, began "
            f"{sorted(self.reading.began)}, ended {sorted(self.reading.ended)}, still putting: {self.load.is_alive()}"
        )

    def nothing_was_lost(self):
        """The set of the numbers delivered is the set of the numbers put."""
        missing = set(range(RECORDS)) - self.reading.numbers
        assert not missing, f"{len(missing)} are missing, the first is {min(missing)}"
        foreign = self.reading.numbers - set(range(RECORDS))
        assert not foreign, f"never put: {sorted(foreign)[:5]}"
        assert not self.reading.failures, self.reading.failures

    def parents_ended_before_their_children_began(self):
        """Three generations: a child begins after the end of every parent was checkpointed."""
        assert len(self._parents()) == 3 and len(self.load.parents) == 3, self.load.parents
        for child, parents in self.load.parents.items():
            for parent in parents:
                gap = self.reading.began[child] - self.reading.ended[parent]
                say(f"{child[-4:]} began {gap:.2f} s after the end of {parent[-4:]}")
                assert gap > 0, f"{child} began {-gap:.3f} s before the end of {parent}"

    def each_shard_came_in_order(self):
        """Within a processor's life sequence numbers rise."""
        assert not self.reading.disordered, self.reading.disordered
