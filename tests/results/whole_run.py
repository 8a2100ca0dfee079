"""A run with a file of every kind, read as anything reads it; and a flipped bit."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from results.ledger.files import write_json, write_text
from results.ledger.manifest import write_manifest
from results.ledger.runs import MeasuredCharacteristics
from results.ledger.serialise import to_json
from results.ledger.store import RunFolder
from results.ledger.thumbnails import read_thumbnails, write_thumbnails
from results.scores.evidence import read_evidence
from results.scores.summary import read_summary, summarise
from search_spaces.config import TrialId
from tests.results.helpers import Trial, make_run, shares

TRIAL = "VGG16/t01"
_ROW = MeasuredCharacteristics("VGG16", 75, "cpu", 32, 1.0, 1.0, 1, 1, 1, 1, 1.0, 1.0)


def whole_run(root: Path) -> RunFolder:
    """A run with a file of every kind."""
    trials = (Trial("VGG16", 0), Trial("VGG16", 1), Trial("Xception", 0, "failed"))
    few = {"train": 6, "validation": 4, "test": 16}
    folder = make_run(root, trials, sizes=few, importances={"VGG16": shares(optimizer=1.0)})
    folder.write_characteristics([_ROW])
    folder.write_warm_start({"runs/earlier": folder.records()})
    folder.write_left_out([TrialId("VGG16", 9)])
    write_thumbnails(folder, {3: np.full((64, 64, 3), 7, np.uint8)})
    write_json(folder.summary_json, to_json(summarise(folder)))
    write_text(folder.report_html, "<p>a report</p>")
    table = folder.report / "tables/trials.csv"
    write_text(table, "trial\n")
    write_manifest(folder.report_json, [folder.report_html, table])
    folder.models.mkdir()
    (folder.models / "VGG16.keras").write_bytes(b"a model" * 100)
    write_text(folder.model_card, "# Models\n")
    write_manifest(folder.models_json, [folder.models / "VGG16.keras", folder.model_card])
    return folder


def read_all(folder: RunFolder) -> None:
    """Read whatever anything reads back from a run."""
    evidence = read_evidence(folder)
    folder.read_importances()
    folder.read_characteristics()
    folder.read_warm_start()
    read_thumbnails(folder)
    read_summary(folder)
    for record in evidence.records:
        folder.read_suggestion(record.trial)
        if record.has_scores:
            evidence.predictions(record.trial)
            folder.open_sealed_test(record.trial)
            folder.read_weights(record)


def flip(path: Path, bits: random.Random) -> bytes:
    """Flip one bit; return what the file was."""
    before = path.read_bytes()
    content = bytearray(before)
    content[bits.randrange(len(content))] ^= 1 << bits.randrange(8)
    path.write_bytes(content)
    return before
