"""The record of SPF with all that it includes as a tree, its look-ups counted against ten.

Each term that asks DNS has the number in which it is counted (RFC 7208 §4.6.4); a line shows
where the limit is, for whoever no term before it matches.
"""

from __future__ import annotations

from dataclasses import dataclass

from ulak.checks.spf.survey import Branch
from ulak.diagnose.diagnosis import Diagnosis
from ulak.web.pictures.measure import SMALL, WIDTH, fitted, wrapped
from ulak.web.pictures.svg import Picture, Sheet, element
from ulak.web.pictures.words import isolated, number, say

MOST_LOOKUPS, MOST_VOID = 10, 2  # RFC 7208 §4.6.4
_NEARLY = 8
_MOST_ROWS = 40
_DEEPEST = 6  # levels that are drawn one beside the other
_ROW, _LINE, _STEP = 28, 16, 20  # pixels
_BOXES, _BOX, _GAP = 13, 18, 4
_END = 46  # pixels kept for what a term costs
_IN_WORDS = 30  # terms that the description names


@dataclass(frozen=True, slots=True)
class Tree:
    """What is drawn. `ends` is how the record ends, `-all`, or nothing."""

    domain: str
    branches: tuple[Branch, ...]
    lookups: int
    void: int
    ends: str = ""


def tree(diagnosis: Diagnosis) -> Tree | None:
    """Take the tree from a diagnosis of a domain; None where no term of its record asks DNS."""
    for check in diagnosis.checks:
        if check.check == "spf" and check.tree:
            facts = check.facts
            lookups, void = (int(facts.get(name) or 0) for name in ("lookups", "void_lookups"))
            return Tree(check.subject, check.tree, lookups, void, facts.get("ends", ""))
    return None


def spf_tree(diagnosis: Diagnosis, language: str) -> Picture | None:
    """Draw the tree of a diagnosis of a domain; None where there is none."""
    found = tree(diagnosis)
    return None if found is None else drawn(found, language)


def drawn(found: Tree, language: str) -> Picture:
    """Draw a tree."""
    sheet = Sheet(language, "spf")
    _gauge(sheet, found)
    _root(sheet, found)
    shown = found.branches[:_MOST_ROWS]
    parents = [(12.0, sheet.height - _ROW / 2 + 2)]
    for place, branch in enumerate(shown, 1):
        if place == MOST_LOOKUPS + 1:
            _limit(sheet)
        depth = min(branch.depth, _DEEPEST, len(parents) - 1)
        del parents[depth + 1 :]
        parents.append(_term(sheet, branch, place, parents[depth], depth))
    left = len(found.branches) - len(shown)
    if left:
        text = say(language, "spf.more", count=number(left, language))
        sheet.write(text, 12, sheet.height + 14, "small muted")
        sheet.height += 22
    sheet.height += 4
    facts = {"count": number(found.lookups, language), "limit": str(MOST_LOOKUPS)}
    title = say(language, "spf.title", domain=found.domain, **facts)
    return sheet.done(isolated(title, language), _described(found, language))


def _tone(count: int, limit: int, near: int) -> str:
    return "bad" if count > limit else "warn" if count >= near else "good"


def _gauge(sheet: Sheet, found: Tree) -> None:
    """Draw a box for each look-up that is allowed, and for what is beyond."""
    language, count = sheet.language, found.lookups
    tone = _tone(count, MOST_LOOKUPS, _NEARLY)
    facts = {"count": number(count, language), "limit": str(MOST_LOOKUPS)}
    sheet.mark(tone, 9, 13)
    sheet.write(say(language, "spf.count", **facts), 26, 18, "strong")
    for place in range(min(max(count, MOST_LOOKUPS), _BOXES)):
        x = place * (_BOX + _GAP) + (8 if place >= MOST_LOOKUPS else 0)
        used = "bad" if place >= MOST_LOOKUPS else tone
        kind = used if place < count else "hollow"
        box = element("rect", x=x + 1, y=31, width=_BOX, height=14, rx=3, kind=kind)
        sheet.shape(box)
        if place >= MOST_LOOKUPS:
            sheet.shape(element("path", kind="on", d=f"M{x + 6} 42 {x + 14} 34"))
    end = MOST_LOOKUPS * (_BOX + _GAP) + 2
    sheet.shape(element("line", x1=end, x2=end, y1=27, y2=49, kind="limit"))
    sheet.height = 62
    told = {"bad": "spf.too-many", "warn": "spf.near"}.get(tone)
    lines = [say(language, told)] if told else []
    if found.void:
        void = {"count": number(found.void, language), "limit": str(MOST_VOID)}
        lines.append(say(language, "spf.void", **void))
    for text in lines:
        for line in wrapped(text, WIDTH, SMALL):
            sheet.write(line, 0, sheet.height, "small")
            sheet.height += _LINE
    sheet.height += 2


def _root(sheet: Sheet, found: Tree) -> None:
    y = sheet.height + 8
    sheet.shape(element("circle", cx=12, cy=y, r=5, kind="accent"), above=True)
    shown = fitted(found.domain, WIDTH - 30 - 60, SMALL, fixed=True)
    sheet.write(shown, 28, y + 4, "mono strong", title=found.domain, protocol=True)
    if found.ends:
        ends = fitted(found.ends, 60, SMALL, fixed=True)
        sheet.write(ends, 0, y + 4, "mono muted", title=found.ends, end=True, protocol=True)
    sheet.height += _ROW - 6


def _term(
    sheet: Sheet, branch: Branch, place: int, parent: tuple[float, float], depth: int
) -> tuple[float, float]:
    """Draw one term below its parent; give where its node is."""
    language = sheet.language
    x, y = 12.0 + _STEP * (depth + 1), sheet.height + _ROW / 2
    void = bool(branch.void) and branch.lookups == 1
    over = place > MOST_LOOKUPS
    tone = "bad" if branch.lost or over else "warn" if void else ""
    elbow = f"M{parent[0]:.0f} {parent[1]:.0f}V{y - 6:.0f}q0 6 6 6H{x - 10:.0f}"
    sheet.shape(element("path", d=elbow, kind="rail"))
    if tone == "bad":
        node = element("rect", x=x - 10, y=y - 10, width=20, height=20, rx=3, kind="node bad")
    else:
        node = element("circle", cx=x, cy=y, r=10, kind=f"node {tone}".rstrip())
    sheet.shape(node, above=True)
    sheet.middle(str(place), x, y + 4, "count")
    room = WIDTH - x - 16 - (_END if branch.lookups > 1 else 0)
    lines = wrapped(branch.term, room, SMALL, fixed=True)
    for row, line in enumerate(lines):
        down = y + 4 + row * _LINE
        sheet.write(line, x + 16, down, "mono", title="" if row else branch.term, protocol=True)
    if branch.lookups > 1:
        cost = say(language, "spf.cost", count=number(branch.lookups, language))
        shown = f"Σ {number(branch.lookups, language)}"
        sheet.write(shown, 0, y + 4, "small muted", title=cost, end=True, protocol=True)
    sheet.height += _ROW + (len(lines) - 1) * _LINE
    told = "spf.lost" if branch.lost and branch.lookups == 1 else "spf.empty" if void else ""
    if told:
        sheet.write(say(language, told), x + 16, sheet.height + 6, f"small {tone}")
        sheet.height += _LINE
    return x, y


def _limit(sheet: Sheet) -> None:
    """Draw the line that no client may have to pass."""
    y = sheet.height + 9
    sheet.shape(element("line", x1=0, x2="100%", y1=y, y2=y, kind="limit"))
    text = say(sheet.language, "spf.limit", limit=str(MOST_LOOKUPS))
    sheet.write(text, 0, y - 5, "small bad halo", end=True)
    sheet.height += 14


def _described(found: Tree, language: str) -> str:
    """Tell the tree in words, each term behind its number."""
    told = {"bad": "spf.too-many", "warn": "spf.near", "good": "spf.enough"}
    tone = _tone(found.lookups, MOST_LOOKUPS, _NEARLY)
    sentences = [say(language, told[tone])]
    for place, branch in enumerate(found.branches[:_IN_WORDS], 1):
        text = f"{place}: {branch.term}"
        if branch.lookups > 1:
            cost = say(language, "spf.cost", count=number(branch.lookups, language))
            text += f" ({cost})"
        elif branch.lost:
            text += f" ({say(language, 'spf.lost')})"
        elif branch.void:
            text += f" ({say(language, 'spf.empty')})"
        sentences.append(isolated(text, language) + ".")
    left = len(found.branches) - _IN_WORDS
    if left > 0:
        sentences.append(say(language, "spf.more", count=number(left, language)))
    return " ".join(sentences)
