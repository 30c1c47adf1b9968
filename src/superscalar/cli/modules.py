"""What somebody's own code has: a module or a file that an option names, and a name in it."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType, TracebackType
from typing import Any, Self

from superscalar.cli.failures import CommandError


@dataclass(frozen=True, slots=True)
class PlaceInModule:
    """Where something is, as an `option` has it: `where` is `package.module` or `path/file.py`, and `name` is in it."""

    option: str
    spec: str
    where: str
    name: str | None

    @classmethod
    def of(cls, option: str, spec: str) -> Self:
        """Read `WHERE:NAME`, or `WHERE` alone; the colon of a drive letter is part of WHERE."""
        where, colon, name = spec.rpartition(":")
        return (
            cls(option, spec, where, name) if colon and where and name.isidentifier() else cls(option, spec, spec, None)
        )

    @property
    def said(self) -> str:
        """What was typed."""
        return f"{self.option} {self.spec}"

    def module(self) -> ModuleType:
        """What stands there, run once. Modules are found from the current directory, as with `python -m`.

        Raises:
            CommandError: there is nothing of that name, or its code fails; the message says where.
        """
        return self._from_file(Path(self.where)) if _is_path(self.where) else self._from_module(self.where)

    def picked(self, module: ModuleType, name: str, fits: Callable[[object], bool], wanted: str) -> Any:
        """What a module calls `name`, which `fits`.

        Raises:
            CommandError: it has no such name, or that is something else; the message proposes what is `wanted`.
        """
        try:
            value = getattr(module, name)
        except AttributeError as error:
            public = offered(module, fits)
            close = difflib.get_close_matches(name, public, n=1)
            hint = (
                f"did you mean :{close[0]}?" if close else f"it has {', '.join(public[:10]) or 'nothing of the kind'}"
            )
            raise CommandError(f"{self.said}: {self.where} has no {name!r}; {hint}") from error
        if not fits(value):
            raise CommandError(f"{self.said} is {_a(type(value).__name__)}; name {wanted}")
        return value

    def broken(self, error: BaseException, where: str = "", what: str = "cannot be loaded") -> CommandError:
        """What their code raised, and the last line of their own on the way to it."""
        from superscalar.compiler.stream import RunWhileLoading

        said = f"{type(error).__name__}: {error}"
        place, line = where or self.where, ""
        if isinstance(error, SyntaxError) and error.filename:
            place, line = f"{error.filename}:{error.lineno}", (error.text or "").strip()
            said = f"{type(error).__name__}: {error.msg}"
        elif frames := _theirs(error.__traceback__):
            top = [frame for frame in frames if frame.name == "<module>"] or frames
            last = (top if isinstance(error, RunWhileLoading) else frames)[-1]
            place, line = f"{last.filename}:{last.lineno}", last.line or ""
        under = "; put that under `if __name__ == '__main__':`"
        if isinstance(error, SystemExit):
            said = f"it called sys.exit({error.code!r}) while being imported{under}"
        if isinstance(error, RunWhileLoading):
            said = f"it runs an agent while being imported{under}"
        shown = f"\n    {line}" if line else ""
        advice = ""
        if isinstance(error, ModuleNotFoundError) and error.name:
            advice = f"\nhelp: install {error.name} where superscalar is installed"
        message = f"{self.option} {where or self.spec} {what}\n{place}: {said}{shown}{advice}"
        return CommandError(message, kind="ToolsError")

    def _from_file(self, path: Path) -> ModuleType:
        if path.is_dir():
            raise CommandError(f"{self.option} {path} is a directory; name a file in it, such as {path / 'tools.py'}")
        if not path.is_file():
            raise CommandError(f"{self.option} {path}: there is no such file in {Path.cwd()}")
        if path.suffix != ".py":
            raise CommandError(f"{self.option} {path}: a Python file is expected, whose name ends in .py")
        path = path.resolve()
        for loaded in list(sys.modules.values()):
            if getattr(loaded, "__file__", None) == str(path):  # named twice, or imported by another one
                return loaded
        # Its own name, unless that is taken: tools.py, json.py and the like must not replace what others import.
        taken = path.stem in sys.modules or path.stem in sys.stdlib_module_names
        name = f"tools_file_{path.stem}" if taken or not path.stem.isidentifier() else path.stem
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise CommandError(f"{self.option} {path} cannot be loaded as Python")
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))  # as for a script: it may import its neighbours
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            _loaded(spec.loader.exec_module, module)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise self.broken(error, str(path)) from error
        return module

    def _from_module(self, name: str) -> ModuleType:
        if not all(part.isidentifier() for part in name.split(".")):
            raise CommandError(
                f"{self.option} {name}: neither a module, such as package.module, nor a file that exists"
            )
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        try:
            module: ModuleType = _loaded(importlib.import_module, name)
        except ModuleNotFoundError as error:
            if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
                file = Path(*name.split(".")).with_suffix(".py")
                named = f"{file}:{self.name}" if self.name else str(file)
                looked = f"; looked in {Path.cwd()} and sys.path"
                hint = f"; did you mean {self.option} {named}?" if file.is_file() else looked
                raise CommandError(f"{self.option} {name}: there is no module {error.name!r}{hint}") from error
            raise self.broken(error, name) from error
        except (Exception, SystemExit) as error:
            raise self.broken(error, name) from error
        return module


def offered(module: ModuleType, fits: Callable[[object], bool]) -> list[str]:
    """The names of a module to propose: what is imported from elsewhere, such as `tool` itself, is not meant."""
    found = [name for name, value in vars(module).items() if not name.startswith("_") and fits(value)]
    return [name for name in found if _is_own(module, getattr(module, name))]


def _loaded(load: Callable[[Any], Any], what: object) -> Any:
    """What `load` gives; what is loaded may run no agent meanwhile."""
    from superscalar.compiler.stream import LOADING

    before = LOADING.set(True)
    try:
        return load(what)
    finally:
        LOADING.reset(before)


def _is_path(where: str) -> bool:
    return where.endswith(".py") or any(mark and mark in where for mark in (os.sep, os.altsep)) or Path(where).exists()


def _is_own(module: ModuleType, value: object) -> bool:
    """Whether a value was made in a module: nobody knows it of what is no function and no class."""
    return not isinstance(value, FunctionType | BuiltinFunctionType | type) or value.__module__ == module.__name__


def _theirs(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    """The frames in files of the user's own: not ours, not the standard library's, not an installed package's."""
    others = (*map(sysconfig.get_path, ("stdlib", "purelib", "platlib")), str(Path(__file__).parents[1]), "<frozen ")
    return [frame for frame in traceback.extract_tb(trace) if not frame.filename.startswith(others)]


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
