"""Labels and files with names that nobody should have, under settings of all kinds, through the
whole command: the report, its tables and page, and the card of the models.

What a start accepts must come to a report: no traceback, nothing of a name taken as markup, every
class in the tables as it was.
"""

from __future__ import annotations

import csv
import io
import random
import re
import shutil
from html.parser import HTMLParser

from results.ledger.store import RunFolder
from results.ledger.units import clean
from results.ledger.verify import verify
from results.scores.summary import read_summary
from tests.crash.driver import inside, whole_command
from tests.crash.place import WHOLE, Place, place
from tests.crash.row import Row
from tests.crash.runner import Reportable
from tests.trainables.photo_trees import classes, tree
from trainables.finished.card import card

NAMES = (
    *("<b>bold", "<script>alert(1)<", "<img src=x onerror=alert(1)>", "'\"><svg onload=x>"),
    *("{{7*7}}", "{% raw %}", "%s{0}", "$(reboot)", "`id`", "[red]", "[red", "[link=x]y"),
    *("\x1b[31mred", "bell\x07", "back\x08space", "del\x7f", "car\riage", "cat\nnip", "a\tb"),
    *(
        "\u202egnp.exe",
        "שלום עולם",
        "مرحبا",
        "\u2028line",
        "zero\u200bwidth",
        "🐈\u200d⬛",
        "👨‍👩‍👧",
    ),
    *("e\u0301clair", "\u00e9clair", "ﷺ" * 80, "a" * 200, "W" * 255, "кот", "猫"),
    *("=1+1", "@SUM(A1)", "-rf", "--help", "a,b;c", 'say "hi"', "it's", "back\\slash", "#hash"),
    *(
        "NaN",
        "None",
        "null",
        "0",
        "1e5",
        "True",
        "class",
        "trial",
        "con",
        " lead",
        "trail ",
        "~",
        "*",
    ),
)
"""Of classes and of files; none has a slash or is hidden."""

_SETTINGS = {
    "--metric": ("balanced_accuracy", "macro_f1", "auc", "log_loss"),
    "--class-weights": ("balanced",),
    "--early-stopping": ("asha",),
    "--duplicates": ("ignore", "drop"),
    "--confirm": ("0", "2", "5"),
    "--space": ("quick", "wide", "paper"),
    "--precision": ("mixed_bfloat16",),
    "--batch-size": ("1", "4096"),
    "--seed": ("0", "999999999"),
    "--max-disk": ("1GB",),
}


def odd_names(seed: int, count: int) -> Row:
    """Run so many sweeps to their end, each of a few classes and files that are called so."""
    row = Row("labels and files with hostile names, through the whole command", "sweeps", seed)
    row.must_not(
        "tracebacks or wrong refusals", "names taken as markup", "names that came out differently"
    )
    choices, names = random.Random(seed), set[str]()
    with place(WHOLE) as where:
        for number in range(count):
            labels = choices.sample(NAMES, choices.choice((2, 3)))
            names.update(labels)
            run = where.run(f"{number} {clean(choices.choice(NAMES))[:60]}")
            code, told, out = _sweep(where, run, labels, choices)
            if (code, told) != (0, ""):
                row.fault("tracebacks or wrong refusals", f"{labels}: {code}, {told}")
            else:
                _judge(run, labels, out, row)
            shutil.rmtree(run.root.parent, ignore_errors=True)
            row.count += 1
    row.sums["names"] = len(names)
    return row


def _sweep(
    where: Place, run: RunFolder, labels: list[str], choices: random.Random
) -> tuple[int, str, str]:
    photos = run.root.parent / "photos"
    files: dict[str, bytes] = {}
    for path, content in classes(*labels, each=5).items():
        label = path.split("/")[0]
        files[f"{label}/{choices.choice(NAMES)[:80]} {len(files)}.png"] = content
    photos.mkdir(parents=True)
    tree(photos, files)
    typed = where.typed(run)
    typed[typed.index("--data") + 1] = str(photos)
    out = io.StringIO()
    flags = choices.sample(sorted(_SETTINGS), choices.randrange(4))
    more = [word for flag in flags for word in (flag, choices.choice(_SETTINGS[flag]))]
    words = [*typed, *more, "--tables", "all"]
    code, told = inside(words, Reportable(where.journal), out=out, run=whole_command)
    return code, told, out.getvalue()


def _judge(run: RunFolder, labels: list[str], out: str, row: Row) -> None:
    summary = read_summary(run)
    if set(summary.data.classes) != set(labels):
        row.fault("names that came out differently", f"{labels}: {summary.data.classes}")
    if "Traceback" in out or any(ord(letter) < 32 and letter != "\n" for letter in out):
        row.fault("names taken as markup", f"{labels}: in what was printed")
    page = _Page()
    page.feed(run.report_html.read_text())
    if page.strange:
        row.fault("names taken as markup", f"{labels}: {page.strange}")
    for table in sorted((run.report / "tables").glob("*.csv")):
        with table.open(newline="") as file:
            header, *rows = csv.reader(file)
        if any(len(cells) != len(header) for cells in rows):
            row.fault("names taken as markup", f"{labels}: {table.name}")
    text = card(summary, {"VGG16.keras": "0" * 64})
    if re.search(r"(?<!\\)<(script|img|svg|b)", text):
        row.fault("names taken as markup", f"{labels}: the card")
    if faults := verify(run).faults:
        row.fault("tracebacks or wrong refusals", f"{labels}: {faults[0]}")


class _Page(HTMLParser):
    """Finds elements and attributes that only a name can have brought."""

    def __init__(self) -> None:
        super().__init__()
        self.strange: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if any(name.startswith("on") for name, _ in attrs):
            self.strange.append(f"<{tag} {attrs}>"[:200])

    def handle_data(self, data: str) -> None:
        if self.lasttag in ("script", "b") and ("alert(1)" in data or data.startswith("bold")):
            self.strange.append(data[:200])
