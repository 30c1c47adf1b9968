"""What the embedded model reads of an agent beforehand, by role: `LLMCompiler.warm`, and what a run announces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from superscalar import LLMCompiler, ModelSetupError, RunResult, UsageError, tool
from superscalar.baselines import ReAct
from superscalar.cli.warmed import warmed_lines
from superscalar.compiler import Warmed
from superscalar.models import LocalModel, Message
from superscalar.models.base import Preparation, steady_part
from superscalar.testing import ScriptedModel
from superscalar.testing import run as in_virtual_time
from support.played_engine import PlayedEngine

PLAN = 'said = letter("Eve")\nday = extract(said, "date", "when Ann meets Eve")\njoin(day)'
REPLIES = PLAN, '{"value": "2025-05-03"}', "On 3 May."
ROLES = ["planner", "joiner", "extractor"]


@tool(effect="read")
def letter(sender: str) -> str:
    """The last letter of somebody."""
    return f"Dear Ann, we meet on 3 May 2025. {sender}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


@pytest.fixture
def states(tmp_path: Path) -> Path:
    return tmp_path / "states"


class Process:
    """A process that has its own engine, and an agent that reads letters."""

    def __init__(self, file: Path, states: Path, *replies: str, **options: Any) -> None:
        self.engine = PlayedEngine(*replies)
        self.engine.slots, self.engine.holds = 3, [""] * 3
        self._model = LocalModel(path=file, states=states, load=self.engine.load)
        options = {"extractor": self._model, "instructions": "Be brief.", **options}
        self.agent = LLMCompiler(self._model, [letter], **options)

    def warm(self, told: Callable[[str, Preparation], None] | None = None) -> tuple[Warmed, ...]:
        async def test() -> tuple[Warmed, ...]:
            async with asyncio.timeout(20):
                made = await self.agent.warm(told)
                await self._model.aclose()
                return made

        return asyncio.run(test())

    def run(self) -> RunResult:
        async def test() -> RunResult:
            async with asyncio.timeout(20):
                result = await self.agent.run("When do I meet Eve?")
                await self._model.aclose()
                return result

        return asyncio.run(test())

    @property
    def did(self) -> list[str]:
        return [what for what, _ in self.engine.did]

    @property
    def read(self) -> int:
        return sum(count for what, count in self.engine.did if what == "read")


def test_each_role_is_read_once_for_all_processes(file: Path, states: Path) -> None:
    """A later run reads the question, the data and the results; a later `warm` finds all three there."""
    told: list[tuple[str, str]] = []
    first = Process(file, states)
    made = first.warm(lambda role, preparation: told.append((role, preparation.what)))
    assert [one.role for one in made] == ROLES
    assert [role for role, what in told if what == "keeping what was read"] == ROLES[::-1]
    assert ("extractor", "loading the model") in told
    assert sorted(one.state.file for one in made if one.state) == sorted(states.iterdir())
    assert {(one.model, one.why, one.state is not None and one.state.was_there) for one in made} == {
        (f"local:{file}", "", False)
    }
    cold, later = Process(file, states.with_name("others"), *REPLIES), Process(file, states, *REPLIES)
    assert (cold.run().answer, later.run().answer) == ("On 3 May.", "On 3 May.")
    assert later.did == ["restore", "read", "restore", "read", "restore", "read", "close"]
    assert later.read < cold.read / 5
    again = Process(file, states)
    assert [one.state is not None and one.state.was_there for one in again.warm()] == [True] * 3
    assert again.did == ["restore"] * 3 + ["close"]


def test_nothing_that_is_read_is_in_a_state(file: Path, states: Path) -> None:
    """Neither a question, nor data, nor a result, nor what was looked for: also where they were kept in a run."""
    Process(file, states, *REPLIES).run()
    said = [path.read_text("utf-8") for path in states.iterdir()]
    assert len(said) == 3
    assert any("letter(sender: str)" in text for text in said)
    for private in ("Eve?", "Dear Ann, we", "when Ann meets Eve", "On 3 May."):
        assert [private in text for text in said] == [False] * 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
        lambda path: path.unlink(),
    ],
    ids=["short", "flipped", "gone"],
)
@pytest.mark.parametrize("role", ROLES)
def test_a_damaged_state_of_a_role(file: Path, states: Path, damage: Callable[[Path], object], role: str) -> None:
    """What it was for is read, the other roles' are used, and the answer is the same."""
    made = {one.role: one.state for one in Process(file, states).warm()}
    state = made[role]  # type: ignore[index]  # a role
    assert state is not None
    damage(state.file)
    later = Process(file, states, *REPLIES)
    assert later.run().answer == "On 3 May."
    assert later.did.count("restore") == 2
    assert state.file.is_file()


@pytest.mark.parametrize("what", ["version", "folder"])
def test_states_that_serve_nobody(file: Path, states: Path, what: str) -> None:
    """Of another engine, or in a folder that cannot be used: all is read, and the answer is the same."""
    later = Process(file, states, *REPLIES)
    if what == "version":
        Process(file, states).warm()
        later.engine.version = "played later"
    else:
        states.write_text("a file")
    assert later.run().answer == "On 3 May."
    assert "restore" not in later.did


def test_of_an_agent_with_secrets(file: Path, states: Path) -> None:
    """What all agents are told is kept, and it is said what is not."""
    made = Process(file, states, redact=str).warm()
    why = "what it is told of an agent with secrets stands in no file"
    assert [(one.role, one.state is not None, one.why) for one in made] == [
        ("planner", True, why),
        ("joiner", False, why),
        ("extractor", True, ""),
    ]
    assert ["letter" in path.read_text("utf-8") for path in states.iterdir()] == [False, False]


def test_the_shape_of_answers_of_an_agent_with_secrets(file: Path, states: Path) -> None:
    """What its answers are to be like says whom they are about, as its tools do: it stands in no file."""

    @dataclass
    class Dossier:
        """About Ann."""

        codename: str

    agent = {"redact": str, "instructions": "", "output_type": Dossier}
    made = Process(file, states, **agent).warm()
    assert [(one.role, one.state is not None) for one in made] == [
        ("planner", True),
        ("joiner", False),
        ("extractor", True),
    ]
    assert ["codename" in path.read_text("utf-8") for path in states.iterdir()] == [False, False]


def test_where_the_tools_that_are_told_depend_on_the_question(file: Path, states: Path) -> None:
    """The rules are kept, and it is said that the tools are not."""

    @tool(effect="read")
    def bill(sender: str) -> str:
        """The last bill of somebody, in the words in which it came."""
        return ""

    options = {"tools": [letter, bill], "max_prompt_tokens": 30}
    agent = Process(file, states).agent.with_options(**options)
    planner, *_ = asyncio.run(_warmed_and_closed(agent))
    assert planner.state is not None
    assert planner.why == "which tools it is told of depends on the question"
    assert "letter" not in planner.state.file.read_text("utf-8")


async def _warmed_and_closed(agent: LLMCompiler) -> tuple[Warmed, ...]:
    made = await agent.warm()
    await agent.options.model.aclose()  # type: ignore[union-attr]  # a LocalModel
    return made


def test_models_that_are_not_embedded() -> None:
    """There is nothing to do, and that is said; without a joiner nothing is said of one."""
    why = "it is not embedded, and what it has read is kept where it runs"
    agent = LLMCompiler(ScriptedModel(PLAN), [letter], joiner=None, extractor=ScriptedModel())
    assert in_virtual_time(agent.warm()) == (
        Warmed("planner", "scripted", why=why),
        Warmed("extractor", "scripted", why=why),
    )


@pytest.mark.parametrize(
    "agent", [LLMCompiler(tools=[letter]), ReAct(ScriptedModel(), [letter])], ids=["none", "turns"]
)
def test_an_agent_that_plans_nothing(agent: LLMCompiler) -> None:
    """An error says why there is nothing to read."""
    with pytest.raises(UsageError, match=r"no model to plan with|calls tools in turns"):
        in_virtual_time(agent.warm())


class Told(ScriptedModel):
    """A model that is told what will be asked of it."""

    def __init__(self, *replies: str) -> None:
        super().__init__(*replies)
        self.told: list[Sequence[Message]] = []

    def expect(self, messages: Sequence[Message]) -> None:
        self.told.append(messages)


@pytest.mark.parametrize(
    ("plan", "roles"),
    [
        (PLAN, ["extractor", "joiner"]),
        (
            'days = [extract(letter(name), "date", "when Ann meets Eve") for name in ["Eve"]]\njoin(days)',
            ["extractor", "joiner"],
        ),
        ('join(letter("Eve"))', ["joiner"]),
    ],
    ids=["called", "called-in-a-map", "not-called"],
)
def test_what_a_run_announces_while_its_calls_run(plan: str, roles: list[str]) -> None:
    """What the joiner is asked, and first what an extractor is, where the plan calls it; as it is asked then."""
    model = Told(plan, *REPLIES[1 : 1 + len(roles) - 1], "On 3 May.")
    agent = LLMCompiler(model, [letter], extractor=model)
    assert in_virtual_time(agent.run("When do I meet Eve?")).answer == "On 3 May."
    asked = [steady_part(request.messages) for request in model.requests[1:]]
    assert [steady_part(told) for told in model.told] == asked
    assert len(asked) == len(roles)
    data = "\n".join(turn.text for turn in asked[0])
    assert "Eve?" not in data
    assert "when Ann meets" not in data


def test_a_tool_of_the_user_that_is_called_extract() -> None:
    """It asks no model, so none is told of it."""

    @tool(effect="pure")
    def extract(text: str) -> str:
        """The last word."""
        return text.split()[-1]

    model = Told('join(extract("we meet"))', "Meet.")
    assert in_virtual_time(LLMCompiler(model, [extract]).run("Which word is last?")).answer == "Meet."
    assert len(model.told) == 1


def test_one_model_that_cannot_be_had_does_not_keep_the_others_from_reading(file: Path, states: Path) -> None:
    """It is told of by role, and tried once; where a role has no other, that is an error."""
    tries: list[str] = []

    def broken(*_: Any) -> Any:
        tries.append("load")
        raise ModelSetupError("no such processor")

    absent = LocalModel(path=file, states=states, load=broken)
    engine = PlayedEngine()
    engine.slots, engine.holds = 3, [""] * 3
    model = LocalModel(path=file, states=states, load=engine.load)

    async def warmed(*models: LocalModel) -> tuple[Warmed, ...]:
        async with asyncio.timeout(20):
            try:
                return await LLMCompiler(list(models), [letter]).warm()
            finally:
                await model.aclose()

    made = asyncio.run(warmed(absent, model))
    assert [one.role for one in made] == [role for role in ROLES for _ in range(2)]
    assert [(one.error, one.state is None) for one in made] == [("no such processor", True), ("", False)] * 3
    assert tries == ["load"]
    assert "cannot be used: no such processor" in warmed_lines(made)[0]
    with pytest.raises(ModelSetupError, match="no such processor"):
        asyncio.run(warmed(absent))
