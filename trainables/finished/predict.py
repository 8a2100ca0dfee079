"""What the winner says of new photos.

    python -m trainables.finished.predict RUN PHOTO|FOLDER... [--csv FILE] [--trial Xception/t07]

The run's ensemble answers, or its best trial where there is no ensemble. Photos are decoded by the
decoder that training used. A file that is no photo is named on stderr and skipped.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from results.ledger.files import write_text
from results.ledger.store import RunFolder
from search_spaces.refusals import DataRefusal, Refusal
from trainables.photos.decoding import SUFFIXES, Undecodable, decode
from trainables.photos.listing import safe_name

BATCH = 32
SOME_SKIPPED = 3


@dataclass(frozen=True)
class Answer:
    """A photo's most probable class and the probability of every class, in the classes' order."""

    file: Path
    predicted: str
    probabilities: tuple[float, ...]

    @property
    def probability(self) -> float:
        return max(self.probabilities)

    @property
    def name(self) -> str:
        """The file as any writer accepts it."""
        return safe_name(str(self.file))

    def __str__(self) -> str:
        return f"{self.name}\t{self.predicted}\t{self.probability:.4f}"


def winner(folder: RunFolder) -> tuple[str, ...]:
    """The trials that answer: the ensemble's members, or the best trial by validation.

    Raises:
        Refusal: the run has no report yet, or no trial with scores.
    """
    summary = folder.read_summary()
    if summary["ensemble"]:
        return tuple(summary["ensemble"]["members"])
    best = [one["best"] for one in summary["backbones"] if one["best"]]
    if not best:
        raise DataRefusal("no trial of this run has weights", where=str(folder.root))
    ranked = sorted(best, key=lambda one: -one["validation_accuracy"])
    return (ranked[0]["trial"],)


def photo_files(paths: Sequence[Path]) -> list[Path]:
    """The files named, and every photo below the folders named, sorted.

    Raises:
        DataRefusal: a path does not exist, or there is no photo at all.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = (one for one in path.rglob("*") if one.suffix.lower() in SUFFIXES)
            found.extend(sorted(one for one in below if one.is_file()))
        elif path.is_file():
            found.append(path)
        else:
            raise DataRefusal("there is no such photo or folder", where=safe_name(str(path)))
    if not found:
        raise DataRefusal(
            "there are no photos", where=", ".join(safe_name(str(path)) for path in paths)
        )
    return found


def predict(
    model: Any, files: Sequence[Path], classes: tuple[str, ...], *, size: int
) -> Iterator[Answer | tuple[Path, str]]:
    """Answer for each file in order; one that cannot be decoded gives its path and the reason."""
    for start in range(0, len(files), BATCH):
        decoded: dict[Path, Any] = {}
        bad: dict[Path, str] = {}
        for file in files[start : start + BATCH]:
            try:
                decoded[file] = decode(file.read_bytes(), size)
            except (Undecodable, OSError) as fault:
                bad[file] = str(fault)
        rows = model.predict_on_batch(np.stack(list(decoded.values()))) if decoded else []
        answers = dict(zip(decoded, rows, strict=True))
        for file in files[start : start + BATCH]:
            if file in bad:
                yield file, bad[file]
            else:
                row = answers[file]
                yield Answer(file, classes[int(row.argmax())], tuple(float(one) for one in row))


def main(words: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    arguments = _parser().parse_args(words)
    try:
        return _run(arguments)
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return refusal.exit_code


def _run(arguments: argparse.Namespace) -> int:
    folder = RunFolder(arguments.run.absolute())
    run = folder.read_run()
    trials = (arguments.trial,) if arguments.trial else winner(folder)
    files = photo_files(arguments.photos)

    from trainables.networks.devices import configure

    configure(cpus=2, gpus=0, onednn=run.settings.get("onednn"))

    from trainables.finished.rebuild import rebuilt

    model = rebuilt(folder, run, trials)
    answers, skipped = [], 0
    for one in predict(model, files, run.data.classes, size=run.data.image_size):
        if isinstance(one, Answer):
            answers.append(one)
            print(one)
        else:
            skipped += 1
            print(f"skipped: {safe_name(str(one[0]))}: {safe_name(one[1])}", file=sys.stderr)
    if arguments.csv:
        write_text(arguments.csv, as_csv(answers, run.data.classes))
    return SOME_SKIPPED if skipped else 0


def as_csv(answers: Sequence[Answer], classes: tuple[str, ...]) -> str:
    """Every class's probability per photo, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "class", "probability", *classes])
    for one in answers:
        numbers = [f"{value:.6f}" for value in (one.probability, *one.probabilities)]
        writer.writerow([one.name, one.predicted, *numbers])
    return text.getvalue()


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m trainables.finished.predict",
        description="What a run's winner says of photos.",
    )
    top.add_argument("run", type=Path, metavar="RUN")
    top.add_argument("photos", type=Path, nargs="+", metavar="PHOTO|FOLDER")
    top.add_argument("--csv", type=Path, metavar="FILE", help="every class's probability per photo")
    top.add_argument("--trial", metavar="NAME", help="answer by one trial, such as Xception/t07")
    return top


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
