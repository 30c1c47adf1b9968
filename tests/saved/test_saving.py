"""`agent.save` and `agent.plans`: a plan is saved, a person approves it, and it runs as long as it is what it was."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from superscalar import LLMCompiler, PlanError, TaskFailed, Tool, UsageError, tool
from superscalar.models import OpenAIModel
from superscalar.saved.tool_facts import facts_of
from superscalar.testing import ScriptedModel, run

SOURCE = """
# input tickers: list[str]  # which shares
# input least: float = 2.5
prices = [price(t) for t in tickers]
join([p for p in prices if p >= least])
"""


@tool(effect="read", trust="trusted")
async def price(ticker: str) -> float:
    """Latest price."""
    if ticker == "XXX":
        raise LookupError("no such ticker")
    return float(len(ticker))


@tool(effect="write", sink="to", resource="mail")
def mail(to: str, text: str) -> None:
    """Send a message."""


@tool(effect="read", secret="password")
def login(user: str, password: str) -> str:
    """Log in."""
    return user


@pytest.fixture
def agent(tmp_path: Path) -> LLMCompiler:
    return LLMCompiler(tools=[price, mail, login], plans=tmp_path / "plans")


def approved(agent: LLMCompiler, name: str = "brief", source: str = SOURCE, description: str = "A brief.") -> None:
    saved = agent.save(name, source, description=description)
    agent.plans.approve(name, digest=saved.digest, by="ann")


def test_what_was_saved_runs_once_it_was_approved(agent: LLMCompiler) -> None:
    saved = agent.save("brief", SOURCE)
    with pytest.raises(
        UsageError, match="nobody has approved it; look at it and approve it: superscalar plans approve"
    ):
        _ = saved.plan
    agent.plans.approve("brief", digest=saved.digest, by="ann")
    plan = agent.plans.get("brief").plan
    assert run(agent.execute(plan, inputs={"tickers": ["IBM", "AA"], "least": 3})).joined == [3.0]


def test_what_was_saved_and_read_again_is_the_same_plan_and_the_same_text(agent: LLMCompiler) -> None:
    plan = agent.compile(SOURCE)
    saved = agent.save("brief", plan)
    assert agent.plans.get("brief").draft == plan
    file = saved.path.read_bytes()
    again = agent.save("brief", agent.plans.get("brief").draft)
    assert (saved.path.read_bytes(), again.digest) == (file, saved.digest)


def test_saving_the_same_plan_again_leaves_it_approved(agent: LLMCompiler) -> None:
    approved(agent)
    approved_text = agent.plans.get("brief").path.read_bytes()
    again = agent.save("brief", SOURCE, description="A brief.")
    assert (again.state, again.path.read_bytes()) == ("approved", approved_text)


def test_another_plan_of_that_name_is_replaced_by_who_has_seen_it(agent: LLMCompiler) -> None:
    approved(agent)
    digest = agent.plans.get("brief").digest
    with pytest.raises(UsageError, match=f'another plan: .* replace that one: over="{digest}"'):
        agent.save("brief", "join(1)")
    with pytest.raises(UsageError, match="another plan than over= says"):
        agent.save("brief", "join(1)", over="0" * 64)
    with pytest.raises(UsageError, match="leave out over="):
        agent.save("other", "join(1)", over=digest)
    saved = agent.save("brief", "join(1)", over=digest)
    assert (saved.state, saved.unapproved.split(" (")[0]) == (
        "not approved",
        "it is not the text any more that ann approved",
    )


@pytest.mark.parametrize("name", ["../brief", "join", "ok", "first", "Brief", ""])
def test_a_name_is_a_plain_word_and_no_function_of_the_language(name: str, agent: LLMCompiler) -> None:
    with pytest.raises(UsageError):
        agent.save(name, SOURCE)
    assert not agent.plans.path.exists()


def test_no_file_holds_what_is_secret(agent: LLMCompiler) -> None:
    for source in ("login('ann', 'swordfish')\njoin()", "x = 'swordfish'\nlogin('ann', x)\njoin()"):
        with pytest.raises(UsageError, match="says something for a secret parameter"):
            agent.save("brief", source)
    with_key = LLMCompiler(OpenAIModel("gpt-5", api_key="sk-in-no-file"), tools=[price], plans=agent.plans.path)
    for source, about in (("join(price('sk-in-no-file'))", ""), ("join(1)", "With sk-in-no-file.")):
        with pytest.raises(UsageError, match="holds a secret of a model"):
            with_key.save("brief", source, description=about)
    agent.save("brief", "# secret input word: str\nlogin('ann', word)\njoin()")
    assert "secret input word: str" in str(agent.plans.get("brief").text)


def test_an_agent_without_a_folder_says_what_to_write() -> None:
    with pytest.raises(UsageError, match=r'LLMCompiler\(\.\.\., plans="plans"\)'):
        LLMCompiler(tools=[price]).save("brief", SOURCE)


def test_a_plan_that_is_not_there_is_told_with_those_that_are(agent: LLMCompiler) -> None:
    approved(agent)
    with pytest.raises(UsageError, match="did you mean 'brief'"):
        agent.plans.get("brif")


def test_who_approves_has_a_name_and_has_seen_the_text(agent: LLMCompiler) -> None:
    digest = agent.save("brief", SOURCE).digest
    for by in ("", "ann, really", "a\nb", "a\u202eb", "x" * 101):
        with pytest.raises(UsageError, match="write who approves it"):
            agent.plans.approve("brief", digest=digest, by=by)
    file = agent.plans.get("brief").path
    file.write_text(file.read_text().replace("p >= least", "p >= 0"))
    with pytest.raises(UsageError, match="is not the text that was looked at"):
        agent.plans.approve("brief", digest=digest, by="ann")


def test_a_comment_is_part_of_what_is_approved(agent: LLMCompiler) -> None:
    approved(agent)
    file = agent.plans.get("brief").path
    file.write_text(file.read_text().replace("prices =", "# fine\nprices ="))
    assert agent.plans.get("brief").state == "not approved"


def test_an_approval_counts_for_the_plan_of_that_name_alone(agent: LLMCompiler) -> None:
    approved(agent)
    found = agent.plans.get("brief")
    (found.path.parent / "other.plan").write_text(str(found.text))
    assert agent.plans.get("other").unapproved == "its header says that ann approved it, and plans.lock does not"


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"version": 2, "approved": {}}', '{"version": 1, "approved": {"brief": 1}}']
)
def test_a_lock_that_cannot_be_read_approves_nothing(text: str, agent: LLMCompiler) -> None:
    approved(agent)
    (agent.plans.path / "plans.lock").write_text(text)
    with pytest.raises(UsageError, match="nobody knows what was approved"):
        agent.plans.get("brief")


def test_the_lock_says_who_approved_what(agent: LLMCompiler) -> None:
    approved(agent)
    found = agent.plans.get("brief")
    assert found.approval is not None
    assert json.loads((agent.plans.path / "plans.lock").read_text()) == {
        "version": 1,
        "approved": {"brief": {"by": "ann", "at": found.approval.at, "sha256": found.digest}},
    }


def test_a_plan_of_another_version_of_the_language_is_looked_at_again(agent: LLMCompiler) -> None:
    approved(agent)
    file = agent.plans.get("brief").path
    file.write_text(file.read_text().replace("# language 2", "# language 1"))
    found = agent.plans.get("brief")
    assert found.state == "changed"
    assert found.changes == ("it was written in version 1 of the language, and this release reads 2",)


def test_a_plan_whose_tool_is_gone_says_where_it_is_called(agent: LLMCompiler) -> None:
    approved(agent)
    found = LLMCompiler(tools=[mail], plans=agent.options.plans).plans.get("brief")
    assert (found.state, found.why_not()[1:]) == ("broken", ["`price`: there is no such tool any more"])
    with pytest.raises(PlanError, match=r"brief\.plan:\d+:\d+: E301"):
        _ = found.plan
    line = found.diagnostics[0].span.line
    assert found.path.read_text().split("\n")[line - 1].startswith("prices = ")


def changed(**terms: Any) -> Any:
    @tool(name="mail", **{"effect": "write", "sink": "to", "resource": "mail", **terms})
    def other(to: str, text: str) -> None:
        """Send a message, in other words."""

    return other


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (changed(), []),
        (
            changed(sink=()),
            "`mail` now is write, untrusted, resource mail; before: is write, untrusted, resource mail, sink to",
        ),
        (changed(trust="trusted"), "`mail` now is write, trusted,"),
        (changed(effect="read", sink=()), "`mail` now is read,"),
        (changed(resource="post"), "`mail` now is write, untrusted, resource post,"),
        (changed(idempotent=True), "`mail` now is write, untrusted, resource mail, sink to, idempotent"),
        (changed(secret="text"), "secret text"),
    ],
)
def test_what_decides_on_a_call_is_part_of_what_was_reviewed_and_words_are_not(
    now: Any, told: Any, agent: LLMCompiler
) -> None:
    approved(agent, "send", "mail('ann@home.example', str(price('IBM')))\njoin()")
    changes = LLMCompiler(tools=[price, now], plans=agent.options.plans).plans.get("send").changes
    assert list(changes) == told if isinstance(told, list) else told in changes[0]


def test_the_plan_of_a_run_is_saved_with_its_question_and_inputs(tmp_path: Path) -> None:
    model = ScriptedModel("x = price('IBM')\njoin(x)", "3.", "y = price('XXX')\njoin(y)", "It failed.")
    agent = LLMCompiler(model, tools=[price], plans=tmp_path / "plans")
    saved = agent.save("of_one", run(agent.run("What is IBM at?")), inputs={"ticker": "IBM"})
    assert (saved.description, saved.text.body) == (
        "What is IBM at?",
        "# input ticker: str\nx = price(ticker=ticker)\njoin(x)\n",
    )
    with pytest.raises(UsageError, match=r"the plan of run .* cannot be saved: `y` has no value"):
        agent.save("other", run(agent.run("And XXX?")))


def test_what_nobody_sees_in_a_question_is_an_escape_in_the_description_of_its_plan(tmp_path: Path) -> None:
    agent = LLMCompiler(ScriptedModel("join(1)", "1."), tools=[price], plans=tmp_path / "plans")
    saved = agent.save("pasted", run(agent.run("IBM:\xa0how\u200b?\nBriefly.")))
    assert saved.description == "IBM:\\xa0how\\u200b?\nBriefly."


def test_a_plan_that_was_written_with_strangers_text_in_view_is_not_saved(tmp_path: Path) -> None:
    agent = LLMCompiler(ScriptedModel("join(1)", "1."), tools=[price], plans=tmp_path / "plans")
    history = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Say price('IBM')"}]
    with pytest.raises(UsageError, match="cannot be saved: its question goes on with a conversation"):
        agent.save("brief", run(agent.run("Go on", history=history)))


def test_an_approved_plan_is_a_python_function(agent: LLMCompiler) -> None:
    approved(agent)
    brief = agent.plans.function("brief")
    assert (brief.__name__, brief.__doc__) == ("brief", "A brief.\n\ntickers: which shares")
    assert str(inspect.signature(brief)) == "(tickers: 'list[str]', least: 'float' = 2.5)"
    assert inspect.iscoroutinefunction(brief)
    assert run(brief(["IBM", "AA"])) == [3.0]
    assert run(brief(least=1, tickers=["AA"])) == [2.0]
    with pytest.raises(TypeError, match=r"brief\(\): missing a required argument: 'tickers'"):
        run(brief())
    with pytest.raises(UsageError, match="`tickers`"):
        run(brief("IBM"))
    with pytest.raises(TaskFailed, match=r"`prices\[1\]` failed: LookupError: no such ticker"):
        run(brief(["IBM", "XXX"]))


def test_a_function_of_what_nobody_approved_is_refused(agent: LLMCompiler) -> None:
    agent.save("brief", SOURCE)
    with pytest.raises(UsageError, match="nobody has approved it"):
        agent.plans.function("brief")


def test_what_is_no_plan_is_told_with_what_to_write(agent: LLMCompiler) -> None:
    with pytest.raises(UsageError, match=r"function\('join\(1\)'\): write a plan, such as what agent.compile"):
        agent.function("join(1)")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"save\('brief', 5\): write a plan, its text"):
        agent.save("brief", 5)  # type: ignore[arg-type]


def test_inputs_that_have_to_be_given_are_the_first_parameters(agent: LLMCompiler) -> None:
    made = agent.compile("# input a: int = 1\n# input b: str\njoin([a, b])").function(agent, name="both")
    assert (made.__name__, str(inspect.signature(made))) == ("both", "(b: 'str', a: 'int' = 1)")
    assert run(made("x")) == [1, "x"]


def test_the_page_shows_the_file_that_is_written(agent: LLMCompiler) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "saved-plans.md").read_text()
    source = page.partition('BRIEF = """')[2].partition('"""')[0]
    shown = page.partition("```\n# superscalar plan")[2].partition("```")[0]
    saved = agent.save("brief", source, description="The prices of some shares, and the highest of them.")
    assert str(saved.text) == f"# superscalar plan{shown}"


def test_a_saved_plan_is_a_tool_of_another_agent(agent: LLMCompiler) -> None:
    approved(agent)
    brief = Tool.from_plan(agent.plans.get("brief").plan, name="brief", description="A brief.")
    assert run(LLMCompiler(tools=[brief]).execute("join(brief(['IBM', 'AA']))")).joined == [3.0]


def test_a_plan_that_fits_no_more_is_refused_with_what_its_tools_declare_now(agent: LLMCompiler) -> None:
    @tool(name="price", effect="read", trust="trusted")
    async def asking_more(ticker: str, day: int) -> float:
        """Latest price."""
        return 1.0

    approved(agent)
    found = LLMCompiler(tools=[asking_more], plans=agent.options.plans).plans.get("brief")
    assert (found.state, found.changes) == ("broken", ("`price` now takes day: int",))
    with pytest.raises(PlanError, match=r"is no plan for these tools\n  `price` now takes day: int"):
        _ = found.plan


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"b", "a", "c"}, "vouches for a b c"),
        ("a", "vouches for a"),
        ({"b": r"\\d+", "a": "x"}, "vouches for a=x b="),
        ((), "is read, untrusted"),
    ],
)
def test_what_a_tool_vouches_for_is_told_in_one_order(fields: Any, told: str) -> None:
    @tool(effect="read", trusted_fields=fields)
    def found() -> dict[str, str]:
        """What there is."""
        return {}

    assert told in facts_of("found", found).says[0]


def test_a_function_looks_at_its_plan_again_whenever_it_is_called(agent: LLMCompiler) -> None:
    approved(agent)
    brief, file = agent.plans.function("brief"), agent.plans.get("brief").path
    text = file.read_text()
    file.write_text(text.replace("p >= least", "p > least"))
    with pytest.raises(UsageError, match="it is not the text any more that ann approved"):
        run(brief(["IBM"]))
    agent.plans.approve("brief", digest=agent.plans.get("brief").digest, by="bob")
    with pytest.raises(UsageError, match="is another plan than this function was made of: make it anew"):
        run(brief(["IBM"]))
    file.unlink()
    with pytest.raises(UsageError, match="there is no saved plan 'brief'"):
        run(brief(["IBM"]))


@pytest.mark.parametrize("given", ["text", "plan", "description"])
def test_what_redact_takes_out_stands_in_no_file(tmp_path: Path, given: str) -> None:
    agent = LLMCompiler(
        tools=[price], plans=tmp_path / "plans", redact=lambda text: text.replace("ann@example.com", "(address)")
    )
    said = "join(price('IBM'))" if given == "description" else "join(price('ann@example.com'))"
    with pytest.raises(UsageError, match="what redact= takes out, which no file may"):
        agent.save(
            "brief",
            agent.compile(said) if given == "plan" else said,
            description="For ann@example.com." if given == "description" else "",
        )
    assert agent.plans.names() == ()
    assert agent.save("brief", "join(price('IBM'))").state == "not approved"


def test_a_folder_is_that_of_the_directory_where_the_agent_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a process goes afterwards may be others' plans, approved for others."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    agent = LLMCompiler(tools=[price], plans="plans")
    approved(agent)
    monkeypatch.chdir("elsewhere")
    assert agent.plans.path == tmp_path / "plans"
    assert agent.plans.get("brief").state == "approved"
    assert agent.with_options(max_cost=None).plans.names() == ("brief",)
    assert list(Path.cwd().iterdir()) == []
