"""What models cost where pydantic's list of prices knows them (package `genai-prices`, part of the extra `models`)."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from functools import lru_cache
from math import inf
from typing import Any, Final

from superscalar.forks import MAKING
from superscalar.models.base import Prices

_CALLED: Final = {  # by their prefix here, as the list calls them
    "openai-chat": "openai",
    "openai-responses": "openai",
    "openai-codex": "openai",
    "openai-chatgpt": "openai",
    "azure-responses": "azure",
    "bedrock": "aws",
    "google-cloud": "google",
    "xai": "x-ai",
}


@lru_cache(maxsize=256)
def prices_of(provider: str, model: str) -> Prices | None:
    """What a model costs in dollars per million tokens, without what its provider charges more for long prompts.

    None where the list does not know it.

    Raises:
        ImportError: there is no list.
    """
    with MAKING:
        snapshots = importlib.import_module("genai_prices.data_snapshot")
    provider = provider.removeprefix("gateway/")
    try:
        _, known = snapshots.get_snapshot().find_provider_model(
            model, provider=None, provider_id=_CALLED.get(provider, provider), provider_api_url=None
        )
        found = known.get_prices(datetime.now(UTC))
    except (LookupError, ValueError):
        return None
    read, written = _of(found, "input_mtok"), _of(found, "output_mtok")
    if read is None or written is None:
        return None
    return Prices(read, written, _of(found, "cache_read_mtok"), _of(found, "cache_write_mtok"))


def _of(prices: Any, name: str) -> float | None:
    price = getattr(prices, name, None)
    price = getattr(price, "base", price)  # of one that depends on the prompt's length, that of a short one
    try:
        return float(price) if price is not None and 0 <= price < inf else None
    except (TypeError, ValueError):
        return None
