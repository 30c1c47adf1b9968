"""What a model says to the support agent, written down, so that it runs without one."""

PLAN = """
rules = policy()
tickets = open_tickets()
for t in tickets:
    o = order(t.order)
    if t.kind == "refund" and o.days <= rules.days:
        c = customer(o.customer)
        paid = refund(o.id, c.account, o.amount)
        reply(t.id, f"We have refunded {paid.amount} for your {o.item}.")
    elif t.kind == "refund":
        reply(t.id, f"We refund within {rules.days} days, and your {o.item} was delivered {o.days} days ago.")
    else:
        reply(t.id, f"Your {o.item} was delivered {o.days} days ago.")
join(len(tickets))
"""

GULLIBLE_PLAN = PLAN.replace("c.account", "t.account or c.account")
"""The same by a planner that believes what a form says of accounts."""

ANSWER = "All tickets have been looked at."
