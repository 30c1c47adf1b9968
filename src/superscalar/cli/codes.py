"""What a command ends with, and what it reads from the environment: said by `--help` and in docs/cli.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FAILED, USAGE, WAITING, INTERRUPTED, SUSPENDED = 1, 2, 3, 130, 143

EXIT_CODES: Final[Mapping[int, str]] = {
    0: "answered",
    FAILED: "the plan or the run failed",
    USAGE: "wrong usage: nothing has run",
    WAITING: "the run waits for approval",
    INTERRUPTED: "stopped with Ctrl-C",
    SUSPENDED: "suspended by SIGTERM or SIGHUP: with `--journal`, `superscalar resume` goes on with it",
}
"""What each exit code means."""

ENVIRONMENT: Final[Mapping[str, str]] = {
    "OPENAI_API_KEY": "The key for `openai:` models. It is needed once a model is asked, and not to load an agent.",
    "OPENAI_BASE_URL": "Their server, if it is not OpenAI's, and neither `--base-url` nor the agent names one.",
    "SUPERSCALAR_DEFAULT_MODEL": "The model of a command without `--model`, whose agent has none either.",
    "SUPERSCALAR_JOURNAL": "The journal of a command without `--journal`, whose agent has none either.",
    "SUPERSCALAR_MODEL": "A GGUF file that is the model `local`; nothing is fetched then.",
    "XDG_CACHE_HOME": "Under which folder the model `local` is kept once it was fetched, if not `~/.cache`.",
    "XDG_STATE_HOME": "Under which folder `mcp` keeps a journal and token that nobody names, if not `~/.local/state`.",
    "NO_COLOR": "Print no colours, if it is not empty.",
    "FORCE_COLOR": "Print colours where there is no terminal, if it is not empty.",
    "SUPERSCALAR_SEED": "For tests: the one seed that `simulate` runs, to replay it (see [testing](testing.md)).",
    "SUPERSCALAR_SIMULATIONS": "For tests: how many seeds `simulate` runs.",
}
"""What each variable of the environment is for."""
