"""Asking a rule, which is somebody else's code: whatever it does, something is decided and the run goes on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from superscalar.policy.calls import Allow, Ask, Decision, Deny, LabelledCall, Rule
from superscalar.policy.rules import BuiltIn


def ruling_of(rule: Rule, shown: Callable[[], LabelledCall]) -> Decision | None:
    """What a rule says of a call; nothing happens that it did not let happen. Only Ctrl-C is not caught.

    `shown`: makes the call that it is shown.
    """
    try:
        said: object = rule(shown())
        return None if said is None else _decision(rule, said)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 -- a rule may raise anything: CancelledError and SystemExit, too
        return Deny(f"the rule {rule_name(rule)} raised {_shown(error)}")


def _decision(rule: Rule, said: object) -> Decision:
    """What was said, of our own classes and with a plain text; an object that only says that it is of them is none."""
    kind = type(said)
    for known, name in ((Deny, "reason"), (Ask, "question")):
        if issubclass(kind, known):
            text = getattr(said, name)
            if isinstance(text, str):
                return known(str.__str__(text))
            return Deny(f"the rule {rule_name(rule)} said {known.__name__}({_shown(text)}), whose {name} is no text")
    if issubclass(kind, Allow):
        return Allow()
    if inspect.isawaitable(said):
        if inspect.iscoroutine(said):
            said.close()
        return Deny(f"the rule {rule_name(rule)} is async: a rule is a plain function, which decides at once")
    return Deny(
        f"the rule {rule_name(rule)} returned {_shown(said)}, which is no Allow(), Deny(reason), Ask(question) or None"
    )


def rule_name(rule: Rule) -> str:
    """What a rule is called where its decisions are told: a built-in one's name, a function's, or that of a class."""
    try:
        named: Any = rule.name if isinstance(rule, BuiltIn) else getattr(rule, "__name__", None)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 -- as above
        named = None
    return str.__str__(named) if isinstance(named, str) else type(rule).__name__


def _shown(value: object) -> str:
    try:
        return repr(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 -- as above
        return f"a {type(value).__name__} that cannot be shown"
