"""`--storage` while a sweep runs: brings a run back before it, copies trials as they end.

with kept(storage_of(folder, "s3://bucket/runs")) as finished:
    finished("Xception/t07")
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from results.ledger.store import RunFolder
from sweep.storage import Storage, opened

_LOG = logging.getLogger(__name__)


def storage_of(folder: RunFolder, typed: str | None) -> Storage | None:
    """The storage that was asked for.

    Raises:
        UsageRefusal: there is no such kind of storage.
    """
    return Storage(folder, *opened(typed)) if typed else None


def fetch_missing(folder: RunFolder, storage: Storage) -> None:
    """Bring a run back that is not here any more; one that is here must not be behind its copy.

    Raises:
        Refusal: see `Storage.fetch` and `Storage.refuse_ahead`.
    """
    if folder.exists():
        storage.refuse_ahead()
    else:
        try:
            with folder.locked():
                storage.fetch()
        finally:
            folder.discard_unstarted()


@contextmanager
def kept(storage: Storage | None) -> Iterator[Callable[[str], None]]:
    """Keep a run for the time of the block; yields what takes the name of a finished trial.

    Trials are copied by a thread, so that none waits for it; a fault there waits for the end, when
    whatever is missing is copied.

    Raises:
        EnvironmentRefusal: at the start or at the end, the storage cannot be reached.
    """
    if storage is None:
        yield lambda _: None
        return
    storage.keep_all(derived=False)
    with ThreadPoolExecutor(1) as thread:

        def finished(trial: str) -> None:
            thread.submit(storage.keep_trial, trial).add_done_callback(_logged)

        yield finished
    storage.keep_all()


def _logged(done: Future[None]) -> None:
    if fault := done.exception():
        _LOG.warning("a trial was not copied: %s", fault)
