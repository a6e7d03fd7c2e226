"""HdrHistogram's libraries for Python and JavaScript read run.hlog: what its intervals add up to is what report.json says."""

import json
import os
import pathlib
import subprocess

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from kit.claims import claim, main, say

HERE = pathlib.Path(__file__).resolve().parent
PERCENTILES = {"p50_us": 50, "p90_us": 90, "p99_us": 99, "p999_us": 99.9}
# Without warm-up every interval is of the measurement window. One call a record and 10,000 records: each percentile is
# that of a whole rank, so that the libraries' ways to round ranks are no part of the comparison.
RECORDS = 10_000
SCENARIO = f"""
schema = 1
name = "histograms"
[time]
warm_up = "0s"
measure = "5s"
[streams.orders]
shards = 4
[producers.web]
arrival = {{ kind = "poisson", rate = "{RECORDS // 5}/s" }}
keys = {{ kind = "uniform", population = 1000 }}
size = {{ kind = "fixed", bytes = "100B" }}
send = {{ api = "put-record" }}
[consumers.billing]
kind = "polling"
"""


def ran():
    """The folder of a run, and the latencies of its report by the tags of its log."""
    work = pathlib.Path(os.environ["WORK"])
    (work / "histograms.toml").write_text(SCENARIO)
    command = [os.environ["PROGRAM"], "run", str(work / "histograms.toml"), "--quiet", "--out", str(work)]
    done = subprocess.run(command, capture_output=True, text=True)
    # 3: a busy host makes the measurement void, not its files.
    assert done.returncode in (0, 3), done.stdout + done.stderr
    folder = work / "latest"
    latency = json.loads((folder / "report.json").read_text())["latency"]
    tagged = {
        f"{table}.{name}.{kind}": summary
        for table, parts in latency.items()
        for name, kinds in parts.items()
        for kind, summary in kinds.items()
        if summary["count"]
    }
    return folder, tagged


FOLDER, REPORTED = ran()


def exact_percentiles(count):
    """Those whose rank is a whole number among so many values."""
    return {name: p for name, p in PERCENTILES.items() if (count * p * 10) % 1_000 == 0}


def held_against_report(read):
    """`read` is by tag: how many values, the highest, and the percentiles by name."""
    assert read.keys() == REPORTED.keys(), (sorted(read), sorted(REPORTED))
    compared = 0
    for tag, found in read.items():
        summary = REPORTED[tag]
        for name in ("count", "max_us", *exact_percentiles(summary["count"])):
            assert found[name] == summary[name], (tag, name, found[name], summary[name])
            compared += 1
    for tag in ("producers.web.response_time", "consumers.billing.end_to_end"):
        assert REPORTED[tag]["count"] > 0.9 * RECORDS, REPORTED[tag]
    say(f"{len(read)} metrics, {compared} figures equal")


@claim
def hdrh_for_python_reads_what_the_report_says():
    merged, reader = {}, HistogramLogReader(str(FOLDER / "run.hlog"), HdrHistogram(1, 3_600_000_000, 3))
    intervals = 0
    while (interval := reader.get_next_interval_histogram()) is not None:
        total = merged.setdefault(interval.get_tag(), HdrHistogram(1, 3_600_000_000, 3))
        total.add(interval)
        intervals += 1
    assert intervals >= 5 * len(REPORTED) // 2, intervals
    read = {}
    for tag, total in merged.items():
        read[tag] = {name: total.get_value_at_percentile(p) for name, p in PERCENTILES.items()}
        read[tag] |= {"count": total.get_total_count(), "max_us": total.get_max_value()}
    held_against_report(read)


@claim
def hdr_histogram_js_reads_what_the_report_says():
    script = HERE.parent / "kit" / "read_hlog.mjs"
    done = subprocess.run(
        [os.environ["NODE"], str(script), str(FOLDER / "run.hlog")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    held_against_report(json.loads(done.stdout))


main()
