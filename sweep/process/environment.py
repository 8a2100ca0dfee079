"""Environment variables that Ray and TensorFlow read when they are first imported; set them before.

oneDNN is on or off for a whole process, and decides the last bits of every number.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from search_spaces.refusals import UsageRefusal

HOME = Path(__file__).resolve().parents[2]
"""The folder of our code."""

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"

_OUR_OWN_RAY = {
    # Ray listens on all interfaces; without a token anybody who reaches a port can run code.
    "RAY_AUTH_MODE": "token",
    # Where memory lacks Ray would kill the process that watches a training process, and Tune would
    # end over it. The system kills the training process, which has a second attempt.
    "RAY_memory_monitor_refresh_ms": "0",
}
_RAY = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # TensorBoard and the ledger are our own; the signals are run_sweep.py's.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # Its tables too.
    "RAY_AIR_NEW_OUTPUT": "0",
    # A trial that failed, or has its record already, ends without a score: the ledger has it.
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    # Our code travels with the sweep, whatever a submitted job brought.
    "RAY_OVERRIDE_JOB_RUNTIME_ENV": "1",
    # Ray Tune's own state is never read back.
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
}


def set_for_ray(address: str | None) -> None:
    """Set what Ray is to find; a stray RAY_ADDRESS counts only if an address was asked for.

    How a cluster that is there already knows its users is the environment's business.
    """
    os.environ.update(_RAY)
    if address is None:
        os.environ.update(_OUR_OWN_RAY)
        os.environ.pop("RAY_ADDRESS", None)


def module_of_ours(name: str, *words: str) -> list[str]:
    """The command that starts one of our modules, from any folder: no module there is ours (-P)."""
    return [sys.executable, "-P", "-m", name, *words]


def path_to_our_code() -> dict[str, str]:
    """What another Python's environment needs to find our code; nothing where it is installed.

    `site-packages` in `PYTHONPATH` would come before Python's own library, and what lies there may
    have the name of a module of it.
    """
    installed = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    if HOME in {Path(path).resolve() for path in (*installed, site.getusersitepackages())}:
        return {}
    before = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(HOME), *([before] if before else [])])}


def with_onednn(onednn: str | None) -> dict[str, str]:
    """This process's environment with a oneDNN setting for one that imports TensorFlow.

    Args:
        onednn: `0` or `1`; None leaves what is there.
    """
    return {**os.environ, **({} if onednn is None else {ONEDNN: onednn})}


def run_onednn(environment: Mapping[str, str]) -> str:
    """The oneDNN setting of a new run: on, unless the user's environment says otherwise.

    Which setting is faster cannot be told from forward passes: on an AVX2 processor these are equal
    to a percent, while a gradient step of ResNet50 takes 0.43 s with oneDNN and 2.40 s without.

    Returns:
        `0` or `1`.

    Raises:
        UsageRefusal: the environment's is neither.
    """
    setting = environment.get(ONEDNN) or "1"
    if setting not in ("0", "1"):
        raise UsageRefusal(
            f"this must be 0 or 1, or not be set, got {setting!r}",
            where=ONEDNN,
            fix="Leave it out: oneDNN is then on.",
        )
    return setting


class NeverRestored:
    """For objects that Ray Tune pickles against a restore which is never done: nothing is kept."""

    def __getstate__(self) -> dict[str, object]:
        return {}
