"""matplotlib's SVG made fit for the page: small, with alternative text, its colours by role.

Each colour becomes the CSS variable of its role, the font is the page's, and the identifiers that
are needed begin with the picture's name, so that many pictures can stand in one page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from results.figures.palette import LIGHT

Frame = tuple[float, float, float, float]
"""x, y, width and height."""

_ROLES = {value: role for role, value in LIGHT.items()}
_DROPPED = ("metadata", "style", "clipPath")
_FONT = re.compile(r"font-family:[^;]*;?\s*")
_COLOUR = re.compile("#[0-9a-f]{6}")
_NUMBER = re.compile(r"-?\d+\.\d+")


def inline_svg(source: str, name: str, title: str, description: str, frame: Frame) -> str:
    """The element `<svg>` that shows the part `frame` of a whole SVG file.

    An artist whose `gid` begins with `tip:` gets the rest of it as its tooltip.
    """
    look = {
        "viewBox": " ".join(_short(length) for length in frame),
        "role": "img",
        "aria-labelledby": f"{name}-title",
        "aria-describedby": f"{name}-description",
        "style": f"width:100%;max-width:{_short(1.25 * frame[2])}px;font-family:inherit",
        "stroke-linejoin": "round",
    }
    root = Element("svg", look)
    SubElement(root, "title", id=f"{name}-title").text = title
    SubElement(root, "desc", id=f"{name}-description").text = description
    for child in ElementTree.fromstring(source):
        root.extend(_cleaned(child, name))
    # `<path></path>` is right in HTML and XML alike.
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def _cleaned(element: Element, name: str) -> Iterator[Element]:
    """The element as the page wants it; in the place of a mere group, what is in it."""
    tag = element.tag.rpartition("}")[2]
    if tag in _DROPPED or element.get("style") == "fill: none":
        return
    children = [cleaned for child in element for cleaned in _cleaned(child, name)]
    _, _, tip = element.get("id", "").partition("tip:")
    attributes = dict(_attributes(element, tag, name))
    if tag == "g" and not attributes and not tip:
        yield from children
    elif children or tag not in ("g", "defs"):
        cleaned = Element(tag, attributes)
        cleaned.text = element.text if tag == "text" else None
        if tip:
            SubElement(cleaned, "title").text = tip
        cleaned.extend(children)
        yield cleaned


def _attributes(element: Element, tag: str, name: str) -> Iterator[tuple[str, str]]:
    for key, value in element.items():
        if key == "style":
            plain = _FONT.sub("", value)
            yield key, _COLOUR.sub(lambda match: f"var(--{_ROLES[match[0]]})", plain)
        elif key.endswith("}href"):
            yield "href", f"#{name}-{value.removeprefix('#')}"
        elif key == "id" and tag == "path":
            yield key, f"{name}-{value}"
        elif key in ("d", "x", "y", "transform") and not value.startswith("rotate(-0 "):
            rounded = _NUMBER.sub(lambda match: _short(float(match[0])), value)
            yield key, " ".join(rounded.split())


def _short(number: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{number:.1f}".removesuffix(".0")
