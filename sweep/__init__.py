"""Who runs, and when: Ray Tune's pool of trials, Optuna's studies, and the story's stages.

`from sweep import run` trains a sweep from a notebook: `sweep.notebook`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweep.notebook import run as run
else:

    def __getattr__(name: str) -> object:
        """`run`, imported when it is asked for."""
        if name != "run":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from sweep.notebook import run

        return run
