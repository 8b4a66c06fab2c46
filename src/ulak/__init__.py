"""Ulak, a mail server that explains itself.

`ulak.explain` says what a reply of a mail server means and what to do; `ulak.compare` sets two
replies side by side; `ulak.checks` and `ulak.dns` are the checks and what they ask. All are found
when they are first asked for: importing `ulak` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ulak import checks as checks
    from ulak import dns as dns
    from ulak.replies.compare import Comparison as Comparison
    from ulak.replies.compare import UnknownReplyError as UnknownReplyError
    from ulak.replies.compare import compare as compare
    from ulak.replies.explain import Explanation as Explanation
    from ulak.replies.explain import explain as explain

__version__ = "0.1.0"
__all__ = ["Comparison", "Explanation", "UnknownReplyError", "checks", "compare", "dns", "explain"]

_ROOMS = frozenset({"checks", "dns"})
_PLACES = {
    "Comparison": "ulak.replies.compare",
    "UnknownReplyError": "ulak.replies.compare",
    "compare": "ulak.replies.compare",
    "Explanation": "ulak.replies.explain",
    "explain": "ulak.replies.explain",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- PEP 562: whatever the name stands for
    if name in _ROOMS:
        return import_module(f"ulak.{name}")
    if name not in _PLACES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_PLACES[name]), name)
