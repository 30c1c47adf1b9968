"""What pydantic-ai raises becomes a `ModelError`: the provider's own words, whether to ask again, and when."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from superscalar.errors import ModelError, ModelSetupError
from superscalar.models.saying import error_words, page
from superscalar.schedule.refusal import wait_of
from superscalar.transient import TOO_MANY, is_transient, may_pass

# How providers, and the library in their place, call the settings that they refuse.
_CALLED: Final[Mapping[str, Sequence[str]]] = {
    "max_tokens": ("max_tokens", "max_output_tokens", "maxoutputtokens", "max_completion_tokens", "maximum output"),
    "temperature": ("temperature",),
    "seed": ("seed",),
    "cache": ("cache",),
    "grammar": ("schema", "structured output", "response_format", "response_mime", "responsemimetype"),
}


def model_error(error: Exception, name: str, key: str, shown: Callable[[str], str]) -> ModelError:
    """The error of a request that failed, or of a reply that broke off.

    `key`: what may hold the provider's key, for a message that asks to check it. `shown` makes a text of a server fit
    for a message.
    """
    if isinstance(error, ModelError):
        return error
    if isinstance(error, ExceptionGroup):
        return _of_all([model_error(one, name, key, shown) for one in error.exceptions])
    from pydantic_ai import exceptions as theirs

    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else None
    words = shown(_words(error)) or "nothing was said"
    message = f"{name}: {words}" if status is None else f"{name}: HTTP {status}: {words}"
    if suggested := getattr(error, "suggested_model_id", None):
        message += f"; did you mean {str(suggested)!r}?"
    match error:
        case theirs.ModelAuthenticationError():
            return ModelSetupError(f"{message}\nCheck the key{key}, and what it is allowed to use.", status=status)
        case theirs.ModelQuotaExceededError():  # it may name a time to come back all the same, which is of no use
            return ModelError(message, status=status)
        case theirs.ModelRateLimitError():
            return ModelError(message, retryable=True, retry_after=_wait(error), status=status or TOO_MANY)
        case theirs.ModelUnavailableError() | theirs.ModelServerError() | theirs.ModelConnectionError():
            return ModelError(message, retryable=True, retry_after=_wait(error), status=status)
        case theirs.ModelRequestTimeout():
            return ModelError(message, retryable=True)
        case theirs.ModelRequestRejectedError() | theirs.ContentFilterError():
            return ModelError(message, status=status)
        case theirs.UnexpectedModelBehavior():  # it sent nothing, or no stream of its protocol
            return ModelError(message, retryable=True)
        case theirs.UserError():  # what the library wants to be told, such as a key
            return ModelSetupError(message)
        case theirs.ModelAPIError():
            garbled = status is None and isinstance(error.__cause__, ValueError)  # the stream broke inside of an event
            passes = is_transient(error) if status is None else status in (409, TOO_MANY) or may_pass(status)
            return ModelError(message, retryable=garbled or passes, retry_after=_wait(error), status=status)
    return ModelError(f"{name}: {type(error).__name__}: {words}", retryable=is_transient(error), status=status)


def _of_all(errors: Sequence[ModelError]) -> ModelError:
    """The error of a model that hands requests to others, of which none answered: it may pass as soon as one does."""
    said = "; ".join(dict.fromkeys(map(str, errors)))
    passing = [error for error in errors if error.retryable]
    if not passing:
        return ModelError(said, status=errors[-1].status)
    soonest = min(passing, key=lambda error: error.retry_after or 0.0)
    return ModelError(said, retryable=True, retry_after=soonest.retry_after, status=soonest.status)


def refused_setting(error: Exception, settings: Collection[str]) -> str:
    """Which of these settings a provider refuses, by its name; empty if it is none of them."""
    from pydantic_ai.exceptions import ModelRequestRejectedError, UserError

    if not isinstance(error, ModelRequestRejectedError | UserError):
        return ""
    said = _words(error).lower()
    return next((name for name in settings if any(word in said for word in _CALLED.get(name, ()))), "")


def _words(error: Exception) -> str:
    """What the provider said, else what the library did."""
    body = getattr(error, "body", None)
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return page(body) if body.strip() else _message(error)
    if not body and isinstance(
        getattr(error, "status_code", None), int
    ):  # what the library says has nothing else in it
        return ""
    return page(error_words(body)) if body else _message(error)


def _message(error: Exception) -> str:
    said = str(getattr(error, "message", "") or error) or type(error).__name__
    why = error.__cause__
    why = why.__cause__ or why if why is not None else None
    return f"{said} ({why!r})" if why is not None and str(why) and str(why) not in said else said


def _wait(error: Any) -> float | None:
    """Seconds that the provider asked to wait, as a header or its body has them."""
    headers = getattr(error, "headers", None)
    if isinstance(headers, Mapping):
        wait = wait_of({str(name).lower(): str(value) for name, value in headers.items()})
        if wait is not None:
            return wait
    wait = getattr(error, "retry_after", None)
    return float(wait) if isinstance(wait, int | float) and not isinstance(wait, bool) and wait >= 0 else None
