"""Finding what is meant: a basic code, an enhanced code, a cause, or a whole reply."""

from __future__ import annotations

import re

from ulak.replies import codes, enhanced, reuse, texts, turns
from ulak.replies.catalog import CATALOG, Action, Cause
from ulak.replies.classify import of_code, of_enhanced
from ulak.replies.explain import action, explain, permanence
from ulak.replies.sides import saying
from ulak.replies.sides.side import Provider, Related, Side
from ulak.replies.turns import Role

_CODE = re.compile(r"[2-5][0-9]{2}")
_ENHANCED = re.compile(r"[245Xx]\.[0-9]{1,3}\.[0-9]{1,3}")
_KINDS = ("code", "enhanced", "cause", "reply")
_SUCCESS, _TEMPORARY, _PERMANENT = 2, 4, 5
_MOST_OF_A_FAMILY = 4
# Where the checks of a family can be answered at all: those of a message only at its end.
_END = ("END",)
_FAMILY_STAGES: dict[str, tuple[str, ...]] = {
    "dkim-fail": _END,
    "dmarc-fail": _END,
    "unauthenticated": _END,
    "spam-content": _END,
    "virus": _END,
    "content-refused": _END,
    "malformed-message": _END,
    "routing-loop": ("RCPT", "END"),
    "spf-fail": ("EHLO", "MAIL", "RCPT", "END"),
    "ip-blocklisted": ("CONNECT", "EHLO", "MAIL", "RCPT", "END"),
    "reverse-dns": ("CONNECT", "EHLO", "MAIL", "RCPT", "END"),
    "helo-refused": ("EHLO", "MAIL", "RCPT", "END"),
    "relay-denied": ("RCPT", "VRFY"),
    "sender-refused": ("MAIL", "RCPT", "END"),
    "domain-unknown": ("RCPT", "VRFY"),
}


class UnknownReplyError(ValueError):
    """What was asked about is nothing that there are words for; the message is for the person."""


def side(what: str, lang: str = texts.DEFAULT) -> Side:
    """Find what is meant.

    `UnknownReplyError` where it is nothing that there are words for.
    """
    language = texts.language(lang)
    asked = what.strip()
    found: Side | None = None
    if _CODE.fullmatch(asked):
        found = _code_side(int(asked), language)
    elif _ENHANCED.fullmatch(asked):
        found = _enhanced_side(asked.replace("x", "X"), language)
    elif asked in CATALOG:
        found = _cause_side(asked, language)
    else:
        found = _reply_side(asked, language)
    if found is None:
        message = texts.page("error", language)["not_known"].format(what=texts.safe(asked))
        raise UnknownReplyError(message)
    return found


def order(half: Side) -> tuple[int, tuple[int, ...], str]:
    """Sort codes before enhanced codes before causes before replies, each by their numbers."""
    numbers: tuple[int, ...] = ()
    if half.kind in ("code", "enhanced"):
        # By their meaning first: 5.1.1 stands beside 4.1.1, and X before both.
        numbers = tuple(int(n) for n in re.findall(r"[0-9]+", half.key))
        if half.kind == "enhanced":
            numbers = (*numbers[-2:], *numbers[:-2])
    return _KINDS.index(half.kind), numbers, half.key


def settled(what: str, lang: str = texts.DEFAULT) -> Side:
    """Find what is meant, with the usual class in the place of an X."""
    found = side(what, lang)
    return side(f"{found.severity}{found.key[1:]}", lang) if found.open else found


def title_of(key: str, language: str) -> str:
    """Give the title of a page by its key, or `""` where there is none."""
    if _CODE.fullmatch(key):
        written = texts.code(int(key), language)
        return "" if written is None else written.name
    if _ENHANCED.fullmatch(key):
        told = texts.enhanced(key[2:], language)
        return "" if told is None else told.title
    return texts.cause(key, language).title if key in CATALOG else ""


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
        classes=(known.severity,),
        permanence=permanence(number, row),
        sender_action=action(number, row).value,
        turn=known.turn,
        code=number,
        standing=known.standing.value,
        origin=written.origin,
        answers=known.answers,
        in_practice=known.in_practice,
        enhanced_codes=tuple(
            f"{known.severity}.{e.detail}"
            for e in enhanced.ENHANCED.values()
            if number in e.basic and known.severity in (*e.classes, *e.seen)
        ),
        causes=tuple(r.name for r in CATALOG.values() if number in (r.code, *r.codes)),
        related=_related(known.related, known.severity, language),
        links=codes.links(known.sections),
        acts=written.acts,
        matters=written.matters,
        queue=_queue_after_code(number, language),
    )


def _queue_after_code(number: int, language: str) -> str:
    after = saying.after(str(number), language)
    return str(texts.page("queue", language)[str(number // 100)]).format(after=after)


def _enhanced_side(key: str, language: str) -> Side | None:
    detail = key[2:]
    known, written = enhanced.ENHANCED.get(detail), texts.enhanced(detail, language)
    if known is None or written is None:
        return _unregistered(key, language)
    severity = known.usual if key[0] == "X" else int(key[0])
    every = {
        c: _consequence(c, of_enhanced(None, f"{c}.{detail}"), known.action)
        for c in {severity, *known.classes, *known.seen}
    }
    lasts, act = every[severity]
    if key[0] == "X" and len({one for one, _ in every.values()}) > 1:
        lasts = "unclear"  # it depends on the class
    return Side(
        kind="enhanced",
        key=key,
        title=written.title,
        means=written.means,
        seen_when=written.seen_when,
        fix_sender=written.fix_sender,
        fix_operator=written.fix_operator,
        severity=severity,
        classes=known.classes,
        seen=known.seen,
        permanence=lasts,
        sender_action=act,
        turn=Role.NOBODY if severity == _SUCCESS else known.turn,
        enhanced=None if key[0] == "X" else key,
        standing="deprecated" if detail == "6.10" else "registered",
        answers=known.answers,
        in_practice=known.in_practice,
        basic_codes=tuple(c for c in known.basic if key[0] in ("X", str(c)[0])),
        causes=_rows_of(detail, None if key[0] == "X" else severity),
        related=_related(known.related, severity, language),
        providers=_providers(key, language),
        links=codes.links(known.sections),
        queue=_queue_after(key, known, language),
    )


def _queue_after(key: str, known: enhanced.EnhancedCode, language: str) -> str:
    """Say what a queue does, for each class where the class is left open."""
    words = texts.page("after", language)
    digits = sorted({*known.classes, *known.seen}) if key[0] == "X" else [int(key[0])]
    said: list[str] = []
    for digit in digits:
        one = f"{digit}{key[1:]}"
        _, act = _consequence(digit, of_enhanced(None, one), known.action)
        said.append(str(words[act]).format(after=saying.after(one, language)))
    return " ".join(said)


def _unregistered(key: str, language: str) -> Side | None:
    """Give what is known of an enhanced code that only providers have, such as 5.7.515."""
    providers = _providers(key, language)
    if not providers:
        return None
    words = texts.page("unregistered", language)
    severity = _PERMANENT if key[0] == "X" else int(key[0])
    names = saying.in_a_row(list(dict.fromkeys(p.name for p in providers)), language)
    lasts, act = _consequence(severity, None, Action.FIX_AND_RESEND)
    known = str(texts.page("after", language)[act])
    rows = reuse.of_enhanced(key)
    return Side(
        kind="enhanced",
        key=key,
        title=str(words["title"]).format(providers=names),
        means=str(words["means"]).format(code=f"X{key[1:]}"),
        seen_when=str(words["seen_when"]).format(providers=names),
        fix_sender=tuple(dict.fromkeys(p.fix for p in providers)),
        fix_operator=(str(words["fix_operator"]),),
        severity=severity,
        seen=tuple(sorted({int(r.split()[1][0]) for row in rows for r in row.replies})),
        permanence=lasts,
        sender_action=act,
        turn=Role.SENDER,
        enhanced=None if key[0] == "X" else key,
        standing="unregistered",
        basic_codes=tuple(sorted({int(r[:3]) for row in rows for r in row.replies})),
        causes=tuple(dict.fromkeys(row.cause for row in rows if row.cause)),
        related=tuple(
            Related(cause, title_of(cause, language))
            for cause in dict.fromkeys(row.cause for row in rows if row.cause)
        ),
        providers=providers,
        queue=known.format(after=saying.after(key, language)),
    )


def _cause_side(name: str, language: str) -> Side:
    row, told = CATALOG[name], texts.cause(name, language)
    after = saying.after(name, language)
    return Side(
        kind="cause",
        key=name,
        title=told.title,
        means=told.means,
        seen_when=told.seen_when,
        fix_sender=told.fix_sender,
        fix_operator=told.fix_operator,
        severity=row.code // 100,
        classes=tuple(sorted({c // 100 for c in (row.code, *row.codes)})),
        permanence=permanence(row.code, row),
        sender_action=row.action.value,
        turn=turns.of_family(row.family),
        code=row.code,
        enhanced=None if row.detail is None else f"{row.code // 100}.{row.detail}",
        family=row.family,
        answers=_stages(row, practice=False),
        in_practice=_stages(row, practice=True),
        basic_codes=(row.code, *row.codes),
        words=row.words,
        related=_beside(row, language),
        links=codes.links(row.section),
        queue=str(texts.page("after", language)[row.action.value]).format(after=after),
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
    key = texts.safe(shown, 60)
    after = saying.after(key, language)
    return Side(
        kind="reply",
        key=key,
        title=told.title,
        means=told.means,
        seen_when=told.seen_when,
        fix_sender=tuple(f.step for f in told.fix if f.who == "sender"),
        fix_operator=tuple(f.step for f in told.fix if f.who == "operator"),
        severity=severity,
        classes=(severity,),
        permanence=told.permanence,
        sender_action=told.sender_action,
        turn=turns.of_family(row.family),
        code=code,
        enhanced=reply.enhanced,
        family=told.family,
        answers=known.answers if known is not None else (),
        in_practice=known.in_practice if known is not None else (),
        causes=(told.cause,),
        related=_beside(row, language),
        links=codes.links(row.section),
        queue=str(texts.page("after", language)[told.sender_action]).format(after=after),
    )


def _consequence(severity: int, row: Cause | None, after_final: Action) -> tuple[str, str]:
    """Give permanence and the queue's action under a class, by the cause where there is one."""
    if row is not None:
        return permanence(severity * 100, row), action(severity * 100, row).value
    if severity == _PERMANENT:
        return "permanent", after_final.value
    if severity == _TEMPORARY:
        return "temporary", Action.RETRY.value
    return "success", Action.NONE.value


def _rows_of(detail: str, severity: int | None) -> tuple[str, ...]:
    return tuple(
        row.name
        for row in CATALOG.values()
        if row.detail == detail
        and (severity is None or severity in {c // 100 for c in (row.code, *row.codes)})
    )


def _stages(row: Cause, *, practice: bool) -> tuple[str, ...]:
    """Give the stages of a cause: where its basic codes and its enhanced code may both come."""
    known = [codes.CODES[c] for c in (row.code, *row.codes) if c in codes.CODES]
    by_code = {stage for code in known for stage in code.answers}
    practised = {stage for code in known for stage in code.in_practice}
    meaning = enhanced.ENHANCED.get(row.detail or "")
    if meaning is None or not meaning.answers:
        found = practised - by_code if practice else by_code
    else:
        wide = {*meaning.answers, *meaning.in_practice}
        wide &= set(_FAMILY_STAGES.get(row.family, codes.STAGES))
        # An enhanced code never stands in the greeting (RFC 2034 §4), its basic code may.
        right = {*meaning.answers, *(wide & {"CONNECT", "EHLO"})}
        standard = by_code & wide & right or by_code & wide or by_code
        found = (by_code | practised) & wide - standard if practice else standard
    return tuple(stage for stage in codes.STAGES if stage in found)


def _related(keys: tuple[str, ...], severity: int, language: str) -> tuple[Related, ...]:
    """Give the pages that a row names; an open class becomes the nearest one."""
    found: list[Related] = []
    for key in keys:
        one = key
        if key.startswith("X."):
            known = enhanced.ENHANCED[key[2:]]
            fits = severity in (*known.classes, *known.seen)
            one = f"{severity if fits else known.usual}{key[1:]}"
        found.append(Related(one, title_of(one, language)))
    return tuple(found)


def _beside(row: Cause, language: str) -> tuple[Related, ...]:
    """Give what stands next to a cause: its codes, and others of its family."""
    keys = [str(row.code)]
    if row.detail in enhanced.ENHANCED:
        keys.append(f"{row.code // 100}.{row.detail}")
    family = [r.name for r in CATALOG.values() if r.family == row.family and r is not row]
    keys += family[:_MOST_OF_A_FAMILY]
    return tuple(Related(key, title_of(key, language)) for key in keys)


def _providers(key: str, language: str) -> tuple[Provider, ...]:
    return tuple(
        Provider(row.provider, row.replies, told.means, told.fix)
        for row in reuse.of_enhanced(key)
        if (told := texts.reuse(row.name, language)) is not None
    )
