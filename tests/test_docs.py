"""The documentation's examples are run: what a reader copies works."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from superscalar.models import OpenAIModel
from superscalar.models.base import Chunk, Request
from superscalar.testing import ScriptedModel
from support.doc_blocks import PAGES, blocks_of

CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
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
@pytest.mark.parametrize("page", [page for page in PAGES if blocks_of(page)], ids=lambda page: page.name)
def test_the_examples_of_a_page_run_from_top_to_bottom(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As they stand, and again in the same folder: only what a model's server would answer is played."""
    plan = 'prices = [price(t) for t in ["IBM", "AAPL", "MSFT"]]\njoin(prices)\n'
    server = ScriptedModel(*2 * (plan, "AAPL."))

    def answered(model: OpenAIModel, request: Request) -> AsyncIterator[Chunk]:
        return server.stream(request)

    monkeypatch.setattr(OpenAIModel, "stream", answered)
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    monkeypatch.chdir(tmp_path)  # some write files
    for _time in range(2):
        names: dict[str, object] = {"__name__": "__main__"}
        for block in blocks_of(page):
            exec(compile(block.source, block.title, "exec", dont_inherit=True), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = CODE.sub("", page.read_text())
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []
