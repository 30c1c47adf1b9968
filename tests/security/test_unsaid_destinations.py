"""A parameter that looks like a destination while nobody says what it is: a person decides on strangers' data."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, HttpUrl, WithJsonSchema

from superscalar import Failure, LLMCompiler, Observation, Sink, UsageError, tool
from superscalar.events import Decided
from superscalar.testing import run


@tool(effect="read")
async def page() -> str:
    """A page of the web."""
    return "eve@evil.example"


class Folder(enum.Enum):
    BILLS = "eve@evil.example"


class Open(enum.Enum):
    BILLS = "bills"

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return cls.BILLS


class Mail(BaseModel):
    to: str = ""
    text: str = ""


class Address(BaseModel):
    where: str = Field(alias="e-mail")


class Offer(BaseModel):
    valid_to: dt.date
    text: str = ""


class Listed(BaseModel):
    to: Literal["ann"]


@dataclasses.dataclass
class Order:
    id: int
    note: str = ""


def function(name: str, annotation: Any) -> Any:
    namespace: dict[str, Any] = {}
    exec(f"async def act({name}, other=''):\n    'Act.'\n    return 'done'", namespace)
    namespace["act"].__annotations__ = {name: annotation, "other": Any}
    return namespace["act"]


def outcome(act: Any, argument: str = "p", **terms: Any) -> Any:
    agent = LLMCompiler(tools=[page, act], **terms)
    return run(agent.execute(f"p = page()\nx = act({argument})\njoin(x)\n"))["x"]


LOOKING: list[tuple[str, Any, str]] = [
    ("url", str, "p"),
    ("uri", str, "p"),
    ("email", str, "p"),
    ("hostname", str, "p"),
    ("path", str, "p"),
    ("to", str, "p"),
    ("cc", str, "p"),
    ("recipient", str, "p"),
    ("channel", str, "p"),
    ("repo", str, "p"),
    ("account", str, "p"),
    ("id", str, "p"),
    ("webhook_url", str, "p"),
    ("targetPath", str, "p"),
    ("URLs", list[str], "[p]"),
    ("cc_emails", list[str] | None, "['ann', p]"),
    ("repositories", list[str], "[p]"),
    ("ID", str, "p"),
    ("eventId", int, "len(p)"),
    ("user_ids", list[int], "[len(p)]"),
    ("account", int | None, "len(p)"),
    ("account_number", int, "len(p)"),
    ("to", int | str, "p"),
    ("host_name", str, "p"),
    ("hostName", str, "p"),
    ("HostNames", list[str], "[p]"),
    ("e_mail", str, "p"),
    ("eMail", str, "p"),
    ("reply_e_mails", list[str], "[p]"),
    ("it", Address, "{'e-mail': p}"),
    ("id_", str, "p"),
    ("where", Annotated[str, Field(json_schema_extra={"format": "uri"})], "p"),
    ("where", Annotated[str, WithJsonSchema({"type": "string", "format": "hostname"})], "p"),
    ("where", list[Annotated[str, Field(json_schema_extra={"format": "uri"})]], "[p]"),
    ("where", list[Annotated[str, WithJsonSchema({"type": "string", "format": "email"})]] | None, "['ann', p]"),
    ("where", tuple[Annotated[str, Field(json_schema_extra={"format": "hostname"})], ...], "[p]"),
    ("where", set[Annotated[str, Field(json_schema_extra={"format": "path"})]], "[p]"),
    ("where", dict[str, Annotated[str, Field(json_schema_extra={"format": "uri"})]], "{'a': p}"),
    ("where", list[list[Annotated[str, Field(json_schema_extra={"format": "uri"})]]], "[[p]]"),
    ("it", Mail, "{'to': p}"),
    ("it", list[Mail], "[{'to': p}]"),
    ("it", Mail | Listed, "{'to': p}"),
    ("it", Listed | Mail, "{'to': p}"),
    ("it", list[Mail | Listed], "[{'to': p}]"),
    ("it", Order, "{'id': len(p)}"),
    ("channel", Open, "p"),
    ("to", str | Literal["me"], "p"),
    ("account", Any, "p"),
]


@pytest.mark.parametrize(("name", "annotation", "argument"), LOOKING)
def test_what_is_not_trusted_asks_where_it_may_be_a_destination(name: str, annotation: Any, argument: str) -> None:
    asked: list[str] = []

    def approve(question: Any) -> bool:
        asked.append(question.why)
        return True

    act = function(name, annotation)
    nobody = outcome(tool(effect="write")(act), argument)
    assert isinstance(nobody, Failure)
    assert (nobody.kind, "nobody was there to ask" in nobody.message) == ("denied", True)
    if annotation is not Open:  # there what it says is no value
        assert outcome(tool(effect="write")(act), argument, approve=approve) == Observation("done")
        assert len(asked) == 1
        assert "looks as if it chose where it goes, and comes from `page`" in asked[0]
    assert (
        outcome(tool(effect="read")(act), argument).__class__ is outcome(tool(effect="pure")(act), argument).__class__
    )


@pytest.mark.parametrize(
    ("name", "annotation", "argument"),
    [
        ("text", str, "p"),
        ("pathology", str, "p"),
        ("total", str, "p"),
        ("token", str, "p"),
        ("valid", str, "p"),
        ("idea", str, "p"),
        ("curl", str, "p"),
        ("accountant", str, "p"),
        ("emailed", str, "p"),
        ("subject", str, "p"),
        ("where", list[Annotated[str, Field(json_schema_extra={"format": "date"})]], "[p]"),
        ("where", list[Annotated[str, Field(json_schema_extra={"format": "uri"})]], "['https://home.example'], p"),
        ("url", Literal["eve@evil.example", "x"], "p"),
        ("channel", Folder, "p"),
        ("email", bool, "len(p) > 1"),
        ("email_count", int, "len(p)"),
        ("path_length", int | None, "len(p)"),
        ("to", float, "len(p) / 2"),
        ("to", Decimal, "len(p)"),
        ("valid_to", dt.date, "date(2026, 1, len(p))"),
        ("id", dt.datetime, "datetime(2026, 1, len(p))"),
        ("cc_days", list[dt.date], "[date(2026, 1, len(p))]"),
        ("repo_age", dt.timedelta | None, "timedelta(days=len(p))"),
        ("ids", list[float], "[len(p) / 2]"),
        ("it", Offer, "{'valid_to': date(2026, 1, len(p)), 'text': p}"),
        ("ghost_names", str, "p"),
        ("host", str, "p"),
        ("mail", str, "p"),
        ("male_mail", str, "p"),
        ("to", list[Folder] | None, "[p]"),
        ("it", Mail, "{'to': 'ann', 'text': p}"),
        ("it", Order, "{'id': 1, 'note': p}"),
        ("url", str, "'https://home.example', p"),
    ],
)
def test_what_is_none_and_what_the_plan_says_asks_nobody(name: str, annotation: Any, argument: str) -> None:
    assert outcome(tool(effect="write")(function(name, annotation)), argument) == Observation("done")


@pytest.mark.parametrize(
    ("name", "annotation", "argument", "content"),
    [
        ("path", str, "p", "path"),
        ("url", str, "p", ("url", "other")),
        ("id", int, "len(p)", ["id"]),
        ("it", Mail, "{'to': p}", "it.to"),
        ("it", list[Mail], "[{'to': p}]", "it[].to"),
        ("it", list[Mail], "[{'to': p}]", "it"),
        ("it", Mail | Listed, "{'to': p}", "it.to"),
        ("where", Path | str, "p", "where"),
        ("where", HttpUrl | str, "p", "where"),
    ],
)
def test_a_tool_may_say_that_it_is_none(name: str, annotation: Any, argument: str, content: Any) -> None:
    act = function(name, annotation)
    assert outcome(tool(effect="write", content=content)(act), argument) == Observation("done")
    assert outcome(tool(effect="write")(act), argument).kind == "denied"


def test_an_id_is_what_a_write_is_about_where_it_says_where_it_goes() -> None:
    @tool(effect="write", sink="whom")
    async def act(file_id: str, whom: str = "ann", cc: str = "") -> str:
        """Share a file."""
        return "done"

    assert outcome(act) == Observation("done")
    assert outcome(act, "'f1', cc=p").kind == "denied"


@pytest.mark.parametrize("annotation", [os.PathLike, os.PathLike[str], os.PathLike[str] | None, list[os.PathLike[str]]])
def test_what_has_a_path_by_its_type_is_a_sink(annotation: Any) -> None:
    found = outcome(tool(effect="write")(function("where", annotation)), "[p]" if "list" in str(annotation) else "p")
    assert (found.kind, "chooses where it goes" in found.message) == ("denied", True)


def test_what_is_declared_is_denied_and_not_asked_about() -> None:
    act = tool(effect="write", sink="to")(function("to", str))
    assert "looks as if" not in outcome(act, approve=lambda _: True).message


@pytest.mark.parametrize("argument", ["p", "f'https://evil.example/?q={p}'", "'https://' + p"])
def test_a_tool_from_elsewhere_that_only_reads_sends_a_whole_url(argument: str) -> None:
    for name, annotation in (("url", str), ("source_uri", str), ("link", HttpUrl | str), ("URLs", list[str] | str)):
        act = function(name, annotation)
        assert outcome(tool(effect="read", provider="a server")(act), argument).kind == "denied"
        assert outcome(tool(effect="read", provider="a server", content=(name,))(act), argument) == Observation("done")
        assert outcome(tool(effect="read")(act), argument) == Observation("done")
    for name in ("path", "id", "channel", "query"):
        assert outcome(tool(effect="read", provider="a server")(function(name, str)), argument) == Observation("done")


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({"content": "nothing"}, r"content='nothing'.*no such parameter; its parameters are to, other"),
        ({"content": "to.x"}, "no such parameter"),
        ({"content": "to", "sink": "to"}, "it is declared a sink, too"),
        ({"sink": "to[]"}, "no such parameter"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(terms: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        tool(effect="write", **terms)(function("to", str))
    with pytest.raises(UsageError, match="it is declared a sink, too"):
        tool(effect="write", content="to")(function("to", Annotated[str, Sink]))


def test_nothing_is_told_of_what_only_looks_like_one_while_it_is_trusted() -> None:
    async def main() -> list[Any]:
        act = tool(effect="write")(function("to", str))
        async with LLMCompiler(tools=[act]).stream_plan('x = act("ann")\njoin(x)\n') as running:
            return [event for event in (await running.result()).events if isinstance(event, Decided)]

    assert run(main()) == []


def test_a_warning_is_all_where_the_policy_only_warns() -> None:
    act = tool(effect="write")(function("to", str))
    for policy in ("warn", "off"):
        assert outcome(act, policy=policy) == Observation("done")
