"""Claims of a case: functions with a sentence for a name, run in their order, a line printed for each."""

import sys
import time
import traceback

CLAIMS = []


def claim(test):
    """Adds a claim to the case."""
    CLAIMS.append(test)
    return test


def say(text):
    """A figure or a version beside the claims."""
    print(f"   {text}", flush=True)


def until(condition, what, seconds=60):
    """Waits for a condition, and gives what it gave."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


def main():
    """Runs the claims and ends the program; its status is 1 if one does not hold."""
    failed = 0
    for test in CLAIMS:
        try:
            test()
            print(f"ok {test.__name__}", flush=True)
        except Exception:  # noqa: BLE001: every failure is counted and shown
            failed += 1
            print(f"FAILED {test.__name__}", flush=True)
            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
    sys.exit(1 if failed else 0)
