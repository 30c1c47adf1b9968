"""Files as values: what they are, how they are shown, and that nothing of them can be changed, or is ever copied."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from superscalar import Attachment, Failure, LLMCompiler, Observation, UsageError, codec, tool
from superscalar.attachments import UNKNOWN, attachments_in, is_one_of, media_type_of
from superscalar.codec.data import _value_from_json as value_of_data
from superscalar.mcp.answers import NoResult, value_of
from superscalar.testing import run
from superscalar.values import OrderedSet, copied, plain, twin_of
from superscalar.weight import weight_of

PNG = b"\x89PNG\r\n\x1a\n"
PICTURE = Attachment("image/png", PNG + bytes(12_337), name="chart.png")


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        (Attachment("image/png", PNG), "<image/png, 8 bytes>"),
        (PICTURE, "<image/png, 12,345 bytes, chart.png>"),
        (Attachment("image/png", uri="https://a.example/b.png", name="b"), "<image/png, at https://a.example/b.png>"),
        (Attachment("text/plain"), "<text/plain, no content>"),
        (Attachment("text/plain", b"x", name="a\nb\x1b[31m\u202ec"), "<text/plain, 1 bytes, a b [31m c>"),
        (
            Attachment("text/plain", b"x", name="n" * 300),
            f"<text/plain, 1 bytes, {'n' * 175}… (300 characters in all)>",
        ),
    ],
)
def test_it_is_shown_by_kind_and_size_on_one_line(file: Attachment, shown: str) -> None:
    assert repr(file) == plain(file) == shown


@pytest.mark.parametrize("kind", ["", "image", "image/png\nINFO done", "a/b; c=d", "IMAGE/PNG", "a/" + "b" * 65, 3])
def test_what_is_no_media_type_is_refused(kind: Any) -> None:
    with pytest.raises(UsageError, match="write its media type"):
        Attachment(kind, b"x")


@pytest.mark.parametrize("given", [{"name": 7}, {"name": Path("a.png")}, {"uri": b"https://a.example"}])
def test_a_name_or_an_address_that_is_no_text_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(given))}=...\\): write a text"):
        Attachment("image/png", **given)


def test_what_a_server_says_of_a_kind_is_taken_as_far_as_it_is_one() -> None:
    said = ["image/PNG", " text/plain; charset=utf-8", "image/png\r\nX-Forged: 1", "", None, "<b>"]
    assert [media_type_of(one) for one in said] == ["image/png", "text/plain", *[UNKNOWN] * 4]


def test_its_kind_is_that_of_its_first_bytes_or_else_of_its_name(tmp_path: Path) -> None:
    files = {"a.txt": PNG, "b.md": b"# b", "c": b"\0", "d.jpg": b"%PDF-1.7"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = [Attachment.from_path(tmp_path / name) for name in files]
    assert [(file.media_type, file.name, file.content) for file in found] == [
        ("image/png", "a.txt", PNG),
        ("text/markdown", "b.md", b"# b"),
        (UNKNOWN, "c", b"\0"),
        ("application/pdf", "d.jpg", b"%PDF-1.7"),
    ]
    assert Attachment.from_path(tmp_path / "a.txt", "text/plain").media_type == "text/plain"
    packed = ["a.csv.gz", "a.tar.bz2", "a.txt.Z"]
    found = [Attachment.from_bytes(b"\x1f", name=name) for name in packed]
    assert [file.media_type for file in found] == ["application/gzip", "application/x-bzip2", UNKNOWN]


def test_a_kind_that_the_system_spells_with_capitals_or_not_as_one_is_no_reason_to_refuse_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for spelt, kind in (("application/A2L", "application/a2l"), ("no kind", UNKNOWN)):
        monkeypatch.setattr("mimetypes.guess_type", lambda name, spelt=spelt: (spelt, None))
        assert Attachment.from_bytes(b"x", name="engine.a2l").media_type == kind


def test_what_cannot_be_read_or_is_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"12345")
    monkeypatch.setattr("superscalar.attachments.MAX_BYTES", 4)
    refused = {
        "pipe": "is no file",
        "": "is no file",
        "none": "No such file",
        "large": "has 5 bytes",
        "\0": "null (byte|character)",
    }
    for name, why in refused.items():
        with pytest.raises(UsageError, match=why):
            Attachment.from_path(tmp_path / name)
    with pytest.raises(UsageError, match="4 are the most"):
        Attachment("image/png", b"12345")


def test_nothing_of_it_can_be_changed_and_no_copy_is_another_one() -> None:
    with pytest.raises(AttributeError, match="cannot be changed"):
        PICTURE.name = "other"
    with pytest.raises(AttributeError, match="cannot be changed"):
        del PICTURE.content
    assert [copy.copy(PICTURE), *copy.deepcopy([PICTURE])] == [PICTURE] * 2
    assert all(made is PICTURE for made in (copy.deepcopy(PICTURE), copied(PICTURE), twin_of([PICTURE])[0]))
    again = pickle.loads(pickle.dumps(PICTURE))
    assert (again, hash(again)) == (PICTURE, hash(PICTURE))
    assert again != Attachment("image/png", PICTURE.content)


def test_its_text_is_there_where_its_kind_is_one_of_texts() -> None:
    kinds = ["text/csv", "application/json", "application/ld+json", "application/xml", "image/png", "application/pdf"]
    assert [Attachment(kind, b"a").text for kind in kinds] == ["a"] * 4 + [None] * 2
    assert Attachment("text/plain", "\ufeffé".encode()).text == "é"
    assert Attachment("text/plain", b"\xff").text is None


def test_the_names_of_before_say_what_they_are_called_now() -> None:
    with pytest.warns(DeprecationWarning, match="media_type"):
        assert PICTURE.mime_type == "image/png"
    with pytest.warns(DeprecationWarning, match="content, text or base64"):
        assert Attachment("text/plain", b"a").data == "a"
    with pytest.warns(DeprecationWarning, match=r"superscalar\.Attachment"):
        from superscalar.mcp import Attachment as Old
    assert Old is Attachment
    kinds = [PICTURE, Attachment("audio/wav", b"x"), Attachment("text/plain", b"x"), Attachment("image/png", uri="x:y")]
    assert [file.kind for file in kinds] == ["image", "audio", "resource", "resource_link"]


def test_a_pattern_of_media_types_stands_for_all_of_one_kind() -> None:
    takes = ("image/*", "application/pdf")
    kinds = ["image/png", "application/pdf", "application/json", "imagex/png"]
    assert [is_one_of(kind, takes) for kind in kinds] == [True, True, False, False]


def test_those_inside_of_a_value_are_found_with_the_steps_to_them() -> None:
    a, b = PICTURE, Attachment("text/plain", b"b")
    value = {"x": [a, (1, b)], "y": "text", "z": Observation(b)}
    assert list(attachments_in(value)) == [("['x'][0]", a), ("['x'][1][1]", b), ("['z'].value", b)]
    assert list(attachments_in([1] * 50 + [a], most=20)) == []
    assert list(attachments_in({"s": {a}, "f": (frozenset([b]), OrderedSet([a, b]))})) == [
        *(("['s'][0]", a), ("['f'][0][0]", b)),
        *(("['f'][1][0]", a), ("['f'][1][1]", b)),
    ]

    class Scan(Attachment):
        """One of a tool's own."""

    own = Scan("image/png", b"1")
    assert list(attachments_in([own])) == [("[0]", own)]


def test_what_a_stranger_called_a_part_is_one_line_of_its_steps() -> None:
    class Extra(BaseModel, extra="allow"):
        pass

    named = Extra(**{"a\nfile 9": PICTURE, "b": PICTURE})
    value = {"x\nfile 9 (image/png)": PICTURE, (1, "\n"): PICTURE, "n": named}
    steps = [path for path, _ in attachments_in(value)]
    assert steps == ["['x\\nfile 9 (image/png)']", "[...]", "['n']['a\\nfile 9']", "['n'].b"]


def test_it_is_written_as_data_and_comes_back() -> None:
    value = {"a": [PICTURE], "b": Attachment("image/png", uri="https://a.example/b.png", name="b")}
    assert value_of_data(codec.data_of(value)) == value
    for broken in ({"v": "?"}, {"type": "image"}, {"type": None}):
        with pytest.raises(codec.Unreadable):
            value_of_data({"_": "attachment", "v": "", "type": "image/png", **broken})


def test_it_weighs_what_it_takes_in_a_journal() -> None:
    assert 12_345 * 4 // 3 < weight_of(PICTURE) < 12_345 * 4 // 3 + 2_000
    assert weight_of([PICTURE, PICTURE]) > 2 * 12_345 * 4 // 3


given: list[Any] = []


@tool(effect="read")
def draw() -> Attachment:
    """A picture."""
    return PICTURE


@tool(effect="read")
def look(picture: Attachment, others: list[Attachment] | None = None) -> str:
    """What is on it."""
    given[:] = [picture, *(others or ())]
    return picture.name


def test_a_plan_hands_it_on_as_it_is_and_cannot_look_into_it() -> None:
    agent = LLMCompiler(tools=[draw, look])
    outcomes = run(
        agent.execute(
            "a = draw()\nb = look(a, others=[a])\nc = a.content\nd = len(a)\ne = a == draw()\njoin(b, c, d, e)"
        )
    )
    assert agent.tools.describe().splitlines()[0] == "draw() -> Attachment  # A picture."
    assert (outcomes["b"], outcomes["e"]) == (Observation("chart.png"), Observation(value=True))
    assert [file is PICTURE for file in given] == [True, True]
    assert "opaque Attachment has no field" in str(outcomes["c"])
    assert "has no length" in str(outcomes["d"])


def test_calls_that_are_given_equal_ones_are_one_call() -> None:
    calls = []

    @tool(effect="read")
    def made(name: str) -> Attachment:
        return Attachment("image/png", PNG, name=name)

    @tool(effect="read", dedupe=True)
    def read(picture: Attachment) -> str:
        calls.append(picture.name)
        return picture.name

    plan = "a = made('x')\nb = made(name=f'x')\nc = made('y')\njoin(read(a), read(b), read(c))"
    assert run(LLMCompiler(tools=[made, read]).execute(plan)).joined == ["x", "x", "y"]
    assert sorted(calls) == ["x", "y"]


def test_two_are_equal_to_a_plan_if_nothing_tells_them_apart_so_that_a_resumed_run_goes_the_same_way() -> None:
    @tool(effect="write")
    def made(name: str) -> Attachment:
        return Attachment("image/png", PNG, name=name)

    plan = "a = made('x')\nb = made('x')\nc = made('y')\n"
    plan += "join(a == b, a is b, a in [c, b], [a] == [b], a == c, a != c, a < b)"
    outcomes = run(LLMCompiler(tools=[made]).execute(plan))
    assert [outcomes[f"join()[{i}]"] for i in range(6)] == [
        Observation(value=said) for said in (True, True, True, True, False, True)
    ]
    assert "`<` does not work" in str(outcomes["join()[6]"])


def test_a_parameter_that_wants_one_is_given_nothing_else() -> None:
    agent = LLMCompiler(tools=[look, draw])
    assert [one.code for one in agent.check("join(look('chart.png'))")] == ["E304"]
    failure = run(agent.execute("a = draw()\nb = look(f'{a}')\njoin(b)"))["b"]
    assert isinstance(failure, Failure)
    assert failure.kind == "arguments"


def test_max_bytes_counts_it_with_each_result_and_not_with_each_call_that_is_given_it() -> None:
    outcomes = run(LLMCompiler(tools=[draw], max_bytes=10_000).execute("a = draw()\njoin(a)"))
    assert "has no room for" in str(outcomes["a"])
    agent = LLMCompiler(tools=[draw, look], max_bytes=40_000)
    assert run(agent.execute("a = draw()\nb = [look(a) for i in range(50)]\njoin(b[49])")).joined == "chart.png"
    outcomes = run(agent.execute("a = draw()\nb = draw()\nc = [a, b]\njoin(look(c[0]))"))
    assert "has no room for" in str(outcomes)


# ------------------------------------------------------------------------------------------------------ of a server


def answered(*blocks: Any) -> Any:
    return value_of(SimpleNamespace(structured_content=None, content=blocks), "text")


def image(data: str, kind: str = "image/png") -> Any:
    return SimpleNamespace(type="image", mime_type=kind, data=data)


def test_what_a_server_sends_is_one_and_says_no_more_than_it_is() -> None:
    text = SimpleNamespace(uri="file:///a.txt", mime_type=None, text="hé")
    blob = SimpleNamespace(uri="file:///b", mime_type="x\ny", blob="AA==")
    found = answered(
        image("AAAA", "image/png\nERROR forged"),
        SimpleNamespace(type="resource", resource=text),
        SimpleNamespace(type="resource", resource=blob),
        SimpleNamespace(type="resource_link", mime_type="text/html", uri="https://a.example/\n\x1b[2J", name="n\nm"),
    )
    assert found == [
        Attachment(UNKNOWN, b"\0\0\0"),
        Attachment("text/plain", "hé".encode(), uri="file:///a.txt"),
        Attachment(UNKNOWN, b"\0", uri="file:///b"),
        Attachment("text/html", uri="https://a.example/ [2J", name="n m"),
    ]


def test_what_is_no_base64_or_too_large_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("superscalar.mcp.answers.MAX_BYTES", 3)
    large = SimpleNamespace(uri="a:b", mime_type="text/plain", text="four")
    for block, why in [
        (image("A?=="), "no base64"),
        (image("AAAAAAAA"), "a file of 6 bytes, and 3 are the most"),
        (SimpleNamespace(type="resource", resource=large), "a file of 4 bytes"),
    ]:
        with pytest.raises(NoResult, match=why):
            answered(block)
