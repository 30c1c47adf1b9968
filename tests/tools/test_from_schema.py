"""Tools that are described by JSON Schema: names, defaults, results, effects, and everywhere that a tool shows."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

import pytest

from superscalar import (
    ApprovalPending,
    Failure,
    Journal,
    LLMCompiler,
    Observation,
    PlanError,
    Policy,
    Question,
    Skipped,
    Tool,
    ToolContext,
    Toolset,
    UsageError,
    tool,
)
from superscalar.compiler.guards import Guards
from superscalar.observe.documents import tools_document
from superscalar.plan import check
from superscalar.testing import run
from superscalar.tools.context import ArgumentError
from superscalar.tools.terms import Terms, TermsDict
from superscalar.values import WITHHELD
from support.running import executed

MAIL: Final[Any] = {
    "type": "object",
    "properties": {
        "body": {"type": "string"},
        "to": {"type": "string", "format": "email"},
        "from": {"type": "string", "default": "me@home.example"},
        "user-id": {"type": "integer"},
        "$filter": {"type": "string"},
        "copy": {"type": "object", "properties": {"to": {"type": "string"}, "blind": {"default": True}}},
    },
    "required": ["to", "body", "from"],
}


class Server:
    """What is called: it keeps what it was sent."""

    def __init__(self, *answers: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        self._answers = list(answers)

    async def __call__(self, **arguments: Any) -> Any:
        self.sent.append(arguments)
        return self._answers.pop(0) if self._answers else "done"


def mail(server: Server, **terms: Any) -> Tool[..., Any]:
    return Tool.from_schema("send-mail", MAIL, server, **{"effect": "read", **terms})


# ------------------------------------------------------------------------------------------------------------- names


def test_plans_use_aliases_and_the_wire_has_the_names() -> None:
    """Of the tool too; what is left out without a default stays left out."""
    server = Server()
    plan = (
        'send_mail(to="a@b.example", body="x", from_="c", user_id=3, filter="q")\nsend_mail(body="y", to="a@b.example")'
    )
    executed(dedent(plan), [mail(server)])
    assert server.sent == [
        {"body": "x", "to": "a@b.example", "from": "c", "user-id": 3, "$filter": "q"},
        {"body": "y", "to": "a@b.example", "from": "me@home.example"},
    ]


def test_names_that_come_to_one_alias_get_numbers() -> None:
    """Those that are identifiers keep their own."""
    properties = dict.fromkeys(("user-id", "user_id", "user.id", "class", "class_", "", "_x", "2d", "self"), True)
    act = Tool.from_schema("t", {"type": "object", "properties": properties}, Server())
    assert act.aliases == {
        "user-id": "user_id_2",
        "user_id": "user_id",
        "user.id": "user_id_3",
        "class": "class__2",
        "class_": "class_",
        "": "n",
        "_x": "x",
        "2d": "n2d",
        "self": "self",
    }


@pytest.mark.parametrize("name", ["\ufb01", "\uff46oo", "\u00aa", "e\u0301", "\U0001d4b3", "\ufb01-x"])
def test_a_name_that_python_reads_as_another_has_that_as_its_alias(name: str) -> None:
    """An identifier of a plan is read in one form (NFKC): a tool, a parameter or a field in another was never found."""
    server = Server({name: 1})
    act = Tool.from_schema(
        name,
        {"type": "object", "properties": {name: {"type": "integer"}}},
        server,
        returns={"type": "object", "properties": {name: {"type": "integer"}}},
        effect="read",
    )
    (alias,) = act.aliases.values()
    assert executed(f"x = {act.alias}({alias}=1)\njoin(x.{alias})", [act]).answer == 1
    assert server.sent == [{name: 1}]


@pytest.mark.parametrize("description", [None, 5])
def test_a_description_that_is_no_text_is_refused_at_once(description: Any) -> None:
    """It was a bare error of whoever showed the tools to a planner."""
    with pytest.raises(UsageError, match=rf"Tool.from_schema\(description={description}\): write a text"):
        Tool.from_schema("t", {"type": "object", "properties": {}}, Server(), description=description)


def test_old_lists_are_seen_in_a_parameter_of_any_name() -> None:
    pair = {"items": [{"type": "integer"}, {"type": "string"}]}
    act = Tool.from_schema("t", {"type": "object", "properties": {"default": pair, "enum": pair}}, Server())
    assert act.bind({"default": [1, "x"]}) == {"default": [1, "x"]}
    with pytest.raises(ArgumentError, match='"x" is not of type "integer"'):
        act.bind({"enum": ["x"]})


def test_what_comes_from_a_schema_is_given_by_name() -> None:
    """The keys of an object have no order."""
    found = check('a = send_mail("a@b.example", "x")\njoin(a)', Toolset([mail(Server())]).signatures)
    assert [one.code for one in found] == ["E305", "E303"]


def test_a_tool_of_a_class_with_a_parameter_called_self_is_bound_to_nothing() -> None:
    class Shop:
        act = Tool.from_schema("act", {"type": "object", "properties": {"self": {}}}, Server())

    assert Shop().act is Shop.act


# ---------------------------------------------------------------------------------------------------- what is called


def test_plain_functions_partials_and_contexts_are_called_by_name() -> None:
    """What is not async runs in a thread; a partial has the rest bound."""

    def send(user: int, run: ToolContext[str], *, body: str = "none") -> str:
        return f"{user} {body} {run.context}"

    schema: Any = {"type": "object", "properties": {"user": {"type": "integer"}}, "required": ["user"]}
    acts = [
        Tool.from_schema("ask", schema, send, effect="read"),
        Tool.from_schema("second", schema, functools.partial(send, body="b"), effect="read"),
    ]
    result = executed("a = ask(user=1)\nb = second(user=2)", acts, context="c").outcomes
    assert (result["a"], result["b"]) == (Observation("1 none c"), Observation("2 b c"))


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda to: to, "takes no 'body'"),
        (lambda other, **rest: rest, "takes 'other', of which its schema says nothing"),
        (lambda to, /, **rest: rest, "takes 'to', of which its schema says nothing"),
        (lambda copy, **rest: rest, "takes 'copy' always, which its schema lets be left out"),
        (Server, "not a generator or a class"),
        (7, "is put on a function, not on 7"),
    ],
)
def test_what_does_not_take_the_arguments_is_refused_at_once(call: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Tool.from_schema("send-mail", MAIL, call)


def test_what_is_async_runs_on_the_event_loop() -> None:
    """An object, too, and where its results are checked."""
    assert [one.is_async for one in (mail(Server()), user({}), Tool.from_schema("t", MAIL, lambda **rest: rest))] == [
        True,
        True,
        False,
    ]


def test_a_context_of_a_name_that_the_schema_has_is_refused() -> None:
    def call(to: ToolContext[None], **rest: Any) -> None: ...

    with pytest.raises(UsageError, match="a ToolContext as 'to', which its schema has, too"):
        Tool.from_schema("send-mail", MAIL, call)


# ----------------------------------------------------------------------------------------------------------- defaults


def test_defaults_are_sent_so_that_what_is_judged_is_what_is_sent() -> None:
    """Rules see them, those within records too; a call gets one for itself."""
    seen: list[Mapping[str, Any]] = []
    server = Server()

    def note(call: Any) -> None:
        seen.append({name: argument.value for name, argument in call.arguments.items()})

    plan = 'a = send_mail(to="a@b.example", body="x", copy={"to": "d"})'
    executed(plan, [mail(server, effect="write")], policy=Policy("warn", rules=[note]))
    whole = {"body": "x", "to": "a@b.example", "from": "me@home.example", "copy": {"to": "d", "blind": True}}
    assert server.sent == seen == [whole]


def test_a_default_that_its_own_schema_does_not_allow_is_none() -> None:
    """It stays left out: the server knows its own."""
    schema: Any = {"type": "object", "properties": {"a": {"type": "string", "default": None}, "b": {"default": []}}}
    act = Tool.from_schema("act", schema, Server())
    first, second = act.bind({}), act.bind({})
    assert first == second == {"b": []}
    assert first["b"] is not second["b"]
    assert [(p.name, p.required, p.default) for p in act.signature.parameters] == [
        ("a", False, "..."),
        ("b", False, "[]"),
    ]


def test_a_default_that_holds_itself_ends() -> None:
    node = {"type": "object", "properties": {"below": {"$ref": "#/$defs/N", "default": {}}}}
    schema: Any = {"type": "object", "properties": {"a": {"$ref": "#/$defs/N"}}, "$defs": {"N": node}}
    assert Tool.from_schema("act", schema, Server()).bind({"a": {}}) == {"a": {"below": {}}}


def test_a_default_within_a_record_is_one_for_each_call() -> None:
    record = {"type": "object", "properties": {"tags": {"type": "array", "default": []}}}
    act = Tool.from_schema("act", {"type": "object", "properties": {"a": record}}, Server())
    act.bind({"a": {}})["a"]["tags"].append("mine")
    assert act.bind({"a": {}}) == {"a": {"tags": []}}


# -------------------------------------------------------------------------------------------------------- what is sent


@dataclass(frozen=True)
class Point:
    x: int
    on: date


def test_what_other_tools_returned_is_sent_as_json() -> None:
    """Records are objects, dates text, tuples lists; what was given stays as it is."""
    act = Tool.from_schema("act", {"type": "object", "properties": {"a": {}}}, Server())
    value = {"p": (Point(1, date(2026, 1, 2)),), "m": Decimal("1.50"), "n": Decimal(2), "s": {3}}
    assert act.bind({"a": value}) == {"a": {"p": [{"x": 1, "on": "2026-01-02"}], "m": 1.5, "n": 2, "s": [3]}}
    assert act.bind({"a": [Decimal(9007199254740993), Decimal("-1E+20")]}) == {"a": [9007199254740993, -(10**20)]}
    same = {"k": [1, "x", None]}
    assert act.bind({"a": same})["a"] is same


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "nan is no number in JSON"),
        (Decimal("inf"), "Infinity is no number in JSON"),
        (b"x", "a bytes has no form in JSON"),
        pytest.param(10**5_000, "a number has too many digits", id="digits"),
        pytest.param(Decimal("1E+400"), "a number has too many digits", id="digits of a Decimal"),
        ({1: 2}, "the key 1 is no text"),
        ("\ud800", "a text has half of a character at 0, which cannot be sent"),
        ([object], "a type has no form in JSON"),
    ],
)
def test_what_is_no_json_is_not_sent(value: Any, why: str) -> None:
    act = Tool.from_schema("act", {"type": "object", "properties": {"a": {}}}, Server())
    with pytest.raises(ArgumentError) as caught:
        act.bind({"a": value})
    assert str(caught.value) == f"act(): `a`: {why}"


def test_every_argument_that_does_not_fit_is_told_and_then_what_does_not_go_together() -> None:
    schema = {**MAIL, "anyOf": [{"required": ["user-id"]}, {"required": ["copy"]}]}
    act = Tool.from_schema("act", schema, Server())
    refused: list[tuple[dict[str, Any], str]] = [
        ({"to": 1, "from_": 2}, 'act() needs `body`; act(): `to`: 1 is not of type "string"; act(): `from`: 2 is not'),
        ({"to": "a@b.example", "body": "x", "copy": '{"to": "x"}'}, "if that is JSON, write parse_json"),
        (
            {"to": "a@b.example", "body": "x"},
            '(): "user-id" is a required property or "copy" is a required property',
        ),
        ({"nope": 1}, "act() has no parameter `nope`"),
    ]
    for given, why in refused:
        with pytest.raises(ArgumentError) as caught:
            act.bind(given)
        assert why in str(caught.value)


def test_secrets_are_in_no_message() -> None:
    """Declared, or of the format that says so."""
    properties = {
        "key": {"type": "integer"},
        "word": {"type": "integer", "format": "password"},
        "a": {"type": "integer"},
    }
    act = Tool.from_schema("act", {"type": "object", "properties": properties}, Server(), secret="key")
    assert act.secrets == {"key", "word"}
    with pytest.raises(ArgumentError) as caught:
        act.bind({"key": "hunter2", "word": "hunter3"})
    assert str(caught.value).split("; ") == [
        "act(): `key`, which is a secret, does not fit its schema",
        "act(): `word`, which is a secret, does not fit its schema",
    ]


def test_what_stands_for_a_secret_is_not_sent() -> None:
    properties = {"key": {"type": "string"}}
    act = Tool.from_schema("act", {"type": "object", "properties": properties}, Server(), secret="key")
    for lost in (WITHHELD, f"Bearer {WITHHELD!r}"):
        with pytest.raises(ArgumentError, match=r"act\(\): `key` is a secret that was withheld from the journal"):
            act.bind({"key": lost})


# ------------------------------------------------------------------------------------------------------------ results

USER: Final[Any] = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "state": {"enum": ["on", "off"]}, "Full Name": {"type": "string"}},
    "required": ["id"],
}


def user(*answers: Any, returns: Any = USER, **terms: Any) -> Tool[..., Any]:
    return Tool.from_schema(
        "user", {"type": "object"}, Server(*answers), returns=returns, **{"effect": "read", **terms}
    )


def test_results_are_checked_by_their_schema() -> None:
    """One that does not fit fails the call: of a write nobody knows then what has happened, as it was made."""
    assert executed("a = user()", [user({"id": 7})]).outcomes["a"] == Observation({"id": 7})
    failure = executed("a = user()", [user({"id": "7"})]).outcomes["a"]
    assert isinstance(failure, Failure)
    assert (failure.error, failure.message, failure.in_doubt) == (
        "ResultError",
        'user() returned what its schema does not allow: "7" is not of type "integer", at [\'id\']',
        False,
    )
    written = executed("a = user()\nb = user()", [user({}, effect="write", resource="users")]).outcomes
    assert isinstance(written["a"], Failure)
    assert (written["a"].in_doubt, type(written["b"])) == (True, Skipped)


def test_results_are_checked_where_they_come_in_and_nowhere_else() -> None:
    """Once for each call, wherever it runs: what is called is what was given."""
    server = Server({"id": "7"})
    act = Tool.from_schema("user", {"type": "object"}, server, returns=USER)
    assert act.function is server


@pytest.mark.parametrize(("closed", "code"), [(False, "W501"), (True, "E307")])
def test_a_field_that_a_result_does_not_declare(closed: bool, code: str) -> None:
    """A warning, since declared results are often wrong; an error where the schema allows no others."""
    act = user(returns={**USER, "additionalProperties": False} if closed else USER)
    plan = "a = user()\njoin(a.id, a.Full_Name, a.nmae)"
    assert [str(one).split("\n")[0] for one in check(plan, Toolset([act]).signatures)] == [
        f"plan:2:25: {code} Result declares no field `nmae`"
    ]


def test_a_result_without_a_schema_is_what_it_is() -> None:
    assert executed("a = user()", [user({1}, returns=None)]).outcomes["a"] == Observation({1})


def test_a_computed_argument_of_another_type_is_a_warning() -> None:
    """Where a schema from elsewhere says so (rule L32)."""
    act = Tool.from_schema("act", {"type": "object", "properties": {"a": {"type": "string"}}}, Server(), effect="read")
    assert [d.code for d in check("u = user()\nact(a=u.id)", Toolset([user(), act]).signatures)] == ["W504"]


# -------------------------------------------------------------------------------------------------------------- terms


def test_what_declares_no_effect_is_a_write_and_untrusted() -> None:
    """Nobody knows what it does; `check` says so."""
    act = Tool.from_schema("send-mail", MAIL, Server())
    assert (act.effect, act.trust, act.idempotent, act.shares) == ("write", "untrusted", False, False)
    assert [str(one) for one in act.destinations] == ["to", "user-id", "copy.to"]
    found = check('send_mail(to="a@b.example", body="x")', Toolset([act]).signatures)
    assert [one.message for one in found] == ["no effect is declared for `send_mail`: taken as writes"]


def test_destinations_are_found_by_name_and_by_format() -> None:
    """Also within records, and those of a reader elsewhere that are URLs."""
    properties = {
        "note": {"type": "string"},
        "where": {"type": "string", "format": "uri"},
        "mails": {"type": "array", "items": {"type": "object", "properties": {"to": {"type": "string"}}}},
        "day to come": {"type": "string", "format": "date"},
        "channel": {"enum": ["a", "b"]},
    }
    act = Tool.from_schema("act", {"type": "object", "properties": properties}, Server())
    assert [str(one) for one in act.destinations] == ["where", "mails[].to"]
    reader = Tool.from_schema("act", {"type": "object", "properties": properties}, Server(), effect="read")
    assert [str(one) for one in reader.destinations] == ["where"]
    declared = Tool.from_schema(
        "act", {"type": "object", "properties": properties}, Server(), sink="mails[].to", content="where"
    )
    assert declared.sinks == {"mails[].to"}


@pytest.mark.parametrize("mapping", ["additionalProperties", "patternProperties"])
@pytest.mark.parametrize("held", [{"type": "string", "format": "email"}, {"properties": {"to": {"type": "string"}}}])
def test_a_destination_under_whatever_key_is_told_with_the_whole(mapping: str, held: dict[str, Any]) -> None:
    shares = {"type": "object", mapping: held if mapping == "additionalProperties" else {".": held}}
    act = Tool.from_schema("act", {"type": "object", "properties": {"shares": shares}}, Server())
    assert [str(one) for one in act.destinations] == ["shares"]


def test_a_resource_is_a_function_of_arguments_by_their_names() -> None:
    schema: Any = {"type": "object", "properties": {"path": {"type": "string", "default": "/"}, "user-id": {}}}
    act = Tool.from_schema("act", schema, Server(), resource=lambda path: f"file:{path}", reads=lambda path: path)
    assert act.resource_of(act.bind({})) == "file:/"
    assert callable(act.reads)
    assert act.reads({}) == {"/"}


def test_a_tool_from_a_schema_has_no_batched_form() -> None:
    with pytest.raises(UsageError, match="has no batched form"):
        Toolset([Tool.from_schema("act", MAIL, Server(), effect="read", batch="other"), tool(name="other")(len_of)])


def len_of(items: list[str]) -> int:
    return len(items)


def test_there_is_no_term_of_another_name() -> None:
    with pytest.raises(UsageError, match="@tool has no option efect=; did you mean effect="):
        Tool.from_schema("act", MAIL, Server(), efect="read")  # type: ignore[call-arg]


def test_type_checkers_know_every_term() -> None:
    """With the type that it has."""
    told = {name: kind.__forward_arg__ for name, kind in TermsDict.__annotations__.items()}
    assert told == Terms.__annotations__


# ------------------------------------------------------------------------------------------------------ where it shows


def test_the_schema_is_given_back_as_it_was_given() -> None:
    """To chat APIs too; changing it afterwards changes nothing."""
    given = {**MAIL, "properties": {**MAIL["properties"]}}
    act = Tool.from_schema("send-mail", given, Server(), description="Send.")
    given["properties"]["more"] = {}
    assert act.schema == MAIL
    (shown,) = Toolset([act]).schemas("anthropic")
    assert shown == {"name": "send_mail", "description": "Send.", "input_schema": MAIL}


def test_the_command_lists_it() -> None:
    (shown,) = tools_document(Toolset([user(description="One user.")]))["tools"]
    assert (shown["name"], shown["signature"]) == ("user", "user() -> Result")


def test_a_run_is_not_resumed_with_another_schema() -> None:
    """What it says in words may change."""

    def guards(schema: Any, returns: Any = None) -> Any:
        act = Tool.from_schema("act", schema, Server(), returns=returns, effect="read")
        return Guards(LLMCompiler(tools=[act])._equipment).about({})

    properties = {"a": {"$ref": "#/$defs/P"}}
    point: Any = {"properties": {"x": {"type": "integer"}}}
    schema: Any = {"type": "object", "properties": properties, "$defs": {"P": point}}
    worded = {
        **schema,
        "title": "t",
        "$defs": {"P": {**schema["$defs"]["P"], "title": "A point", "description": "new"}},
    }
    told = guards(schema)
    assert guards(worded) == told
    assert guards({**schema, "minProperties": 1}) != told
    assert guards({**schema, "$defs": {"P": {}}}) != told
    assert guards(schema, returns={"type": "string"}) != told


def test_a_call_that_waited_for_approval_is_made_as_it_was_shown(tmp_path: Path) -> None:
    """With the defaults that were shown, and without what was left out; and not by itself under another schema."""
    server, path = Server(), tmp_path / "runs.db"

    def agent(**more: Any) -> LLMCompiler:
        act = Tool.from_schema("send-mail", {**MAIL, **more}, server, effect="write", policy="ask")
        return LLMCompiler(tools=[act], journal=path)

    with pytest.raises(ApprovalPending) as caught:
        run(agent().execute('x = send_mail(to="a@b.example", body="x")', run_id="run"))
    (question,) = caught.value.questions
    assert isinstance(question, Question)
    shown = {"body": "x", "to": "a@b.example", "from": "me@home.example"}
    assert dict(question.arguments) == shown
    Journal(path).approve("run", question)
    with pytest.raises(UsageError, match="send-mail: schema: not the same as before"):
        run(agent(minProperties=1).resume("run"))
    run(agent().resume("run"))
    assert server.sent == [shown]


def test_without_the_package_that_checks_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    with pytest.raises(UsageError, match=r"run pip install 'superscalar\[schema\]'"):
        Tool.from_schema("act", MAIL, Server())


def test_wrong_constants_are_found_before_anything_runs() -> None:
    server = Server()
    plan = 'a = send_mail(to="a@b.example", body="x")\nb = send_mail(to="nobody", body=3, copy={"to": 1})'
    with pytest.raises(PlanError) as caught:
        executed(plan, [mail(server)])
    assert [getattr(one, "code", "") for one in caught.value.diagnostics] == ["E304", "E304", "E304"]
    assert server.sent == []
