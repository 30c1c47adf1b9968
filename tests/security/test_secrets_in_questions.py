"""What is secret stands nowhere in a question: not in what its arguments come from, nor in the plan as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, SecretStr

from superscalar import ApprovalPending, Journal, LLMCompiler, Question, Secret, tool
from superscalar.testing import run

KEY = "hunter2"


class Order(BaseModel):
    key: Annotated[str, Secret]
    text: str = ""


@tool(effect="write", policy="ask")
async def order(o: Order) -> str:
    """Order."""
    return "ok"


@tool(effect="write", policy="ask")
async def orders(o: list[Order]) -> str:
    """Order several."""
    return "ok"


@tool(effect="read", secret="password")
async def login(user: str, password: str) -> str:
    """Log in."""
    return "token"


@tool(effect="read")
async def typed(key: SecretStr) -> str:
    """Log in with a key of a secret type."""
    return "token"


@tool(effect="write", policy="ask")
async def use(token: str, text: str = "") -> str:
    """Use."""
    return "ok"


@tool(effect="write", policy="ask", secret="key")
async def pay(key: str, text: str = "") -> str:
    """Pay."""
    return "ok"


@tool(effect="pure")
async def upper(text: str) -> str:
    """The same in capitals."""
    return text.upper()


@tool(effect="read")
async def page() -> str:
    """A page."""
    return "page"


TOOLS: list[Any] = [order, orders, login, typed, use, pay, upper, page]
PLANS = [
    'x = order({"key": "hunter2"})',
    'x = order({"key": "hunter2", "text": page()})',
    'x = orders([{"key": "hunter2"}, {"key": "b"}])',
    'x = use(login("ann", "hunter2"))',
    'x = use(upper(login("ann", "hunter2")))',
    'x = use("a", login("ann", "hunter2") + login("bob", "hunter2"))',
    'x = use(typed("hunter2"))',
    'x = pay("hunter2")',
    'x = pay("hunter2" + page())',
    'x = pay(f"hunter2{page()}", page())',
    'x = [use(login(u, "hunter2")) for u in ["ann", "bob"]]',
    'x = [use(t) for t in [login("ann", "hunter2")]]',
]
NAMED = [
    'k = "hunter2"\nx = pay(k)',
    'k = "hunter2"\nx = pay(upper(k))',
    'x = pay(upper("hunter2"))',
    'k = "hunter2"\nx = [pay(upper(k + j)) for j in ["a", "b"]]',
    'k = "hunter2"\nj = k + "b"\nx = pay(j)',
    'k = ["hunter2", "b"]\nx = [pay(j) for j in k]',
    'x = [pay(j) for j in ["hunter2", "b"]]',
    'k = {"a": "hunter2"}\nx = pay(k["a"])',
    'k = "hunter2"\nx = order({"key": k, "text": "tea"})',
]


def text(question: Question) -> str:
    return "\n".join([*question.lines(10_000), *question.plan_lines(), repr(question)])


@pytest.mark.parametrize("plan", PLANS)
def test_no_secret_is_told_of_a_call_or_of_what_its_arguments_come_from(plan: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def approve(question: Question) -> bool:
        asked.append(text(question))
        return True

    run(LLMCompiler(tools=TOOLS, approve=approve).execute(f"{plan}\njoin(x)\n"))
    assert asked
    assert KEY not in "".join(asked)
    path = tmp_path / "runs.db"
    with pytest.raises(ApprovalPending) as caught:
        run(LLMCompiler(tools=TOOLS, journal=path).execute(f"{plan}\njoin(x)\n", run_id="run"))
    assert KEY not in str(caught.value)
    assert Journal(path).questions("run") == caught.value.questions


@pytest.mark.parametrize("plan", [*PLANS, *NAMED])
def test_no_secret_is_told_of_a_plan_as_a_whole(plan: str, tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    agent = LLMCompiler(tools=TOOLS, journal=path, approve_plan=True)
    with pytest.raises(ApprovalPending) as caught:
        run(agent.execute(f"{plan}\njoin(x)\n", run_id="run"))
    (recorded,) = Journal(path).questions("run")
    assert KEY not in str(caught.value) + text(recorded)
    assert caught.value.questions == (recorded,)
    assert "ann" in text(recorded) or "ann" not in plan


def test_where_a_secret_comes_from_is_told_though_what_the_plan_says_is_not() -> None:
    asked: list[Question] = []

    def approve(question: Question) -> bool:
        asked.append(question)
        return True

    run(LLMCompiler(tools=TOOLS, approve=approve).execute('p = page()\nx = pay("hunter2" + p)\njoin(x)\n'))
    assert asked[0].origins == {
        "key": "`p` = page(), which is not trusted, as `**********`",
        "text": "the tool's own default",
    }
