"""How a DKIM signature is verified: from body and header over their hashes to the key.

The body's way comes to the header's where its hash stands in the signature (bh=), the key's where
the signature (b=) is held against it (RFC 6376 §3.7, §6.1.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ulak.checks.reason import Reason
from ulak.diagnose.diagnosis import Check, Diagnosis
from ulak.diagnose.words import word
from ulak.web.pictures.steps import Line, written
from ulak.web.pictures.svg import Picture, Sheet, element
from ulak.web.pictures.words import isolated, say

_MAIN, _SIDE, _TEXT = 10, 34, 54  # pixels from the side where lines begin
_BODY = frozenset({
    "body-fits", "body-differs", "length-beyond", "uncovered", "footer", "part-added", "banner",
    "white-space", "line-ends", "bare-line-ends", "dots", "from-mangled", "re-encoded",
    "autoconverted",
})  # fmt: skip
_HEADER = frozenset({
    "header-fits", "header-differs", "other-signer", "prefix", "field-added", "field-rewritten",
    "folding", "copied", "no-from", "other-from", "strict",
})  # fmt: skip
_KEY = frozenset({
    "no-key", "no-key-record", "record-too-long", "revoked", "other-key", "other-hash",
    "other-service", "key-no-base64", "key-no-rsa", "ed25519-length", "key-too-short",
    "key-too-long", "exponent-too-long", "testing", "failed",
})  # fmt: skip
_MOST = 5  # signatures of a message
_FITS = frozenset({"body-fits", "header-fits", "signed"})
_DOUBTFUL = frozenset({"uncovered", "testing", "failed"})
_TONES = {"pass": "good", "none": "muted", "neutral": "warn", "temperror": "warn", "policy": "warn"}
_DONE = frozenset({"body-fits", "body-differs", "length-beyond"})


@dataclass(frozen=True, slots=True)
class Signature:
    """What is drawn of one signature; each list of reasons belongs to one step."""

    subject: str
    result: str
    fields: tuple[str, ...]
    forms: tuple[str, str]  # of header and body
    algorithm: str
    bits: str
    body: tuple[Reason, ...]
    header: tuple[Reason, ...]
    key: tuple[Reason, ...]
    rest: tuple[Reason, ...]

    @property
    def compared(self) -> bool:
        """Whether it came to a comparison, and there was a key to make it with."""
        return any(_name(reason) in _DONE for reason in self.body)


def dkim_paths(diagnosis: Diagnosis, language: str) -> tuple[Picture, ...]:
    """Draw the way of each signature of a message."""
    if diagnosis.what != "message":  # of a domain, what is called so are its keys
        return ()
    found = [check for check in diagnosis.checks if check.check == "dkim" and check.subject]
    return tuple(drawn(signature(check), language) for check in found[:_MOST])


def signature(check: Check) -> Signature:
    """Take from a check of a signature what is drawn of it."""
    header, _, body = check.facts.get("canonicalization", "").partition("/")

    def about(names: frozenset[str]) -> tuple[Reason, ...]:
        return tuple(reason for reason in check.reasons if _name(reason) in names)

    known = _BODY | _HEADER | _KEY | {"signed"}
    return Signature(
        check.subject,
        check.result,
        tuple(check.facts.get("header", "").split(":")),
        (header, body),
        check.facts.get("algorithm", ""),
        check.facts.get("bits", ""),
        about(_BODY),
        about(_HEADER),
        about(_KEY),
        tuple(reason for reason in check.reasons if _name(reason) not in known),
    )


def drawn(one: Signature, language: str) -> Picture:
    """Draw the way of one signature."""
    sheet = Sheet(language, "dkim")
    sheet.height = 2.0
    plain = word(language, f"result.{one.result}", one.result)
    result = word(language, f"result.dkim-{one.result}", plain)
    head = say(language, "dkim.head", result=result)
    steps: list[str] = [head]

    def step(name: str, lines: Iterable[Line], x: float, tone: str = "") -> float:
        title = say(language, f"dkim.{name}")
        told = tuple(line for line in lines if line.text)
        y = sheet.height + 10
        if tone:
            sheet.mark(tone, x, y)
        else:
            box = element("rect", x=x - 7, y=y - 7, width=14, height=14, rx=2, kind="node")
            sheet.shape(box, above=True)
        written(sheet, title, told, _TEXT)
        steps.append(": ".join((title, " ".join(line.text for line in told))))
        return y

    header_form, body_form = (
        say(language, "dkim.form", form=form) if form else "" for form in one.forms
    )
    fields = Line(" ".join(one.fields), protocol=True)
    key = Line(one.subject, protocol=True)
    kind = " ".join(filter(None, (one.algorithm, one.bits and f"{one.bits} bit")))
    body = step("body", [Line(body_form)], _SIDE)
    hashed = step("hash", _why(one.body, one, language), _SIDE, _tone(one.body, one))
    first = step("fields", [fields, Line(header_form)], _MAIN)
    own = step("own", [], _MAIN)
    record_tone = _tone(one.key, one, good=bool(one.bits)) if one.key or one.bits else "muted"
    record = step(
        "key", [key, Line(kind, protocol=True), *_why(one.key, one, language, quiet=True)], _SIDE,
        record_tone,
    )  # fmt: skip
    verified = step("signature", _why(one.header, one, language), _MAIN, _tone(one.header, one))
    tone = _TONES.get(one.result, "bad")
    end = sheet.height + 10
    sheet.mark(tone, _MAIN, end)
    written(sheet, head, [Line(r.text(language), tone=tone) for r in one.rest], _TEXT)
    steps += [reason.text(language) for reason in one.rest]
    for top, bottom, joins in ((body, hashed, 0.0), (hashed, own, 1.0), (record, verified, 1.0)):
        way = f"M{_SIDE} {top:.0f}"
        way += (
            f"V{bottom - 14:.0f}Q{_SIDE} {bottom:.0f} {_MAIN} {bottom:.0f}"
            if joins
            else f"V{bottom:.0f}"
        )
        sheet.shape(element("path", d=way, kind="rail"))
    sheet.shape(element("path", d=f"M{_MAIN} {first:.0f}V{end:.0f}", kind="rail"))
    title = say(language, "dkim.title", name=one.subject, result=result)
    told = " ".join(f"{text.rstrip('.: ')}." for text in steps)
    return sheet.done(isolated(title, language), isolated(told, language))


def _name(reason: Reason) -> str:
    return reason.key.partition(".")[2]


def _tone(reasons: tuple[Reason, ...], one: Signature, *, good: bool = False) -> str:
    names = {_name(reason) for reason in reasons}
    if names - _FITS - _DOUBTFUL:
        return "bad"
    if names & _DOUBTFUL:
        return "warn"
    return "good" if (names and one.compared) or good else "muted"


def _why(
    reasons: tuple[Reason, ...], one: Signature, language: str, *, quiet: bool = False
) -> list[Line]:
    """Say why a step is as it is, or that it was not come to."""
    if not reasons:
        return [] if quiet else [Line(say(language, "dkim.unreached"), tone="muted")]
    tone = _tone(reasons, one)
    tone = "" if tone in {"good", "muted"} else tone
    return [Line(reason.text(language), tone=tone) for reason in reasons]
