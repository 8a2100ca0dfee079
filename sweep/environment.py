"""Environment variables that Ray reads when it is first imported; set them before that."""

from __future__ import annotations

import os

_RAY = {
    # Ray listens on all interfaces; without a token anybody who reaches a port can run code.
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    # TensorBoard and the ledger are our own; the signals are run_sweep.py's.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # Its tables too.
    "RAY_AIR_NEW_OUTPUT": "0",
    # A trial that failed, or has its record already, ends without a score: the ledger has it.
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    # Ray Tune's own state is never read back.
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
}


def set_for_ray(address: str | None) -> None:
    """Set what Ray is to find; a stray RAY_ADDRESS counts only if an address was asked for."""
    os.environ.update(_RAY)
    if address is None:
        os.environ.pop("RAY_ADDRESS", None)


class NeverRestored:
    """For objects that Ray Tune pickles against a restore which is never done: nothing is kept."""

    def __getstate__(self) -> dict[str, object]:
        return {}
