"""How a machine that one does not have would be shared among trials, for `--plan`."""

from __future__ import annotations

import argparse
from dataclasses import replace

from search_spaces.refusals import UsageRefusal
from search_spaces.settings import RunSettings
from sweep.hardware import Hardware, Machine, gpus_per_trial, share, trials_that_fit

_UNBOUNDED = 10**18
"""Bytes or megabytes of disk and memory, of which nothing is known."""


def share_elsewhere(
    arguments: argparse.Namespace, *, most_trials: int, resumed: RunSettings | None = None
) -> Machine:
    """Divide the given GPUs and processors as far as they go; what was typed comes first.

    Beside GPUs alone there are as many processors as their trials need.

    Args:
        most_trials, resumed: as for `share`.

    Raises:
        UsageRefusal: more is asked for than is given.
    """
    gpus, each = arguments.gpus or 0, arguments.cpus_per_trial or 1
    gpu_share = gpus_per_trial(arguments, gpus)
    if not (arguments.cpus or gpu_share):
        raise UsageRefusal(
            "a number of processors is needed where trials use no GPU",
            where="--gpus-per-trial",
            fix="Give --cpus too, or leave it out.",
        )
    fitting = trials_that_fit(gpus, gpu_share) if gpu_share else arguments.cpus // each
    cpus = arguments.cpus or each * (arguments.max_concurrent or fitting)
    at_once = arguments.max_concurrent or max(1, min(fitting, cpus // each))
    machine = share(
        argparse.Namespace(**{**vars(arguments), "max_concurrent": at_once}),
        Hardware(cpus, _UNBOUNDED, gpus, "given"),
        most_trials=most_trials,
        resumed=resumed,
    )
    return replace(machine, max_cache=arguments.max_cache or _UNBOUNDED)
