"""The journal of a group of record processors: what each was told, and when.

Processors are processes or threads of clients that we do not control, so each has a file of its own in one folder, and
a line is written whole. Times are of the machine's monotonic clock, which all processes share.
"""

import itertools
import json
import os
import pathlib
import time

NAMES = itertools.count()


class Journal:
    """What one record processor writes."""

    def __init__(self, folder):
        self.file = open(pathlib.Path(folder) / f"{os.getpid()}-{next(NAMES)}.jsonl", "a", encoding="utf-8")
        self.shard = None
        self.last = -1

    def began(self, shard, checkpoint):
        """It was given a shard, to be read from behind a checkpoint."""
        self.shard = shard
        self._write("began", checkpoint=checkpoint)

    def records(self, pairs):
        """It was given records: (sequence number, data)."""
        numbers, rising = [], True
        for sequence_number, data in pairs:
            rising = rising and int(sequence_number) > self.last
            self.last = int(sequence_number)
            numbers.append(int(data.split(b" ", 1)[0]))
        self._write("records", numbers=numbers, rising=rising)

    def ended(self):
        """Its shard has ended, and the end was checkpointed."""
        self._write("ended")

    def lost(self):
        """Its lease went to another."""
        self._write("lost")

    def failed(self, error):
        """Something was refused."""
        self._write("failed", error=error)

    def _write(self, event, **rest):
        line = {"at": time.monotonic(), "shard": self.shard, "event": event, **rest}
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()


class Reading:
    """All journals below a folder, read as they grow. The name of a journal's own folder is that of its worker."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.offsets = {}
        self.deliveries = 0
        self.numbers = set()
        self.disordered = []
        self.began = {}
        self.begins = []
        self.ended = {}
        self.losses = 0
        self.failures = []

    def update(self):
        """Reads what was added."""
        for path in sorted(self.folder.rglob("*.jsonl")):
            with open(path, "rb") as file:
                file.seek(self.offsets.get(path, 0))
                read = file.read()
            # A line without its end is still being written.
            whole = read[: read.rfind(b"\n") + 1]
            self.offsets[path] = self.offsets.get(path, 0) + len(whole)
            for line in whole.splitlines():
                self._take(json.loads(line), path.parent.name)
        return self

    def _take(self, line, worker):
        shard = line["shard"]
        if line["event"] == "records":
            self.deliveries += len(line["numbers"])
            self.numbers.update(line["numbers"])
            if not line["rising"]:
                self.disordered.append(shard)
        elif line["event"] == "began":
            self.began.setdefault(shard, line["at"])
            self.begins.append((line["at"], shard, worker))
        elif line["event"] == "ended":
            self.ended.setdefault(shard, line["at"])
        elif line["event"] == "lost":
            self.losses += 1
        else:
            self.failures.append(f"{shard}: {line['error']}")
