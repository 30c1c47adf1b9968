"""The support agent in Pydantic AI: a tool that wants approval says so, and a handler in the same process decides."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from examples.support.desk import ASK_ABOVE, Customer, Desk, Order, Policy, Refund, Ticket
from pydantic_ai import Agent, ApprovalRequired, DeferredToolRequests, DeferredToolResults, RunContext
from pydantic_ai.capabilities import HandleDeferredToolCalls

QUESTION = "Answer the open tickets, and refund what our policy allows."


def support_agent(desk: Desk, model: Any) -> Agent:
    """An agent at a desk; a person at the same desk approves."""

    async def policy() -> Policy:
        """Our refund policy."""
        return await desk.policy()

    async def open_tickets() -> list[Ticket]:
        """The tickets without a reply, oldest first."""
        return await desk.tickets()

    async def order(number: int) -> Order:
        """One order."""
        return await desk.order(number)

    async def customer(name: str) -> Customer:
        """One customer, by id."""
        return await desk.customer(name)

    async def refund(run: RunContext[None], order: int, account: str, amount: Decimal) -> Refund:
        """Pay money back."""
        if amount > ASK_ABOVE and not run.tool_call_approved:
            raise ApprovalRequired
        return await desk.refund(order, account, amount)

    async def reply(ticket: int, text: str) -> str:
        """Answer a ticket."""
        return await desk.reply(ticket, text)

    async def approve(run: RunContext[None], requests: DeferredToolRequests) -> DeferredToolResults:
        approvals = {}
        for call in requests.approvals:
            arguments = call.args_as_dict()
            approvals[call.tool_call_id] = await desk.decide(arguments["order"], arguments["account"])
        return requests.build_results(approvals=approvals)

    tools = [policy, open_tickets, order, customer, refund, reply]
    return Agent(model, tools=tools, capabilities=[HandleDeferredToolCalls(handler=approve)])
