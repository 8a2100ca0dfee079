"""The body of a Ray task: hands a trial to a training process and reports its epochs."""

from __future__ import annotations

from typing import Any

from ray import tune

from results.ledger.records import EpochRecord
from results.ledger.store import RunFolder
from search_spaces.refusals import Refusal
from sweep.process.activity import Activity
from sweep.process.attempts import train
from sweep.process.context import RunContext
from sweep.schedule.assignment import METRIC, Assignment
from sweep.tune.depot import Origin, outpost


def run_trial(config: dict[str, Any], *, context: RunContext, origin: Origin | None = None) -> None:
    """Train one trial, whose record is then in the ledger; one that has a record ends at once.

    A failed trial has a record too, and ends like any other: the ledger says what it was. What
    makes the whole sweep impossible (a full disk, weights that do not fit) is reported to the
    driver as `refusal` and leaves no record, so that a resume trains the trial again.

    Args:
        config: Ray's name for what the searcher hands out: `assignment`, an `Assignment`.
        origin: of a sweep on a cluster: on a node other than the driver's a trial is trained below
            the node's own cache, and sent.
    """
    assignment: Assignment = config["assignment"]

    def report(epoch: EpochRecord) -> None:
        tune.report({METRIC: epoch.score, "epoch": epoch})

    def show(activity: Activity) -> None:
        tune.report({"activity": activity})

    try:
        if origin is not None and not origin.is_here:
            outpost(context, origin).train(assignment, report, show)
        elif RunFolder(context.run).read_record(assignment.trial_id.name) is None:
            train(assignment, context, report, show)
    except Refusal as refusal:
        tune.report({METRIC: 0.0, "refusal": refusal})
