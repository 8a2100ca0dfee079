"""Versions of installed libraries, without importing them."""

from __future__ import annotations

import importlib.metadata
import platform

from search_spaces.refusals import EnvironmentRefusal

_DISTRIBUTIONS = {
    "tensorflow": "tensorflow, or tensorflow-cpu where there is no GPU",
    "mlflow": "mlflow-skinny, or mlflow with its web pages",
}
"""What to install for a library, where that is not its name alone."""


_RECORDED = ("tensorflow", "keras", "ray", "optuna", "numpy", "h5py", "pillow", "scikit-learn")


def versions() -> dict[str, str]:
    """Of Python and of the libraries that a run records, as `version_of` finds them."""
    libraries = {name: version_of(name) for name in _RECORDED}
    return {"python": platform.python_version(), **libraries}


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
