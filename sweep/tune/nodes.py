"""What a node of a cluster must be: able to hold a trial, with the driver's versions and code.

Checked for every node before a sweep, and by every worker again, since nodes may join later.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from search_spaces.installed import versions
from search_spaces.refusals import EnvironmentRefusal, Refusal
from sweep.hardware import Machine
from sweep.preflight import refuse_shared, refuse_unlockable
from sweep.process.environment import HOME
from sweep.process.outpost import CACHE_DIR, node_cache
from sweep.terminal.silence import ticking

_OURS = ("search_spaces", "results", "trainables", "sweep")
_CODE = "transfer-sweep's code"


def code_copied(folder: Path) -> Path:
    """Copy what travels with the job: our packages, without tests, runs or caches."""
    for room in _OURS:
        shutil.copytree(HOME / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def what_must_agree() -> dict[str, str]:
    """Versions of libraries and a digest of our code, as this process has them."""
    digest = hashlib.sha256()
    for path in sorted(file for room in _OURS for file in (HOME / room).rglob("*.py")):
        digest.update(path.relative_to(HOME).as_posix().encode() + path.read_bytes())
    return {**versions(), _CODE: digest.hexdigest()[:12]}


def refuse_unfit_nodes(machine: Machine, expected: Mapping[str, str]) -> None:
    """Check that some node can hold a trial, and that those that can are as they must be.

    Raises:
        EnvironmentRefusal: there is none, or one differs.
    """
    nodes = nodes_for_trials(machine)
    if not nodes:
        raise EnvironmentRefusal(
            f"no node of the cluster has {machine.cpus_per_trial} CPU and "
            f"{machine.gpus_per_trial:g} GPU for a trial",
            where=str(machine.address),
            fix="Lower --cpus-per-trial or --gpus-per-trial.",
        )
    task = ray.remote(num_cpus=0)(_fault_of_this_node)
    here = ray.get_runtime_context().get_node_id()
    asked = [
        task.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(expected, here)
        for node in nodes
    ]
    for fault in ray.get(asked):
        if fault is not None:
            raise fault


def nodes_for_trials(machine: Machine) -> list[dict[str, Any]]:
    """Nodes of the cluster that can hold a trial, as Ray describes them."""
    return [
        node
        for node in ray.nodes()
        if node["Alive"]
        and node["Resources"].get("CPU", 0) >= machine.cpus_per_trial
        and node["Resources"].get("GPU", 0) >= machine.gpus_per_trial
    ]


@contextmanager
def nodes_watched(
    count: Callable[[], int], say: Callable[[str], None], seconds: float = 5.0
) -> Iterator[None]:
    """Say when the last node that can hold a trial is lost: Ray waits for another without a word.

    Args:
        count: how many such nodes there are.
        seconds: between looks.
    """
    before = 1

    def look() -> None:
        nonlocal before
        with suppress(Exception):  # Ray is gone, which whoever waits for its trials is told
            now = count()
            if before and not now:
                say("no node of the cluster can hold a trial; waiting for one to join")
            before = now

    with ticking(look, seconds):
        yield


def _fault_of_this_node(expected: Mapping[str, str], driver: str) -> Refusal | None:
    try:
        refuse_other_versions(expected)
        if ray.get_runtime_context().get_node_id() != driver:
            refuse_unfit_cache()
    except Refusal as refusal:
        return refusal
    return None


def refuse_other_versions(expected: Mapping[str, str]) -> None:
    """Check that this node has what the driver has.

    Raises:
        EnvironmentRefusal: the line names the node and each difference.
    """
    found = what_must_agree()
    differ = [
        f"{name} must be {expected[name]}, got {found.get(name)}"
        for name in expected
        if found.get(name) != expected[name]
    ]
    if differ:
        raise EnvironmentRefusal(
            f"all nodes need the same versions: {', '.join(differ)}",
            where=f"node {ray.util.get_node_ip_address()}",
            fix="Install the driver's there, from the lock file.",
        )


def refuse_unfit_cache() -> None:
    """Check that this node's cache is its own, and that locks hold there.

    Raises:
        EnvironmentRefusal: they do not.
    """
    cache = node_cache()
    refuse_unlockable(cache, CACHE_DIR)
    refuse_shared(cache, CACHE_DIR)
