"""The language that a browser would like best of those there are (RFC 9110 §12.5.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ulak.language.case import lower

_LONGEST = 500
_RANGE = re.compile(
    r"([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]{1,60})?(?:[ \t]*;[ \t]*q=([01](?:\.[0-9]{0,3})?))?"
)


def preferred(accepted: str, offered: Sequence[str]) -> str:
    """Choose a language for an Accept-Language field; the first one offered where none is liked.

    A region counts for its language: `tr-CY` is Turkish.
    """
    weights: dict[str, float] = {}
    for part in accepted[:_LONGEST].split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is not None:
            name, weight = lower(match[1]), float(match[2] or 1)
            weights[name] = max(weight, weights.get(name, 0.0))
    every = weights.get("*", 0.0)
    liked = {name: weights.get(name, every) for name in offered}
    # Of those liked alike, what stands first in the field; then what is offered first.
    order = [name for name in weights if name in liked]
    best = max(liked.values(), default=0.0)
    if not best:
        return offered[0]
    return next(name for name in (*order, *offered) if liked[name] == best)
