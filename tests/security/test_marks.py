"""A mark is found wherever it stands in an annotation, and what chooses a destination is found in the value."""

from __future__ import annotations

import collections.abc
import dataclasses
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Generic, NamedTuple, NewType, NotRequired, Required, TypedDict, TypeVar

import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    SecretStr,
    computed_field,
)
from pydantic.dataclasses import dataclass as checked_dataclass
from typing_extensions import TypeAliasType
from typing_extensions import TypedDict as OtherTypedDict

from superscalar import Failure, LLMCompiler, Observation, Secret, Sink, UsageError, tool
from superscalar.testing import run
from superscalar.tools.secret import without
from superscalar.values import WITHHELD

T = TypeVar("T")
Marked = Annotated[str, Sink]
Address = TypeAliasType("Address", Annotated[str, Sink])
Twice = TypeAliasType("Twice", Address)
Many = TypeAliasType("Many", list[Annotated[T, Sink]], type_params=(T,))
Named = NewType("Named", Marked)
Bound = TypeVar("Bound", bound=Annotated[str, Sink])


EVIL = "eve@evil.example"


class Recipient(Sink): ...


class Mail(BaseModel):
    to: Marked
    text: str = ""
    cc: list[Marked] = []


class Aliased(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    to: Annotated[str, Sink, Field(alias="recipientOf")]
    text: str = ""


class Choices(BaseModel):
    to: Annotated[str, Sink] = Field(validation_alias=AliasChoices("a", "b"))
    text: str = ""


class Deep(BaseModel):
    to: Annotated[str, Sink] = Field(validation_alias=AliasPath("head", "to"))
    text: str = ""


class Envelope(BaseModel):
    mail: Mail
    note: str = ""


class Node(BaseModel):
    to: Marked
    text: str = ""
    below: list[Node] = []


class Root(RootModel[list[Marked]]): ...


class Box(BaseModel, Generic[T]):
    to: T
    text: str = ""


@dataclasses.dataclass
class Letter:
    to: Marked
    text: str = ""


@checked_dataclass
class Checked:
    to: Marked
    text: str = ""


class Pair(NamedTuple):
    to: Marked
    text: str = ""


class Typed(OtherTypedDict):
    to: Required[Marked]
    text: NotRequired[str]


class Statistic(BaseModel):
    to: str
    count: int


@dataclasses.dataclass
class Entry:
    to: str
    day: str


class Row(OtherTypedDict):
    to: str
    price: int


class Ours(BaseModel):
    to: Annotated[str, Sink(among=("ann@home.example", "eve@evil.example"))]
    text: str = ""


class Nobody(BaseModel):
    to: Annotated[str, Sink(among=("ann@home.example", "bob@home.example"))]
    note: str = ""


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Marked]
    text: str = ""


class Own:
    target: Marked

    def __init__(self, target: str) -> None:
        self.target = target


class Built:
    def __init__(self, target: Marked) -> None:
        self.target = target


class Shown:
    @property
    def target(self) -> Marked:
        return ""


class Computed(BaseModel):
    text: str = ""

    @computed_field  # type: ignore[prop-decorator]  # as pydantic's documentation writes it
    @property
    def to(self) -> Marked:
        return self.text


class Hidden(BaseModel):
    text: str = ""
    _to: Marked = PrivateAttr("")


class Inherits(Own):
    note: str


@typing.runtime_checkable
class Aimed(typing.Protocol):
    target: list[Marked]


class Unmarked:
    """A class of a tool's own, whose annotations mark nothing."""

    target: str
    later: Nowhere  # type: ignore[name-defined]  # noqa: F821 -- nobody can evaluate it

    def __init__(self, target: Annotated[str, "whose"]) -> None:
        self.target = target


class Opened(BaseModel):
    to: Annotated[str, Sink(narrow="enum")]


RECORD = ("{'to': HERE, 'text': m}", "{'to': m, 'text': 'x'}")


@tool(effect="read")
async def mail() -> str:
    """A mail of a stranger."""
    return EVIL


def ran(agent: LLMCompiler, plan: str) -> Any:
    return run(agent.execute(plan))


def made(annotation: Any, argument: str, *, effect: Any = "write", **terms: Any) -> Any:
    """What becomes of a call with that argument for a parameter with that annotation."""

    async def send(it: Any) -> str:
        return "sent"

    send.__annotations__["it"] = annotation
    agent = LLMCompiler(tools=[mail, tool(effect=effect, **terms)(send)])
    return run(agent.execute(f"m = mail()\nx = send({argument.replace('HERE', repr('ann@home.example'))})\njoin(x)\n"))[
        "x"
    ]


@pytest.mark.parametrize(
    ("annotation", "fine", "stolen"),
    [
        (Marked, "HERE", "m"),
        (Address, "HERE", "m"),
        (Twice, "HERE", "f'{m}'"),
        (Named, "HERE", "m"),
        (Annotated[str, Recipient], "HERE", "m"),
        (Annotated[str, Recipient()], "HERE", "m"),
        (Bound, "HERE", "m"),
        (Address | None, "HERE", "m"),
        (Annotated[Address | int, "or a number"], "HERE", "m"),
        (Annotated[Annotated[str, Sink], Field(description="whom")], "HERE", "m"),
        (list[Address], "[HERE]", "[HERE, m]"),
        (Many[str], "[HERE]", "[m]"),
        (tuple[Marked, str], "(HERE, 'x')", "(m, 'x')"),
        (set[Marked], "{HERE}", "{m}"),
        (collections.abc.Sequence[Marked], "[HERE]", "[m]"),
        (dict[str, Marked], "{'a': HERE}", "{'a': m}"),
        (dict[str, Annotated[str, ["a note"], Sink]], "{'a': HERE}", "{'a': m}"),
        (collections.abc.Iterable[Annotated[str, {"doc": 1}, Sink]], "[HERE]", "[m]"),
        (dict[str, Annotated[Mail, ["a note"]]], "{'a': {'to': HERE}}", "{'a': {'to': m}}"),
        (dict[Marked, str], "{HERE: 'a'}", "{m: 'a'}"),
        (dict[Marked, str], "{HERE: 'a'}", "{HERE: m}"),
        (Mail, *RECORD),
        (Mail, "{'to': HERE, 'text': m, 'cc': [HERE]}", "{'to': HERE, 'text': 'x', 'cc': [HERE, m]}"),
        (Mail | None, *RECORD),
        (Mail | Pair, *RECORD),
        (Annotated[str, Sink(among=(EVIL,))] | Annotated[int, Sink], "HERE", "m"),
        (Annotated[str, Sink(among=(EVIL,))] | Annotated[int, Sink(among=("a",))] | None, "HERE", "m"),
        (Annotated[str, Sink(among=(EVIL,))] | None, "m", "m[1:]"),
        (Annotated[str, Sink(among=(EVIL,))] | int, "m", "m[1:]"),
        (Annotated[Annotated[str, Sink] | Annotated[int, Sink], Sink(among=(EVIL,))], "m", "m[1:]"),
        (Mail | Statistic, *RECORD),
        (Statistic | Mail, *RECORD),
        (Mail | Statistic, "{'to': HERE, 'text': m}", "{'to': m, 'count': 1}"),
        (Mail | Entry, *RECORD),
        (Typed | Row, *RECORD),
        (Row | Typed | None, *RECORD),
        (list[Mail | Statistic], "[{'to': HERE, 'text': m}]", "[{'to': HERE}, {'to': m}]"),
        (list[Mail] | list[Statistic], "[{'to': HERE, 'text': m}]", "[{'to': HERE}, {'to': m}]"),
        (dict[str, Mail | Statistic], "{'a': {'to': HERE}}", "{'a': {'to': m}}"),
        (Ours | Statistic, "{'to': m[:3] + m[3:], 'text': m}", "{'to': m[1:]}"),
        (Ours | Mail, "{'to': HERE, 'text': m}", "{'to': m, 'text': 'x'}"),
        (Ours | Nobody, "{'to': HERE, 'text': m}", "{'to': m, 'text': 'x'}"),
        (Aliased, "{'recipientOf': HERE, 'text': m}", "{'recipientOf': m, 'text': 'x'}"),
        (Aliased, "{'to': HERE, 'text': m}", "{'to': m}"),
        (Choices, "{'a': HERE, 'text': m}", "{'b': m}"),
        (Deep, "{'head': {'to': HERE}}", "{'head': {'to': m}}"),
        (Letter, *RECORD),
        (Checked, *RECORD),
        (Pair, "(HERE, 'x')", "(m, 'x')"),
        (Typed, *RECORD),
        (Box[Marked], *RECORD),
        (Root, "[HERE]", "[m]"),
        (Extra, "{'bcc': HERE}", "{'bcc': m}"),
        (list[Extra], "[{'text': 'x', 'bcc': HERE}]", "[{'text': 'x', 'bcc': m}]"),
        (Envelope, "{'mail': {'to': HERE, 'text': m}, 'note': m}", "{'mail': {'to': m}}"),
        (list[Mail], "[{'to': HERE, 'text': m}, {'to': HERE}]", "[{'to': HERE}, {'to': m}]"),
        (list[Mail], "[{'to': HERE, 'text': t} for t in [m]]", "[{'to': t} for t in [m]]"),
        (dict[str, Mail], "{'a': {'to': HERE}}", "{'a': {'to': m}}"),
        (tuple[Mail, ...], "({'to': HERE, 'text': m},)", "({'to': m},)"),
        (Node, "{'to': HERE, 'below': [{'to': HERE}]}", "{'to': HERE, 'below': [{'to': m}]}"),
        (Node, "{'to': HERE, 'text': m}", "{'to': HERE, 'below': [{'to': HERE, 'below': [{'to': m}]}]}"),
    ],
)
def test_a_sink_is_one_wherever_it_stands_below_a_parameter(annotation: Any, fine: str, stolen: str) -> None:
    assert made(annotation, fine) == Observation("sent")
    assert made(annotation, fine, effect="read") == Observation("sent")
    for effect in ("write", "read"):
        found = made(annotation, stolen, effect=effect)
        assert isinstance(found, Failure)
        assert (found.kind, "chooses where it goes" in found.message) == ("denied", True)


def test_a_record_that_came_as_a_whole_is_a_destination_as_a_whole() -> None:
    @tool(effect="read")
    async def draft() -> dict[str, str]:
        """Somebody's draft."""
        return {"to": "ann@home.example", "text": "x"}

    @tool(effect="write")
    async def send(it: Mail) -> str:
        """Send."""
        return "sent"

    plan = "d = draft()\nx = send(d)\ny = send({'to': 'ann@home.example', 'text': d.text})\njoin(x, y)\n"
    outcomes = ran(LLMCompiler(tools=[draft, send]), plan)
    assert (outcomes["x"].kind, outcomes["y"]) == ("denied", Observation("sent"))
    assert outcomes["x"].message.startswith("`it.to` of send chooses where it goes, and comes from `draft`")


def test_a_part_may_be_chosen_as_far_as_its_mark_says() -> None:
    @tool(effect="read")
    async def kind() -> typing.Literal["bills", "letters"]:
        """What it is."""
        return "bills"

    @tool(effect="write")
    async def file(it: Opened) -> str:
        """File it."""
        return "filed"

    outcomes = ran(LLMCompiler(tools=[kind, mail, file]), "x = file({'to': kind()})\ny = file({'to': mail()})\n")
    assert outcomes["x"] == Observation("filed")
    assert outcomes["y"].kind == "denied"


def test_sinks_are_told_by_their_paths() -> None:
    @tool(effect="write", sink="more")
    async def send(
        a: list[Mail], b: dict[str, Path | None], c: AnyUrl, d: list[list[Marked]], more: str, x: str
    ) -> None:
        """Send."""

    assert send.sinks == {"a[].to", "a[].cc", "b", "c", "d", "more"}


def test_a_part_is_declared_by_its_path() -> None:
    class Plain(BaseModel):
        whom: str
        text: str = ""

    assert made(list[Plain], "[{'whom': HERE, 'text': m}]", sink="it[].whom") == Observation("sent")
    assert made(list[Plain], "[{'whom': m}]", sink="it[].whom").kind == "denied"


@dataclasses.dataclass
class Later:
    to: Annotated[str, Sink]  # made a text below, which nobody can evaluate


Later.__annotations__["to"] = "Annotated[Nowhere, Sink]"


def _default(to: str = Sink()) -> None: ...  # type: ignore[assignment]  # what is tested
def _default_class(to: Any = Secret) -> None: ...
def _as_type(to: Sink) -> None: ...
def _in_union(to: str | Sink) -> None: ...
def _type_first(to: Annotated[Sink, str]) -> None: ...
def _of_callable(to: Callable[[Annotated[str, Sink]], None]) -> None: ...
def _of_class(to: type[Annotated[str, Sink]]) -> None: ...
def _returned(to: str) -> Annotated[str, Sink]: ...  # type: ignore[empty-body]
def _secret_returned(to: str) -> list[Annotated[str, Secret]]: ...  # type: ignore[empty-body]
def _in_record_returned(to: str) -> Mail: ...  # type: ignore[empty-body]
def _unread(to: Later) -> None: ...
def _of_own(to: Own) -> None: ...
def _of_built(to: Built | None) -> None: ...
def _of_shown(to: list[Shown]) -> None: ...
def _of_computed(to: Computed) -> None: ...
def _of_private(to: Hidden) -> None: ...
def _of_inherited(to: dict[str, Inherits]) -> None: ...
def _of_protocol(to: Aimed) -> None: ...
def _of_unmarked(to: Unmarked) -> None: ...


def test_types_that_hold_each_other_are_gone_through_in_time_and_lose_no_mark() -> None:
    hints = "".join(f"    m{i}: 'list[M{i}] | None' = None\n" for i in range(12))
    source = "".join(f"class M{i}(BaseModel):\n    to: Annotated[str, Sink] = ''\n{hints}" for i in range(12))
    names: dict[str, Any] = {"BaseModel": BaseModel, "Annotated": Annotated, "Sink": Sink, "__name__": __name__}
    exec(source, names)
    for i in range(12):
        names[f"M{i}"].model_rebuild(_types_namespace=names)
    assert made(names["M0"], "{'to': HERE}") == Observation("sent")
    for inner in ("'m1': [{'to': m}]", "'m1': [{'m2': [{'to': m}]}]", "'m0': [{'m1': [{'m0': [{'to': m}]}]}]"):
        assert made(names["M0"], f"{{'to': HERE, {inner}}}").kind == "denied"


@pytest.mark.parametrize("terms", [{}, {"sink": "to"}])
def test_a_pure_tool_has_no_sink_but_takes_records_that_are_marked(terms: Any) -> None:
    async def upper(to: str) -> str:
        return to.upper()

    upper.__annotations__["to"] = str if terms else Marked
    with pytest.raises(UsageError, match="tool upper is pure: `to` is no sink"):
        tool(effect="pure", **terms)(upper)
    assert made(Mail, "{'to': m}", effect="pure") == Observation("sent")


@pytest.mark.parametrize(
    "function",
    [
        _default,
        _default_class,
        _as_type,
        _in_union,
        _type_first,
        _of_callable,
        _of_class,
        _returned,
        _secret_returned,
        _unread,
        _of_own,
        _of_built,
        _of_shown,
        _of_computed,
        _of_private,
        _of_inherited,
        _of_protocol,
    ],
)
def test_a_mark_that_can_mean_nothing_is_an_error_when_the_tool_is_made(function: Any) -> None:
    with pytest.raises(UsageError, match=r"(Sink|Secret).*Annotated\[str, (Sink|Secret)\]"):
        tool(effect="write")(function)


def test_a_class_of_ones_own_that_marks_nothing_may_be_taken() -> None:
    assert tool(effect="write")(_of_unmarked).sinks == frozenset()


def test_a_record_that_is_taken_and_returned_may_be_marked() -> None:
    assert tool(effect="read")(_in_record_returned).sinks == frozenset()


class Account(BaseModel):
    name: str
    password: SecretStr


class Login(TypedDict):
    name: str
    token: Annotated[str, Secret]


@pytest.mark.parametrize(
    "annotation",
    [
        Annotated[str, Secret],
        TypeAliasType("Key", Annotated[str, Secret]),
        NewType("Key", Annotated[str, Secret]),
        SecretStr | None,
        list[SecretStr],
        dict[str, Annotated[str, Secret()]],
        Account,
        list[Account],
        Login,
        tuple[str, Account],
        Annotated[Account | None, "whose"],
    ],
)
def test_a_secret_is_one_wherever_it_stands(annotation: Any) -> None:
    def login(it: Any) -> None: ...

    login.__annotations__["it"] = annotation
    assert tool(login).secrets == {"it"}


@pytest.mark.parametrize(
    ("annotation", "given", "shown"),
    [
        (Account, Account(name="ann", password=SecretStr("pin-7781")), {"name": "ann", "password": WITHHELD}),
        (list[Account], [Account(name="ann", password=SecretStr("pin-7781"))], [{"name": "ann", "password": WITHHELD}]),
        (Login, {"name": "ann", "token": "pin-7781"}, {"name": "ann", "token": WITHHELD}),
        (Login | str, "pin-7781", WITHHELD),
        (dict[str, Account], {"a": Account(name="ann", password=SecretStr("pin-7781"))}, WITHHELD),
        (list[SecretStr], [SecretStr("pin-7781")], [WITHHELD]),
        (Annotated[Login, Secret], {"name": "ann", "token": "pin-7781"}, WITHHELD),
    ],
)
def test_of_a_record_with_a_secret_in_it_the_rest_is_shown(annotation: Any, given: Any, shown: Any) -> None:
    def login(it: Any) -> None: ...

    login.__annotations__["it"] = annotation
    made = tool(login)
    assert made.masked({"it": given}) == {"it": shown}
    assert "7781" not in without("refused: pin-7781", {"it": given}, made.secret_parts)


# -------------------------------------------------------------------------------------------------------- whom it names


@dataclasses.dataclass
class Person:
    name: str
    mail: str = ""


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")

    mail: str


class Handle:
    def __str__(self) -> str:
        return "ann@home.example"


@tool(effect="read", trust="trusted", readers=("ann@home.example", "bob@home.example"))
async def diary() -> str:
    """Ann's and Bob's diary."""
    return "pin 7781"


@tool(effect="read", trust="trusted")
async def handle() -> Any:
    """Something."""
    return Handle()


@pytest.mark.parametrize(
    ("annotation", "to", "goes"),
    [
        (str, "HERE", True),
        (list[str], "[HERE, 'bob@home.example']", True),
        (list[str], "[HERE, 'eve@evil.example']", False),
        (list[list[str]], "[[HERE], ['eve@evil.example']]", False),
        (dict[str, str], "{'eve@evil.example': HERE}", False),
        (dict[str, str], "{HERE: 'eve@evil.example'}", False),
        (dict[str, str], "{HERE: 'bob@home.example'}", True),
        (dict[str, list[str]], "{HERE: ['bob@home.example', 'eve@evil.example']}", False),
        (Person, "{'name': HERE, 'mail': 'bob@home.example'}", True),
        (Person, "{'name': HERE, 'mail': 'eve@evil.example'}", False),
        (Person, "{'name': HERE}", True),
        (list[Person], "[{'name': HERE, 'mail': 'eve@evil.example'}]", False),
        (Loose, "{'mail': HERE, 'bcc': 'eve@evil.example'}", False),
        (Loose, "{'mail': HERE}", True),
        (set[str], "{HERE, 'eve@evil.example'}", False),
        (frozenset[str], "{HERE}", True),
        (tuple[str, str], "(HERE, 'eve@evil.example')", False),
        (str, "'ann@home.example,eve@evil.example'", False),
        (str, "'ann@home.example\\u200b'", False),
        (bytes, "b'ann@home.example'", False),
        (Any, "handle()", False),
        (list[Any], "[HERE, handle()]", False),
        (list[str] | None, "None", False),  # nobody is named: then it is the tool itself
        (int, "7", False),
    ],
)
def test_what_is_confidential_goes_to_whom_a_value_names_and_what_cannot_be_read_is_nobody(
    annotation: Any, to: str, goes: bool
) -> None:
    async def send(to: Any, text: str) -> str:
        return "sent"

    send.__annotations__["to"] = Annotated[annotation, Sink]
    agent = LLMCompiler(tools=[diary, handle, tool(effect="write")(send)])
    plan = f"x = send({to.replace('HERE', repr('ann@home.example'))}, diary())\njoin(x)\n"
    found = ran(agent, plan)["x"]
    assert found == Observation("sent") if goes else found.kind == "denied"


def test_a_part_names_readers_as_the_whole_does() -> None:
    @tool(effect="write")
    async def send(it: list[Mail]) -> str:
        """Send."""
        return "sent"

    plan = (
        "d = diary()\nx = send([{'to': 'ann@home.example', 'text': d}])\n"
        "y = send([{'to': 'ann@home.example', 'text': d}, {'to': 'eve@evil.example', 'text': ''}])\n"
        "z = send([{'to': 'ann@home.example', 'text': d, 'cc': ['eve@evil.example']}])\njoin(x, y, z)\n"
    )
    outcomes = ran(LLMCompiler(tools=[diary, send]), plan)
    assert outcomes["x"] == Observation("sent")
    assert [outcomes[name].kind for name in "yz"] == ["denied", "denied"]


@pytest.mark.parametrize("cc", ["cc", "emails", "replyTo", "channel_id"])
def test_who_looks_like_a_reader_is_one_beside_those_that_are_declared(cc: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"async def send(to: str, text: str, {cc}: str = '') -> str:\n    return 'sent'", namespace)
    agent = LLMCompiler(tools=[diary, tool(effect="write", sink="to")(namespace["send"])])
    fine, stolen = (f"x = send('ann@home.example', diary(), {cc}='{one}@home.example')\n" for one in ("bob", "eve"))
    assert ran(agent, fine)["x"] == Observation("sent")
    assert ran(agent, stolen)["x"].kind == "denied"
