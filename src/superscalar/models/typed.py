"""A typed reply of a model: the schema that it follows, and the reading of what it wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from superscalar.errors import UsageError
from superscalar.short import short
from superscalar.values import fields_of_records

_OPENING = re.compile(r"[{\[]")
_MOST_TRIED = 1_000  # brackets at which a document may begin


class Mismatch(ValueError):
    """A reply does not follow its schema. `places`: where, what pydantic says, and the kind of error.

    Both the place (a key of the reply) and the words (of a validator) may have text of the reply in them.
    """

    def __init__(self, places: Sequence[tuple[tuple[int | str, ...], str, str]]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, place)) or 'value'}: {said}" for place, said, _ in places))
        self.places = tuple(places)


class AnswerType:
    """Any type that pydantic knows, as that of a reply; `given` is how the user wrote it, such as `output_type=`."""

    def __init__(self, type_: Any, given: str = "output_type") -> None:
        from pydantic import TypeAdapter, ValidationError  # a tenth of a second: only if needed

        self._invalid = ValidationError
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(type_)
            self.schema: Mapping[str, Any] = self._adapter.json_schema()
        except Exception as error:  # a class of anybody's may raise anything when it is looked at
            raise UsageError(f"{given}={short(type_)} cannot be validated: {error}") from error

    def read(self, text: str) -> Any:
        """The value that the joiner wrote, a code fence or sentences around it tolerated.

        Raises:
            ValueError: it is no JSON, or does not follow the schema, and the message says where; or several documents
                do, so that it cannot be told which is the answer.
        """
        mismatch: Mismatch | None = None
        fitting: list[tuple[Any, Any]] = []
        for document in _documents(text):
            try:
                fitting.append((document, self.validated(document)))
            except Mismatch as error:
                mismatch = error
        if not fitting and mismatch is not None:
            raise mismatch
        (first, value), *others = fitting
        if any(document != first for document, _ in others):
            raise ValueError(
                f"it has {len(fitting)} JSON documents that could be the answer: write one, and nothing else"
            )
        return value

    def validated(self, document: Any) -> Any:
        """The value that a document of JSON stands for.

        Raises:
            Mismatch: it does not follow the schema.
        """
        try:
            return self._adapter.validate_python(document)
        except self._invalid as error:
            found = error.errors(include_url=False, include_input=False)
            places = [(tuple(e["loc"]), str(e["msg"]), str(e["type"])) for e in found]
            raise Mismatch(places) from None

    def again(self, answer: Any) -> Any:
        """The value that an answer was before it was recorded.

        Raises:
            UsageError: it does not follow the schema, so that is not the one that it was written to.
        """
        try:
            return self._adapter.validate_python(fields_of_records(answer), by_alias=True, by_name=True)
        except self._invalid as error:
            raise UsageError(f"the answer that was recorded is none for this output_type=: {error}") from None


def _documents(text: str) -> list[Any]:
    """The JSON documents in a text; one without any is taken as a string itself."""
    try:
        return [json.loads(text)]
    except (json.JSONDecodeError, RecursionError):
        pass
    decoder = json.JSONDecoder()
    found: list[Any] = []
    position = 0
    for _ in range(_MOST_TRIED):
        if (opening := _OPENING.search(text, position)) is None:
            break
        try:
            document, position = decoder.raw_decode(text, opening.start())
            found.append(document)
        except (json.JSONDecodeError, RecursionError):
            position = opening.end()
    return found or [text.strip().removeprefix("```json").strip("`").strip()]
