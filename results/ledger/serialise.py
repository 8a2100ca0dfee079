"""Frozen dataclasses as JSON values and back, by their declared types.

    write_json(path, to_json(record))
    record = from_json(TrialRecord, read_json(path))
    settings = read_as(Settings, path, "file", fix="Remove it.")      a refusal where it is not

A key that the type does not declare, or a missing one without a default, is an error; so records
from before a field was added are read with its default. Tuples come back as tuples. Arrays are not
written as JSON: see `results.ledger.arrays`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from cattrs import Converter
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from results.ledger.files import read_json
from search_spaces.config import TrialId
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal

_T = TypeVar("_T")


def to_json(value: Any) -> Any:
    """The value as dictionaries, lists, strings and numbers, in the order of its fields."""
    return _CONVERTER.unstructure(value)


def from_json(kind: type[_T], document: Any) -> _T:
    """Read what `to_json` gave.

    Raises:
        ValueError: the document is not that of a `kind`.
        Refusal: it is, but the value is refused by its own type.
    """
    try:
        return _CONVERTER.structure(document, kind)
    except (ForbiddenExtraKeysError, AttributeError, KeyError, TypeError, ValueError) as fault:
        reason = f"it has no {fault.args[0]}" if isinstance(fault, KeyError) else str(fault)
        raise ValueError(f"no {kind.__name__}: {reason}") from fault


def read_as(kind: type[_T], path: Path, what: str, *, fix: str) -> _T:
    """Read a JSON file of ours as a `kind`.

    Args:
        what: the file is called in the refusal.

    Raises:
        EnvironmentRefusal: it is missing, damaged, or of another version.
    """
    return taken_as(kind, read_json(path, fix=fix), path, what, fix=fix)


def taken_as(kind: type[_T], document: Any, path: Path, what: str, *, fix: str) -> _T:
    """The same of a document, or a part of it, that was read from there."""
    try:
        return from_json(kind, document)
    except (ValueError, UsageRefusal) as fault:
        raise other_version(what, path, fix) from fault


def other_version(what: str, path: Path, fix: str) -> EnvironmentRefusal:
    """The refusal of a file whose digest is right and whose content is not what is read."""
    return EnvironmentRefusal(
        f"this {what} was written by another version, or is damaged", where=str(path), fix=fix
    )


def _strictly(*allowed: type) -> Any:
    """Take a JSON value of one of these types as it is, where cattrs would turn 3 into "3"."""

    def structure(value: Any, _: type) -> Any:
        if type(value) not in allowed:
            raise TypeError(f"{allowed[-1].__name__} is needed, got {value!r}")
        return value

    return structure


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=False)
    for kind, allowed in ((str, (str,)), (bool, (bool,)), (int, (int,)), (float, (int, float))):
        converter.register_structure_hook(kind, _strictly(*allowed))
    # Otherwise the hook of `str`, of which these are subclasses, would take any text.
    converter.register_structure_hook(StrEnum, lambda value, kind: kind(value))
    converter.register_unstructure_hook(TrialId, lambda trial: trial.name)
    converter.register_structure_hook(TrialId, lambda name, _: TrialId.parse(name))
    converter.register_structure_hook_factory(_is_series, _series_reader)
    # Such a type has a name that follows from its fields; the file says it for whoever reads it.
    converter.register_unstructure_hook_factory(_is_named, _named_writer)
    converter.register_structure_hook_factory(_is_named, _named_reader)
    return converter


def _is_series(kind: Any) -> bool:
    """Whether a type is `tuple[T, ...]`."""
    return get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis


def _series_reader(kind: Any, converter: Converter) -> Any:
    """Take a list alone, where cattrs would take a text for its letters, an object for its keys."""
    of_one = get_args(kind)[0]

    def read(values: Any, _: type) -> tuple[Any, ...]:
        if not isinstance(values, list | tuple):
            raise TypeError(f"a list is needed, got {values!r}")
        return tuple(converter.structure(value, of_one) for value in values)

    return read


def _is_named(kind: Any) -> bool:
    return hasattr(kind, "named_in_json")


def _named_writer(kind: Any, converter: Converter) -> Any:
    fields_of = make_dict_unstructure_fn(kind, converter)
    name = kind.named_in_json
    return lambda value: {name: getattr(value, name), **fields_of(value)}


def _named_reader(kind: Any, converter: Converter) -> Any:
    of_fields = make_dict_structure_fn(kind, converter)
    name = kind.named_in_json

    def read(document: dict[str, Any], _: type) -> Any:
        fields = dict(document)
        written, value = fields.pop(name), of_fields(fields, kind)
        if written != getattr(value, name):
            raise ValueError(f"{name} {getattr(value, name)} is called {written}")
        return value

    return read


_CONVERTER = _converter()
