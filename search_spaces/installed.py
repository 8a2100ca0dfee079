"""Versions of installed libraries, without importing them."""

from __future__ import annotations

import importlib.metadata

from search_spaces.refusals import EnvironmentRefusal

_DISTRIBUTIONS = {
    "tensorflow": "tensorflow, or tensorflow-cpu where there is no GPU",
    "mlflow": "mlflow-skinny, or mlflow with its web pages",
}
"""What to install for a library, where that is not its name alone."""


def version_of(library: str) -> str:
    """The version of a library, whichever distribution brought it, `tensorflow-cpu` for one.

    Raises:
        EnvironmentRefusal: it is not installed.
    """
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        pass
    others = importlib.metadata.packages_distributions().get(library)  # takes its time
    if not others:
        raise EnvironmentRefusal(
            f"{library} is needed, and is not installed",
            fix=f"Type: pip install {_DISTRIBUTIONS.get(library, library)}.",
        )
    return importlib.metadata.version(others[0])
