"""The pages of the reference are made from the source, and lack nothing that it has.

`SUPERSCALAR_UPDATE_GOLDEN=1` (or `make docs`) writes them anew.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import get_args

import pytest

from superscalar.events import Event
from superscalar.values import FailureKind
from support.reference import DOCS, PAGES, api, diagnostics, events, failures


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_the_source_says(name: str) -> None:
    page, made = DOCS / name, PAGES[name]()
    if os.environ.get("SUPERSCALAR_UPDATE_GOLDEN"):
        page.write_text(made)
    assert page.read_text() == made


def test_each_event_stands_in_one_group() -> None:
    listed = [name for named in events.EVENTS.values() for name in named]
    assert sorted(listed) == sorted(kind.__name__ for kind in get_args(Event))


def test_each_kind_of_failure_says_when_it_comes_and_what_to_do() -> None:
    assert list(failures.KINDS) == list(get_args(FailureKind))


def test_each_code_says_when_it_comes_and_what_to_write() -> None:
    assert set(diagnostics.CODES) == diagnostics.in_source()


@pytest.mark.parametrize("module", api.MODULES)
def test_each_public_name_says_what_it_is(module: str) -> None:
    """In words of its own: a dataclass without any has its signature for a docstring."""
    said = {name: api.first_line(getattr(import_module(module), name)) for name in api.names_of(module)}
    assert said
    assert {name: line for name, line in said.items() if not line or line.startswith(f"{name}(")} == {}
