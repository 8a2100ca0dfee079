"""Every disk operation of a sweep fails once: as a kill, as a full disk, as a broken one.

After each, the sweep is resumed on a sound disk and must come out like one that met no fault; a
failing disk must have ended it with one line and exit code 4.
"""

from __future__ import annotations

import random
import signal

from results.ledger.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from tests.crash.driver import command, forked
from tests.crash.faulty_disk import KILL, KINDS, FaultyDisk
from tests.crash.place import TINY, Place, content, differences, litter, place
from tests.crash.row import Row
from tests.crash.runner import Local

PARTS = 20
"""Into which the whole is divided."""


def faults(seed: int, most: int | None = None, part: int | None = None) -> Row:
    """Let every event of a sweep fail in every way.

    Args:
        most: of all events so many, chosen by the seed; None for all.
        part: one of `PARTS`, from 0; None for all.
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
        for number, kind in cases if part is None else cases[part::PARTS]:
            _one(where, number, kind, reference, row)
    row.notes["operations in a sweep"] = str(events)
    return row


def _faulty(where: Place, run: RunFolder, disk: FaultyDisk) -> int:
    words = where.typed(run, at_once=1)
    notes = where.root / "events"
    notes.unlink(missing_ok=True)

    def start() -> int:
        handle = notes.open("w")
        disk.told = lambda what: print(what, file=handle, flush=True)
        disk.install()
        code = command(words, Local(where.journal))
        print(disk.events, file=handle, flush=True)
        return code

    return forked(start, where.told).wait()


def _count(where: Place, row: Row) -> int:
    run = where.run("reference")
    code = _faulty(where, run, FaultyDisk(str(run.root.parent)))
    if code:
        row.fault("resumes that failed", f"the sound disk: {code}, {where.told.read_text()}")
    run.read_run(), run.read_split(), run.records()
    return int((where.root / "events").read_text())


def _one(where: Place, number: int, kind: str, reference: dict[str, bytes], row: Row) -> None:
    run = where.run(f"fault-{number}-{kind}")
    code = _faulty(where, run, FaultyDisk(str(run.root.parent), number, kind))
    event = f"{kind} at {number}: {(where.root / 'events').read_text().strip()}"
    told = where.told.read_text()
    if code not in ((-signal.SIGKILL,) if kind == KILL else (0, 4)) or not _is_plain(told, code):
        row.fault("ends that were not one line and code 4", f"{event}: {code}, {told}")
    if fault := where.finish(run, at_once=1):
        row.fault("resumes that failed", f"{event}: {fault}")
    elif changed := differences(run, reference):
        row.fault("sweeps that came out differently", f"{event}: {', '.join(changed[:3])}")
    if left := litter(run):
        row.fault("parts of files left", f"{event}: {', '.join(left)}")
    row.count += 1
    where.forget(run)


def _is_plain(told: str, code: int) -> bool:
    """One line for a refusal; none where the fault was got over, or at a kill."""
    if code != EnvironmentRefusal.exit_code:
        return told == ""
    return told.startswith("error: ") and told.count("\n") == 1 and "unexpected" not in told
