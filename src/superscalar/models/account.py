"""Whose calls a provider counts together: those of one model, at one address, with one key."""

from __future__ import annotations

from collections.abc import Hashable

from superscalar.models.base import ChatModel
from superscalar.tools.limiting import OwnLimit, owner_of
from superscalar.tools.terms import Retry


def account_of(model: ChatModel) -> Hashable | None:
    """What is equal for models whose calls count together; None where a model does not say."""
    account: Hashable | None = getattr(model, "account", None)
    return account


def limit_of(model: ChatModel) -> OwnLimit:
    """The limit that the calls of a model take part in. One that says nothing of its account shares it with nobody."""
    account = account_of(model)
    return OwnLimit(model.name, owner_of(model) if account is None else account)


def retry_of(model: ChatModel) -> Retry | None:
    """What a model says of being asked again; None of one that says nothing."""
    retry = getattr(model, "retry", None)
    return retry if isinstance(retry, Retry) else None
