"""The engines that are held side by side: how each is installed, started and measured."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.request

from kit import servers
from kit.install import needed

OURS = ("embedded", "serve")
NAMES = (*OURS, "kinesis-local", "kinesalite", "moto", "ferrokinesis")
KINESIS_LOCAL, KINESALITE = "kinesis-local", "kinesalite"
MOTO = ("moto[kinesis]", "flask", "flask-cors")
FERROKINESIS = "ferrokinesis"
# A crate is compiled, with all that it stands on.
BUILD_SECONDS = 1800


@dataclasses.dataclass(frozen=True)
class Used:
    """What a process and those that it ended took so far; None where it is not there."""

    cpu_s: float = None
    peak_mib: float = None

    def since(self, before):
        """The processor time since then, and the peak, which is of the whole life."""
        if self.cpu_s is None or before.cpu_s is None:
            return Used()
        return Used(self.cpu_s - before.cpu_s, self.peak_mib)


@dataclasses.dataclass(frozen=True)
class Engine:
    """An engine that answers."""

    name: str
    target: str
    version: str
    pid: int = None

    def used(self):
        if self.pid is None:
            return Used()
        try:
            fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return Used()
        # proc(5): user and system time are fields 14 and 15, those of ended children 16 and 17; the split begins at 3.
        ticks = sum(int(field) for field in fields[11:15])
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return Used(ticks / os.sysconf("SC_CLK_TCK"), int(peak.split()[1]) / 1024)


@contextlib.contextmanager
def running(name, program, installs, work):
    """An engine, fresh, until the block ends."""
    work = pathlib.Path(work) / f"engine-{name}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    ours = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.split()[-1]
    if name == "embedded":
        yield Engine(name, "embedded", ours)
    elif name == "serve":
        with servers.kinesis(program, work) as (url, pid):
            yield Engine(name, url, ours, pid)
    else:
        port = free_port()
        command, folder, environment, version = FOREIGN[name](installs, port)
        with _listening(name, command, work, port, folder, environment) as pid:
            yield Engine(name, f"http://127.0.0.1:{port}", version, pid)


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _kinesis_local(installs, port):
    modules = pathlib.Path(installs.node_modules((KINESIS_LOCAL, KINESALITE)))
    environment = {"KINESIS_MOCK_PLAIN_PORT": str(port), "KINESIS_MOCK_TLS_PORT": str(free_port()), "LOG_LEVEL": "ERROR"}
    # It reads its certificate from the working directory.
    folder = modules / KINESIS_LOCAL
    return [_node(), "main.js"], folder, environment, _npm_version(folder)


def _kinesalite(installs, port):
    folder = pathlib.Path(installs.node_modules((KINESIS_LOCAL, KINESALITE))) / KINESALITE
    return [_node(), "cli.js", "--port", str(port)], folder, {}, _npm_version(folder)


def _moto(installs, port):
    python = installs.own_python(MOTO)
    shown = subprocess.run([python, "-c", "import moto; print(moto.__version__)"], capture_output=True, text=True)
    start = "from moto.server import main; main()"
    return [python, "-c", start, "-H", "127.0.0.1", "-p", str(port)], None, {}, shown.stdout.strip()


def _ferrokinesis(installs, port):
    folder = pathlib.Path(installs.crate(FERROKINESIS, BUILD_SECONDS))
    # Cargo's own note of what it installed: `"ferrokinesis 0.7.0 (registry+...)" = ["ferrokinesis"]`.
    version = re.search(rf'"{FERROKINESIS} ([^ ]+) ', (folder / ".crates.toml").read_text())[1]
    # It refuses nothing unless it is told to.
    command = [str(folder / "bin" / FERROKINESIS), "--port", str(port), "--enforce-limits"]
    return command, None, {}, f"{version}, with --enforce-limits"


FOREIGN = {
    "kinesis-local": _kinesis_local,
    "kinesalite": _kinesalite,
    "moto": _moto,
    "ferrokinesis": _ferrokinesis,
}


def _node():
    return needed("node", "an engine of npm", "NODE")


def _npm_version(folder):
    return json.loads((folder / "package.json").read_text())["version"]


@contextlib.contextmanager
def _listening(name, command, work, port, folder, environment):
    with open(work / "engine.log", "wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            servers.wait(name, process, work, "engine", lambda: _answers(port))
            yield process.pid
        finally:
            servers.end(process)


def _answers(port):
    """Whether it speaks HTTP; what it says does not matter."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
