"""What the checks of a message's origin come to: a reply, a folder of its own, or a mark.

`judge` makes the verdict of `Findings` by `Rules`; `told` and `entries` write down what was found.
"""

from ulak.policy.authentication.found import Findings, Made
from ulak.policy.authentication.rules import Mode, Rules
from ulak.policy.authentication.telling import entries, field, resinfos
from ulak.policy.authentication.verdict import Verdict, judge

__all__ = [
    "Findings",
    "Made",
    "Mode",
    "Rules",
    "Verdict",
    "entries",
    "field",
    "judge",
    "resinfos",
]
