"""The support agent: the desk's tools, what of them can be trusted, and when a person is asked."""

from __future__ import annotations

from decimal import Decimal

from examples.support.desk import ASK_ABOVE, Customer, Desk, Order, Policy, Refund, Ticket
from superscalar import Ask, ChatModel, LabelledCall, LLMCompiler, Question, tool

QUESTION = "Answer the open tickets, and refund what our policy allows."


def support_agent(desk: Desk, model: ChatModel | str) -> LLMCompiler:
    """An agent at a desk; a person at the same desk approves."""

    @tool(effect="read", trust="trusted", resource="policy")
    async def policy() -> Policy:
        """Our refund policy."""
        return await desk.policy()

    @tool(effect="read", trusted_fields=("[].id", "[].order", "[].kind"), resource="tickets")
    async def open_tickets() -> list[Ticket]:
        """The tickets without a reply, oldest first."""
        return await desk.tickets()

    @tool(effect="read", trust="trusted", resource="orders")
    async def order(number: int) -> Order:
        """One order."""
        return await desk.order(number)

    @tool(effect="read", trust="trusted", resource="customers")
    async def customer(name: str) -> Customer:
        """One customer, by id."""
        return await desk.customer(name)

    @tool(  # not of the desk's own service, so that reads there need not wait until it is known which order is refunded
        effect="write",
        provider="payments",
        sink="account",
        trust="trusted",
        policy=large,
        resource=lambda order: f"order {order}",
    )
    async def refund(order: int, account: str, amount: Decimal) -> Refund:
        """Pay money back."""
        return await desk.refund(order, account, amount)

    @tool(effect="write", resource=lambda ticket: f"ticket {ticket}")
    async def reply(ticket: int, text: str) -> str:
        """Answer a ticket."""
        return await desk.reply(ticket, text)

    async def approve(question: Question) -> bool:
        return await desk.decide(question.arguments["order"], question.arguments["account"])

    return LLMCompiler(model, [policy, open_tickets, order, customer, refund, reply], policy="ask", approve=approve)


def large(call: LabelledCall) -> Ask | None:
    """A person approves large refunds."""
    return Ask(f"more than {ASK_ABOVE}") if call.arguments["amount"].value > ASK_ABOVE else None
