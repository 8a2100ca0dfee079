"""Every disk operation of a sweep fails once: as a kill, as a full disk, as a broken one.

After each, the sweep is resumed on a sound disk and must come out like one that met no fault; a
failing disk must have ended it with one line and exit code 4.
"""

from __future__ import annotations

import random
import signal

from results.ledger.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from tests.crash.driver import command, forked, inside
from tests.crash.faulty_disk import FULL, KILL, KINDS, FaultyDisk
from tests.crash.place import TINY, Place, content, differences, litter, place
from tests.crash.row import Row
from tests.crash.runner import Local

PARTS = 20
"""Into which the whole is divided."""


def faults(seed: int, most: int | None = None, part: int | None = None, parts: int = PARTS) -> Row:
    """Let every event of a sweep fail in every way.

    Args:
        most: of all events so many, chosen by the seed; None for all.
        part: one of `parts`, from 0; None for all.
    """
    row = Row("the Nth open, write, fsync or rename fails, for every N", "faults", seed)
    row.must_not("sweeps that came out differently", "ends that were not one line and code 4")
    row.must_not("resumes that failed", "parts of files left")
    with place(TINY) as where:
        events = _count(where, row)
        reference = content(where.run("reference"))
        cases = [(number, kind) for number in range(1, events + 1) for kind in KINDS]
        if most is not None:
            cases = sorted(random.Random(seed).sample(cases, min(most, len(cases))))
        for number, kind in cases if part is None else cases[part::parts]:
            _one(where, number, kind, reference, row)
    row.notes["operations in a sweep"] = str(events)
    return row


def _faulty(where: Place, run: RunFolder, disk: FaultyDisk) -> tuple[int, str]:
    """Start a sweep on such a disk; its exit code and stderr."""
    words, local = where.typed(run, at_once=1), Local(where.journal)
    if disk.kind != KILL:
        with disk.installed():
            return inside(words, local)

    def start() -> int:
        with disk.installed():
            return command(words, local)

    code = forked(start, where.told).wait()
    return code, where.told.read_text()


def _count(where: Place, row: Row) -> int:
    run, disk = where.run("reference"), FaultyDisk(str(where.root / "reference"), kind=FULL)
    if (ended := _faulty(where, run, disk)) != (0, ""):
        row.fault("resumes that failed", f"the sound disk: {ended}")
    return disk.events


def _one(where: Place, number: int, kind: str, reference: dict[str, bytes], row: Row) -> None:
    run, event = where.run(f"fault-{number}-{kind}"), where.root / "event"
    event.unlink(missing_ok=True)
    disk = FaultyDisk(str(run.root.parent), number, kind, told=event)
    code, told = _faulty(where, run, disk)
    what = f"{kind} at {number}: {event.read_text() if event.exists() else 'it never came'}"
    if code not in ((-signal.SIGKILL,) if kind == KILL else (0, 4)) or not _is_plain(told, code):
        row.fault("ends that were not one line and code 4", f"{what}: {code}, {told}")
    if (ended := inside(where.typed(run, at_once=1), Local(where.journal))) != (0, ""):
        row.fault("resumes that failed", f"{what}: {ended}")
    elif changed := differences(run, reference):
        row.fault("sweeps that came out differently", f"{what}: {', '.join(changed[:3])}")
    if left := litter(run):
        row.fault("parts of files left", f"{what}: {', '.join(left)}")
    row.count += 1
    where.forget(run)


def _is_plain(told: str, code: int) -> bool:
    """One line for a refusal; none where the fault was got over, or at a kill."""
    if code != EnvironmentRefusal.exit_code:
        return told == ""
    return told.startswith("error: ") and told.count("\n") == 1 and "unexpected" not in told
