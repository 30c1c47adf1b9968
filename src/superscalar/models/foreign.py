"""Model objects of pydantic-ai, told from ours without importing it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Protocol

from typing_extensions import TypeIs


class PydanticModel(Protocol):
    """What `pydantic_ai.models.Model` has, for type checkers: it may not be installed."""

    @property
    def model_name(self) -> str:
        """Say what its provider calls it."""
        ...

    @property
    def system(self) -> str:
        """Say whose it is."""
        ...

    @property
    def request_stream(self) -> Callable[..., Any]:
        """Ask, in pydantic-ai's terms."""
        ...


def is_pydantic_model(value: object) -> TypeIs[PydanticModel]:
    """Tell whether a value is a model of pydantic-ai's: nobody has one who has not imported it."""
    models = sys.modules.get("pydantic_ai.models")
    return isinstance(value, getattr(models, "Model", ()))
