"""May it happen? Pure decisions about plans and about calls whose arguments have labels."""

from superscalar.policy.admission import REPLANS, Admission, Refusal, Replan
from superscalar.policy.calls import Allow, Argument, Ask, Decision, Deny, LabelledCall, Question, Rule
from superscalar.policy.policy import Mode, Policy, Ruling, Rulings
from superscalar.policy.rules import confidentiality, destinations

__all__ = [
    "REPLANS",
    "Admission",
    "Allow",
    "Argument",
    "Ask",
    "Decision",
    "Deny",
    "LabelledCall",
    "Mode",
    "Policy",
    "Question",
    "Refusal",
    "Replan",
    "Rule",
    "Ruling",
    "Rulings",
    "confidentiality",
    "destinations",
]
