"""`${NAME}` in a configuration: what the environment has under that name, and nothing for what it has not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from superscalar.errors import UsageError

_VARIABLE: Final = re.compile(r"\$\{(?:(?:env:)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<otherwise>[^}]*))?\})?")
_NO_SECRETS: Final = frozenset("HOME USER LOGNAME PWD TMPDIR TEMP TMP SHELL LANG USERPROFILE APPDATA HOSTNAME".split())


class Variables:
    """The variables that texts of a configuration name. `used`: the values that they were given, as far as secret."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.used: set[str] = set()

    def expanded(self, value: Any, place: str) -> Any:
        """A text, or the texts of a list or a mapping, with what their variables stand for: `${NAME}`, `${NAME:-else}`.

        Raises:
            UsageError: one is not set, and nothing is said for that case; the message names it, and the `place`. Or
                there is a `${` that begins none: other clients have more forms, which mean nothing here.
        """
        match value:
            case str():
                return _VARIABLE.sub(lambda found: self._value(found, place), value)
            case Mapping():
                return {name: self.expanded(one, f"{place}.{name}") for name, one in value.items()}
            case list() | tuple():
                return [self.expanded(one, f"{place}[{number}]") for number, one in enumerate(value)]
        return value

    def _value(self, found: re.Match[str], place: str) -> str:
        name, otherwise = found["name"], found["otherwise"]
        if name is None:
            raise UsageError(f"{place} has a ${{ that begins no variable: write ${{NAME}}, or ${{NAME:-something}}")
        value = self._environment.get(name)
        if value:
            if name not in _NO_SECRETS:
                self.used.add(value)
            return value
        if otherwise is not None:
            return otherwise
        said = "is empty" if value == "" else "is not set"
        raise UsageError(f"{place} wants the variable {name}, which {said}; set it, or write ${{{name}:-something}}")
