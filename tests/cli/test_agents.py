"""An agent of one's own from the command line: with its context, rules, limits, models and journal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from superscalar import ApprovalPending, Journal
from superscalar.cli.app import app
from superscalar.cli.compiling import under
from superscalar.cli.failures import CommandError
from superscalar.cli.loading import load_agent
from superscalar.compiler import equipment
from superscalar.testing import ScriptedModel, run
from support.folders import standing_in

SHOP = '''
import contextlib
from superscalar import Deny, Limit, LLMCompiler, Policy, ToolContext, tool
from superscalar.testing import ScriptedModel

def no_refunds(call):
    return Deny("no refunds on a Sunday") if call.tool == "refund" else None

@tool(effect="read", limit="orders", trust="trusted")
def order(run: ToolContext, number: int) -> str:
    """An order."""
    return f"{run.context}: {number}"

@tool(effect="write", sink="to")
def refund(to: str) -> str:
    """Refund an order."""
    return f"{to}: done"

def dict_context():
    return {"customer": "ann"}

async def later():
    return "bob"

@contextlib.asynccontextmanager
async def opened():
    with open("log", "a") as log:
        log.write("open ")
        yield "eve"
        log.write("closed")

@contextlib.contextmanager
def plainly():
    yield "ida"

class Session:
    """A context that happens to be a context manager, and is opened by the tools that want it."""

    def __enter__(self):
        raise RuntimeError("nobody asked for that")

    def __exit__(self, *error):
        pass

    def __str__(self):
        return "zoe"

def session():
    return Session()

def broken():
    return {}["nobody"]

PLAN = "x = order(7)\\ny = refund(x)\\njoin(x, y)\\n"
agent = LLMCompiler(
    ScriptedModel(PLAN, "Ann has one."),
    [order, refund],
    limits={"orders": Limit(concurrency=1)},
    policy=Policy(rules=[no_refunds]),
    journal="shop.db",
    replan="never",
)
NUMBER = 5
'''
PLAN = "x = order(7)\njoin(x)\n"
WRITE = "y = refund('ann')\njoin(y)\n"
ASKING = SHOP.replace('return Deny("no refunds on a Sunday")', 'return Ask("may it?")').replace(
    "import Deny", "import Ask"
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(
        tmp_path, monkeypatch, {"shop.py": SHOP, "plan.txt": PLAN, "write.txt": WRITE}, COLUMNS="300"
    ) as place:
        yield place


def done(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments), prog_name="superscalar")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("where", ["shop:agent", "shop.py:agent", "shop.py"])
def test_a_question_is_answered_by_the_agent_with_its_model_and_rules(where: str) -> None:
    code, out, err = done("run", "How many?", "--agent", where, "--context", "shop:dict_context", "--json")
    document = json.loads(out)
    assert (code, document["answer"], err) == (0, "Ann has one.", "")
    assert document["outcomes"]["x"]["value"] == "{'customer': 'ann'}: 7"
    assert "no refunds on a Sunday" in json.dumps(document["outcomes"]["y"])


@pytest.mark.parametrize(
    ("name", "customer"),
    [
        ("later", "bob"),
        ("opened", "eve"),
        ("plainly", "ida"),
        ("session", "zoe"),
        ("dict_context", "{'customer': 'ann'}"),
    ],
)
def test_the_context_is_what_a_function_returns_or_a_context_manager_gives(name: str, customer: str) -> None:
    code, out, _ = done("exec", "plan.txt", "--agent", "shop:agent", "--context", f"shop.py:{name}", "-q")
    assert (code, json.loads(out)) == (0, f"{customer}: 7")
    assert not Path("log").exists() or Path("log").read_text() == "open closed"


def test_tools_have_a_context_without_an_agent_too() -> None:
    code, out, _ = done("exec", "plan.txt", "--tools", "shop.py:order", "--context", "shop:later", "-q")
    assert code == 2  # its limit is the agent's
    Path("shop.py").write_text(f"{SHOP}\nLIMITS = agent.options.limits\n")
    del sys.modules["shop"]
    code, out, _ = done("exec", "plan.txt", "--tools", "shop.py:order", "--context", "shop:later", "-q")
    assert (code, json.loads(out)) == (0, "bob: 7")


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ("shop.py:broken", "shop.py:52: KeyError: 'nobody'\n    return {}[\"nobody\"]"),
        ("shop:NUMBER", "--context shop:NUMBER is an int; name a function that returns the context"),
        ("shop:latter", "shop has no 'latter'; did you mean :later?"),
        ("shop", "name a function in it"),
    ],
)
def test_a_context_that_cannot_be_had_is_said_and_nothing_runs(context: str, said: str) -> None:
    code, out, err = done("exec", "plan.txt", "--agent", "shop:agent", "--context", context, "-q")
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("shop:NUMBER", "--agent shop:NUMBER is an int; name an LLMCompiler"),
        ("shop:agnet", "did you mean :agent?"),
        ("other.py", "there is no such file"),
        ("two.py", "two has one, two: name one, as in --agent two.py:one"),
        ("none.py", "none has no LLMCompiler(...)"),
    ],
)
def test_what_is_no_agent_is_refused(where: str, said: str) -> None:
    made = "from superscalar import LLMCompiler\n"
    Path("two.py").write_text(f"{made}one = LLMCompiler()\ntwo = LLMCompiler()\n")
    Path("none.py").write_text(made)
    code, _, err = done("tools", "--agent", where)
    assert (code, said in err) == (2, True), err


def test_an_agent_brings_its_tools() -> None:
    code, out, _ = done("tools", "--agent", "shop:agent")
    assert (code, out.splitlines()[0]) == (0, "order(number: int) -> str")
    assert done("check", "plan.txt", "--agent", "shop:agent")[0] == 0
    assert (
        done("plan", "How many?", "--agent", "shop:agent")[1] == "x = order(number=7)\ny = refund(to=x)\njoin(x, y)\n"
    )
    for arguments in (("-t", "shop.py", "--agent", "shop:agent"), ()):
        code, _, err = done("check", "plan.txt", *arguments)
        assert (code, "--tools" in err and "--agent" in err) == (2, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--policy", "off"], "policy was enforce, and is off now"),
        (["--policy", "warn"], "policy was enforce, and is warn now\n  policy.own was kept, and is told now"),
        (["--policy", "ask"], "policy was enforce, and is ask now"),
        (["--replan", "any"], "replan was never, and is any now"),
        (["--replan", "planned-tools"], "replan was never, and is planned-tools now"),
        (["--replanner-sees", "text"], "replanner_sees was summaries, and is text now"),
    ],
)
def test_an_option_beside_an_agent_does_not_loosen_its_rules(options: list[str], said: str) -> None:
    code, out, err = done("run", "How many?", "--agent", "shop:agent", *options)
    assert (code, out) == (2, "")
    assert err == (
        f"error: --agent shop:agent: what stands beside it would loosen its rules:\n  {said}\nsay it there instead\n"
    )
    assert not Journal("shop.db").runs()


def test_an_option_beside_an_agent_may_tighten_its_rules_and_changes_all_else() -> None:
    agent = load_agent("shop:agent")
    made = under(agent, "", policy="enforce", max_cost=2.0, max_replans=7, approve_plan=True, approve=lambda q: True)
    assert (made.options.max_cost, made.options.max_replans, made.options.approve_plan) == (2.0, 7, True)
    assert (made.options.policy, made.options.limits) == (agent.options.policy, agent.options.limits)
    relaxed = agent.with_options(policy="warn", replan="any")
    assert under(relaxed, "", policy="enforce", replan="read-only").options.replan == "read-only"
    with pytest.raises(CommandError, match="policy was warn, and is off now"):
        under(relaxed, "", policy="off")
    asked = agent.with_options(approve=lambda question: False)
    assert under(asked, "", approve=lambda question: True).options.approve is asked.options.approve


def test_a_model_on_this_machine_is_not_asked_at_the_agents_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equipment, "resolve", lambda model, base_url=None: ScriptedModel())
    agent = load_agent("shop:agent").with_options(model="openai:x", base_url="http://127.0.0.1:1/v1")
    assert under(agent, "", model="openai:y").options.base_url == agent.options.base_url
    assert under(agent, "", model="local").options.base_url is None


def test_what_the_environment_says_makes_way_for_what_the_agent_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERSCALAR_DEFAULT_MODEL", "no:model")
    monkeypatch.setenv("SUPERSCALAR_JOURNAL", "usual.db")
    assert done("run", "How many?", "--agent", "shop:agent", "-q")[1] == "Ann has one.\n"
    assert len(Journal("shop.db").runs()) == 1
    assert not Path("usual.db").exists()
    assert "There is no model 'no:model'" in done("run", "?", "--agent", "shop:agent", "--model", "no:model")[2]
    done("run", "How many?", "--agent", "shop:agent", "-q", "--journal", "other.db")
    assert (len(Journal("shop.db").runs()), len(Journal("other.db").runs())) == (1, 1)


def test_a_run_of_an_agent_is_listed_shown_approved_and_gone_on_with() -> None:
    Path("shop.py").write_text(ASKING)
    code, _, err = done("exec", "write.txt", "--agent", "shop:agent", "-q")
    (begun,) = Journal("shop.db").runs()
    assert (code, f"superscalar resume {begun.id} --journal shop.db" in err) == (3, True)
    assert done("runs", "--agent", "shop:agent")[1].startswith(begun.id)
    assert done("show", begun.id, "--agent", "shop:agent")[1].startswith(f"run {begun.id}")
    assert "may it?" in done("approve", begun.id, "--agent", "shop:agent")[1]
    assert done("approve", begun.id, "--all", "--agent", "shop:agent")[0] == 0
    code, out, _ = done("resume", begun.id, "--journal", "shop.db", "-q")  # whose agent it is, the run remembers
    assert (code, json.loads(out)) == (0, "ann: done")


def test_an_agent_without_a_journal_says_that_one_is_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("bare.py").write_text("from superscalar import LLMCompiler\nagent = LLMCompiler()\n")
    code, out, err = done("runs", "--agent", "bare:agent")
    assert (code, out, err) == (
        2,
        "",
        "error: --agent bare:agent: it keeps no journal; name one, with --journal FILE\n",
    )
    Journal("usual.db")
    monkeypatch.setenv("SUPERSCALAR_JOURNAL", "usual.db")
    assert done("runs", "--agent", "bare:agent")[1] == "usual.db has no runs yet\n"


def test_a_run_that_python_began_is_gone_on_with_by_its_agent() -> None:
    Path("shop.py").write_text(ASKING)
    with pytest.raises(ApprovalPending):
        run(load_agent("shop:agent").execute(WRITE, run_id="r"))
    done("approve", "r", "--all", "--journal", "shop.db")
    assert "say where they are, with --tools, or whose agent it is" in done("resume", "r", "--journal", "shop.db")[2]
    code, out, _ = done("resume", "r", "--agent", "shop:agent", "--context", "shop:later", "-q")
    assert (code, json.loads(out)) == (0, "ann: done")


def test_a_run_keeps_the_context_that_it_was_begun_with_wherever_its_tools_are_now() -> None:
    Path("shop.py").write_text(ASKING)
    Path("after.txt").write_text("y = refund('ann')\njoin(order(len(y)))\n")
    done("exec", "after.txt", "--agent", "shop:agent", "--context", "shop:later", "-q")
    (begun,) = Journal("shop.db").runs()
    done("approve", begun.id, "--all", "--agent", "shop:agent")
    code, out, _ = done("resume", begun.id, "--agent", "shop.py:agent", "-q")
    assert (code, json.loads(out)) == (0, "bob: 9")


def test_a_run_that_python_began_without_a_joiner_has_none_when_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("plain.py").write_text("""
from superscalar import LLMCompiler, tool
from superscalar.testing import ScriptedModel

@tool(effect="write", policy="ask", sink="to")
def send(to: str) -> str:
    return f"sent to {to}"

agent = LLMCompiler(ScriptedModel("join(send('ann'))"), [send], journal="plain.db", joiner=None)
""")
    with pytest.raises(ApprovalPending):
        run(load_agent("plain:agent").run("?", run_id="r"))
    done("approve", "r", "--all", "--journal", "plain.db")
    monkeypatch.setattr(equipment, "resolve", lambda model, base_url=None: ScriptedModel())  # it answers nothing
    code, out, err = done("resume", "r", "-t", "plain.py", "--model", "local", "--journal", "plain.db", "-q")
    assert (code, out, err) == (0, "sent to ann\n", "")


def test_under_which_rules_a_run_was_begun_is_shown() -> None:
    own = ("exec", "plan.txt", "--tools", "own.py", "--journal", "own.db", "-q")
    Path("own.py").write_text(
        "from superscalar import tool\n\n@tool\ndef order(number: int) -> int:\n    return number\n"
    )
    done(*own)
    assert "rules" not in done("show", Journal("own.db").runs()[0].id, "--journal", "own.db")[1]
    done(*own, "--policy", "warn")
    assert "rules     policy warn\n" in done("show", Journal("own.db").runs()[0].id, "--journal", "own.db")[1]


def test_where_a_run_was_begun_its_agent_and_context_are_found_from_any_folder(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("shop.py").write_text(ASKING)
    done("exec", "write.txt", "--agent", "shop.py:agent", "--context", "shop.py:later", "-q")
    (begun,) = Journal("shop.db").runs()
    done("approve", begun.id, "--all", "--journal", "shop.db")
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    code, out, _ = done("resume", begun.id, "--journal", "../shop.db", "-q")
    assert (code, json.loads(out)) == (0, "ann: done")
