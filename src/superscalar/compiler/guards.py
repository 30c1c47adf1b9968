"""What keeps a run within bounds, as its journal remembers it, and what has become of that in an agent that goes on.

A guard that is gone is not to be done without; one that says something else is, if somebody says so; what is stricter,
or comes in addition, may be. What a release does not know of a newer one's journal counts as gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from superscalar.advice import command
from superscalar.compiler.equipment import Equipment
from superscalar.compiler.identity import Identity, identity_of, mark_of
from superscalar.errors import UsageError
from superscalar.events import Event, Resumed
from superscalar.forks import made_once
from superscalar.models.typed import AnswerType
from superscalar.plan.ir.aliases import told_place
from superscalar.policy import Mode
from superscalar.policy.calls import Always, rule_of
from superscalar.policy.rules import BuiltIn
from superscalar.tools.tool import Tool

if TYPE_CHECKING:
    from superscalar.journal import RunLog

GUARDS: Final = "guards"
"""Under which name a run is remembered with them."""


class Altered(NamedTuple):
    """What has become of a guard: it is gone, says something else, or is stricter or new; and that in words."""

    how: Literal["gone", "other", "more"]
    what: str


Data: TypeAlias = Any
"""What the journal has of a guard: JSON data. None: there is none."""

GuardChange: TypeAlias = Callable[[str, Data, Data], Iterator[Altered]]
"""What has become of a guard of that name: what it was, and what it is."""


class Guards:
    """The guards of an agent. They are looked at when the first run is recorded, and once."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    @made_once
    def _all(self) -> dict[str, Any]:
        return _told(self._equipment)

    def about(self, remembered: Mapping[str, Any]) -> dict[str, Any]:
        """What a run is remembered with, and its guards: those of the tools that it can call."""
        made = dict(self._all)
        if (calls := remembered.get("calls")) is not None:
            named = {tool.name for alias in calls if (tool := self._equipment.tools.get(alias)) is not None}
            made["tools"] = {name: said for name, said in made["tools"].items() if name in named}
        return {**remembered, GUARDS: made}

    def loosened(self, by: Guards) -> tuple[str, ...]:
        """Which of these guards another agent does without, or has laxer, in words; how much a run may take is none."""
        rules = {name: said for name, said in self._all.items() if name not in (*_BUDGETS, *_BOUNDS)}
        return tuple(change.what for change in _changes(rules, by._all) if change.how != "more")

    def check(self, log: RunLog, *, rules_changed: bool) -> tuple[str, ...]:
        """Refuse to go on with a run without the guards that it was begun under; what else has changed, in words.

        `log`: that of the run. `rules_changed`: somebody knows that guards say something else, and lets it go on.

        Raises:
            UsageError: one is gone, or says something else; the message names each.
        """
        run, about = log.run, log.about
        if GUARDS not in about:
            by = about.get("version", "(unknown)")
            return (f"superscalar {by} did not record under which rules the run was begun: those of this agent count",)
        found = [*_changes(about[GUARDS], self._all), *self._taken(about)]
        gone = [change.what for change in found if change.how == "gone"]
        other = [change.what for change in found if change.how == "other"]
        if gone:
            raise UsageError(
                f"run {run} is not gone on with under these rules, for what it was begun under is missing:\n"
                f"{_listed([*gone, *other])}\n"
                f"go on with what it was begun with: {_again(log)}"
            )
        if other and not rules_changed:
            raise UsageError(
                f"run {run} was begun under other rules than those of this agent:\n{_listed(other)}\n"
                f"look at what has changed, and if it may go on under these, say so:\n  {_again(log, changed=True)}"
            )
        return tuple(change.what for change in found)

    def _taken(self, about: Mapping[str, Any]) -> Iterator[Altered]:
        """The tools in whose place plans call another one now: it has their name there, and not their guards."""
        guarded = about[GUARDS].get("tools", {}) if isinstance(about[GUARDS], Mapping) else {}
        for alias, (name, *_) in about.get("declared", {}).items():
            tool = self._equipment.tools.get(alias)
            if name in guarded and tool is not None and tool.name != name:
                yield Altered(
                    "gone", f"{told_place(alias)}: plans called the tool {name} so, and call {tool.name} so now"
                )


def _again(log: RunLog, *, changed: bool = False) -> str:
    """What to type to go on with a run; `changed`: though its rules have."""
    if "cli" in log.about:
        return command("resume", log.run, journal=log.journal, then=["--rules-changed"] * changed)
    return f"agent.resume({log.run!r}{', rules_changed=True' * changed})"


def changes_told(happened: Iterable[Event]) -> tuple[str, ...]:
    """What had changed of the guards of a run when it was gone on with last, in words."""
    return next((event.rules for event in reversed(list(happened)) if isinstance(event, Resumed)), ())


def _listed(told: Iterable[str]) -> str:
    return "\n".join(f"  {line}" for line in told)


# ------------------------------------------------------------------------------------------------------- what there is

_BUDGETS: Final = ("max_tokens", "max_cost", "max_bytes", "max_replans")
_BOUNDS: Final = ("max_tasks", "max_fan_out", "max_bytes")
_HOOKS: Final = ("redact",)
_OWN: Final[Mapping[Mode, str]] = {"off": "kept", "warn": "told", "ask": "kept", "enforce": "kept"}
"""What becomes of rules and bounds of somebody's own: "warn" is laxer with these than "off"."""


def _told(equipment: Equipment) -> dict[str, Any]:
    """The guards of an agent as JSON data; those that it has not are left out."""
    policy, options = equipment.policy, equipment.options
    ruled = equipment.tools.rules
    answer = equipment.answer_type
    return _without_none(
        {
            "policy": policy.mode,
            "policy.rules": [_of_rule(rule) for rule in policy.rules] or None,
            "policy.own": _OWN[policy.mode] if policy.is_bounded or policy.rules or any(ruled.values()) else None,
            "policy.tools": None if policy.tools is None else sorted(policy.tools),
            "policy.max_writes": policy.max_writes,
            "policy.max_cost": policy.max_cost,
            "policy.control": policy.control,
            "policy.confidential_control": policy.confidential_control,
            "approve": None if options.approve is None else [identity_of(options.approve)],
            "approve_plan": options.approve_plan,
            "replan": options.replan,
            "replanner_sees": options.replanner_sees,
            "show": options.show,
            **{name: getattr(options, name) for name in (*_BUDGETS, *_BOUNDS)},
            "hooks": [identity_of(hook) for name in _HOOKS if (hook := getattr(options, name)) is not None] or None,
            "output_type": None if answer is None else _schema_mark(answer),
            "schemas": {
                name: _schema_mark(AnswerType(kind, f"schemas[{name!r}]"))
                for name, kind in equipment.tools.named.items()
            }
            or None,
            "tools": {tool.name: _of_tool(tool, ruled.get(tool.known_as, ())) for tool in equipment.tools},
        }
    )


def _of_tool(tool: Tool[..., Any], rules: Iterable[Any]) -> dict[str, Any]:
    identity, told = tool.described.identity, tool.signature.forms
    forms = [mark_of([_bare(form.keys) for form in told])] if told and identity is None else []
    return _without_none(
        {
            "effect": tool.effect,
            "rules": [_of_rule(rule_of(rule)) for rule in rules] or None,
            "destinations": {
                str(one): [
                    "sink" if one.declared else "likely",
                    *([mark_of(list(map(vars, one.marks)))] * bool(one.marks)),
                ]
                for one in tool.destinations
            }
            or None,
            "trust": tool.trust or "as given",
            "vouches": None if tool.results is None else mark_of(tuple(tool.results)),
            "readers": _readers(tool.readers),
            "reads": _readers(tool.reads),
            "secret": sorted(tool.secrets) or None,
            "arguments": {name: [mark_of(kind), *forms] for name, kind in tool.described.annotations.items()} or None,
            "schema": None if identity is None else mark_of(identity),
            "idempotent": tool.idempotent,
        }
    )


def _of_rule(rule: Any) -> Identity:
    """Which rule it is; one of ours is told by what it says, and not by the code of this release."""
    match rule:
        case Always(decision):
            return Identity("", "policy", f"version {decision!r}")
        case BuiltIn():
            return Identity("", rule.name, f"version {type(rule).__name__}")
        case _:
            return identity_of(rule)


def _bare(keys: Iterable[Any]) -> list[Any]:
    return [(key.name, key.type, key.required, key.choices, key.bounds) for key in keys]


def _readers(said: Any) -> Data:
    return said if said is None else [identity_of(said)] if callable(said) else sorted(said)


def _without_none(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same as JSON data gives it back."""
    kept: dict[str, Any] = json.loads(json.dumps({name: said for name, said in data.items() if said is not None}))
    return kept


def _schema_mark(answer: AnswerType) -> str:
    """A digest of a schema, without what it is called and described as."""
    return mark_of(json.dumps(_bare_schema(answer.schema), sort_keys=True, default=repr))


def _bare_schema(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        words = [name for name in ("title", "description") if isinstance(schema.get(name), str)]
        return {name: _bare_schema(part) for name, part in schema.items() if name not in words}
    return [_bare_schema(part) for part in schema] if isinstance(schema, list | tuple) else schema


# --------------------------------------------------------------------------------------------- what has become of it


def _changes(begun: Data, now: Mapping[str, Any]) -> Iterator[Altered]:
    """What has become of the guards that a run was begun under."""
    yield from _fields("", begun, now, _AGENT)


def _fields(within: str, was: Data, now: Mapping[str, Any], known: Mapping[str, GuardChange]) -> Iterator[Altered]:
    """What has become of each of several; what nobody here knows is gone."""
    if not isinstance(was, Mapping):
        yield Altered("gone", f"{within}what is recorded of its rules cannot be read")
        return
    for name in {**known, **was}:
        if name in was and name not in known:
            yield Altered("gone", f"{within}{name}: this release of superscalar does not know what that is")
            continue
        try:
            yield from known[name](f"{within}{name}", was.get(name), now.get(name))
        except Exception:  # noqa: BLE001 -- the journal may hold anything: what cannot be read is no guard that is there
            yield Altered(
                "gone", f"{within}{name} was {was.get(name)!r}, which this release of superscalar cannot read"
            )


def _said(name: str, was: Data, now: Data) -> str:
    return f"{name} was {_word(was)}, and is {_word(now)} now"


def _word(said: Data) -> str:
    return (
        ", ".join(map(str, said)) or "(nothing)" if isinstance(said, list) else "not set" if said is None else f"{said}"
    )


def _words(*ranked: Any, nothing: int = 1, apart: Collection[frozenset[Any]] = ()) -> GuardChange:
    """One word of several, the laxest first. The first `nothing` of them are no guard. `apart`: which have no order."""

    def compare(name: str, was: Data, now: Data) -> Iterator[Altered]:
        was, now = (ranked[0] if said is None else said for said in (was, now))
        before, by_now = ranked.index(was), ranked.index(now)
        if before != by_now:
            laxer = by_now < before or frozenset((was, now)) in apart
            yield Altered("gone" if laxer and by_now < nothing else "other" if laxer else "more", _said(name, was, now))

    return compare


def _where_both(compare: GuardChange) -> GuardChange:
    """What both say, as `compare` has it: whether there is anything to say it of, others tell."""

    def compared(name: str, was: Data, now: Data) -> Iterator[Altered]:
        if was is not None and now is not None:
            yield from compare(name, was, now)

    return compared


def _bound(name: str, was: Data, now: Data) -> Iterator[Altered]:
    """A number that is not gone beyond."""
    if was is not None and (isinstance(was, bool) or not isinstance(was, int | float)):
        raise TypeError(was)
    if was != now:
        laxer = was is not None and (now is None or now > was)
        yield Altered("gone" if laxer and now is None else "other" if laxer else "more", _said(name, was, now))


def _only(name: str, was: Data, now: Data) -> Iterator[Altered]:
    """Names of those that may; None is all."""
    if was == now:
        return
    before, by_now = (None if said is None else _names(said) for said in (was, now))
    laxer = before is not None and (by_now is None or not by_now <= before)
    yield Altered("gone" if laxer and now is None else "other" if laxer else "more", _said(name, was, now))


def _all_of(name: str, was: Data, now: Data) -> Iterator[Altered]:
    """Names of which none may be missing."""
    before, by_now = (frozenset() if said is None else _names(said) for said in (was, now))
    if before != by_now:
        yield Altered("more" if before <= by_now else "gone", _said(name, was, now))


def _names(said: Data) -> frozenset[str]:
    if not isinstance(said, list) or not all(isinstance(name, str) for name in said):
        raise TypeError(said)
    return frozenset(said)


def _who(compare: GuardChange) -> GuardChange:
    """Names, as `compare` has it, or a function that gives them."""

    def compared(name: str, was: Data, now: Data) -> Iterator[Altered]:
        if _is_function(was) or _is_function(now):
            yield from _functions(name, was if _is_function(was) else None, now if _is_function(now) else None)
            if was is not None and now is not None and _is_function(was) != _is_function(now):
                yield Altered("other", f"{name} is told in another way")
        else:
            yield from compare(name, was, now)

    return compared


def _is_function(said: Data) -> bool:
    return isinstance(said, list) and len(said) == 1 and isinstance(said[0], list)


def _functions(name: str, was: Data, now: Data) -> Iterator[Altered]:
    """Functions of somebody's own: each must be there, and say what it said."""
    left = [Identity(*one) for one in now or ()]
    missing: list[Identity] = []
    for one in (Identity(*one) for one in was or ()):
        same = next((other for other in left if one.is_(other)), None)
        left.remove(same) if same is not None else missing.append(one)
    for one in missing:
        named = next((other for other in left if other[:2] == one[:2]), None)
        if named is None:
            yield Altered("gone", f"{name}: {one.qualified} is missing")
        else:
            left.remove(named)
            yield Altered("other", f"{name}: {one.qualified} was {one.told}, and is {named.told} now")
    for one in left:
        yield Altered("more", f"{name}: {one.qualified} is new")


def _answerer(name: str, was: Data, now: Data) -> Iterator[Altered]:
    """Who is asked: without anybody questions wait in the journal, and then anybody may answer them."""
    for change in _functions(name, was, now):
        if was is not None and now is not None:
            yield Altered("other", change.what)


def _same(of_what: str, *, absent: Literal["other", "more"] = "more") -> GuardChange:
    """A digest. `absent`: what follows where there was none."""

    def compare(name: str, was: Data, now: Data) -> Iterator[Altered]:
        if was is None and now is not None:
            yield Altered(absent, f"{name}: {of_what}, of which nothing was said before")
        elif was is not None and (was != now or not was):
            yield Altered("gone" if now is None and absent == "more" else "other", f"{name}: not the same as before")

    return compare


def _each(compare: GuardChange) -> GuardChange:
    """Several by name: what each was must still be so."""

    def compared(name: str, was: Data, now: Data) -> Iterator[Altered]:
        for one, said in (was or {}).items():
            yield from compare(f"{name}: {one}", said, (now or {}).get(one))
        for one in (now or {}).keys() - (was or {}).keys():
            yield Altered("more", f"{name}: {one} is new")

    return compared


def _destination(name: str, was: Data, now: Data) -> Iterator[Altered]:
    """Whether a parameter chooses where something goes, and what is said of that which is not trusted and chooses.

    What only looked as if it did is our guess: a tool may say by now that it does not.
    """
    if was[0] not in ("sink", "likely"):
        raise ValueError(was)
    if now is None:
        yield Altered("gone" if was[0] == "sink" else "other", f"{name} chose where something goes, and does not now")
    elif was != now or "" in was:
        laxer = (was[0], now[0]) == ("sink", "likely") or (now[1:] and was[1:] != now[1:])
        yield Altered("other" if laxer or "" in was else "more", f"{name} chooses by other rules where something goes")


def _argument(name: str, was: Data, now: Data) -> Iterator[Altered]:
    """What a parameter takes. One that is gone is given nothing that had to be looked at."""
    if now is None:
        yield Altered("more", f"{name} is taken no more")
    elif was != now or "" in was:
        yield Altered("other", f"{name} takes something else than before")


def _tools(_name: str, was: Data, now: Data) -> Iterator[Altered]:
    """What tools say of themselves. One that is gone keeps nothing from being called."""
    for tool, said in was.items():
        if tool in now:
            yield from _fields(f"{tool}: ", said, now[tool], _TOOL)


_AGENT: Final[Mapping[str, GuardChange]] = {
    "policy": _words("off", "warn", "ask", "enforce", nothing=2),
    "policy.rules": _functions,
    "policy.own": _where_both(_words("told", "kept")),
    "policy.tools": _only,
    "policy.max_writes": _bound,
    "policy.max_cost": _bound,
    "policy.control": _words("none", "sinks"),
    "policy.confidential_control": _words("allow", "deny"),
    "approve": _answerer,
    "approve_plan": _words(False, True),
    "replan": _words(
        "any",
        "planned-tools",
        "ask",
        "read-only",
        "never",
        apart=[frozenset(("planned-tools", "ask")), frozenset(("planned-tools", "read-only"))],
    ),
    "replanner_sees": _words("text", "summaries", nothing=0),
    "show": _words("all", "joined", nothing=0),
    **dict.fromkeys((*_BUDGETS, *_BOUNDS), _bound),
    "hooks": _functions,
    "output_type": _same("the type of the answer"),
    "schemas": _each(_same("a schema")),
    "tools": _tools,
}
_TOOL: Final[Mapping[str, GuardChange]] = {
    "effect": _words("pure", "read", "write", nothing=2),
    "rules": _functions,
    "destinations": _each(_destination),
    "trust": _words("trusted", "as given", "untrusted", nothing=2),
    "vouches": _same("what it vouches for", absent="other"),
    "readers": _who(_only),
    "reads": _who(_all_of),
    "secret": _all_of,
    "arguments": _each(_argument),
    "schema": _same("its schema", absent="other"),
    "idempotent": _words(True, False, nothing=0),
}
