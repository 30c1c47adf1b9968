"""`--tools`: from a module or a file, and a name in it, to the tools that plans may call."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from superscalar.cli.failures import CommandError
from superscalar.errors import UsageError
from superscalar.tools import Limit, Tool, Toolset


def load_tools(specs: Iterable[str]) -> Toolset:
    """The tools of all `specs`, each `package.module` or `path/file.py`, with `:NAME` for one thing in it.

    NAME is a tool, a function, a Toolset or a list of these; without it, every `@tool` of the module counts. A module's
    LIMITS and SCHEMAS come along in both cases. Modules are found from the current directory, as with `python -m`.

    Raises:
        CommandError: there is nothing of that name, its code fails, or it holds no tools; the message says where.
    """
    loaded = [_load(spec) for spec in specs]
    limits: dict[str, Limit] = {}
    for toolset in loaded:
        for name, limit in toolset.limits.items():
            if limits.setdefault(name, limit) != limit:
                raise CommandError(
                    f"--tools: two modules give the limit {name!r} different values ({limits[name]} and {limit}); "
                    "rename one of them"
                )
    schemas: dict[str, Any] = {}
    for toolset in loaded:
        for name, schema in toolset.named.items():
            if schemas.setdefault(name, schema) is not schema:
                raise CommandError(f"--tools: two modules have different SCHEMAS called {name!r}; rename one of them")
    try:
        return Toolset(loaded, limits=limits)
    except UsageError as error:
        raise CommandError(f"--tools: {error}") from error


def _load(spec: str) -> Toolset:
    where, name = _split(spec)
    module = _from_file(Path(where)) if _is_path(where) else _from_module(where)
    try:
        if name is None:
            return Toolset.from_module(module)
        picked = _picked(module, name, where)
        return Toolset([*picked, Toolset.beside(module)])
    except UsageError as error:
        raise CommandError(f"--tools {spec}: {error}") from error


def _split(spec: str) -> tuple[str, str | None]:
    """`WHERE:NAME`; the colon of a drive letter is part of WHERE."""
    where, colon, name = spec.rpartition(":")
    return (where, name) if colon and where and name.isidentifier() else (spec, None)


def _is_path(where: str) -> bool:
    return where.endswith(".py") or any(mark and mark in where for mark in (os.sep, os.altsep)) or Path(where).exists()


def _from_file(path: Path) -> ModuleType:
    if path.is_dir():
        raise CommandError(f"--tools {path} is a directory; name a file in it, such as {path / 'tools.py'}")
    if not path.is_file():
        raise CommandError(f"--tools {path}: there is no such file in {Path.cwd()}")
    if path.suffix != ".py":
        raise CommandError(f"--tools {path}: a Python file is expected, whose name ends in .py")
    path = path.resolve()
    for loaded in list(sys.modules.values()):
        if getattr(loaded, "__file__", None) == str(path):  # named twice, or imported by another one
            return loaded
    # Its own name, unless that is taken: tools.py, json.py and the like must not replace what others import.
    taken = path.stem in sys.modules or path.stem in sys.stdlib_module_names
    name = f"tools_file_{path.stem}" if taken or not path.stem.isidentifier() else path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CommandError(f"--tools {path} cannot be loaded as Python")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # as for a script: it may import its neighbours
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _broken(str(path), error) from error
    return module


def _from_module(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise CommandError(f"--tools {name}: neither a module, such as package.module, nor a file that exists")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            file = Path(*name.split(".")).with_suffix(".py")
            hint = f"; did you mean --tools {file}?" if file.is_file() else f"; looked in {Path.cwd()} and sys.path"
            raise CommandError(f"--tools {name}: there is no module {error.name!r}{hint}") from error
        raise _broken(name, error) from error
    except (Exception, SystemExit) as error:
        raise _broken(name, error) from error


def _broken(where: str, error: BaseException) -> CommandError:
    """What their code raised and the last line of their own on the way to it."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) and error.filename:
        place, line = f"{error.filename}:{error.lineno}", (error.text or "").strip()
        said = f"{type(error).__name__}: {error.msg}"
    else:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_theirs(f.filename)]
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else where
        line = (frames[-1].line or "") if frames else ""
    if isinstance(error, SystemExit):
        said = f"it called sys.exit({error.code!r}) while being imported; put that under `if __name__ == '__main__':`"
    shown = f"\n    {line}" if line else ""
    advice = ""
    if isinstance(error, ModuleNotFoundError) and error.name:
        advice = f"\nhelp: install {error.name} where superscalar is installed"
    return CommandError(f"--tools {where} cannot be loaded\n{place}: {said}{shown}{advice}", kind="ToolsError")


def _is_theirs(filename: str) -> bool:
    """Whether a file is the user's own: not ours, not the standard library's, not an installed package's."""
    others = (*map(sysconfig.get_path, ("stdlib", "purelib", "platlib")), str(Path(__file__).parents[1]), "<frozen ")
    return not filename.startswith(others)


def _picked(module: ModuleType, name: str, where: str) -> list[Any]:
    try:
        value = getattr(module, name)
    except AttributeError as error:
        public = [known for known, value in vars(module).items() if _is_offered(module, known, value)]
        close = difflib.get_close_matches(name, public, n=1)
        known = ", ".join(public[:10]) or "no tools at all"
        hint = f"did you mean :{close[0]}?" if close else f"it has {known}"
        raise CommandError(f"--tools {where}:{name}: {where} has no {name!r}; {hint}") from error
    if not _is_tools(value):
        raise CommandError(
            f"--tools {where}:{name} is {_a(type(value).__name__)}; "
            "name a tool, a function, a Toolset or a list of these"
        )
    return list(value) if isinstance(value, list | tuple) else [value]


def _is_tools(value: object) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(_is_tools(item) for item in value)
    return isinstance(value, Tool | Toolset) or (callable(value) and not isinstance(value, type))


def _is_offered(module: ModuleType, name: str, value: object) -> bool:
    """Whether to propose a name: what is imported from elsewhere, such as `tool` itself, is not meant."""
    own = isinstance(value, list | tuple | Tool | Toolset) or getattr(value, "__module__", "") == module.__name__
    return own and not name.startswith("_") and _is_tools(value)


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
