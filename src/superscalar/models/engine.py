"""llama.cpp in this process, through `xllamacpp` (extra `superscalar[local]`). Everything here blocks."""

from __future__ import annotations

import importlib
import platform
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from superscalar.errors import ModelSetupError

# What the engine says while it works, in the form of OpenAI's streamed chat completions. True stops the generation.
Emit: TypeAlias = Callable[[Mapping[str, Any]], bool]

_PROMPT_CACHE = 1024  # MiB of main memory for the prompts of earlier calls, 28 KiB a token for the embedded model
_BATCH = 32  # tokens read between two chances to stop: a second on a slow core; less would slow reading down
_INSTRUCTIONS = {"AVX": "avx", "AVX2": "avx2", "F16C": "f16c", "FMA": "fma", "BMI2": "bmi2", "AVX512": "avx512f"}


class Engine(Protocol):
    """A loaded model that answers one request at a time."""

    def generate(self, body: Mapping[str, object], emit: Emit) -> None:
        """Answer a chat completion request; `emit` gets each event, in this thread, and must not raise."""
        ...

    def close(self) -> None:
        """Free the memory."""
        ...


class LlamaEngine:
    """A GGUF file loaded by llama.cpp.

    llama.cpp opens a listener whatever we do: it is bound to the loopback address, on a port that the system chooses,
    and wants a key that nobody has. There is one slot: the prompts of earlier calls are kept in main memory and what a
    new one has in common with one of them is not read again, so a planner and a joiner may take turns.

    Loading holds the interpreter lock for about a second. The weights stay mapped from the file: repacking them would
    write a third faster, but triples the time to load and costs 0.6 GB.

    Raises:
        ModelSetupError: the extra is missing, the processor too old, or llama.cpp cannot load the file.
    """

    def __init__(self, path: Path, threads: int, context: int) -> None:
        try:
            native = importlib.import_module("xllamacpp")
        except ImportError as error:
            raise ModelSetupError(
                f"The embedded model needs the local extra: pip install 'superscalar[local]' ({error})"
            ) from error
        if missing := missing_instructions(native.get_system_info()):
            raise ModelSetupError(
                f"The installed xllamacpp needs a processor with {', '.join(missing)}. "
                "Build it here, pip install --no-binary xllamacpp xllamacpp, or use another model."
            )
        parameters = native.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx = context
        parameters.n_parallel = 1
        parameters.n_batch = parameters.n_ubatch = _BATCH
        parameters.cache_ram_mib = _PROMPT_CACHE
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
        parameters.no_extra_bufts = True
        parameters.fit_params = parameters.warmup = False
        parameters.verbosity = -1  # or llama.cpp writes pages to stderr
        parameters.hostnames, parameters.port = ["127.0.0.1"], 0
        parameters.model_alias = {"local"}  # or the listener tells the file's path to whoever asks
        parameters.api_keys = [secrets.token_urlsafe(32)]
        parameters.ui = parameters.endpoint_slots = False
        parameters.n_threads_http = 1
        try:
            self._server: Any = native.Server(parameters)
        except RuntimeError as error:
            raise ModelSetupError(
                f"llama.cpp cannot load {path}: the file is damaged or of a kind that it does not know, "
                f"or {context} tokens of context do not fit into memory ({error})"
            ) from error

    def generate(self, body: Mapping[str, object], emit: Emit) -> None:
        """Answer a chat completion request; errors arrive as events `{"error": ...}`."""
        self._server.handle_chat_completions(dict(body), emit)

    def close(self) -> None:
        """Free the memory and the port."""
        self._server = None


def missing_instructions(compiled: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> list[str]:
    """Return what llama.cpp was compiled for and this processor does not have: using it would kill the process.

    `compiled` is llama.cpp's own account, such as "AVX2 = 1 | FMA = 1". Where the processor's is not to be had (other
    systems than Linux on x86-64) the answer is none.
    """
    if platform.machine() not in {"x86_64", "AMD64"} or not cpuinfo.is_file():
        return []
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text("utf-8", "replace"), re.MULTILINE)
    if flags is None:
        return []
    has = set(flags[1].split())
    wanted = re.findall(r"(\w+) = 1", compiled)
    return [name for name in wanted if name in _INSTRUCTIONS and _INSTRUCTIONS[name] not in has]
