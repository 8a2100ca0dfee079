"""Signals as exceptions, where Python would ignore them."""

from __future__ import annotations

import subprocess
import sys

from tests.sweeps import HOME

LOST = """
import os, signal, time, weakref
from sweep.signals import signals_as_exceptions

class Thing: ...

with signals_as_exceptions():
    thing = Thing()
    seen = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))
    del thing
    time.sleep(60)
"""


def test_a_signal_in_a_callback_whose_exceptions_are_ignored_ends_the_process() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LOST],
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (143, "", "")
