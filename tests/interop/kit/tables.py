"""Reports of one scenario from several engines, as one table and a list of what is wrong."""

import dataclasses
import datetime
import json
import os
import pathlib
import platform

SENT = ("intended", "acked", "throttled", "failed", "unknown", "not_sent")
READ = (
    "delivered",
    "lost",
    "unread",
    "redelivered",
    "stored_twice_unexplained",
    "corrupt",
    "out_of_order",
    "key_inversions",
)


@dataclasses.dataclass(frozen=True)
class Column:
    """A run at one engine."""

    name: str
    report: dict
    used: object
    code: int

    @staticmethod
    def read(name, folder, used, code):
        return Column(name, json.loads((pathlib.Path(folder) / "report.json").read_text()), used, code)

    def attempts(self):
        """Calls that carried records, those of all readers not counted."""
        return sum(total(part).get("attempts", 0) for part in self.report["ledger"]["producers"].values())


def total(part):
    """The ledger of a whole run; a consumer without one could not read."""
    return part.get("total") or {}


def side_by_side(columns):
    """The table in Markdown, then what each engine did wrong."""
    rows = list(_rows(columns))
    shown = [row for row in rows if any(cell not in ("-", "0") for cell in row[1:])]
    lines = [["", *(column.name for column in columns)], *shown]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns) + 1)]
    text = [_line(lines[0], widths), _rule(widths), *(_line(line, widths) for line in lines[1:])]
    nothing = [row[0] for row in rows if row not in shown]
    if nothing:
        text += ["", f"Zero everywhere: {', '.join(nothing)}."]
    for column in columns:
        wrong = list(_wrong(column))
        text += ["", f"{column.name}: {'nothing wrong' if not wrong else ''}".rstrip(), *(f"- {line}" for line in wrong)]
    return "\n".join(text)


def _line(cells, widths):
    padded = [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:]))]
    return f"| {' | '.join(padded)} |"


def _rule(widths):
    return f"|{'-' * (widths[0] + 2)}|{'|'.join('-' * (width + 1) + ':' for width in widths[1:])}|"


def _rows(columns):
    def row(title, of):
        cells = (of(column) for column in columns)
        return [title, *("-" if cell is None else str(cell) for cell in cells)]

    def latency(table, part, kind, quantile):
        def of(column):
            found = column.report["latency"].get(table, {}).get(part, {}).get(kind)
            return None if not found else f"{found[f'{quantile}_us'] / 1000:.1f} ms"

        return of

    first = columns[0].report
    yield row("measurement", lambda column: column.report["verdict"]["status"])
    for part in first["ledger"]["producers"]:
        for name in SENT:
            yield row(f"{part} {name}", lambda c: total(c.report["ledger"]["producers"].get(part, {})).get(name))
    for part in first["ledger"]["consumers"]:
        for name in READ:
            yield row(f"{part} {name}", lambda c: total(c.report["ledger"]["consumers"].get(part, {})).get(name))
    for part in first["ledger"]["producers"]:
        for quantile in ("p50", "p99"):
            yield row(f"{part} service time {quantile}", latency("producers", part, "service_time", quantile))
    for part in first["ledger"]["consumers"]:
        for quantile in ("p50", "p99"):
            yield row(f"{part} end to end {quantile}", latency("consumers", part, "end_to_end", quantile))
    for place, event in enumerate(first["events"]):
        yield row(f"event {event['name']}", lambda column: column.report["events"][place]["status"])
    yield row("SLOs missed", lambda column: sum(slo["status"] == "missed" for slo in column.report["slo"]))
    yield row("engine CPU per attempt", _cpu)
    yield row("engine peak memory", lambda c: None if c.used.peak_mib is None else f"{c.used.peak_mib:.0f} MiB")


def _cpu(column):
    """Of the engine's process while the run went on, its readers and stream calls included, over the writes."""
    attempts = column.attempts()
    if column.used.cpu_s is None or not attempts:
        return None
    return f"{column.used.cpu_s / attempts * 1e6:.0f} us"


def _wrong(column):
    report = column.report
    if report.get("target", {}).get("unreachable"):
        yield f"went away: {report['target']['unreachable']}"
    for slo in report["slo"]:
        if slo["status"] == "missed":
            yield f"misses {slo['name']}: {slo['metric']} is {slo['value']}"
    for name, part in report["ledger"]["producers"].items():
        if unknown := total(part).get("unknown_attempts"):
            yield f"{unknown} attempts of {name} had no answer within the time-out"
    for event in report["events"]:
        if event["status"] != "done":
            yield f"{event['action']}: {event['detail']}"
    for name, part in {**report["producers"], **report["consumers"]}.items():
        if failure := part.get("last_failure"):
            yield f"{name} was told: {failure}"
    for finding in report.get("target", {}).get("findings", []):
        yield f"{finding['count']} times {finding['text']}"


def head(versions, names):
    """What the tables were made with."""
    info = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = [
        "# Engines side by side",
        "",
        "Written by `tests/interop/engines --publish results/published/engines`; `README.md` beside it reads it. Each report is",
        "in the folder of its scenario and engine.",
        "",
        "| | |",
        "|---|---|",
        f"| day | {datetime.date.today().isoformat()} |",
        f"| machine | {os.cpu_count()} processors ({model}), {memory:.1f} GiB, {platform.system()} {platform.release()} |",
        *(f"| {name} | {versions.get(name, 'not run')} |" for name in names),
    ]
    return "\n".join(lines)
