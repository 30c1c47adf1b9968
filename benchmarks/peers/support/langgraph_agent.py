"""The support agent in LangGraph: a tool that wants approval interrupts the graph, and is resumed with the decision."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from examples.support.desk import ASK_ABOVE, Customer, Desk, Order, Policy, Refund, Ticket
from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

QUESTION = "Answer the open tickets, and refund what our policy allows."


async def answer(desk: Desk, model: Any) -> str:
    """Answer the tickets of a desk; a person at the same desk approves."""

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

    async def refund(order: int, account: str, amount: Decimal) -> Refund | str:
        """Pay money back."""
        if amount > ASK_ABOVE and not interrupt({"order": order, "account": account, "amount": str(amount)}):
            return "not approved"
        return await desk.refund(order, account, amount)

    async def reply(ticket: int, text: str) -> str:
        """Answer a ticket."""
        return await desk.reply(ticket, text)

    tools = [policy, open_tickets, order, customer, refund, reply]
    agent = create_agent(model, tools, checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "desk"}}
    state = await agent.ainvoke({"messages": [("user", QUESTION)]}, config)
    while asked := state.get("__interrupt__"):
        answers = {one.id: await desk.decide(one.value["order"], one.value["account"]) for one in asked}
        state = await agent.ainvoke(Command(resume=answers), config)
    return str(state["messages"][-1].content)
