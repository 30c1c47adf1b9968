"""Whose calls a provider counts together: those of one model, at one address, with one key."""

from __future__ import annotations

from collections.abc import Hashable
from hashlib import sha256
from typing import Any, Final
from weakref import WeakKeyDictionary

from superscalar.models.base import ChatModel
from superscalar.tools.limiting import OwnLimit, owner_of
from superscalar.tools.terms import Retry

_PLAIN: Final = (str, bytes, int, float, type(None), list, tuple, dict, set, frozenset)
_MOST: Final = 100  # items of what is compared by what is in it

_alike: WeakKeyDictionary[Any, Hashable] = WeakKeyDictionary()  # what each was made with, when it was first seen


def account_of(model: ChatModel) -> Hashable:
    """What is equal for models whose calls count together; no key stands in it.

    A model may say it itself (`account`). Else it is one with those of its class that were made with the same texts and
    numbers, and with the very same objects, such as a client.
    """
    said = getattr(model, "account", None)
    if said is not None:
        return owner_of(said)
    try:
        found = _alike.get(model)
        if found is None:
            found = _alike[model] = type(model), *_made_with(vars(model))
    except TypeError:  # it has no attributes, or cannot be remembered
        return owner_of(model)
    return found


def _made_with(state: dict[str, Any]) -> tuple[Hashable, ...]:
    plain = {name: value for name, value in state.items() if _is_short(value)}
    texts = sha256(repr(sorted((name, repr(value)) for name, value in plain.items())).encode()).hexdigest()
    return texts, frozenset((name, owner_of(value)) for name, value in state.items() if name not in plain)


def _is_short(value: object) -> bool:
    return isinstance(value, _PLAIN) and (isinstance(value, str | bytes) or _items(value) <= _MOST)


def _items(value: object) -> int:
    return len(value) if isinstance(value, list | tuple | dict | set | frozenset) else 1


def limit_of(model: ChatModel) -> OwnLimit:
    """The limit that the calls of a model take part in."""
    return OwnLimit(model.name, account_of(model))


def retry_of(model: ChatModel) -> Retry | None:
    """What a model says of being asked again; None of one that says nothing."""
    retry = getattr(model, "retry", None)
    return retry if isinstance(retry, Retry) else None
