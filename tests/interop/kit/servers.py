"""Servers of one case: `streamgauge serve`, and moto's DynamoDB for the clients that keep leases.

Each listens on a free port of 127.0.0.1 and is ended by its process id.
"""

import contextlib
import pathlib
import socket
import subprocess
import time

START_SECONDS = 60


class DidNotStart(Exception):
    """A server ended, or was not ready in time."""


@contextlib.contextmanager
def kinesis(program, work):
    """`streamgauge serve`: gives its URL and process id."""
    ready = pathlib.Path(work) / "ready"
    command = [program, "serve", "--listen", "127.0.0.1:0", "--ready-file", str(ready)]
    with _running("server", command, work) as process:
        wait("streamgauge serve", process, work, "server", lambda: ready.exists() and ready.read_text().strip())
        yield ready.read_text().strip(), process.pid


@contextlib.contextmanager
def dynamodb(python, work):
    """moto's server: gives its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # With the module as the entry point no file of a venv's `bin` has to name the interpreter.
    start = "from moto.server import main; main()"
    command = [python, "-c", start, "-H", "127.0.0.1", "-p", str(port)]

    def answers():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    with _running("dynamodb", command, work) as process:
        wait("moto_server", process, work, "dynamodb", answers)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _running(name, command, work):
    with open(pathlib.Path(work) / f"{name}.log", "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process
        finally:
            end(process)


def wait(what, process, work, name, is_ready):
    """Waits until a server answers; one that ends, or takes too long, is an error with the end of its log."""
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            log = (pathlib.Path(work) / f"{name}.log").read_text(errors="replace")
            raise DidNotStart(f"{what} did not start:\n{log[-2000:]}")
        time.sleep(0.05)


def end(process, patience_seconds=10):
    """Ends a process that we started, by its id: politely, then not."""
    process.terminate()
    try:
        process.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
