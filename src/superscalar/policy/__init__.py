"""May it happen? Pure decisions about plans and about calls whose arguments have labels."""

from superscalar.policy.admission import Admission, Refusal, Replan
from superscalar.policy.calls import Allow, Argument, Ask, Decision, Deny, LabelledCall, Question, Rule, Said
from superscalar.policy.policy import Mode, Policy, Ruling, Rulings
from superscalar.policy.rules import (
    BUILT_IN,
    BuiltIn,
    ConfidentialControl,
    Control,
    Unclear,
    confidentiality,
    destinations,
)

__all__ = [
    "BUILT_IN",
    "Admission",
    "Allow",
    "Argument",
    "Ask",
    "BuiltIn",
    "ConfidentialControl",
    "Control",
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
    "Said",
    "Unclear",
    "confidentiality",
    "destinations",
]
