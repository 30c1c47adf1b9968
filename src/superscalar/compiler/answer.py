"""A typed answer: the schema that the joiner follows, and the reading of what it wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from superscalar.errors import UsageError
from superscalar.values import fields_of_records


class AnswerType:
    """What `output_type=` stands for: any type that pydantic knows."""

    def __init__(self, type_: Any) -> None:
        from pydantic import PydanticUserError, TypeAdapter, ValidationError  # a tenth of a second: only if needed

        self._invalid = ValidationError
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(type_)
            self.schema: Mapping[str, Any] = self._adapter.json_schema()
        except PydanticUserError as error:
            raise UsageError(f"output_type={type_!r} cannot be validated: {error}") from error

    def read(self, text: str) -> Any:
        """The value that the joiner wrote, a code fence or a sentence around it tolerated.

        Raises:
            ValueError: it is no JSON, or does not follow the schema; the message says where.
        """
        try:
            return self._adapter.validate_python(_document(text))
        except self._invalid as error:
            found = error.errors(include_url=False)
            raise ValueError(
                "; ".join(f"{'.'.join(map(str, e['loc'])) or 'value'}: {e['msg']}" for e in found)
            ) from None

    def again(self, answer: Any) -> Any:
        """The value that an answer was before it was recorded.

        Raises:
            UsageError: it does not follow the schema, so that is not the one that it was written to.
        """
        try:
            return self._adapter.validate_python(fields_of_records(answer), by_alias=True, by_name=True)
        except self._invalid as error:
            raise UsageError(f"the answer that was recorded is none for this output_type=: {error}") from None


def _document(text: str) -> Any:
    """The first whole JSON document in a text; a text without any is taken as a string itself."""
    decoder = json.JSONDecoder()
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        for position, sign in enumerate(text):
            if sign in "{[":
                try:
                    return decoder.raw_decode(text, position)[0]
                except json.JSONDecodeError:
                    continue
    return text.strip().removeprefix("```json").strip("`").strip()
