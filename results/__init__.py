"""What came out: records, the run folder, and every number, table and page made of them.

`results.open_run(path)` opens a run in a notebook: `results.notebook`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.notebook import open_run as open_run
else:

    def __getattr__(name: str) -> object:
        """`open_run`, imported when it is asked for: it needs most of this room."""
        if name != "open_run":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from results.notebook import open_run

        return open_run
