"""The command that says which models can be asked here, and tries them: `models`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from superscalar.cli import options
from superscalar.cli.reporting import reporting

if TYPE_CHECKING:
    from superscalar.cli.trying import ModelTried
    from superscalar.models.providers import ProviderFound, Setup

_SETUPS: Final[Mapping[Setup, str]] = {
    "ready": "ready",
    "not known": "installed; no variable is set, but credentials may come from elsewhere",
    "not set": "installed, and not set up",
    "not installed": "to be installed: {install}",
}


def list_models(
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--try",
            metavar="MODEL",
            help="Ask this model for a plan of one line, and say how long it took. May be repeated.",
            show_default=False,
        ),
    ] = None,
    base_url: options.BaseUrlOption = None,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long a reply to --try may take.")
    ] = 60.0,
    as_json: options.JsonOption = False,
) -> None:
    """List who answers for which models, what is installed, and which keys are set; or try a model.

    No key is printed, and nobody is asked unless you say `--try`, which sends one short prompt: a model of a provider
    costs its price for that. The exit code is 1 if a model that is tried does not write the plan.

    Examples:

    `superscalar models`

    `superscalar models --try anthropic:claude-sonnet-5-5 --try local`

    `superscalar models --try openai:qwen3 --base-url http://localhost:8000/v1`
    """
    with reporting(as_json):
        from superscalar.cli.report import print_json

        if names:
            _try(names, base_url, timeout, as_json=as_json)
            return
        from superscalar.models.providers import PROVIDERS

        found = [provider.found() for provider in PROVIDERS.values()]
        if as_json:
            print_json({"providers": [_document(each) for each in found]})
        else:
            _print(found)


def _try(names: list[str], base_url: str | None, seconds: float, *, as_json: bool) -> None:
    from superscalar.cli.report import print_json
    from superscalar.cli.streams import stdout_kept_clean
    from superscalar.cli.terminal import safe_line
    from superscalar.cli.trying import hint_of, tried_document, try_model
    from superscalar.compiler.sync import run_to_end
    from superscalar.models.resolve import resolve

    models = [resolve(name, base_url=base_url) for name in names]
    documents = []
    works = True
    for model in models:
        if not as_json:
            typer.echo(safe_line(f"asking {model.name}"), err=True)  # to load one takes a minute on slow machines
        with stdout_kept_clean():
            tried = run_to_end(lambda model=model: try_model(model, seconds))  # type: ignore[misc]
        works = works and tried.works
        hint = hint_of(tried, base_url)
        if as_json:
            documents.append(tried_document(tried, hint))
        else:
            _print_tried(tried, hint)
    if as_json:
        print_json({"tried": documents})
    if not works:
        raise typer.Exit(1)


# ------------------------------------------------------------------------------------------------- who there is


def _document(found: ProviderFound) -> dict[str, Any]:
    """What is known of one, for `--json`."""
    provider = found.provider
    return {
        "prefix": provider.prefix,
        "title": provider.title,
        "setup": found.setup,
        "packages": dict(found.versions),
        "install": provider.install,
        "keys": list(provider.credentials),
        "key": found.key or None,
        "needs": list(provider.needs),
        "lacks": list(found.lacks),
        "server": provider.server or None,
        "elsewhere": provider.elsewhere or None,
        "note": _note(found) or None,
    }


def _note(found: ProviderFound) -> str:
    """What else is to be said of one: whether the embedded model's file is here."""
    from superscalar.models.providers import LOCAL

    if found.provider is not LOCAL:
        return ""
    from superscalar.models.cache import VARIABLE, cache_directory, cached
    from superscalar.models.weights import QWEN

    file = cached()
    if file is not None:
        return f"its file is {file}"
    if own := os.environ.get(VARIABLE):
        return f"{VARIABLE} names {own}, which is not there"
    return f"its file ({QWEN.size / 1e9:.1f} GB) is fetched to {cache_directory()} when it is first used"


def _print(found: list[ProviderFound]) -> None:
    from rich.text import Text

    from superscalar.cli.terminal import console, safe_line
    from superscalar.models.providers import LOCAL

    out = console(sys.stdout)
    for setup, meaning in _SETUPS.items():
        groups: dict[str, list[ProviderFound]] = {}
        for each in found:
            if each.setup == setup:
                groups.setdefault(meaning.format(install=each.provider.install), []).append(each)
        for title, those in groups.items():
            out.print(Text(title, style="bold"))
            for each in those:
                name = each.provider.prefix + ("" if each.provider is LOCAL else ":NAME")
                about = "; ".join(part for part in (each.provider.title, *_told(each)) if part)
                out.print(Text.assemble(f"    {name:<22} ", (safe_line(about), "cyan")))


def _told(found: ProviderFound) -> Iterator[str]:
    """What is to be said of one, by how it is set up."""
    provider = found.provider
    match found.setup:
        case "ready":
            yield ", ".join(f"{name} {version}" for name, version in found.versions.items())
            yield f"key in {found.key}" if found.key else ""
        case "not set":
            yield _to_set(
                () if found.key else provider.credentials, {name: provider.needs[name] for name in found.lacks}
            )
        case "not known" | "not installed":
            wanted = _to_set(provider.credentials, provider.needs)
            yield ", or else ".join(filter(None, (wanted, provider.elsewhere)))
    yield _note(found)


def _to_set(keys: tuple[str, ...], needs: Mapping[str, str]) -> str:
    """What to set: one of the keys, and what else is needed, with an example."""
    wanted = ", and ".join(filter(None, (" or ".join(keys), *(f"{name}={such}" for name, such in needs.items()))))
    return wanted and f"set {wanted}"


# --------------------------------------------------------------------------------------------- what came of asking


def _print_tried(tried: ModelTried, hint: str) -> None:
    from rich.text import Text

    from superscalar.cli.terminal import console, safe, safe_line

    out = console(sys.stdout)
    verdict = ("works", "bold green") if tried.works else ("does not work", "bold red")
    out.print(Text.assemble((safe_line(tried.model), "bold"), ": ", verdict))
    lines = [f"error: {tried.error}"] if tried.error is not None else []
    lines += [hint] if hint else []
    lines += tried.plan.splitlines()
    for line in safe("\n".join([*lines, *figures(tried)])).splitlines():
        out.print(Text(f"    {line}"))


def figures(tried: ModelTried) -> Iterator[str]:
    """How long it took, what it used, and whether it could have written anything else."""
    from superscalar.observe.wording import counted, duration

    if tried.first is not None:
        prepared = f", after {duration(tried.preparing)} of preparing" if tried.preparing else ""
        yield f"first token after {duration(tried.first)}, the whole after {duration(tried.whole)}{prepared}"
        usage = tried.usage
        cached = f" ({usage.cached_tokens:,} from a cache)" if usage.cached_tokens else ""
        spent = f"{counted(usage.input_tokens, 'token')} read{cached}, {usage.output_tokens:,} written"
        cost = "; its prices are not known" if tried.cost is None else f"; cost {tried.cost:.4g}" if tried.cost else ""
        yield f"{spent if usage.tokens else 'its tokens were not counted'}{cost}"
    if tried.works:
        yield "held to a grammar of plans" if tried.constrained else "not held to a grammar: it may write anything"
