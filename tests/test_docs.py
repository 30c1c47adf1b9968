"""The documentation's examples are run: what a reader copies works."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from superscalar.compiler import equipment
from superscalar.testing import ScriptedModel

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Whatever is set up of `logging` is set up for this test."""
    root, ours = logging.getLogger(), logging.getLogger("superscalar")
    handlers, level = root.handlers[:], ours.level
    yield
    root.handlers[:] = handlers
    ours.setLevel(level)


@pytest.mark.usefixtures("own_logging")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run_from_top_to_bottom(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Only the model is played: the examples name a provider's."""
    plan = 'prices = [price(t) for t in ["IBM", "AAPL", "MSFT"]]\njoin(prices)\n'

    def played(model: object, **_options: object) -> object:
        return ScriptedModel(plan, "AAPL.") if isinstance(model, str) else model

    monkeypatch.setattr(equipment, "resolve", played)
    monkeypatch.chdir(tmp_path)  # some write files
    names: dict[str, object] = {"__name__": "__main__"}
    for number, block in enumerate(BLOCK.findall(page.read_text())):
        exec(compile(block, f"{page.name}, example {number + 1}", "exec", dont_inherit=True), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []
