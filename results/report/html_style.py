"""The page's look and its one small script: text, and nothing from outside the page."""

from __future__ import annotations

from collections.abc import Mapping

from results.figures.palette import DARK, LIGHT

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""What the page may load: only what stands in it."""


def style() -> str:
    """The whole style sheet, both schemes."""
    roles = "".join(
        f".f-{role}{{fill:var(--{role})}}.s-{role}{{stroke:var(--{role});fill:none}}"
        for role in LIGHT
    )
    return (
        f":root{{color-scheme:light;{_variables(LIGHT)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{color-scheme:dark;{_variables(DARK)}}}}}"
        f":root[data-theme=light]{{color-scheme:light;{_variables(LIGHT)}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{_variables(DARK)}}}" + roles + _RULES
    )


def _variables(palette: Mapping[str, str]) -> str:
    return "".join(f"--{role}:{value};" for role, value in palette.items())


_RULES = """
*{box-sizing:border-box}
html{scroll-padding-top:4rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);line-height:1.55;
 font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
 font-variant-numeric:tabular-nums}
.wide{max-width:72rem;margin:0 auto;padding:0 1rem}
header.top{padding-top:2.5rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .25rem;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1.35rem;line-height:1.3;margin:0 0 .5rem;letter-spacing:-.01em}
h3{font-size:1.05rem;margin:2rem 0 .5rem;overflow-wrap:anywhere}
p{max-width:46rem;margin:.5rem 0 1rem}p,li,summary{overflow-wrap:anywhere}
a{color:var(--accent)}
.quiet,figcaption,caption{color:var(--muted)}
.lead{font-size:1.1rem}
section{padding:2.5rem 0;border-top:1px solid var(--line)}
section:first-of-type{border-top:0;padding-top:1.5rem}
nav{position:sticky;top:0;z-index:2;background:var(--paper);border-bottom:1px solid var(--line);
 margin-top:1.25rem}
nav .wide{display:flex;gap:1rem;align-items:center}
nav ul{display:flex;gap:.9rem;list-style:none;margin:0;padding:.75rem 0;overflow-x:auto;flex:1;
 min-width:0;font-size:.86rem;white-space:nowrap;scrollbar-width:thin}
nav a{text-decoration:none;color:var(--muted)}
nav a:hover,nav a:focus-visible{color:var(--accent)}
button{font:inherit;color:inherit;background:none;border:1px solid var(--line);border-radius:6px;
 padding:.2rem .6rem;cursor:pointer}
#scheme{font-size:.85rem;flex:none}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.banner{background:var(--warning);border-left:4px solid var(--edge);border-radius:4px;
 padding:.75rem 1rem;margin:1rem 0;max-width:none}
.banner p{margin:.15rem 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,15rem),1fr));gap:1rem;
 margin:1.5rem 0}
.card{background:var(--raised);border-radius:10px;padding:1rem 1.15rem;overflow-wrap:anywhere}
.card b{display:block;font-size:1.7rem;line-height:1.25;font-weight:650}
.card span{display:block;color:var(--muted);font-size:.9rem}
.scroll{overflow-x:auto;margin:1rem 0 1.5rem;border-radius:6px}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;padding:0 0 .5rem;caption-side:top}
caption span{display:block;position:sticky;left:0;width:fit-content;max-width:calc(100vw - 2rem)}
th,td{text-align:left;padding:.45rem .75rem .45rem 0;border-bottom:1px solid var(--line);
 vertical-align:top}
th{font-weight:600;border-bottom-color:var(--axis);white-space:nowrap}
tbody th{font-weight:400;border-bottom-color:var(--line)}
td.n,th.n{text-align:right}td.n{white-space:nowrap}th.n{white-space:normal}
td.w,tbody th{min-width:9rem;max-width:24rem;overflow-wrap:anywhere;white-space:normal}
tr.strong td,tr.strong th{font-weight:600}
tr.faint td,tr.faint th{color:var(--muted)}
th button{border:0;padding:0;font-weight:600;text-align:inherit}
th button::after{content:"\\2195";color:var(--axis);padding-left:.3em}
th[aria-sort=ascending] button::after{content:"\\2191";color:var(--accent)}
th[aria-sort=descending] button::after{content:"\\2193";color:var(--accent)}
.dot{display:inline-block;width:.7em;height:.7em;border-radius:50%;margin-right:.5em}
table.small{width:auto;min-width:min(100%,30rem)}
.beside{display:grid;grid-template-columns:minmax(0,20rem) minmax(0,1fr);gap:0 2rem;
 align-items:start;margin:1rem 0}
.beside .figures{grid-template-columns:1fr;margin:0}.beside .scroll{margin-top:0}
.tag{white-space:nowrap}
.good{color:var(--good)}.bad{color:var(--bad)}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));
 gap:1.5rem 2rem;margin:1rem 0;align-items:start}
figure{margin:0;min-width:0}
figcaption{font-size:.9rem;margin-bottom:.35rem;overflow-wrap:anywhere}
svg{display:block;width:100%;height:auto;font-family:inherit}
svg text{font-variant-numeric:tabular-nums}
.photos{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:1rem;
 list-style:none;padding:0;margin:1rem 0}
.photos li{background:var(--raised);border-radius:8px;padding:.75rem;font-size:.85rem;
 overflow-wrap:anywhere;min-width:0}
.photos img,.photos .none{display:flex;width:96px;height:96px;border-radius:4px;margin-bottom:.5rem;
 align-items:center;justify-content:center;background:var(--line);color:var(--muted)}
.photos .name{color:var(--muted);font-size:.78rem}
.long{display:-webkit-box;-webkit-line-clamp:6;-webkit-box-orient:vertical;overflow:hidden}
pre{background:var(--raised);border-radius:6px;padding:.9rem 1rem;white-space:pre-wrap;
 overflow-wrap:anywhere;font:.85rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.92em;
 overflow-wrap:anywhere}
details{margin:1rem 0}
summary{cursor:pointer;color:var(--accent);font-weight:500}
footer{padding:2rem 0 3rem;border-top:1px solid var(--line);color:var(--muted);font-size:.9rem}
@media (min-width:60rem){.figures:has(>:last-child:nth-child(4)){
 grid-template-columns:repeat(2,minmax(0,28rem))}}
@media (max-width:48rem){table{width:max-content;min-width:100%}td.w,tbody th{max-width:17rem}
 .beside{grid-template-columns:minmax(0,1fr);gap:1rem}}
@media (max-width:34rem){h1{font-size:1.5rem}section{padding:2rem 0}header.top{padding-top:1.5rem}}
@media print{nav{display:none}section{break-inside:avoid-page}}
"""

EARLY_SCRIPT = """
try{const t=localStorage.getItem("scheme");if(t)document.documentElement.dataset.theme=t}catch(e){}
"""
"""Before the first paint, so that a chosen scheme does not flash."""

SCRIPT = """
(() => {
  const root = document.documentElement, button = document.getElementById("scheme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const now = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const name = () => { button.textContent = now() === "dark" ? "Light" : "Dark"; };
  button.hidden = false;
  name();
  dark.addEventListener("change", name);
  button.addEventListener("click", () => {
    root.dataset.theme = now() === "dark" ? "light" : "dark";
    try { localStorage.setItem("scheme", root.dataset.theme); } catch (e) {}
    name();
  });
  const key = (row, at) => {
    const cell = row.cells[at], value = cell.dataset.value;
    return value === undefined ? cell.textContent.trim() : value === "" ? -Infinity : +value;
  };
  const sort = (table, head, at) => {
    const was = head.getAttribute("aria-sort");
    const up = was ? was === "descending" : !head.classList.contains("n");
    for (const one of table.tHead.rows[0].cells) one.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => {
      const x = key(a, at), y = key(b, at);
      const order = typeof x === "string" || typeof y === "string"
        ? String(x).localeCompare(String(y), undefined, { numeric: true }) : x - y;
      return up ? order : -order;
    });
    table.tBodies[0].append(...rows);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const press = document.createElement("button");
      press.type = "button";
      press.append(...head.childNodes);
      head.append(press);
      press.addEventListener("click", () => sort(table, head, at));
    });
  }
})();
"""
"""Sorts tables by a press on their headings, and switches the scheme."""
