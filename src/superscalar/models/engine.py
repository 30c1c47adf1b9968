"""llama.cpp in this process, through `xllamacpp` (extra `superscalar[local]`). Everything here blocks."""

from __future__ import annotations

import http.client
import importlib
import json
import os
import platform
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import urlsplit

from superscalar.errors import ModelSetupError

# What the engine says while it works, in the form of OpenAI's streamed chat completions. True stops the generation.
Emit: TypeAlias = Callable[[Mapping[str, Any]], bool]

_PROMPT_CACHE = 1024  # MiB of main memory for the prompts of earlier calls, 28 KiB a token for the embedded model
_SLOTS: Final = 3  # a planner's prompt, a joiner's and an extractor's: nothing is read again when they take turns
_PATIENCE: Final = 30.0  # seconds for the engine to answer on its listener
_BATCH: Final = 32  # tokens that a thread reads between two chances to stop: a second on a slow core
_LARGEST_BATCH: Final = 256
_INSTRUCTIONS = {"AVX": "avx", "AVX2": "avx2", "F16C": "f16c", "FMA": "fma", "BMI2": "bmi2", "AVX512": "avx512f"}


class Engine(Protocol):
    """A loaded model that answers one request at a time.

    It has `slots`, each of which holds what was read last there: a request names one with `id_slot`. `version` says
    whose states are alike.
    """

    slots: int
    version: str

    def generate(self, body: Mapping[str, object], emit: Emit) -> None:
        """Answer a chat completion request; `emit` gets each event, in this thread, and must not raise."""
        ...

    def save(self, slot: int, name: str) -> None:
        """Write what a slot holds to a file of that name in the folder of states, or raise OSError."""
        ...

    def restore(self, slot: int, name: str) -> None:
        """Have a slot hold what a file has, or raise OSError. A file that is damaged may end the process."""
        ...

    def close(self) -> None:
        """Free the memory."""
        ...


class LlamaEngine:
    """A GGUF file loaded by llama.cpp.

    llama.cpp opens a listener whatever we do: it is bound to the loopback address, on a port that the system chooses,
    and wants a key that nobody else has. It is asked there to save and restore slots, to and from files in the folder
    `states`. The slots share the context; what a prompt has in common with what its slot holds is not read again.

    Loading holds the interpreter lock for about a second. The weights stay mapped from the file: repacking them would
    write a third faster, but triples the time to load and costs 0.6 GB.

    Raises:
        ModelSetupError: the extra is missing, the processor too old, or llama.cpp cannot load the file.
    """

    def __init__(self, path: Path, threads: int, context: int, states: Path) -> None:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that wait spin otherwise, and take a core each
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
        parameters.n_parallel = self.slots = _SLOTS
        parameters.kv_unified = True
        parameters.n_batch = parameters.n_ubatch = min(_BATCH * threads, _LARGEST_BATCH)
        parameters.cache_ram_mib = _PROMPT_CACHE
        parameters.cache_idle_slots = False  # or what a slot holds is gone once another one is asked
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
        parameters.no_extra_bufts = True
        parameters.fit_params = parameters.warmup = False
        parameters.verbosity = -1  # or llama.cpp writes pages to stderr
        parameters.hostnames, parameters.port = ["127.0.0.1"], 0
        parameters.model_alias = {"local"}  # or the listener tells the file's path to whoever asks
        self._key = secrets.token_urlsafe(32)
        parameters.api_keys = [self._key]
        parameters.ui = False
        parameters.endpoint_slots = True
        parameters.slot_save_path = f"{states}/"
        parameters.n_threads_http = 1
        self.version = f"xllamacpp {native.__version__} {parameters.cache_type_k} {parameters.cache_type_v}"
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

    def save(self, slot: int, name: str) -> None:
        """Write what a slot holds to a file of that name in the folder of states.

        Raises:
            OSError: the file cannot be written.
        """
        self._ask(slot, "save", name)

    def restore(self, slot: int, name: str) -> None:
        """Have a slot hold what a file has, which must be one that was saved, whole: llama.cpp trusts it.

        Raises:
            OSError: it is not there, or does not fit into the context.
        """
        self._ask(slot, "restore", name)

    def _ask(self, slot: int, action: str, name: str) -> None:
        connection = http.client.HTTPConnection(urlsplit(self._server.listening_address).netloc, timeout=_PATIENCE)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            connection.request("POST", f"/slots/{slot}?action={action}", json.dumps({"filename": name}), headers)
            answer = connection.getresponse()
            said = answer.read()
        except http.client.HTTPException as error:
            raise OSError(f"llama.cpp did not {action} a slot: {error!r}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise OSError(f"llama.cpp did not {action} a slot: {said[:200].decode('utf-8', 'replace')}")

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
