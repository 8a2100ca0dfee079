"""What became of a trial in its training process, as the ledger and the parent are told."""

from __future__ import annotations

from results.ledger.records import TrialRecord, TrialResult
from sweep.schedule.assignment import Assignment


def is_out_of_memory(fault: BaseException) -> bool:
    """Whether a fault of Python, NumPy, TensorFlow or XLA says that memory is lacking."""
    kinds = {kind.__name__ for kind in type(fault).__mro__}
    return bool(kinds & {"MemoryError", "ResourceExhaustedError"}) or "RESOURCE_EXHAUSTED" in str(
        fault
    )


def finished(assignment: Assignment, result: TrialResult, weights_sha256: str) -> TrialRecord:
    """The record of a trial that was trained."""
    return TrialRecord.of(
        result,
        assignment.trial_id,
        config=assignment.config,
        weights_sha256=weights_sha256,
        batch_halved=assignment.batch_halved,
    )


def failed(assignment: Assignment, error: str, *, diverged: bool = False) -> TrialRecord:
    """The record of a trial that a fault of its own, or its process's death, ended."""
    return TrialRecord.failed(
        assignment.trial_id,
        assignment.config,
        error,
        diverged=diverged,
        batch_halved=assignment.batch_halved,
    )
