"""One code, cause or reply with all that is known about it: half of a comparison, or a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ulak.replies import codes, texts
from ulak.replies.catalog import CATALOG
from ulak.replies.classify import of_code, of_enhanced
from ulak.replies.document import Block, Document, Facts, Heading, Items, Links, Paragraph
from ulak.replies.explain import action, explain, permanence

_CODE = re.compile(r"[2-5][0-9]{2}")
_ENHANCED = re.compile(r"[245Xx]\.[0-9]{1,3}\.[0-9]{1,3}")
# Said of successes only; where the class is left open, all others are taken as failures.
_GOOD = frozenset({"1.5", "3.6"})
_KINDS = ("code", "enhanced", "cause", "reply")


class UnknownReplyError(ValueError):
    """What was asked about is nothing that there are words for; the message is for the person."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two.

    `kind` is `code`, `enhanced`, `cause` or `reply`. `answers` are the stages at which its basic
    code may come (RFC 5321 §4.3.2), `in_practice` those at which it is seen besides; both are
    empty where there is no basic code. `causes` are the catalog's rows behind it.
    """

    kind: str
    key: str
    title: str
    means: str
    seen_when: str
    fix_sender: tuple[str, ...]
    fix_operator: tuple[str, ...]
    severity: int
    permanence: str
    sender_action: str
    code: int | None = None
    enhanced: str | None = None
    family: str | None = None
    answers: tuple[str, ...] = ()
    in_practice: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    acts: str = ""
    matters: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give one half of what `ulak compare --format json` prints."""
        return {
            "kind": self.kind,
            "key": self.key,
            "code": self.code,
            "enhanced": self.enhanced,
            "family": self.family,
            "title": self.title,
            "means": self.means,
            "seen_when": self.seen_when,
            "fix": [
                *({"who": "sender", "step": step} for step in self.fix_sender),
                *({"who": "operator", "step": step} for step in self.fix_operator),
            ],
            "class": self.severity,
            "permanence": self.permanence,
            "sender_action": self.sender_action,
            "answers": list(self.answers),
            "in_practice": list(self.in_practice),
            "causes": list(self.causes),
            "links": [url for _, url in self.links],
        }


def side(what: str, lang: str = texts.DEFAULT) -> Side:
    """Find what is meant: a basic code, an enhanced code, a cause, or a whole reply.

    `UnknownReplyError` where it is none of them.
    """
    language = texts.language(lang)
    asked = what.strip()
    found: Side | None = None
    if _CODE.fullmatch(asked):
        found = _code_side(int(asked), language)
    elif _ENHANCED.fullmatch(asked):
        if asked[0] in "Xx":
            asked = f"{2 if asked[2:] in _GOOD else 5}{asked[1:]}"
        found = _enhanced_side(asked, language)
    elif asked in CATALOG:
        found = _cause_side(asked, language)
    else:
        found = _reply_side(asked, language)
    if found is None:
        message = texts.page("error", language)["not_known"].format(what=texts.safe(asked))
        raise UnknownReplyError(message)
    return found


def page_of(half: Side, lang: str = texts.DEFAULT) -> Document:
    """Give the page of one code, cause or reply."""
    language = texts.language(lang)
    name, *rest = blocks_of(half, language)
    assert isinstance(name, Heading)  # noqa: S101 -- for the type checker
    labels, about = texts.page("labels", language), texts.page("about", language)
    if half.acts:
        rest += [Heading(about["acts"], 3), Paragraph(half.acts)]
        rest += [Heading(labels["matters"], 3), Paragraph(half.matters)]
    links = (Heading(labels["next"], 3), Links(half.links)) if half.links else ()
    return Document(language, (Heading(name.text, 1), *rest, *links))


def stage_list(stages: tuple[str, ...], lang: str) -> str:
    """Name the stages of a session in a row of words: `VRFY and EXPN`."""
    join = texts.page("join", lang)
    if stages == codes.STAGES:
        return str(join["anything"])
    if stages == codes.COMMANDS:
        return str(join["any_command"])
    names = texts.page("stage", lang)
    words = [str(names.get(stage, stage)) for stage in stages]
    if len(words) == 1:
        return words[0]
    return str(join["and"]).format(a=f"{join['comma']} ".join(words[:-1]), b=words[-1])


def blocks_of(half: Side, language: str) -> list[Block]:
    """Give the part of a page that tells of one side."""
    labels = texts.page("labels", language)
    rows = [(labels["class"], texts.page("class", language)[str(half.severity)])]
    if half.kind != "code" and half.code is not None:
        rows.append((labels["code"], str(half.code)))
    if half.kind == "cause" and half.enhanced is not None:
        rows.append((labels["enhanced"], half.enhanced))
    if half.family is not None:
        rows.append((labels["family"], half.family))
    if half.answers:
        rows.append((labels["answers"], stage_list(half.answers, language)))
    if half.causes:
        rows.append((labels["causes"], ", ".join(half.causes)))
    if half.links:
        rows.append((labels["defined"], ", ".join(title for title, _ in half.links)))
    blocks: list[Block] = [Heading(f"{half.key}: {half.title}"), Facts(tuple(rows))]
    blocks += [Heading(labels["means"], 3), Paragraph(half.means)]
    blocks += [Heading(labels["seen_when"], 3), Paragraph(half.seen_when)]
    blocks.append(Heading(labels["fix"], 3))
    for steps, label in ((half.fix_sender, "fix_sender"), (half.fix_operator, "fix_operator")):
        if steps:
            blocks.append(Items(steps, labels[label], numbered=len(steps) > 1))
    return blocks


def order(half: Side) -> tuple[int, tuple[int, ...], str]:
    """Sort codes before enhanced codes before causes before replies, each by their numbers."""
    numbers = tuple(int(n) for n in re.findall(r"[0-9]+", half.key)) if half.kind != "cause" else ()
    return _KINDS.index(half.kind), numbers, half.key


def _code_side(number: int, language: str) -> Side | None:
    known, written = codes.CODES.get(number), texts.code(number, language)
    if known is None or written is None:
        return None
    row = of_code(number)
    return Side(
        kind="code",
        key=str(number),
        title=written.name,
        means=written.means,
        seen_when=written.seen_when,
        fix_sender=written.fix_sender,
        fix_operator=written.fix_operator,
        severity=known.severity,
        permanence=permanence(number, row),
        sender_action=action(number, row).value,
        code=number,
        answers=known.answers,
        in_practice=known.in_practice,
        causes=tuple(r.name for r in CATALOG.values() if number in (r.code, *r.codes)),
        links=codes.links(known.sections),
        acts=written.acts,
        matters=written.matters,
    )


def _enhanced_side(enhanced: str, language: str) -> Side | None:
    written = texts.enhanced(enhanced[2:], language)
    if written is None:
        return None
    severity = int(enhanced[0])
    row = of_enhanced(None, enhanced) or of_code(severity * 100)
    told = texts.cause(row.name, language)
    act = action(severity * 100, row)
    return Side(
        kind="enhanced",
        key=enhanced,
        title=written.title,
        means=written.means,
        seen_when=told.seen_when,
        fix_sender=told.fix_sender,
        fix_operator=told.fix_operator,
        severity=severity,
        permanence=permanence(severity * 100, row),
        sender_action=act.value,
        enhanced=enhanced,
        causes=tuple(
            r.name
            for r in CATALOG.values()
            if r.detail == enhanced[2:] and severity in {c // 100 for c in (r.code, *r.codes)}
        ),
        links=(*codes.links("RFC 3463"), *codes.links("RFC 5248")),
    )


def _cause_side(name: str, language: str) -> Side:
    row, told = CATALOG[name], texts.cause(name, language)
    known = codes.CODES.get(row.code)
    return Side(
        kind="cause",
        key=name,
        title=told.title,
        means=told.means,
        seen_when=told.seen_when,
        fix_sender=told.fix_sender,
        fix_operator=told.fix_operator,
        severity=row.code // 100,
        permanence=permanence(row.code, row),
        sender_action=row.action.value,
        code=row.code,
        enhanced=None if row.detail is None else f"{row.code // 100}.{row.detail}",
        family=row.family,
        answers=known.answers if known is not None else (),
        in_practice=known.in_practice if known is not None else (),
        links=codes.links(row.section),
    )


def _reply_side(text: str, language: str) -> Side | None:
    told = explain(text, language)
    if told.cause is None:
        return None
    row, reply = CATALOG[told.cause], told.reply
    code = reply.code
    if code is None and reply.enhanced is None:
        code = row.code
    severity = int(reply.enhanced[0]) if code is None and reply.enhanced else (code or 0) // 100
    known = codes.CODES.get(code) if code is not None else None
    shown = " ".join(filter(None, (str(reply.code or ""), reply.enhanced, reply.text)))
    return Side(
        kind="reply",
        key=texts.safe(shown, 60),
        title=told.title,
        means=told.means,
        seen_when=told.seen_when,
        fix_sender=tuple(f.step for f in told.fix if f.who == "sender"),
        fix_operator=tuple(f.step for f in told.fix if f.who == "operator"),
        severity=severity,
        permanence=told.permanence,
        sender_action=told.sender_action,
        code=code,
        enhanced=reply.enhanced,
        family=told.family,
        answers=known.answers if known is not None else (),
        in_practice=known.in_practice if known is not None else (),
        causes=(told.cause,),
        links=codes.links(row.section),
    )
