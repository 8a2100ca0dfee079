"""Writes the winners as Keras models: `models/<Backbone>.keras` and `models/ensemble.keras`.

    python -m trainables.finished.export RUN

Each takes uint8 RGB photos, [N, H, W, 3], and gives probabilities, [N, C]. The class names travel
in the file as `classes.json` (a `.keras` file is a zip); `models/manifest.json` has their SHA-256.
Load only models that you trust: `predict` does not load them, it rebuilds the network.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from results.ledger.files import file_sha256, whole_or_absent, write_json
from results.ledger.store import RunFolder
from search_spaces.refusals import Refusal


def export(folder: RunFolder) -> list[Path]:
    """Write the best trial of every backbone, and the ensemble; return the files.

    Raises:
        Refusal: the report is missing, weights cannot be trusted, or the disk is full.
    """
    from trainables.finished.rebuild import rebuilt

    run, summary = folder.read_run(), folder.read_summary()
    named = {one["name"]: [one["best"]["trial"]] for one in summary["backbones"] if one["best"]}
    if summary["ensemble"]:
        named["ensemble"] = summary["ensemble"]["members"]
    files = []
    for name, trials in named.items():
        target = folder.models / f"{name}.keras"
        save(rebuilt(folder, run, trials), target, run.data.classes)
        files.append(target)
    digests = {
        path.name: {"sha256": file_sha256(path), "trials": named[path.stem]} for path in files
    }
    write_json(folder.models / "manifest.json", digests)
    return files


def save(model: Any, target: Path, classes: tuple[str, ...]) -> None:
    """Write a model and the names of its classes as one file, whole or absent."""
    with whole_or_absent(target, suffix=".keras") as part:
        model.save(part)
        with zipfile.ZipFile(part, "a") as archive:
            archive.writestr("classes.json", json.dumps(list(classes), ensure_ascii=False))


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code."""
    from trainables.networks.devices import configure

    if len(arguments) != 1:
        print(
            "error: one run folder is needed: trainables.finished.export RUN.",
            file=sys.stderr,
        )
        return 2
    folder = RunFolder(Path(arguments[0]).absolute())
    try:
        configure(cpus=2, gpus=0, onednn=folder.read_run().settings.get("onednn"))

        from trainables.finished.board_results import draw_results

        export(folder)
        draw_results(folder)
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return refusal.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
