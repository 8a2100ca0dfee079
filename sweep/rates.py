"""What a plan knows of a backbone's speed: the rates that earlier sweeps measured on this machine.

On a cluster nothing is kept or read: what one machine measured says little of its nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from results.ledger.rates import Conditions, Rates, measured_rates, read_rates, write_rates
from results.ledger.records import TrialRecord
from search_spaces.installed import version_of
from search_spaces.settings import Settings
from sweep.gpus import gpu_models
from sweep.hardware import Machine
from sweep.process.worker import processor_name


def known_rates(settings: Settings, machine: Machine, onednn: str | None) -> dict[str, Rates]:
    """Rates by backbone, as far as they were measured.

    Args:
        onednn: the run's setting.
    """
    rates = {
        conditions.backbone: read_rates(conditions.path(machine.cache_dir))
        for conditions in _conditions(settings, machine, onednn)
    }
    return {backbone: known for backbone, known in rates.items() if known is not None}


def keep_rates(
    settings: Settings,
    machine: Machine,
    onednn: str | None,
    records: Sequence[TrialRecord],
    counts: Mapping[str, int],
) -> None:
    """Keep what a run measured; a backbone whose features were all stored before keeps its own.

    Args:
        counts: photos per split.

    Raises:
        EnvironmentRefusal: the disk is full or broken.
    """
    for conditions in _conditions(settings, machine, onednn):
        trials = [record for record in records if record.backbone == conditions.backbone]
        rates = measured_rates(trials, counts["train"])
        if rates is not None:
            write_rates(conditions.path(machine.cache_dir), rates)


def _conditions(settings: Settings, machine: Machine, onednn: str | None) -> Iterator[Conditions]:
    if machine.address is not None:
        return
    gpus = gpu_models() if machine.gpus_per_trial else ()
    versions = (version_of(name) for name in ("tensorflow", "keras"))
    device = (" + ".join(gpus) or "cpu", processor_name(), *versions)
    compiled = "XLA" if settings.jit_compile else ""
    for backbone in settings.backbones:
        yield Conditions(
            backbone=backbone,
            image_size=settings.image_size,
            batch_size=settings.batch_size,
            numbers=(settings.precision, settings.cache_dtype, compiled),
            cpus=machine.cpus_per_trial,
            device=device,
            onednn=onednn,
        )
