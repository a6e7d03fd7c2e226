"""kcl-rs, the KCL ported to Rust, used from Python. Usage: rust_kcl.py polling|fan-out"""

import importlib.metadata
import os
import pathlib
import sys

from kcl_rs import CheckpointError, RecordProcessorBase, Scheduler

from kit import group
from kit.claims import claim, main, say
from kit.journal import Journal
from kit.stream import REGION

MODE = sys.argv[1]
JOURNALS = pathlib.Path(os.environ["WORK"]) / "journals"
JOURNALS.mkdir()
read = group.Group(f"kcl-rs-{MODE}", JOURNALS)


class Processor(RecordProcessorBase):
    """Writes its journal and checkpoints all it was given."""

    def initialize(self, initialize_input):
        self.journal = Journal(JOURNALS)
        self.journal.began(initialize_input.shard_id, initialize_input.sequence_number)

    def process_records(self, process_records_input):
        self.journal.records((r.sequence_number, r.binary_data) for r in process_records_input.records)
        self.checkpoint(process_records_input.checkpointer)

    def lease_lost(self, lease_lost_input):
        self.journal.lost()

    def shard_ended(self, shard_ended_input):
        if self.checkpoint(shard_ended_input.checkpointer):
            self.journal.ended()

    def shutdown_requested(self, shutdown_requested_input):
        self.checkpoint(shutdown_requested_input.checkpointer)

    def checkpoint(self, checkpointer):
        try:
            checkpointer.checkpoint()
        except CheckpointError as error:
            # A lease that went to another may be checkpointed no more: that is no failure of the service.
            if error.value != "ShutdownException":
                self.journal.failed(error.value)
            return False
        return True


def scheduler():
    # It takes one endpoint for all services, so each is named by the environment instead.
    os.environ["AWS_ENDPOINT_URL_KINESIS"] = os.environ["KINESIS_URL"]
    for service in ("DYNAMODB", "CLOUDWATCH"):
        os.environ[f"AWS_ENDPOINT_URL_{service}"] = os.environ["DYNAMODB_URL"]
    polling = {"max_records": 2000, "idle_time_between_reads_millis": 250} if MODE == "polling" else {}
    return Scheduler(
        stream_name=read.stream.name,
        application_name=f"group-{MODE}",
        record_processor_factory=Processor,
        region=REGION,
        initial_position="TRIM_HORIZON",
        retrieval_mode={"polling": "POLLING", "fan-out": "FANOUT"}[MODE],
        shard_sync_interval_millis=5000,
        **polling,
    )


@claim
def the_group_reads_over_a_split_and_a_merge():
    say(f"kcl-rs {importlib.metadata.version('kcl-rs')}, {MODE}")
    group_ = scheduler()
    group_.start()
    try:
        read.read(lambda: True)
    finally:
        group_.shutdown()


@claim
def nothing_was_lost():
    read.nothing_was_lost()


@claim
def every_parent_ended_before_its_child_began():
    read.parents_ended_before_their_children_began()


@claim
def each_shard_came_in_order():
    read.each_shard_came_in_order()


main()
