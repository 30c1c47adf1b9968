"""The embedded model as the model of a client of the gateway, which knows of plans what the gateway says of itself.

    python -m benchmarks.gateway_model --tasks dev
    python -m benchmarks.gateway_model --out build/gateway_model.jsonl

Three servers of npm (`make mcp` installs them): files, a knowledge graph, and one of odds and ends, 16 tools of theirs.
The model reads what a host shows that leaves out instructions: the descriptions of the gateway's tools, and what
`list_tools` answers. There is no grammar, no example of these tools and no planner of ours. It writes the text of a
plan; the gateway checks it; where that has mistakes, the model is told once what the gateway says. A task is right if
the reply says what it should, or the folder and the graph are what they should be, and nothing else has changed.

The tasks `dev` are those that the texts were written with. Those that are reported were written at the same time, and
were asked when the texts stood. With `--out`, what is in the file already is not asked again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # it may be run as a script, too

from superscalar import LLMCompiler, Toolset  # noqa: E402
from superscalar.gateway import Gateway, GatewayReply, Principal, texts  # noqa: E402
from superscalar.gateway.gateway import GatewayClient  # noqa: E402
from superscalar.models import LocalModel  # noqa: E402
from superscalar.models.base import Message, Request  # noqa: E402
from support.npm_servers import configured, missing  # noqa: E402

FILES: Final = {
    "notes/ann.txt": "Ann lives in Oslo.\nAnn likes green tea.\n",
    "notes/bob.txt": "Bob lives in Rome.\nBob repairs old radios.\nBob is 41.\n",
    "notes/eve.txt": "Eve lives in Oslo.\n",
    "stock.json": '{"bolt": 40, "nut": 7, "gear": 3}\n',
    "prices.json": '{"bolt": 0.5, "nut": 0.25, "gear": 12}\n',
    "todo.txt": "call the bank\nbuy paint\nwater the plants\n",
    "draft.txt": "Dear team, the launch is on Monday.\n",
}
"""What is in the folder before each task."""
GRAPH: Final = (
    {"type": "entity", "name": "Ann", "entityType": "person", "observations": ["speaks French", "has a cat"]},
    {"type": "entity", "name": "Bob", "entityType": "person", "observations": ["speaks Polish"]},
    {"type": "entity", "name": "Acme", "entityType": "company", "observations": ["founded in 1987"]},
    {"type": "relation", "from": "Ann", "to": "Acme", "relationType": "works_for"},
)
"""And in the graph."""
HIDDEN: Final = {
    "everything": (
        "get-annotated-message get-env get-resource-links get-resource-reference get-tiny-image "
        "gzip-file-as-resource toggle-simulated-logging toggle-subscriber-updates trigger-long-running-operation "
        "simulate-research-query"
    ),
    "filesystem": (
        "read_file read_media_file read_multiple_files list_directory_with_sizes directory_tree search_files "
        "list_allowed_directories edit_file"
    ),
    "memory": "delete_observations delete_relations",
}
"""What whoever configured the gateway left out, so that the list is no longer than `list_tools` shows at once."""
_MOST_TOKENS: Final = 300
_LONGEST_REPLY: Final = 600
_MEMORY: Final = "memory.jsonl"


class After(NamedTuple):
    """What a task left behind: the reply's values, the files by name, the graph's lines, and what was there before."""

    reply: str
    files: Mapping[str, str]
    graph: Sequence[Mapping[str, Any]]

    def entity(self, name: str) -> Mapping[str, Any]:
        """Return what the graph has of somebody; nothing where it has nobody of that name."""
        return next((one for one in self.graph if one.get("type") == "entity" and one["name"] == name), {})

    def relations(self) -> set[tuple[str, str]]:
        """Return who is related to whom."""
        return {(one["from"], one["to"]) for one in self.graph if one.get("type") == "relation"}


Judge: TypeAlias = Callable[[After], bool]


class Asked(NamedTuple):
    """A task, when it is done, and which files and whether the graph may have changed then."""

    text: str
    done: Judge
    changes: tuple[str, ...] = ()
    graph: bool = False


def says(*wanted: str | float, never: Sequence[str] = ()) -> Judge:
    """Done if a short reply has all of that: numbers as numbers, words as words; and none of `never`."""

    def done(after: After) -> bool:
        numbers = {float(one) for one in re.findall(r"-?\d+(?:\.\d+)?", after.reply)}
        found = (
            one in numbers
            if isinstance(one, int | float)
            else re.search(rf"(?<!\w){re.escape(one)}(?!\w)", after.reply) is not None
            for one in wanted
        )
        return len(after.reply) <= _LONGEST_REPLY and all(found) and not any(one in after.reply for one in never)

    return done


def holds(file: str, *parts: str) -> Judge:
    """Done if a file is there and has these texts."""
    return lambda after: file in after.files and all(part in after.files[file] for part in parts)


DEV: Final = (
    Asked("How many characters has the file draft.txt?", says(36)),
    Asked("What does the file notes/bob.txt say?", says("Rome", "radios")),
    Asked("Which files are in the folder notes?", says("ann.txt", "bob.txt", "eve.txt")),
    Asked("What is 12 plus 30, and what is 5 plus 6?", says(42, 11)),
    Asked('Write "closed" into the file sign.txt.', holds("sign.txt", "closed"), ("sign.txt",)),
    Asked("What is the temperature in Chicago?", says(36)),
    Asked("What do we know about Bob in the knowledge graph?", says("speaks Polish")),
    Asked(
        'Add to Bob in the knowledge graph that he "plays chess".',
        lambda after: "plays chess" in after.entity("Bob").get("observations", ()),
        graph=True,
    ),
    Asked("How many entities are there in the knowledge graph?", says(3)),
    Asked(
        "Copy the text of notes/eve.txt into the file copy.txt.", holds("copy.txt", "Eve lives in Oslo."), ("copy.txt",)
    ),
)
"""What the texts were written with."""

REPORTED: Final = (
    Asked("What does todo.txt say?", says("call the bank", "buy paint", "water the plants")),
    Asked("How many characters have notes/ann.txt, notes/bob.txt and notes/eve.txt together?", says(40 + 54 + 19)),
    Asked("How many lines has todo.txt?", says(3)),
    Asked("Which of notes/ann.txt, notes/bob.txt and notes/eve.txt mention Oslo?", says("ann", "eve", never=["bob"])),
    Asked("How many bolts are in stock, according to stock.json?", says(40)),
    Asked("What is the dearest thing in prices.json?", says("gear", never=["bolt", "nut"])),
    Asked("What are all the things in stock.json worth together, at the prices in prices.json?", says(57.75)),
    Asked("What is the first line of notes/bob.txt?", says("Bob lives in Rome.", never=["radios"])),
    Asked('Create the file hello.txt with the text "Hello!".', holds("hello.txt", "Hello!"), ("hello.txt",)),
    Asked(
        "Write the texts of notes/ann.txt and notes/eve.txt, one after the other, into all.txt.",
        holds("all.txt", "green tea", "Eve lives"),
        ("all.txt",),
    ),
    Asked(
        "Move draft.txt to final.txt.",
        lambda after: "draft.txt" not in after.files and "Monday" in after.files.get("final.txt", ""),
        ("draft.txt", "final.txt"),
    ),
    Asked(
        "If stock.json says that there are fewer than 10 nuts, write the word nuts into the file order.txt.",
        holds("order.txt", "nuts"),
        ("order.txt",),
    ),
    Asked("Write todo.txt in capital letters into loud.txt.", holds("loud.txt", "BUY PAINT"), ("loud.txt",)),
    Asked("What do we know about Ann in the knowledge graph?", says("speaks French", "has a cat")),
    Asked("Who works for whom, according to the knowledge graph?", says("Ann", "Acme")),
    Asked(
        "What are the names of the persons in the knowledge graph, without companies?",
        says("Ann", "Bob", never=["Acme"]),
    ),
    Asked(
        'Add a person called Eve to the knowledge graph, with the observation "lives in Oslo".',
        lambda after: "lives in Oslo" in after.entity("Eve").get("observations", ()),
        graph=True,
    ),
    Asked(
        "Note in the knowledge graph that Bob works for Acme, too.",
        lambda after: ("Bob", "Acme") in after.relations(),
        graph=True,
    ),
    Asked("Compare the temperatures of New York, Chicago and Los Angeles.", says(33, 36, 73)),
    Asked("What is 17 plus 25, 100 plus 1, and 2.5 plus 2?", says(42, 101, 4.5)),
)
"""What is reported."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a task. `checked`: at which try its plan had no mistake, 0 if at none; `said`: the last reply."""

    task: str
    plans: tuple[str, ...]
    checked: int
    right: bool
    seconds: float
    said: str


def described(tools: str) -> str:
    """What a host that leaves out instructions shows its model of the gateway, and what `list_tools` answered."""
    listed = "\n\n".join(
        f"## {name}\n{text}"
        for name, text in (
            ("list_tools", texts.LIST_TOOLS),
            ("check_plan", texts.CHECK_PLAN),
            ("run_plan", texts.RUN_PLAN),
        )
    )
    return (
        f"You help a user with these tools of the server superscalar.\n\n{listed}\n\n# list_tools() answered\n{tools}"
    )


async def asked(model: LocalModel, messages: Iterable[Message]) -> str:
    """The text of a plan that the model writes, without what it says around it."""
    told = ""
    async for chunk in model.stream(Request(tuple(messages), max_tokens=_MOST_TOKENS)):
        told = "" if chunk.withdrawn else told + chunk.text
    fenced = re.search(r"```\w*\n(.*?)(?:```|\Z)", told, re.DOTALL)
    return (fenced[1] if fenced else told).strip()


async def ran(client: GatewayClient, plan: str) -> GatewayReply:
    """The reply to a plan, where a person approves whatever waits."""
    reply = await client.run_plan(plan)
    while reply.state == "waiting" and reply.questions:
        await client.answer(reply.run, {question.answered_by: True for question in reply.questions})
        reply = await client.run_plan(resume=reply.run)
    return reply


async def came_of(model: LocalModel, task: Asked) -> Answered:
    """Ask for one task, in a folder and with servers of its own."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "desk"
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        memory = Path(place) / _MEMORY
        memory.write_text("\n".join(map(json.dumps, GRAPH)))
        before = after_in(folder, memory, "")
        config = configured(folder, memory={"env": {"MEMORY_FILE_PATH": str(memory)}}, filesystem={"cwd": str(folder)})
        for server, names in HIDDEN.items():
            hidden = {name: {"hide": True} for name in names.split()}
            config["mcpServers"][server] |= {"trust_annotations": True, "tools": hidden}
        tools = Toolset.from_mcp(config, lock=Path(place) / "mcp.lock", tell=lambda _: None)
        async with tools:
            await tools.accept()
            agent = LLMCompiler(tools=tools, policy="ask", journal=Path(place) / "runs.db")
            async with Gateway(agent, principals=[Principal("stdio", trusted=True, approves=True)]) as gateway:
                begun = time.perf_counter()
                plans, checked, reply = await tried(model, gateway.client(), task.text)
                seconds = time.perf_counter() - begun
        after = after_in(folder, memory, reply.text)
        kept = {name: text for name, text in after.files.items() if name not in task.changes}
        same = kept == {name: text for name, text in before.files.items() if name not in task.changes}
        same = same and (task.graph or after.graph == before.graph)
        right = bool(checked) and not reply.failed and same and task.done(after)
        return Answered(task.text, tuple(plans), checked, right, round(seconds, 1), str(reply)[:2_000])


async def tried(model: LocalModel, client: GatewayClient, task: str) -> tuple[list[str], int, GatewayReply]:
    """The plans that the model wrote, which of them had no mistake (0: none), and the reply to the last."""
    head = described((await client.list_tools(task)).text)
    messages = [
        Message("system", head).steady_for(len(head)),
        Message("user", f"{task}\n\nCall run_plan. Write its argument `plan`, in one code block."),
    ]
    plans: list[str] = []
    while True:
        plan = await asked(model, messages)
        plans.append(plan)
        check = await client.check_plan(plan)
        if not check.failed:
            return plans, len(plans), await ran(client, plan)
        if len(plans) == 2:
            return plans, 0, check
        said = f"run_plan replied:\n{check}\n\nWrite the whole plan again, mended, in one code block."
        messages += [Message("assistant", f"```\n{plan}\n```"), Message("user", said)]


def after_in(folder: Path, memory: Path, reply: str) -> After:
    """What there is now."""
    files = {
        path.relative_to(folder).as_posix(): path.read_text(errors="replace")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return After(reply, files, [json.loads(line) for line in memory.read_text().splitlines() if line.strip()])


def figures(answers: Sequence[Answered]) -> str:
    """How many of them check and are right, in a line."""
    count = len(answers)
    first = sum(one.checked == 1 for one in answers)
    second = sum(one.checked > 0 for one in answers)
    right = sum(one.right for one in answers)
    seconds = sorted(one.seconds for one in answers)[count // 2] if answers else 0.0
    return (
        f"{count} tasks: {first} check at the first try, {second} after one reply, {right} right; {seconds:.0f} s each"
    )


def answers_in(out: Path | None) -> dict[str, Answered]:
    """What a file has of answers, by task."""
    if out is None or not out.exists():
        return {}
    found = [json.loads(line) for line in out.read_text().splitlines()]
    return {one["task"]: Answered(**one | {"plans": tuple(one["plans"])}) for one in found}


def keep(answer: Answered, out: Path) -> None:
    """Add an answer to a file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a") as file:
        file.write(json.dumps(asdict(answer)) + "\n")


async def run(tasks: Sequence[Asked], out: Path | None) -> None:
    """Ask for tasks, one after the other, and print what came of each."""
    model = LocalModel(states=ROOT / "build" / "states")
    known = answers_in(out)
    answers: list[Answered] = []
    for task in tasks:
        answer = known.get(task.text) or await came_of(model, task)
        if out is not None and task.text not in known:
            keep(answer, out)
        answers.append(answer)
        verdict = "right" if answer.right else "wrong" if answer.checked else "no plan"
        print(f"{verdict:8}{answer.checked}  {answer.seconds:5.1f} s  {task.text}", flush=True)
    print(figures(answers))


def main() -> None:
    """Ask, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", choices=("reported", "dev"), default="reported")
    parser.add_argument("--out", type=Path, help="a file of JSON lines that answers are kept in")
    options = parser.parse_args()
    if why := missing():
        print(f"left out: {why}")
        return
    asyncio.run(run(REPORTED if options.tasks == "reported" else DEV, options.out))


if __name__ == "__main__":
    main()
