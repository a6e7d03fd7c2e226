"""A record processor that speaks the MultiLang protocol: one process per shard, started by the KCL's daemon.

JSON objects, one a line: actions come on standard input, statuses and checkpoints go to standard output.
Usage: multilang_processor.py JOURNALS
"""

import base64
import json
import sys

from kit.journal import Journal


def main():
    journal = Journal(sys.argv[1])
    while line := sys.stdin.readline():
        if not line.strip():
            continue
        message = json.loads(line)
        action = message["action"]
        if action == "initialize":
            journal.began(message["shardId"], message["sequenceNumber"])
        elif action == "processRecords":
            journal.records((r["sequenceNumber"], base64.b64decode(r["data"])) for r in message["records"])
            checkpoint(journal)
        elif action == "shardEnded":
            # The daemon takes a shard for ended only if this is checkpointed.
            if checkpoint(journal):
                journal.ended()
        elif action == "leaseLost":
            journal.lost()
        elif action == "shutdownRequested":
            checkpoint(journal)
        say({"action": "status", "responseFor": action})


def checkpoint(journal):
    """Checkpoints all that was delivered; whether that was taken."""
    say({"action": "checkpoint", "sequenceNumber": None, "subSequenceNumber": None})
    while line := sys.stdin.readline():
        if line.strip():
            error = json.loads(line).get("error")
            # A lease that went to another may be checkpointed no more: that is no failure of the service.
            if error and error != "ShutdownException":
                journal.failed(error)
            return not error
    return False


def say(message):
    sys.stdout.write(f"\n{json.dumps(message)}\n")
    sys.stdout.flush()


main()
