"""The list of trials, and every byte of theirs, is the same however trials overlap and end.

What it may depend on is how many trials at a time the run was started with.
"""

from __future__ import annotations

import random

from tests.crash.place import SMALL, content, differences, place
from tests.crash.row import Row
from tests.crash.runner import Local


def orders(seed: int, runs: int, concurrencies: tuple[int, ...] = (1, 2, 8)) -> Row:
    """Run a sweep so many times at each concurrency, its trials ending in another order."""
    row = Row("a sweep with so many trials at a time, ending in a random order", "sweeps", seed)
    row.must_not("sweeps that came out differently", "ends that were not clean")
    choices, lists = random.Random(seed), set()
    with place(SMALL) as where:
        for at_once in concurrencies:
            reference = where.run(f"reference-{at_once}")
            where.finish(reference, at_once=at_once)
            expected = content(reference)
            lists.add(tuple(expected.items()))
            for number in range(runs):
                run = where.run(f"order-{at_once}-{number}")
                local = Local(
                    where.journal,
                    order=choices.randrange(2**32),
                    processes=choices.random() < 0.5,
                )
                if fault := where.finish(run, local, at_once=at_once):
                    row.fault("ends that were not clean", fault)
                if changed := differences(run, expected):
                    row.fault("sweeps that came out differently", ", ".join(changed[:3]))
                row.count += 1
                where.forget(run)
    row.notes["at a time"] = ", ".join(map(str, concurrencies))
    row.notes["different lists of trials"] = str(len(lists))
    return row
