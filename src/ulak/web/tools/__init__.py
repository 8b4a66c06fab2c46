"""The tools: explain a reply, and check what it speaks of, while one watches.

A visitor is a stranger who makes this server ask others: every reading and checking is bounded
in time, memory, and number; nothing but port 443 of a policy's host and the port for mail of a
domain's MX hosts is ever connected to, and never at an address within somebody's network.
"""

from __future__ import annotations

from ulak.web.application import Piece
from ulak.web.tools.bench import Bench
from ulak.web.tools.check import Checking
from ulak.web.tools.explain import Explain
from ulak.web.tools.ports import Ports
from ulak.web.tools.reading import LARGEST
from ulak.web.tools.runs import Runs

_FORM = 500_000  # octets of a form beside the file in it

__all__ = ["Bench", "Ports", "Runs", "piece"]


def piece(bench: Bench) -> Piece:
    """Make the piece. The API shares its bench, and so its limits."""
    most = LARGEST + _FORM
    return Piece(
        "tools",
        pages=[*Explain(bench).routes(), *Checking(bench).routes()],
        bodies={"/explain": most, "/check": most},
        sections=("explain", "check"),
    )
