"""A picture as inline SVG: text stays text, and colours follow the page's scheme."""

from __future__ import annotations

from html import escape

from results.figures.scene import Box, Item, Line, Marker, Picture, Words, corners


def svg(picture: Picture) -> str:
    """The element, with its title as alternative text."""
    label = f"{picture.name}-told"
    body = "".join(_item(item) for item in picture.items)
    return (
        f'<svg viewBox="0 0 {_n(picture.width)} {_n(picture.height)}" role="img" '
        f'aria-labelledby="{label}" style="max-width:{_n(1.25 * picture.width)}px">'
        f'<title id="{label}">{escape(picture.told)}</title>{body}</svg>'
    )


def _item(item: Item) -> str:
    if isinstance(item, Line):
        return _line(item)
    if isinstance(item, Box):
        return _box(item)
    return _marker(item) if isinstance(item, Marker) else _words(item)


def _line(line: Line) -> str:
    points = " ".join(f"{_n(x)},{_n(y)}" for x, y in line.points)
    dashes = ' stroke-dasharray="4 3"' if line.dashed else ""
    width = "" if line.width == 1 else f' stroke-width="{_n(line.width)}"'
    return f'<polyline class="s-{line.colour}" points="{points}"{width}{dashes}/>'


def _box(box: Box) -> str:
    faint = "" if box.strength == 1 else f' fill-opacity="{box.strength:.2f}"'
    place = f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'
    return _told("rect", f'class="f-{box.colour}" {place} rx="2"{faint}', box.told)


def _marker(marker: Marker) -> str:
    kind = f'class="f-{marker.colour}"'
    if marker.shape == "circle":
        place = f'cx="{_n(marker.x)}" cy="{_n(marker.y)}" r="{_n(marker.size)}"'
        return _told("circle", f"{kind} {place}", marker.told)
    points = " ".join(f"{_n(x)},{_n(y)}" for x, y in corners(marker))
    return _told("polygon", f'{kind} points="{points}"', marker.told)


def _words(words: Words) -> str:
    extras = "" if words.anchor == "start" else f' text-anchor="{words.anchor}"'
    extras += ' font-weight="600"' if words.bold else ""
    if words.turned:
        extras += f' transform="rotate(-90 {_n(words.x)} {_n(words.y)})"'
    return (
        f'<text class="f-{words.colour}" x="{_n(words.x)}" y="{_n(words.y)}" '
        f'font-size="{words.size}"{extras}>{escape(words.text)}</text>'
    )


def _told(name: str, attributes: str, told: str) -> str:
    if not told:
        return f"<{name} {attributes}/>"
    return f"<{name} {attributes}><title>{escape(told)}</title></{name}>"


def _n(number: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{number:.1f}".removesuffix(".0")
