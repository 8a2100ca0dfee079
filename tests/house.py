"""Reads our own source files: who imports whom, and how large and how typed things are.

The table is CONTRIBUTING.md's.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("search_spaces", "results", "trainables", "sweep")
OURS = (*ROOMS, "run_sweep", "transfer_sweep")

MAY_IMPORT = {
    "search_spaces": ("search_spaces",),
    "results": ("search_spaces", "results"),
    "trainables": (
        "search_spaces",
        "results.ledger",
        "results.scores.metrics",
        "results.scores.choosing",
        "trainables",
    ),
    "sweep": ("search_spaces", "results.ledger", "trainables", "sweep"),
    "run_sweep": ("search_spaces", "results", "sweep"),
    "transfer_sweep": (*ROOMS, "run_sweep"),
}
ROOMS_OF_LIBRARIES = {
    "tensorflow": ("trainables",),
    "keras": ("trainables",),
    "tensorboard": ("trainables",),
    "h5py": ("trainables",),
    "PIL": ("trainables", "results"),  # results: thumbnails
    "ray": ("sweep",),
    "optuna": ("sweep",),
    "mlflow": ("sweep",),
    "pyarrow": ("sweep",),  # storage
    "sqlalchemy": ("sweep",),  # Optuna's faults
    "scipy": ("results",),
    "cattrs": ("results",),
    "sklearn": ("results", "trainables"),  # trainables: the bundled digits
    "matplotlib": ("results",),
    "platformdirs": ("search_spaces",),
    "requests": ("trainables",),
    "urllib3": ("trainables",),  # below requests
    "numpy": ("results", "trainables", "sweep"),
    "jinja2": ("results",),
    "markupsafe": ("results",),
    "rich": ("results", "sweep", "run_sweep"),
}
READ_FINISHED_RUNS = "trainables/finished/"
"""May read the summary as well."""
FRONT_DOOR = "sweep/notebook.py"
"""Opens what it ran."""
RAY_TASK = "sweep/process/worker.py"
DIGITS = "trainables/photos/digits.py"
MAY_PRINT = (
    "run_sweep.py",
    "transfer_sweep.py",
    "results/__main__.py",
    "trainables/__main__.py",
)
"""What is run with `python -m`."""
MAY_LOG_TO = ("run_sweep.py",)

MOST_LINES_FILE = 300
MOST_LINES_FUNCTION = 60
LONGER_FILES: dict[str, str] = {}
"""Files that may be longer, and why."""

EAGER, DELAYED, TYPING = "eager", "delayed", "typing"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One imported name, `from a.b import c` as `a.b.c`, and when it is imported."""

    name: str
    when: str


class _Imports(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[Import] = []
        self._when = EAGER

    def visit_Import(self, node: ast.Import) -> None:
        self.found += [Import(alias.name, self._when) for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        start = "." * node.level + (node.module or "")
        self.found += [Import(f"{start}.{alias.name}", self._when) for alias in node.names]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._inside(DELAYED, node)

    def visit_If(self, node: ast.If) -> None:
        self._inside(TYPING if "TYPE_CHECKING" in ast.unparse(node.test) else self._when, node)

    def _inside(self, when: str, node: ast.AST) -> None:
        before, self._when = self._when, when
        self.generic_visit(node)
        self._when = before


def sources() -> Iterator[tuple[str, str]]:
    """Path and text of every file of ours."""
    for path in [
        ROOT / "run_sweep.py",
        ROOT / "transfer_sweep.py",
        *(ROOT / room for room in ROOMS),
    ]:
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            yield str(file.relative_to(ROOT)), file.read_text()


def imports(text: str) -> list[Import]:
    visitor = _Imports()
    visitor.visit(ast.parse(text))
    return visitor.found


def complaints(path: str, text: str) -> Iterator[str]:
    """Everything that a file of ours must not do."""
    for one in imports(text):
        yield from _of_import(path, one)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            yield from _of_function(path, node)
        if isinstance(node, ast.Call):
            yield from _of_call(path, ast.unparse(node.func))
    if len(text.splitlines()) > MOST_LINES_FILE and path not in LONGER_FILES:
        yield f"{path} has {len(text.splitlines())} lines"


def _of_import(path: str, one: Import) -> Iterator[str]:
    room = path.split("/")[0].removesuffix(".py")
    top = one.name.split(".")[0]
    if top in OURS:
        reads_runs = path.startswith(READ_FINISHED_RUNS)
        more = ("results.scores",) if reads_runs else ()
        opens_runs = ("results.notebook",) if path == FRONT_DOOR else ()
        allowed = (*MAY_IMPORT[room], *more, *opens_runs)
        if not any(f"{one.name}.".startswith(f"{name}.") for name in allowed):
            yield f"{path} imports {one.name}"
        late = one.when == TYPING or (one.when == DELAYED and path == RAY_TASK)
        if room == "sweep" and top == "trainables" and not late:
            yield f"{path} imports {one.name} {one.when}"
    elif top not in sys.stdlib_module_names:
        if room not in ROOMS_OF_LIBRARIES.get(top, ()):
            yield f"{path} imports {one.name}"
        if top == "sklearn" and room == "trainables" and (path, one.when) != (DIGITS, DELAYED):
            yield f"{path} imports {one.name} {one.when}"


def _of_function(path: str, node: Function) -> Iterator[str]:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > MOST_LINES_FUNCTION:
        yield f"{path}: {node.name} has {lines} lines"
    given = node.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    bare = [
        one.arg
        for one in named
        if one is not None and one.annotation is None and one.arg not in ("self", "cls")
    ]
    if bare or node.returns is None:
        yield f"{path}: {node.name} is not annotated: {', '.join(bare) or 'return'}"


def _of_call(path: str, called: str) -> Iterator[str]:
    name = called.rsplit(".", 1)[-1]
    if called == "print" and path not in MAY_PRINT:
        yield f"{path} prints"
    if name in ("basicConfig", "addHandler", "dictConfig") and path not in MAY_LOG_TO:
        yield f"{path} configures logging"
    if name in ("__import__", "import_module"):
        yield f"{path} imports what this test cannot see"


def cycle(edges: dict[str, set[str]]) -> list[str]:
    """A way from a module back to itself, or nothing."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for other in sorted(edges.get(module, ())):
            if found := walk(other, [*way, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(edges) if (found := walk(module, []))), [])


def module_edges(files: dict[str, str]) -> dict[str, set[str]]:
    """Which module of ours imports which, at whatever time, for types too."""
    modules = {path.removesuffix(".py").replace("/", "."): text for path, text in files.items()}
    return {
        module: {
            name
            for one in imports(text)
            for name in (one.name, one.name.rpartition(".")[0])
            if name in modules
        }
        for module, text in modules.items()
    }
