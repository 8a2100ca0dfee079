"""How nodes of a cluster reach the driver's: an actor there, asked through Ray.

Pieces of files pass through Ray's object store, one at a time; each node fetches a file once.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from results.ledger.files import file_sha256
from search_spaces.refusals import Refusal
from sweep.process.context import RunContext
from sweep.process.ledger_desk import LedgerDesk
from sweep.process.outpost import Logs, Outpost
from sweep.tune.nodes import refuse_other_versions, refuse_unfit_cache

_CALLS_AT_ONCE = 8


@dataclass(frozen=True)
class Origin:
    """Where the driver is, as every worker is told.

    Attributes:
        node: Ray's id of the driver's node, whose workers write into the run as on one machine.
        actor: the name of its `LedgerDesk`.
        photos_sha256: of the dataset's file.
        versions: of all that must be the same on every node, by name.
    """

    node: str
    actor: str
    photos_sha256: str
    versions: dict[str, str]

    @property
    def is_here(self) -> bool:
        return bool(ray.get_runtime_context().get_node_id() == self.node)


def open_depot(context: RunContext, versions: dict[str, str]) -> tuple[Origin, Any]:
    """Start the actor on this node; it lives as long as the handle that comes with it."""
    node = ray.get_runtime_context().get_node_id()
    name = f"ledger-desk-{uuid.uuid4().hex}"
    actor = (
        ray.remote(LedgerDesk)
        .options(
            name=name,
            num_cpus=0,
            max_restarts=-1,
            max_concurrency=_CALLS_AT_ONCE,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
        )
        .remote(context)
    )
    return Origin(node, name, file_sha256(context.dataset), versions), actor


class RayDepot:
    """See `outpost.Depot`: asks the actor, and raises its refusals as they are."""

    def __init__(self, origin: Origin) -> None:
        self._actor = ray.get_actor(origin.actor)

    def piece(self, key: str, offset: int) -> bytes:
        return bytes(_answer(self._actor.piece.remote(key, offset)))

    def has(self, trial: str) -> bool:
        return bool(_answer(self._actor.has.remote(trial)))

    def take(self, trial: str, token: str, name: str, piece: bytes) -> None:
        _answer(self._actor.take.remote(trial, token, name, piece))

    def settle(self, trial: str, token: str, logs: Logs) -> None:
        _answer(self._actor.settle.remote(trial, token, logs))


def _answer(reference: Any) -> Any:
    try:
        return ray.get(reference)
    except RayTaskError as fault:
        if isinstance(fault.cause, Refusal):
            raise fault.cause from None
        raise


_OUTPOSTS: dict[str, Outpost] = {}
"""Of this process, by the depot that it belongs to."""


def outpost(context: RunContext, origin: Origin) -> Outpost:
    """This worker's place on its node.

    Raises:
        EnvironmentRefusal: the node, which may have joined late, is not as it must be.
    """
    if origin.actor not in _OUTPOSTS:
        refuse_other_versions(origin.versions)
        refuse_unfit_cache()
        _OUTPOSTS[origin.actor] = Outpost(context, origin.photos_sha256, RayDepot(origin))
    return _OUTPOSTS[origin.actor]
