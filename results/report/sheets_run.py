"""Tables about the whole run: its trials, what mattered, costs, sizes."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial

from results.ledger.records import Cost, TrialRecord
from results.ledger.runs import MeasuredCharacteristics
from results.report import kinds
from results.report.format import several
from results.report.kinds import COUNT, LABEL, PERCENT, SECONDS, TEXT, WORD, Label, Place
from results.report.sheets import (
    Column,
    Row,
    Sheet,
    fields_of,
    lay_out,
    listed,
    marked,
    rows,
    with_metric,
)
from results.scores.cost_types import CostRow
from results.scores.types import Summary
from search_spaces import paper
from search_spaces.config import TrialConfig
from search_spaces.metrics import metric_words, signed

TRIAL = Column(
    "label", "trial", LABEL, lambda row: Label(row.trial, row.backbone), where=Place.SHOWN
)


def _of_config(key: str) -> Column:
    heading, kind = {
        "optimizer": ("optimizer", WORD),
        "learning_rate": ("rate", kinds.RATE),
        "unfreeze": ("unfreeze", TEXT),
        "scaling": ("scale", WORD),
    }.get(key, ("", TEXT))
    return Column(key, heading, kind, lambda row: getattr(row.trained, key))


def _of_cost(key: str) -> Column:
    seconds = key == "seconds_total"
    return Column(key, "seconds" if seconds else "", SECONDS if seconds else COUNT, f"cost.{key}")


MOST_ROWS = 1_000  # that the page lists

TRIALS = (
    TRIAL,
    Column("trial"),
    Column("number"),
    Column("status"),
    Column("status", "status", WORD, lambda row: row.status.replace("_", " "), where=Place.SHOWN),
    Column("error"),
    *(_of_config(field.name) for field in fields(TrialConfig)),
    Column("epochs_run", "epochs", COUNT, lambda row: len(row.epochs)),
    Column("best_epoch"),
    Column("validation_accuracy", "validation %", PERCENT),
    Column("validation_loss"),
    *(_of_cost(field.name) for field in fields(Cost)),
)
COSTS = (
    Column("label", "what", value=lambda row: row[3], where=Place.SHOWN),
    Column("what", value=lambda row: row[0]),
    Column("unit", value=lambda row: row[1]),
    Column("amount", value=lambda row: row[2]),
    Column("shown", "how much", kinds.AMOUNT, lambda row: row[1:3], where=Place.SHOWN),
)
COST_BY_BACKBONE = fields_of(
    CostRow,
    Column("backbone", "backbone", LABEL, lambda row: Label(row.backbone or "all", row.backbone)),
    Column("trials", "trials", COUNT, under="backbone"),
    Column("photos_prefix", "photos frozen", COUNT, short="photos\nfrozen"),
    Column("photos_trained", "photos trained", COUNT, short="trained", under="photos_prefix"),
    Column("bytes_stored", "stored", kinds.BYTES, short="bytes\nstored"),
    Column("seconds_features", "frozen passes", SECONDS, short="time\nfrozen"),
    Column("seconds_waiting", "waiting", SECONDS, under="seconds_features"),
    Column("seconds_training", "training", SECONDS, short="time\ntraining"),
    Column("seconds_tracing", "tracing", SECONDS, under="seconds_training"),
    Column("seconds_total", "all seconds", SECONDS, short="time\nin total"),
    Column("seconds_saved", "saved", SECONDS, under="seconds_total"),
)
CHARACTERISTICS = fields_of(MeasuredCharacteristics)
MEASURED = ("megabytes", "parameters", "depth", "milliseconds_per_step")
"""Attributes of a measured backbone; with `_without_top`, those of the same one without its top."""

SIZES = (
    Column("backbone", "backbone", LABEL),
    Column("what", "what"),
    Column("megabytes", "size MB", kinds.TENTHS),
    Column("parameters", "parameters", kinds.PARAMETERS),
    Column("depth", "depth", COUNT),
    Column("milliseconds", "ms per step", kinds.TENTHS),
)


def trials(summary: Summary) -> Sheet:
    """Every finished trial."""
    columns = with_metric(summary, TRIALS, partial(_metric, summary.metric), "validation_accuracy")
    sheet = lay_out(summary, "trials", "All trials", columns, summary.rows)
    if len(summary.rows) <= MOST_ROWS:
        return sheet
    scored = [at for at, row in enumerate(summary.rows) if row.has_scores]
    best = sorted(scored, key=lambda at: summary.rows[at].rank)[:MOST_ROWS]
    places = dict.fromkeys(best, Place.ALL)
    lines = [replace(row, where=places.get(at, Place.CSV)) for at, row in enumerate(sheet.rows)]
    note = f"The best {len(best):,} of {len(lines):,} trials; trials.csv has all."
    return replace(sheet, rows=tuple(lines), note=note)


def _metric(metric: str, row: TrialRecord) -> float | None:
    return None if row.validation_score is None else signed(metric, row.validation_score)


def repeats(summary: Summary) -> Sheet:
    """Every finished trial on a fresh seed, for the file."""
    return lay_out(summary, "repeats", "Trials on fresh seeds", TRIALS, summary.repeats)


def failed(summary: Summary) -> Sheet:
    """Which trials failed, and why."""
    columns = (TRIAL, Column("error", "why"))
    failures = [row for row in (*summary.rows, *summary.repeats) if row.error]
    return lay_out(summary, "failed", "Failed trials", columns, failures)


_WIDEST = 5
"""Dimensions that fit 80 columns side by side, those with the largest shares."""

IMPORTANCES_NOTE = (
    "Counted are trials inside the searched space (of several hundred a sample, spread evenly), "
    "each by its best epoch up to the last that all of them reached. A trial that diverged has "
    "the worst score of the others; one that failed otherwise is left out. "
    "± is the standard deviation over fANOVA's forests."
)


def importances(summary: Summary) -> Sheet:
    """Each searched dimension's share, a row per dimension, for the file."""
    lines = [
        {"backbone": name, "dimension": dimension, "share": share.mean, "spread": share.spread}
        | {"trials": importances.trials, "epoch": importances.epoch}
        for name, importances in summary.importances.items()
        for dimension, share in importances.shares.items()
    ]
    header = "backbone dimension share spread trials epoch"
    return listed(summary, "importances", header, lines)


def importances_wide(summary: Summary) -> Sheet:
    """The same, a row per backbone, for the terminal."""
    of_all = summary.importances
    largest: dict[str, float] = {}
    for of_backbone in of_all.values():
        for name, share in of_backbone.shares.items():
            largest[name] = max(share.mean, largest.get(name, 0.0))
    by_share = sorted(sorted(largest), key=largest.__getitem__, reverse=True)
    names, left_out = sorted(by_share[:_WIDEST]), len(by_share[_WIDEST:])
    more = f" {left_out} dimensions with smaller shares: importances.csv." if left_out else ""
    heads = [Column(name, name.replace("_", " "), kinds.SHARE) for name in names]
    return Sheet(
        "importances_wide",
        marked(
            summary,
            f"What mattered: share of the variation in validation {metric_words(summary.metric)}",
        ),
        (Column("backbone", "backbone", LABEL), Column("trials", "trials", COUNT), *heads),
        tuple(
            Row((Label(name, name), of_backbone.trials, *map(of_backbone.shares.get, names)))
            for name, of_backbone in of_all.items()
        ),
        IMPORTANCES_NOTE + more,
    )


def cost(summary: Summary) -> Sheet:
    """Seconds and photos, and what reusing features saved."""
    seconds, photos, total = summary.seconds, summary.photos, summary.costs.total
    lines = (
        ("prepare", "seconds", seconds.prepare, "preparing photos"),
        ("features", "seconds", seconds.features, "frozen features"),
        ("waiting", "seconds", seconds.waiting, "waiting for another trial's features"),
        ("training", "seconds", seconds.training, "training"),
        ("other", "seconds", seconds.other, "everything else in trials"),
        ("tracing", "seconds", total.seconds_tracing, "of all, tracing and compiling"),
        ("saved", "seconds", total.seconds_saved, "seconds saved by reuse, at least (estimate)"),
        ("prefix", "photos", photos.prefix, "photos through frozen layers, to be stored"),
        ("trained", "photos", photos.trained, "photos in training steps"),
        ("plain", "photos", photos.plain, "photos a plain script pushes"),
        ("saved", "photos", photos.saved, "photos saved by reuse"),
        ("bytes_stored", "bytes", photos.bytes_stored, "features stored"),
    )
    return lay_out(
        summary,
        "cost",
        "Cost",
        COSTS,
        lines,
        note="Seconds are summed over trials; trials that ran side by side took less by the clock.",
    )


def cost_by_backbone(summary: Summary) -> Sheet:
    """The costs of each backbone, and below them of all together."""
    note = (
        "Seconds saved are a cautious estimate: for trials that read stored features, the seconds "
        "per photo of the run's own pass through exactly the layers before the unfreeze point, for "
        "every photo of every epoch, less all seconds spent on features."
    )
    if untimed := summary.costs.total.trials_untimed:
        note += f" No pass timed exactly the layers of {several(untimed, 'trial')}: not measured, "
        note += "so nothing counts as saved there."
    return lay_out(
        summary,
        "cost_by_backbone",
        "Cost per backbone",
        COST_BY_BACKBONE,
        summary.costs.backbones,
        more=rows(COST_BY_BACKBONE, [summary.costs.total], "strong", Place.SHOWN),
        note=note,
    )


def characteristics(summary: Summary) -> Sheet:
    """The paper's Table 1 as measured, for the file."""
    return lay_out(
        summary,
        "characteristics",
        "Table 1 as measured",
        CHARACTERISTICS,
        summary.characteristics,
    )


def sizes(summary: Summary) -> Sheet:
    """The paper's Table 1: size, parameters, depth and speed, published and measured."""
    measured = {row.backbone: row for row in summary.characteristics}
    lines: list[Row] = []
    for backbone in summary.backbones:
        label = Label(backbone.name, backbone.name)
        if (known := paper.TABLE_1.get(backbone.name)) is not None:
            values = (known.megabytes, known.parameters_millions * 1e6, known.depth)
            time = known.gpu_milliseconds_per_step
            lines.append(Row((label, "published, with the top", *values, time), "faint"))
        if (row := measured.get(backbone.name)) is not None:
            for what, suffix in (("with the top", ""), ("without it", "_without_top")):
                measures = (getattr(row, f"{name}{suffix}") for name in MEASURED)
                lines.append(Row((label, f"measured, {what}", *measures)))
    return Sheet("sizes", marked(summary, "Table 1: characteristics"), SIZES, tuple(lines))
