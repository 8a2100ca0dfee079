"""No inode or no descriptor is left: at some moment of a sweep the system gives no more of them.

A disk of so many inodes is a `tmpfs` of its own, which takes the right to mount; without it those
cases are left out, and the row says so. It grows before the sweep goes on.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from results.ledger.store import RunFolder
from tests.crash.driver import forked, inside, whole_command
from tests.crash.place import WHOLE, Place, content, differences, litter, place
from tests.crash.row import Row
from tests.crash.runner import Reportable

_MOST_DESCRIPTORS = 8
"""More than the driver has open at a time beyond those that it starts with."""


def limits(seed: int, count: int) -> Row:
    """Run so many sweeps into one of the two limits, and then to their end without it."""
    row = Row("no inode or no descriptor is left, through the whole command", "limits", seed)
    row.must_not("ends that were not one line and code 4", "resumes that failed")
    row.must_not("sweeps that came out differently", "parts of files left")
    choices = random.Random(seed)
    with place(WHOLE) as where:
        reference, needed = _unlimited(where, row)
        for number in range(count):
            run = where.run(f"limit-{number}")
            if number % 2 or needed is None:
                _descriptors(where, run, choices.randrange(_MOST_DESCRIPTORS), row)
                _judge(where, run, reference, row)
            else:
                with _disk(run.root.parent, choices.randrange(2, needed)) as disk:
                    _inodes(where, run, disk, row)
                    _judge(where, run, reference, row)
            where.forget(run)
            row.count += 1
    row.notes["inodes that a sweep needs"] = "no right to mount" if needed is None else str(needed)
    return row


def _unlimited(where: Place, row: Row) -> tuple[dict[str, bytes], int | None]:
    """What a sweep comes to, and the inodes that it takes; None where nothing can be mounted."""
    run = where.run("reference")
    if not _may_mount(where.root):
        _finish(where, run, "the reference", row)
        return content(run), None
    with _disk(run.root.parent, 0) as disk:
        _finish(where, run, "the reference", row)
        return content(run), sum(1 for _ in disk.rglob("*")) + 1


def _may_mount(root: Path) -> bool:
    try:
        with _disk(root / "trial", 10):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def _disk(folder: Path, inodes: int) -> Iterator[Path]:
    """A file system in memory with so many inodes; 0 for any number."""
    folder.mkdir()
    kind = ["-t", "tmpfs", "-o", f"mode=700,nr_inodes={inodes}", "tmpfs"]
    subprocess.run(["mount", *kind, str(folder)], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _inodes(where: Place, run: RunFolder, disk: Path, row: Row) -> None:
    _limited(where, run, f"{os.statvfs(disk).f_files} inodes", row)
    subprocess.run(["mount", "-o", "remount,nr_inodes=0", str(disk)], check=True)


def _descriptors(where: Place, run: RunFolder, more: int, row: Row) -> None:
    _limited(where, run, f"{more} more descriptors", row, descriptors=more)


def _limited(
    where: Place, run: RunFolder, what: str, row: Row, descriptors: int | None = None
) -> None:
    words, local = where.typed(run), Reportable(where.journal)

    def start() -> int:
        if descriptors is not None:
            _allow(descriptors)
        return whole_command(words, local)

    code = forked(start, where.told).wait()
    told = where.told.read_text()
    is_named = code == 4 and told.count("\n") == 1 and re.match("error: .*(inodes|ulimit)", told)
    if not is_named and (code, told) != (0, ""):
        row.fault("ends that were not one line and code 4", f"{what}: {code}, {told}")
    row.sums["met"] += code == 4


def _allow(more: int) -> None:
    """Let this process have so many descriptors on top of those it has; their numbers have gaps."""
    taken = {int(path.name) for path in Path("/dev/fd").iterdir()}
    free = (number for number in itertools.count() if number not in taken)
    most = next(itertools.islice(free, more, None))
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _judge(where: Place, run: RunFolder, reference: dict[str, bytes], row: Row) -> None:
    what = where.told.read_text()
    _finish(where, run, what, row)
    if changed := differences(run, reference):
        row.fault("sweeps that came out differently", f"{what}: {', '.join(changed[:3])}")
    if left := litter(run):
        row.fault("parts of files left", f"{what}: {left[0]}")


def _finish(where: Place, run: RunFolder, what: str, row: Row) -> None:
    words, local = where.typed(run), Reportable(where.journal)
    if (ended := inside(words, local, run=whole_command)) != (0, ""):
        row.fault("resumes that failed", f"{what}: {ended}")
