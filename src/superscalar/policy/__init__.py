"""May it happen? Pure decisions about plans and about calls whose arguments have labels."""

from typing import TYPE_CHECKING, Final

from superscalar.choices import words_of
from superscalar.policy.admission import Admission, NotAdmitted, ReplanMode
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
from superscalar.renamed import renamed

__all__ = [
    "BUILT_IN",
    "REPLANS",
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
    "NotAdmitted",
    "Policy",
    "Question",
    "ReplanMode",
    "Rule",
    "Ruling",
    "Rulings",
    "Said",
    "Unclear",
    "confidentiality",
    "destinations",
]

REPLANS: Final = words_of(ReplanMode)
"""The words of `ReplanMode`."""

if not TYPE_CHECKING:
    __getattr__ = renamed(__name__, Refusal="NotAdmitted", Replan="ReplanMode")
