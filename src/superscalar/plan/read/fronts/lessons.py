"""What a planner is told that writes Python: in few words, and for larger models in some more."""

from __future__ import annotations

from typing import Final

from superscalar.plan.evaluate.table import TOLD
from superscalar.plan.read.fronts.front import TAXES, Lesson, Prompt

# The embedded model plans better where it is not told of blocks; larger ones say conditions and loops with them.
_WITHOUT_BLOCKS: Final = "There is no import, def, for or if block, print or append."
_WITH_BLOCKS: Final = """\
There are if/elif/else and for blocks; a for runs its lines for all items in parallel, and hands on nothing but totals, lists and dicts (total += x, found.append(x), by_name[k] = x). There is no import, def, while, try, break, print or class, and no clock.
- A call that fails takes with it what is made from its result, and nothing else. ok(xs) has the items of a list or dict that succeeded, default(x, 0) stands in for what failed, first(2, xs) has the first 2 that succeed.
- You see no results while you write: what depends on them is said by conditions, comprehensions and loops."""


_ARGUMENTS: Final = "Arguments come from the question or from results, never made up."
_FACTS: Final = "Look up every fact, never from memory. Arguments come from the question or from results."
_TEXTS: Final = " Out of a text take values with extract, where there is such a tool."


def _language(blocks: str, *, texts: str = "", arguments: str = _ARGUMENTS) -> str:
    return f"""\
You write plans. A plan is a short Python program that calls tools to find out what a question asks for. Someone else reads its results and answers.

- Each line is name = expression, and the last is join(...) with all that the answer needs.
- There are the given tools, comprehensions, x if c else y, f-strings and {" ".join(TOLD)}. {blocks}
- Call a tool for every single thing that is asked for: calls run in parallel. For many things write {{x: tool(x) for x in things}}.
- Use results as their types say: r.field, r["key"], r[0].{texts}
- Compute every number in the plan, never in your head.
- {arguments} Leave out optional ones that the question does not mention.
- If no tool is needed, write only join()."""


# Turns of their own: small models follow them better than rules, and than examples among the rules.
_STOCK: Final = (
    """\
Tools:
stock() -> dict[str, int]  # Pieces in stock, by item.
cost(item: str) -> float

Question: What is our stock worth, in total and each item?""",
    """\
pieces = stock()
values = {i: pieces[i] * cost(i) for i in pieces}
total = sum(values.values())
join(values, total)""",
)
_RENTS: Final = (
    """\
Tools:
rent(city: str, *, rooms: int = 2) -> float

Question: Where are 3 rooms dearest: in Oslo, Rome or Cairo?""",
    """\
rents = {c: rent(c, rooms=3) for c in ["Oslo", "Rome", "Cairo"]}
dearest = max(rents, key=lambda c: rents[c])
join(rents, dearest)""",
)
_LOANS: Final = (
    """\
Tools:
loans() -> list[Loan]
    # Loan has the fields reader: str, days: int
remind(reader: str) -> str  # Changes something: call it only if the question asks for that.

Question: Remind everyone who has had a book for over 30 days.""",
    """\
lent = loans()
late = [l for l in lent if l.days > 30]
reminded = [remind(l.reader) for l in late]
join(late, reminded)""",
)
_READ: Final = (
    (
        """\
Tools:
article(title: str) -> str
extract(source: Any, schema: Literal['str', 'int', 'float'], find: str) -> Any

Question: Would Lima have more people than Quito if it lost 10 % of them?""",
        """\
lima = extract(article("Lima"), "float", "how many people live there")
quito = extract(article("Quito"), "float", "how many people live there")
join(lima * 0.9 > quito)""",
    ),
    (
        "Question: What is the town known for where Franz Kafka was born?",
        """\
kafka = article("Franz Kafka")
town = extract(kafka, "str", "the town where he was born")
known = article(town)
join(town, known)""",
    ),
)
_COMPARED: Final = (
    "Question: Are the Eiffel Tower and Big Ben in the same country?",
    """\
eiffel = article("Eiffel Tower")
ben = article("Big Ben")
join(eiffel, ben)""",
)
_COMPARED_ALONE: Final = ("Tools:\narticle(title: str) -> str\n\n" + _COMPARED[0], _COMPARED[1])
_NOTHING: Final = (
    """\
Tools:
notify(text: str) -> None  # Changes something: call it only if the question asks for that.

Question: Thank you! And who was Einstein?""",
    "join()",
)
_TAXES: Final = (
    TAXES,
    """\
lima = tax(30, "Lima")
quito = tax(45, "Quito")
join(lima, quito)""",
)

# Turns of their own: small models follow them better than rules, and than examples among the rules.
_EXAMPLES: Final = (_STOCK, _LOANS, _RENTS, _NOTHING, _COMPARED_ALONE, _TAXES)

# What is told of `extract` leads a small model astray that has no such tool: it writes names that begin like it.
_WITH_TEXTS_EXAMPLES: Final = (_LOANS, _RENTS, *_READ, _COMPARED, _NOTHING, _TAXES)

_LONGER_EXAMPLES: Final = (
    (
        """\
Tools:
orders(customer: str) -> list[Order]
    # Order has the fields id: str, amount: float, paid: bool
remind(order: str, text: str) -> str  # Changes something: call it only if the question asks for that.

Question: Remind Ana Ruiz of each order over 100 euros that is not paid. How much has she not paid in all?""",
        """\
total = 0
reminded = []
for order in orders("Ana Ruiz"):
    if not order.paid:
        total += order.amount
        if order.amount > 100:
            reminded.append(remind(order.id, f"{order.amount:.2f} euros are not paid yet"))
join(total, reminded)""",
    ),
    (
        """\
Tools:
shops(city: str) -> list[str]
offer(shop: str, item: str) -> float  # What it costs in dollars.
reserve(shop: str, item: str) -> str  # Changes something: call it only if the question asks for that.

Question: Reserve a kettle in the cheapest shop of Porto if it costs less than 30 dollars.""",
        """\
offers = ok({s: offer(s, "kettle") for s in shops("Porto")})
cheapest = min(offers, key=lambda s: offers[s])
if offers[cheapest] < 30:
    reserved = reserve(cheapest, "kettle")
else:
    reserved = "nothing"
join(cheapest, offers[cheapest], reserved)""",
    ),
    (
        """\
Tools:
mails(sender: str, *, since: str = "") -> list[Mail]
    # Mail has the fields subject: str, text: str
extract(source: Any, schema: Literal['str', 'int', 'float', 'bool', 'date'], find: str) -> Any  # What a text says.

Question: What do the bills that Volta sent since March 1st, 2026 come to? And who wrote the last one?""",
        """\
bills = mails("Volta", since="2026-03-01")
amounts = [extract(m.text, "float", "the amount of the bill") for m in bills]
total = sum(ok(amounts))
writer = default(extract(bills[-1].text, "str", "who signed it"), "unknown") if bills else "nobody"
join(total, amounts, writer)""",
    ),
    (
        """\
Tools:
bank_rate(source: str, to: str) -> float
market_rate(source: str, to: str) -> float

Question: What are 100 euros in yen? Either rate will do.""",
        """\
rate = first(1, [bank_rate("EUR", "JPY"), market_rate("EUR", "JPY")])[0]
join(100 * rate)""",
    ),
)

PROMPT: Final = Prompt(
    _language(_WITHOUT_BLOCKS),
    _EXAMPLES,
    with_texts=Lesson(_language(_WITHOUT_BLOCKS, texts=_TEXTS, arguments=_FACTS), _WITH_TEXTS_EXAMPLES),
    with_blocks=Lesson(
        _language(_WITH_BLOCKS, arguments=_FACTS),
        (_RENTS, *_LONGER_EXAMPLES, *_READ, _COMPARED, _NOTHING, _TAXES),
    ),
)
