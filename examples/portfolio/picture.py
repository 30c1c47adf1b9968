"""Draw the live view in the middle of a real run of the daily brief, for the README.

python -m examples.portfolio.picture docs/live-view.svg [--model MODEL]
"""

from __future__ import annotations

import argparse
import io
import os
import re
from pathlib import Path

from rich.console import Console

from examples.portfolio import tools
from examples.portfolio.demo import PROVIDER_TOOLS, QUESTION
from examples.portfolio.prices import read_prices
from examples.portfolio.provider import Provider
from superscalar import LLMCompiler, Toolset
from superscalar.cli.frame import LiveFrame
from superscalar.events import Event, Started
from superscalar.observe.view import RunView

COLUMNS, LINES = 104, 24


def main() -> None:
    """Run the brief and write the picture."""
    parser = argparse.ArgumentParser(description="Draw the live view in the middle of a run.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", default="local", help='"local" or "openai:NAME"')
    options = parser.parse_args()
    with Provider(read_prices()) as provider:
        os.environ["PORTFOLIO_URL"] = provider.url
        result = LLMCompiler(options.model, [Toolset.from_module(tools)]).run_sync(QUESTION)
    options.file.write_text(draw(result.events))


def draw(events: tuple[Event, ...]) -> str:
    """The view as SVG, half a second after the sixth call of the provider had started."""
    sixth = [event.at for event in events if isinstance(event, Started) and event.tool in PROVIDER_TOOLS][5]
    moment = sixth + 0.5
    view = RunView()
    for event in events:
        if event.at <= moment:
            view.apply(event)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in LiveFrame(console, QUESTION).lines(view, COLUMNS + 1, LINES, moment):
        console.print(line)
    svg = console.export_svg(title="superscalar run")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no fonts from elsewhere


if __name__ == "__main__":
    main()
