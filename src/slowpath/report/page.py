"""A document as one HTML page that asks nothing of any network: style, charts and Plotly stand in it.

Scripts run by their hash alone, so that text of others could not run even if it became markup. Plotly (4.8 MB) stands
there compressed once, 2.0 MB as base64; the browser unpacks it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from slowpath.report.document import (
    Block,
    Bullets,
    Chart,
    Code,
    Document,
    Heading,
    Inline,
    Jump,
    Link,
    Listing,
    Paragraph,
    Section,
    Strong,
    Table,
    Text,
)
from slowpath.report.style import clean

FRAME = Path(__file__).with_name("page.html")
STYLE = Path(__file__).with_name("page.css")
SCRIPT = Path(__file__).with_name("page.js")
UNIT = re.compile(r"(?<=\d) (?=(?:ms|s|min|kB|%)(?![\w%]))")
WORD = 26
"""Code of so many characters is not broken over lines."""
SHORT = ' class="short"'


def render(document: Document, base: str, plotly: str) -> str:
    """`base` leads from the folder of the page to the project; `plotly` is the source of plotly.js."""
    script = SCRIPT.read_text(encoding="utf-8")
    charts = [block for section in document.sections for block in section.blocks if isinstance(block, Chart)]
    figures = {f"chart-{chart.id}": chart.figure for chart in charts}
    return Template(FRAME.read_text(encoding="utf-8")).substitute(
        title=escaped(document.title),
        hashes=f"'{_hash(script)}' '{_hash(plotly)}'" if figures else "'none'",
        style=STYLE.read_text(encoding="utf-8"),
        contents="".join(f'<li><a href="#{s.id}">{escaped(s.title)}</a></li>' for s in document.sections),
        sections="\n".join(_section(section, base) for section in document.sections),
        scripts=_scripts(script, figures, plotly) if figures else "",
    )


def _scripts(script: str, figures: dict[str, dict[str, Any]], plotly: str) -> str:
    packed = base64.b64encode(gzip.compress(plotly.encode(), 9, mtime=0)).decode()
    return (
        f'<script type="application/json" id="figures">{_json(figures)}</script>\n'
        f'<script type="text/plain" id="plotly">{packed}</script>\n'
        f"<script>{script}</script>"
    )


def _json(value: object) -> str:
    """JSON that ends no script element, whatever it holds."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(script: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _section(section: Section, base: str) -> str:
    blocks = "\n".join(line for block in section.blocks for line in _block(block, base))
    return (
        f'<section id="{section.id}" aria-labelledby="{section.id}-title">\n'
        f'<h2 id="{section.id}-title">{escaped(section.title)}</h2>\n{blocks}\n</section>'
    )


def _block(block: Block, base: str) -> Iterator[str]:
    match block:
        case Paragraph():
            yield (
                f'<p class="{block.kind}">{_text(block.text, base)}</p>'
                if block.kind
                else f"<p>{_text(block.text, base)}</p>"
            )
        case Heading():
            yield f"<h3>{_text(block.text, base)}</h3>"
        case Bullets():
            tag = "ol" if block.numbered else "ul"
            yield f"<{tag}>{''.join(f'<li>{_text(item, base)}</li>' for item in block.items)}</{tag}>"
        case Table():
            yield from _table(block, base)
        case Listing():
            text = "\n".join(map(clean, block.text.split("\n")))
            yield f'<pre tabindex="0"><code>{html.escape(text)}</code></pre>'
        case Chart():
            yield from _chart(block)


def _table(table: Table, base: str) -> Iterator[str]:
    """In a box that scrolls by itself where the window is narrow."""
    yield f'<div class="wide" role="region" tabindex="0" aria-label="{escaped(table.caption)}">'
    yield f"<table><caption><span>{escaped(table.caption)}</span></caption>"
    head = "".join(f'<th scope="col"{_right(table, at)}>{escaped(name)}</th>' for at, name in enumerate(table.head))
    yield f"<thead><tr>{head}</tr></thead><tbody>"
    for row in table.rows:
        cells = "".join(f"<td{_right(table, at)}>{_text(cell, base)}</td>" for at, cell in enumerate(row))
        yield f"<tr>{cells}</tr>"
    yield "</tbody></table></div>"


def _right(table: Table, column: int) -> str:
    return ' class="number"' if column in table.right else ""


def _chart(chart: Chart) -> Iterator[str]:
    told = f"{escaped(chart.caption)} {escaped(chart.summary)}"
    kind, height = "chart broad" if chart.broad else "chart", chart.figure["layout"]["height"]
    yield f"<figure><figcaption><strong>{escaped(chart.caption)}</strong> {escaped(chart.summary)}</figcaption>"
    yield f'<div class="{kind}" id="chart-{chart.id}" role="img" aria-label="{told}" data-height="{height}"></div>'
    yield "</figure>"


def _text(text: Text, base: str) -> str:
    return "".join(_inline(part, base) for part in text)


def _inline(part: Inline, base: str) -> str:
    match part:
        case Code():
            return f"<code{SHORT if len(part.text) <= WORD else ''}>{escaped(part.text)}</code>"
        case Strong():
            return f"<strong>{escaped(part.text)}</strong>"
        case Link():
            shown = f"{part.path}:{part.line}" if part.line else part.path
            anchor = f"#L{part.line}" if part.line else ""
            return f'<a href="{html.escape(quote(base + part.path))}{anchor}"><code>{_breakable(shown)}</code></a>'
        case Jump():
            return f'<a href="#{part.section}">{escaped(part.text)}</a>'
    return escaped(part)


def _breakable(path: str) -> str:
    """A path that breaks after a slash first."""
    return "/<wbr>".join(map(escaped, path.split("/")))


def escaped(text: str) -> str:
    """One line of text; a number keeps its unit beside it."""
    line = html.escape(clean(text.replace("\n", " ").replace("\t", " ")))
    return UNIT.sub("\u00a0", line)
