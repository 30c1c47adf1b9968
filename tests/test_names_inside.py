"""What people read of the calls inside of a plan that is called has the names that they gave to tools, and no other."""

from __future__ import annotations

import logging

import pytest

from superscalar import LLMCompiler, Tool, tool
from superscalar.plan.print.graph import to_dot, to_mermaid
from superscalar.policy import Question
from support.running import executed


@tool
async def price(ticker: str) -> float:
    return float(len(ticker))


@tool(effect="write", sink="to")
async def send(to: str, text: str) -> str:
    return f"sent to {to}"


SENT = "p = price('IBM')\ns = send(to, f'{p}')\njoin([price(t) for t in ['A', 'B']], s)"


def brief() -> Tool[..., object]:
    return Tool.from_plan(LLMCompiler(tools=[price, send]).compile(SENT, inputs={"to": str}), name="brief")


def test_pictures_and_reprs_of_a_plan_tell_no_alias() -> None:
    plan = LLMCompiler(tools=[brief()]).compile("join(brief('me'))")
    assert repr(plan) == "<Plan: 9 tasks, calls of brief, price, send>"
    assert "inside." not in to_dot(plan) + to_mermaid(plan) + plan._repr_html_()


def test_questions_and_logs_tell_no_alias(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[Question] = []

    def yes(question: Question) -> bool:
        asked.append(question)
        return True

    with caplog.at_level(logging.DEBUG):
        executed("join(brief('me'))", [brief()], approve=yes, approve_plan=True)
    assert "inside." not in asked[0].whole() + asked[0].plan + caplog.text
