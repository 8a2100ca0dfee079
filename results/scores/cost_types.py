"""The part of a `Summary` that says what a run cost: seconds, photos, and both per backbone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Seconds:
    """Where the time went. All but `prepare` are summed over trials, which may run side by side."""

    prepare: float
    features: float
    waiting: float
    training: float
    other: float


@dataclass(frozen=True)
class Photos:
    """How many photos went where, summed over trials.

    Attributes:
        prefix: pushed through frozen layers to fill the feature store.
        trained: seen by training steps, as photos or as their features.
        plain: what a plain script pushes through whole networks: every epoch the training and
            the validation photos, and the test photos once.
        saved: of `plain`, the photos that read features instead, less those of `prefix`; negative
            when the store cost more than it gave.
        bytes_stored: new bytes in the feature store.
    """

    prefix: int
    trained: int
    plain: int
    saved: int
    bytes_stored: int


@dataclass(frozen=True)
class CostRow:
    """What trials cost: those of one backbone, or all of a run. Everything is summed over them.

    Attributes:
        backbone: empty where it is all of a run.
        trials: in the ledger, failed ones too.
        photos_prefix, photos_trained, bytes_stored: as in `Photos`.
        seconds_features: of frozen passes, without waiting for another trial's.
        seconds_other: of `seconds_total`, what is neither features, waiting nor training.
        seconds_tracing: of `seconds_total`, tracing and compiling, wherever it happened.
        seconds_saved: a cautious estimate: for trials that read stored features, the seconds per
            photo of the run's own passes through exactly the layers before their unfreeze points,
            for every photo that a plain script pushes, less all that was spent on features. It is
            assumed that a training step runs these layers as fast as the pass did, which also
            handed over what other points read. Where no pass went through exactly a trial's layers,
            nothing counts as saved; None if no trial's layers were timed. Negative when the store
            cost more than that.
        trials_untimed: of those that read stored features, the ones whose layers no pass timed.
    """

    backbone: str
    trials: int
    photos_prefix: int
    photos_trained: int
    bytes_stored: int
    seconds_features: float
    seconds_waiting: float
    seconds_training: float
    seconds_other: float
    seconds_tracing: float
    seconds_total: float
    seconds_saved: float | None
    trials_untimed: int


@dataclass(frozen=True)
class CostLedger:
    """The costs of each backbone, in the catalogue's order, and of all trials together."""

    backbones: tuple[CostRow, ...]
    total: CostRow
