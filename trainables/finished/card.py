"""The model card, `models/README.md`: what a stranger must know who gets the files alone.

    text = card(summary, {"VGG16.keras": "<SHA-256>", "ensemble.keras": "<SHA-256>"})

Every number is the summary's. The questions are those of Mitchell et al., "Model Cards for Model
Reporting" (2019), as far as a run can answer them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from results.ledger.runs import WeightsSource
from results.ledger.units import UNKNOWN, clean
from results.scores.calibration import is_bounded
from results.scores.method_types import ENSEMBLE, Scores
from results.scores.types import Summary

FEW = 30
"""Photos of a class to learn from, below which the card warns of it."""

TFLITE = ".tflite"

_LOAD = """\
```python
import json, zipfile, keras
model = keras.models.load_model("{file}")
classes = json.loads(zipfile.ZipFile("{file}").read("classes.json"))
photo = keras.utils.img_to_array(keras.utils.load_img("photo.jpg"), dtype="uint8")
print(classes[model.predict(photo[None], verbose=0)[0].argmax()])
```"""

_EXPLAINED = """\
Of all test photos, which no model was trained or chosen on; intervals are Wilson's. Loss is the
mean cross-entropy in nats. Calibration error is the expected one (15 bins; Guo et al. 2017): how
far, on average, accuracy lies from how sure the answers are.

The temperature is fitted on validation photos and is **not** in the file. The class stays the same,
and `q = p ** (1 / T); q /= q.sum()` is a better probability than `p` where error or loss is lower
at it. A dash: the validation photos do not say where it lies, as when all of them are right."""


@dataclass(frozen=True)
class Winner:
    """A model that is written to a file: `name` is a backbone's or `ensemble`."""

    name: str
    trials: tuple[str, ...]
    scores: Scores


def winners(summary: Summary) -> list[Winner]:
    """The best trial of every backbone, and the ensemble."""
    models = [
        Winner(backbone.name, (backbone.best.trial,), backbone.best.scores)
        for backbone in summary.backbones
        if backbone.best is not None and backbone.best.scores is not None
    ]
    if summary.ensemble is not None:
        models.append(Winner(ENSEMBLE, summary.ensemble.members, summary.ensemble.scores))
    return models


def card(summary: Summary, files: Mapping[str, str]) -> str:
    """The card of some files.

    Args:
        files: SHA-256 by name, such as `VGG16.keras` and `ensemble.tflite`.
    """
    models = winners(summary)
    [best] = [model for model in models if model.trials == summary.recommended_trials]
    data = summary.data
    size = f"{data.image_size} x {data.image_size} pixels"
    parts = [
        f"# Models of the run {_safe(summary.name)}",
        *_marks(summary),
        f"Classifiers of photos, fine-tuned by transfer-sweep. By {_metric(summary)} on "
        f"validation photos the recommended one is "
        f"`{best.name}.keras`: {_made_of(best)}.",
        "## How to load one\n\n" + _LOAD.format(file=f"{best.name}.keras"),
        "Photos go in as uint8 RGB, [N, H, W, 3], of any size; probabilities come out, [N, C], in "
        f"the order of `classes`. Resizing to {size}, scaling and averaging are inside. A photo "
        "that its camera only marked as turned must be turned before: `load_img` does not, "
        "`PIL.ImageOps.exif_transpose` does. Load only files that you trust.",
        *(
            [
                "A `.tflite` file takes photos of that size alone, and has `classes.json` in it as "
                "well."
            ]
            if any(name.endswith(TFLITE) for name in files)
            else []
        ),
        "## Classes and photos\n\n" + _photos(summary),
        "## How good they are\n\n" + _scores(models),
        _EXPLAINED,
        "## What they started from\n\n" + "\n".join(f"- {line}" for line in _sources(summary)),
        "## Limits\n\n" + "\n".join(f"- {line}" for line in _limits(summary)),
        "## Files\n\n"
        + _table(("file", "SHA-256"), ((f"`{n}`", f"`{d}`") for n, d in files.items())),
    ]
    return "\n\n".join(parts) + "\n"


def _marks(summary: Summary) -> Iterator[str]:
    if summary.demonstration:
        yield "> **DEMONSTRATION** of the machinery: these models are good for nothing else."
    if not summary.complete:
        yield "> **PARTIAL**: the run was not finished; what is called best is the best so far."


def _metric(summary: Summary) -> str:
    return summary.metric.replace("_", " ")


def _made_of(model: Winner) -> str:
    trials = " and ".join(model.trials)
    return f"the mean of {trials}" if len(model.trials) > 1 else f"trial {trials}"


def _photos(summary: Summary) -> str:
    data = summary.data
    rows = [
        (_safe(name), counts.train, counts.validation, counts.test)
        for name, counts in zip(data.classes, data.per_class, strict=True)
    ]
    total = ("all", data.counts.train, data.counts.validation, data.counts.test)
    return _table(
        ("class", "to learn", "to choose (validation)", "to report (test)"), [*rows, total]
    )


def _scores(models: Sequence[Winner]) -> str:
    heads = (
        "file",
        "made of",
        "test accuracy",
        "95 % interval",
        "macro F1",
        "loss",
        "calibration error",
        "temperature",
        "error at it",
        "loss at it",
    )
    return _table(heads, map(_row, models))


def _row(model: Winner) -> tuple[object, ...]:
    scores, calibration = model.scores, model.scores.calibration
    interval = scores.interval
    bounded = is_bounded(calibration.temperature)
    return (
        f"`{model.name}.keras`",
        " + ".join(model.trials),
        f"{scores.correct / scores.photos:.2%} ({scores.correct} of {scores.photos})",
        f"{interval.low:.1%} to {interval.high:.1%}",
        f"{scores.report.macro.f1:.3f}",
        f"{scores.test_loss:.4f}",
        f"{calibration.error:.2%}",
        f"{calibration.temperature:.3f}" if bounded else UNKNOWN,
        f"{calibration.error_at_temperature:.2%}" if bounded else UNKNOWN,
        f"{calibration.loss_at_temperature:.4f}" if bounded else UNKNOWN,
    )


def _sources(summary: Summary) -> Iterator[str]:
    trials = [trial for model in winners(summary) for trial in model.trials]
    for backbone in dict.fromkeys(trial.partition("/")[0] for trial in trials):
        source = summary.weights_source.get(backbone)
        origin = {
            WeightsSource.KERAS: "ImageNet weights as published by Keras",
            WeightsSource.RANDOM: "random weights: nothing was learned from ImageNet",
            WeightsSource.PLAIN_RANDOM: "random weights: nothing was learned from ImageNet",
            WeightsSource.UNKNOWN: "a file of unknown origin",
            None: "weights whose origin the run did not record",
        }[source]
        yield f"{backbone}: {origin} (SHA-256 `{summary.weights_sha256.get(backbone, UNKNOWN)}`)"
    data = summary.data
    yield f"Photos: {_safe(data.name)}, SHA-256 `{data.digest}`; seed {summary.seed}"
    versions = ", ".join(
        f"{_safe(name)} {_safe(value)}" for name, value in summary.versions.items()
    )
    yield f"Made with: {versions or 'versions not recorded'}"


def _limits(summary: Summary) -> Iterator[str]:
    data = summary.data
    yield (
        f"Every photo gets one of these {len(data.classes)} classes, whatever it shows: there is "
        'no "none of them".'
    )
    yield (
        "The test photos come from the same source as the training photos. Other cameras, places "
        "or times may do worse: measure it on yours before you rely on it."
    )
    yield (
        f"Photos become squares of {data.image_size} pixels, proportions not kept: what is lost "
        "there cannot be seen."
    )
    yield (
        "The scores are those of photos resized by Pillow, as in training and in `trainables "
        "predict`. The file resizes with Keras: answers can differ a little."
    )
    few = [
        _safe(name)
        for name, counts in zip(data.classes, data.per_class, strict=True)
        if counts.train < FEW
    ]
    if few:
        yield f"Fewer than {FEW} photos to learn from: {', '.join(few)}."
    if data.conflicts:
        yield f"{data.conflicts} groups of identical photos have more than one label."
    yield from summary.warnings


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _safe(text: object) -> str:
    """A name from outside, escaped for Markdown: one line, no markup."""
    line = clean(text)
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|!~&" else letter for letter in line)
