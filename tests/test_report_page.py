"""The page in a real browser: it draws, complains of nothing and asks for nothing; light, dark, narrow and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import chromium
import diagnosed
import pytest
from test_report import HOSTILE, hostile_evidence, hostile_report

from slowpath.commands.report import _plotly, write

DRAWN = "document.body && document.body.dataset.charts"


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Page]:
    if chromium.found() is None:
        pytest.skip("chromium is not on PATH")
    with chromium.page() as page:
        yield page


@pytest.fixture(scope="module")
def plotly() -> str:
    pytest.importorskip("plotly")
    return _plotly()


@pytest.fixture(scope="module")
def report(plotly: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write(folder, diagnosed.SHOP, diagnosed.shop(), diagnosed.EVIDENCE, plotly)
    return folder / "report.html"


def opened(browser: chromium.Page, file: Path) -> None:
    browser.events.clear()
    browser.open(file, DRAWN)


@pytest.mark.parametrize(
    ("width", "scheme", "ink"), [(1280, "light", "27"), (1280, "dark", "228"), (390, "light", "27")]
)
def test_charts_are_drawn_and_nothing_is_asked_for(
    browser: chromium.Page, report: Path, width: int, scheme: str, ink: str
) -> None:
    browser.window(width, 900, scheme)
    opened(browser, report)
    assert browser.value(DRAWN) == "5"
    assert browser.value("[...document.querySelectorAll('.chart')].every(chart => chart.querySelector('.main-svg'))")
    assert browser.value("document.querySelectorAll('#chart-time .scatterlayer .trace').length") > 10
    assert browser.value("document.querySelectorAll('#chart-bundle-map .treemaplayer .slice').length") > 40
    assert browser.value("document.documentElement.scrollWidth") <= width
    colors = browser.value("[...document.querySelectorAll('.xtick text')].map(text => getComputedStyle(text).fill)")
    assert colors and all(color.startswith(f"rgb({ink},") for color in colors)
    assert browser.complaints() == []
    assert set(browser.requests()) == {report.as_uri()}


def test_charts_fit_the_paper(browser: chromium.Page, report: Path, tmp_path: Path) -> None:
    browser.window(600)
    opened(browser, report)
    browser.window(1280)
    browser.value("new Promise(done => setTimeout(done, 500))")  # charts have followed the window
    boxes = "[...document.querySelectorAll('.chart .main-svg')].map(svg => svg.getBoundingClientRect())"
    sizes = f"{boxes}.map(box => [box.width, box.height])"
    browser.value(f"addEventListener('beforeprint', () => {{ window.printed = {sizes} }})")
    browser.pdf(tmp_path / "report.pdf")
    printed = browser.value("window.printed")
    assert printed and all(width <= 700 and height <= 950 for width, height in printed)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert browser.value("document.querySelector('.chart .main-svg').getBoundingClientRect().width") > 900
    assert browser.value("document.querySelector('#chart-time .main-svg').getBoundingClientRect().height") > 1000


def test_text_of_others_runs_nothing(browser: chromium.Page, plotly: str, tmp_path: Path) -> None:
    text = " ".join(HOSTILE)
    write(tmp_path, tmp_path, hostile_report(text), hostile_evidence(text), plotly)
    browser.window(1280)
    opened(browser, tmp_path / "report.html")
    assert browser.value(DRAWN) == "5"
    assert browser.value("document.querySelectorAll('body script').length") == 3
    assert browser.value("document.querySelectorAll('img, [onerror], [onmouseover], svg a').length") == 0
    assert browser.complaints() == []
    assert set(browser.requests()) == {(tmp_path / "report.html").as_uri()}
