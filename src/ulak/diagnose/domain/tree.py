"""A record of SPF drawn as a tree, each term with the look-ups that it costs."""

from __future__ import annotations

from collections.abc import Sequence

from ulak.checks.spf.survey import Branch

_MOST_LINES = 40
_WIDEST = 60  # characters of a line before its number


def drawn(domain: str, branches: Sequence[Branch], lookups: int) -> tuple[str, ...]:
    """Draw it; `×` stands before a term that leads to no record, `∅` before one that finds none."""
    if not any(branch.depth for branch in branches):
        return ()
    rows = [(domain, str(lookups))]
    for at, branch in enumerate(branches[:_MOST_LINES]):
        mark = "× " if branch.lost else "∅ " if branch.void and branch.lookups == 1 else ""
        rows.append((f"{_rails(branches, at)}{mark}{branch.term}", str(branch.lookups)))
    if len(branches) > _MOST_LINES:
        rows.append(("…", ""))
    width = min(_WIDEST, max(len(text) for text, _ in rows))
    lines = (f"{_cut(text, width):<{width}}  {count:>2}".rstrip() for text, count in rows)
    return tuple(lines)


def _rails(branches: Sequence[Branch], at: int) -> str:
    """Give the lines in front of a term: which of those above it have more to come."""
    depth = branches[at].depth
    rails = ""
    for level in range(1, depth + 1):
        rails += "│  " if _more(branches, at, level - 1) else "   "
    return rails + ("├─ " if _more(branches, at, depth) else "└─ ")


def _more(branches: Sequence[Branch], at: int, depth: int) -> bool:
    """Whether another term of the same record follows."""
    for branch in branches[at + 1 :]:
        if branch.depth < depth:
            return False
        if branch.depth == depth:
            return True
    return False


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
