"""prometheus_client's parser reads the metrics of a run that goes on, and those of `serve`."""

import os
import pathlib
import signal
import subprocess
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from kit.claims import claim, main, say, until

SCENARIO = """
schema = 1
name = "metrics"
[time]
warm_up = "0s"
measure = "1m"
[streams.orders]
shards = 1
[producers.web]
arrival = { kind = "constant", rate = "1500/s" }
keys = { kind = "uniform", population = 1000 }
size = { kind = "fixed", bytes = "100B" }
[consumers.billing]
kind = "polling"
"""


def families(url):
    """The families of a page by name. The parser refuses what is no page."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4"), answer.headers
        found = list(text_string_to_metric_families(answer.read().decode()))
    names = [family.name for family in found]
    assert len(names) == len(set(names)), names
    for family in found:
        assert family.type in ("counter", "gauge", "summary"), family
        assert family.documentation, family
        assert family.name.startswith("streamgauge_"), family
    return {family.name: family for family in found}


def sample(found, family, **labels):
    """The value of the sample with these labels, or None."""
    for each in found[family].samples:
        if labels.items() <= each.labels.items():
            return each.value
    return None


@claim
def the_page_of_a_run_is_parsed_and_its_counters_rise():
    work = pathlib.Path(os.environ["WORK"])
    (work / "metrics.toml").write_text(SCENARIO)
    command = [os.environ["PROGRAM"], "run", str(work / "metrics.toml"), "--out", str(work)]
    run = subprocess.Popen([*command, "--metrics", "127.0.0.1:0"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        line = run.stderr.readline()
        assert line.startswith("Metrics: "), line
        url = line.split()[-1]

        def refused():
            found = families(url)
            counted = sample(found, "streamgauge_shard_refused_attempts", cause="write-records")
            return counted and found

        found = until(refused, "refusals by cause", 30)
        assert sample(found, "streamgauge_run_info")
        assert found["streamgauge_run_info"].samples[0].labels["scenario"] == "metrics"
        acked = sample(found, "streamgauge_records", producer="web", outcome="acked")
        assert acked > 0
        latency = [s for s in found["streamgauge_latency_seconds"].samples if s.labels["latency"] == "response_time"]
        names = {s.name.removeprefix("streamgauge_latency_seconds") for s in latency}
        assert names == {"", "_sum", "_count"}, names
        until(lambda: sample(families(url), "streamgauge_records", outcome="acked") > acked, "a rise")
        say(f"{len(found)} families, {sum(len(family.samples) for family in found.values())} samples")
    finally:
        run.send_signal(signal.SIGINT)
        run.wait(30)


@claim
def the_page_of_serve_is_parsed():
    found = families(os.environ["KINESIS_URL"] + "/metrics")
    assert "streamgauge_requests" in found, sorted(found)


main()
