"""`report/report.html`: a run's whole story in one file that asks nothing of any network.

    write_page(RunFolder(Path("runs/monday")), summary)

Works without a script and in either colour scheme; what came from outside is escaped everywhere.
"""

from __future__ import annotations

from html import escape

from results.figures.gallery import gallery
from results.ledger.files import write_text
from results.ledger.store import RunFolder
from results.report import (
    html_findings,
    html_headline,
    html_methods,
    html_paper,
    html_run,
    html_sizes,
)
from results.report.html_parts import Section, Thumbnails, text
from results.report.html_style import EARLY_SCRIPT, POLICY, SCRIPT, style
from results.scores.types import Summary


def write_page(folder: RunFolder, summary: Summary) -> None:
    """Write the page, whole or not at all.

    Raises:
        EnvironmentRefusal: the kept thumbnails are damaged, or the disk refuses.
    """
    write_text(folder.report_html, page(summary, folder.read_thumbnails()))


def page(summary: Summary, thumbnails: Thumbnails) -> str:
    """The whole document."""
    parts = sections(summary, thumbnails)
    title = f"{text(summary.name)}: transfer-sweep report"
    links = "".join(f'<li><a href="#{one.anchor}">{escape(one.link)}</a></li>' for one in parts)
    body = "".join(
        f'<section id="{one.anchor}"><h2>{escape(one.title)}</h2>{one.body}</section>'
        for one in parts
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title>'
        f"<style>{style()}</style><script>{EARLY_SCRIPT}</script></head><body>"
        f'<header class="top"><div class="wide"><h1>{text(summary.name)}</h1>'
        f'<div class="quiet">Fine-tuned, searched and measured, next to what the '
        f"paper published. Started {text(summary.created)}.</div>"
        f"{html_headline.banner(summary)}</div></header>"
        f'<nav aria-label="Sections"><div class="wide"><ul>{links}</ul>'
        '<button id="scheme" type="button" hidden aria-label="Switch colour scheme">Dark</button>'
        f'</div></nav><main class="wide">{body}</main>'
        '<footer><div class="wide">Made by transfer-sweep from the run\'s ledger. Re-make it with '
        "<code>python -m results RUN</code>; the numbers are in <code>tables/*.csv</code> and "
        "<code>summary.json</code>, the pictures in <code>figures/*.png</code>.</div></footer>"
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def sections(summary: Summary, thumbnails: Thumbnails) -> tuple[Section, ...]:
    """The page's parts in order; none is empty."""
    pictures = gallery(summary)
    return (
        html_headline.headline(summary),
        html_headline.leaderboard(summary),
        html_headline.verdicts(summary, pictures),
        html_paper.wrong(summary, pictures),
        html_sizes.sizes(summary),
        html_methods.backbones(summary, pictures),
        html_methods.together(pictures),
        html_methods.ensemble(summary, pictures),
        html_methods.ensembles(summary),
        html_findings.mattered(summary, pictures),
        html_findings.fails(summary, thumbnails),
        html_run.cost(summary),
        html_run.photos(summary),
        html_run.reproduce(summary),
    )
