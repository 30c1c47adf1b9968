"""Texts without what is secret, in whatever form a library has written it."""

from __future__ import annotations

import base64
import itertools
import json
import tracemalloc
import urllib.parse
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretBytes, SecretStr

from superscalar.secrets import MARK, Scrubber, lacks_secret, secrets_in, without_queries
from superscalar.values import WITHHELD, Failure, Observation
from support.depth import examples

KEY = 'k-7781/ab+cd=="\\'


def partly_quoted(text: str) -> str:
    return "".join(f"%{ord(c):02x}" if i % 2 and c.isascii() else c for i, c in enumerate(text))


def as_utf8(text: str) -> bytes:
    return text.encode()


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "quoted": lambda s: urllib.parse.quote(s, safe=""),
    "quoted as a path": urllib.parse.quote,
    "quoted as a form": urllib.parse.quote_plus,
    "quoted in part": partly_quoted,
    "quoted twice": lambda s: urllib.parse.quote(urllib.parse.quote(s, safe=""), safe=""),
    "json": json.dumps,
    "json with all characters": lambda s: json.dumps(s, ensure_ascii=False),
    "json in json": lambda s: json.dumps(json.dumps({"k": s})),
    "quoted json": lambda s: urllib.parse.quote(json.dumps(s)),
    "repr": repr,
    "repr in repr": lambda s: repr(repr(s)),
    "repr of bytes": lambda s: repr(as_utf8(s)),
    "ascii": ascii,
    "html": escape,
    "hex": lambda s: as_utf8(s).hex(),
    "HEX": lambda s: as_utf8(s).hex().upper(),
    "base64": lambda s: base64.b64encode(as_utf8(s)).decode(),
    "base64, one byte before": lambda s: base64.b64encode(b"u" + as_utf8(s) + b"more").decode(),
    "base64, two bytes before": lambda s: base64.b64encode(b"u:" + as_utf8(s)).decode(),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(as_utf8(s)).decode().rstrip("="),
    "base64, quoted": lambda s: urllib.parse.quote(base64.b64encode(b"u" + as_utf8(s)).decode(), safe=""),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [KEY, "pass word 12", "schlüssel-9Ω\U0001f600", "12345678", "x" * 200 + "y"])
def test_a_secret_is_found_in_every_form(form: str, key: str) -> None:
    written = FORMS[form](key)
    scrubbed = Scrubber([key]).without(f"before {written} behind")
    assert scrubbed.startswith("before ")
    assert scrubbed.endswith(" behind")
    assert MARK in scrubbed
    assert written not in scrubbed
    assert key not in scrubbed


@settings(max_examples=examples(100))
@given(
    st.text(st.characters(codec="utf-8"), min_size=8, max_size=40).filter(lambda s: s == s.strip()),
    st.sampled_from(sorted(FORMS)),
    st.text("ab%\\&;= é\"'", max_size=12),
)
def test_a_random_secret_is_found_in_every_form(key: str, form: str, around: str) -> None:
    written = FORMS[form](key)
    scrubber = Scrubber([key])
    told = scrubber.without(f"{around} {written} {around}")
    assert MARK in told
    assert not scrubber.finds(told.replace(MARK, " "))


@settings(max_examples=examples(100))
@given(st.text(max_size=60))
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    scrubber = Scrubber(["a secret that nobody writes"])
    assert scrubber(text) == text


@settings(max_examples=examples(100))
@given(st.text("abcd", min_size=8, max_size=12), st.lists(st.integers(0, 40)))
def test_no_cut_of_a_text_hides_that_a_secret_has_begun(key: str, cuts: list[int]) -> None:
    text = f"ab {key} cd"
    scrubber = Scrubber([key])
    kept = told = ""
    places = sorted({cut for cut in cuts if cut < len(text)} | {0, len(text)})
    for begin, end in itertools.pairwise(places):
        piece = kept + text[begin:end]
        count = scrubber.begun(piece)
        kept = piece[len(piece) - count :]
        told += scrubber.without(piece[: len(piece) - count])
    assert key not in told + scrubber.without(kept)


@pytest.mark.parametrize("count", [10, 16, 20, 39])
def test_half_of_a_long_secret_is_found_at_either_end(count: int) -> None:
    key = "sk-1234567890abcdef"[:20].ljust(20, "z") + "q" * 0
    scrubber = Scrubber([key])
    assert scrubber.without(f"no such key: {key[:count]}...") == f"no such key: {MARK}..."
    assert scrubber.without(f"no such key: ...{key[-count:]}") == f"no such key: ...{MARK}"


def test_a_short_word_is_no_secret() -> None:
    assert not Scrubber(["secret7", 1234567, ""])
    assert Scrubber(["secret7"])("secret7") == "secret7"


def test_secrets_that_overlap_leave_nothing_of_either() -> None:
    assert Scrubber(["abcdefghij", "fghijklmno"]).without("<abcdefghijklmno>") == f"<{MARK}>"


def test_the_lines_of_a_private_key_are_secret_one_by_one() -> None:
    lines = ["-----BEGIN KEY-----", "MIIEvQIBADANBgkq", "hkiG9w0BAQEFAASC", "-----END KEY-----"]
    assert Scrubber(["\n".join(lines)]).without(f"bad line {lines[2]}") == f"bad line {MARK}"


@dataclass
class Session:
    token: SecretStr
    more: Any = None


class Settings(BaseModel):
    key: SecretBytes
    inner: dict[str, SecretStr]


class Slotted:
    __slots__ = ("token", "unset")

    def __init__(self, token: SecretStr) -> None:
        self.token = token

    @property
    def computed(self) -> str:
        raise AssertionError("nothing of a context is called")


def plainly(value: Any) -> set[Any]:
    return {found.get_secret_value() for found in secrets_in(value)}


@pytest.mark.parametrize(
    ("context", "found"),
    [
        (SecretStr("one"), {"one"}),
        ({"a": [SecretStr("one")], SecretStr("two"): 1}, {"one", "two"}),
        (Session(SecretStr("one"), (SecretStr("two"),)), {"one", "two"}),
        (Settings(key=SecretBytes(b"one"), inner={"x": SecretStr("two")}), {b"one", "two"}),
        (Slotted(SecretStr("one")), {"one"}),
        ([Session(SecretStr("one"), Slotted(SecretStr("two")))], {"one", "two"}),
        (None, set()),
        ("plain text", set()),
        (Session, set()),
        (deque([1]), set()),
    ],
    ids=["itself", "in a dict", "dataclass", "model", "slots", "nested", "none", "text", "class", "deque"],
)
def test_the_secrets_of_a_context_are_found_wherever_they_stand(context: Any, found: set[Any]) -> None:
    assert plainly(context) == found


def test_a_context_that_holds_itself_is_looked_into_once() -> None:
    ring: list[Any] = [SecretStr("one")]
    ring.append(ring)
    assert plainly(ring) == {"one"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("GET https://u:p@host/a/b?key=1&x=2 failed", "GET https://host/a/b?... failed"),
        ("'https://host/?sig=abc'", "'https://host/?...'"),
        ("postgres://user:pw@db:5432/x", "postgres://db:5432/x"),
        ("GET /path?token=1 HTTP/1.1", "GET /path?... HTTP/1.1"),
        ("see https://host/a#frag", "see https://host/a?..."),
        ("really? yes", "really? yes"),
        ("a/b or c? d=1", "a/b or c? d=1"),
        ("https://host/a/b", "https://host/a/b"),
        ("(https://h/?q=1)", "(https://h/?...)"),
        ("mail me@home.org", "mail me@home.org"),
    ],
)
def test_what_a_url_may_hide_is_left_out_of_the_texts_of_exceptions(text: str, told: str) -> None:
    assert without_queries(text) == told


def test_a_hook_gets_what_has_no_secrets_any_more() -> None:
    heard: list[str] = []
    scrubber = Scrubber([KEY], lambda text: heard.append(text) or text.upper())  # type: ignore[func-returns-value]
    assert (scrubber(f"bad {KEY}"), heard) == (f"BAD {MARK}", [f"bad {MARK}"])


def test_a_hook_that_raises_lets_nothing_through() -> None:
    def broken(text: str) -> str:
        raise ValueError(text)

    assert Scrubber([], broken)("ann@example.org") == "(withheld: redact= raised ValueError)"


def test_a_hook_that_gives_no_text_lets_nothing_through() -> None:
    assert Scrubber([], lambda _: None)("ann") == "(withheld: redact= gave no text, but NoneType)"  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    "value",
    [
        WITHHELD,
        [1, WITHHELD],
        {"a": {"b": WITHHELD}},
        {WITHHELD: 1},
        (1, (WITHHELD,)),
        [Observation(WITHHELD)],
        [Failure("error", "no", items=(Observation(1), Observation([WITHHELD])))],
    ],
)
def test_a_value_of_which_something_was_withheld_is_known(value: Any) -> None:
    assert lacks_secret(value)
    assert not lacks_secret([1, {"a": "**********"}])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [KEY, "schlüssel-9Ω\U0001f600", "".join(map(chr, range(0x21, 0x7F))) * 8])
def test_a_secret_is_found_wherever_it_stands_in_a_long_text(form: str, key: str) -> None:
    written = FORMS[form](key)
    scrubber = Scrubber([key])
    for place in range(2**16 - 1_100 - len(written), 2**16 + 20, max(len(written) // 2, 197)):
        scrubbed = scrubber.without(f"{'x' * place} {written} {'x' * 1_000}")
        assert scrubbed == f"{'x' * place}{scrubber.without(f' {written} ')}{'x' * 1_000}"


@pytest.mark.parametrize("form", ["plain", "json", "json in json", "repr in repr"])
@pytest.mark.parametrize("more", range(3))
def test_a_secret_is_found_behind_many_backslashes(form: str, more: int) -> None:
    written = FORMS[form]("schlüssel-9Ω")
    scrubbed = Scrubber(["schlüssel-9Ω"]).without("\\" * (2**16 - 8 * more) + written + "x" * 2_000)
    assert MARK in scrubbed
    assert written not in scrubbed


def test_a_long_text_full_of_escapes_takes_memory_for_a_part_of_it_alone() -> None:
    text = json.dumps("\xe4\n" * 40_000)
    scrubber = Scrubber([KEY])
    tracemalloc.start()
    assert not scrubber.finds(text)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 30 * len(text)
