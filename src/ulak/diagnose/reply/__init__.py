"""`ulak explain --check`: whether it is true now what a reply says.

`plan` says for every cause which checks would confirm or refute it, or why nobody outside can
know; `evidence` says of whom they are made; `confirm` makes them.
"""

from ulak.diagnose.reply.confirming import confirm
from ulak.diagnose.reply.evidence import Evidence, Given, evidence
from ulak.diagnose.reply.plan import PLANS, UNKNOWN, Plan, plan_of
from ulak.diagnose.reply.returned import Returned, returned
from ulak.diagnose.reply.verdict import Confirmation, Verdict

__all__ = [
    "PLANS",
    "UNKNOWN",
    "Confirmation",
    "Evidence",
    "Given",
    "Plan",
    "Returned",
    "Verdict",
    "confirm",
    "evidence",
    "plan_of",
    "returned",
]
