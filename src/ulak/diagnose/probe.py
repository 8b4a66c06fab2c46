"""What talking to a server has shown, explained: for programs, and for a person (`ulak probe`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ulak.diagnose.probing import Said
from ulak.diagnose.words import say, word
from ulak.replies.explain import Explanation, explain
from ulak.smtp.client.extensions import Offer

_ASKED = ("VRFY", "MAIL", "RCPT")
_EXPLAINED = ("VRFY", "RCPT")  # whatever the answer; others where they are refused
_RFC = "https://www.rfc-editor.org/rfc/rfc{}"
EXTENSIONS: Mapping[str, int] = {
    "8BITMIME": 6152, "AUTH": 4954, "BINARYMIME": 3030, "BURL": 4468, "CHUNKING": 3030,
    "DELIVERBY": 2852, "DSN": 3461, "ENHANCEDSTATUSCODES": 2034, "ETRN": 1985, "EXPN": 5321,
    "FUTURERELEASE": 4865, "HELP": 5321, "LIMITS": 9422, "MT-PRIORITY": 6710, "PIPELINING": 2920,
    "REQUIRETLS": 8689, "SIZE": 1870, "SMTPUTF8": 6531, "STARTTLS": 3207, "VRFY": 5321,
}  # fmt: skip
"""The keywords that have a text (`extension.KEYWORD`), and their RFCs."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How TLS came about. `problem` is why the certificate is not to be trusted, "" if it is.

    `names` are those of the certificate, `ends` when it expires (ISO 8601), `issuer` who made it.
    `failed` is why no TLS came about at all.
    """

    version: str = ""
    cipher: str = ""
    names: tuple[str, ...] = ()
    begins: str = ""
    ends: str = ""
    issuer: str = ""
    problem: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Probed:
    """All that one server showed. `problem` is how it ended before its time, "" where it did not.

    `stage` is at which stage that was.
    """

    host: str
    port: int
    address: str = ""
    said: tuple[Said, ...] = ()
    offers: tuple[tuple[bool, Offer], ...] = ()
    tls: Tls | None = None
    problem: str = ""
    stage: str = ""

    @property
    def good(self) -> bool:
        """Whether the server spoke, and refused nothing that was asked."""
        refused = any(
            one.reply.code >= 400  # noqa: PLR2004 -- RFC 5321 §4.2.1
            for one in self.said
            if one.command.startswith(_ASKED) or not one.command or one.command[:4] == "EHLO"
        )
        broken = self.tls is not None and bool(self.tls.failed)
        return bool(self.said) and not self.problem and not refused and not broken

    @property
    def mechanisms(self) -> dict[str, list[str]]:
        """The ways to log in that are offered, in the clear and under TLS."""
        found: dict[str, list[str]] = {}
        for secure, offer in self.offers:
            names = offer.keywords.get("AUTH", "").upper().split()
            found["tls" if secure else "clear"] = names
        return found


def to_dict(probed: Probed, language: str) -> dict[str, Any]:
    """Give what `ulak probe` prints with --json (docs/probe.md)."""
    tls = probed.tls
    return {
        "host": probed.host,
        "port": probed.port,
        "address": probed.address or None,
        "good": probed.good,
        "replies": [
            {
                "command": one.command or None,
                "reply": str(one.reply),
                "code": one.reply.code,
                "enhanced": one.reply.enhanced,
                "secure": one.secure,
                "explanation": explain(str(one.reply), language).to_json(),
            }
            for one in probed.said
        ],
        "extensions": [
            {
                "keyword": keyword,
                "parameters": parameters,
                "secure": secure,
                "means": word(language, f"extension.{keyword}", ""),
                "link": _RFC.format(EXTENSIONS[keyword]) if keyword in EXTENSIONS else None,
            }
            for secure, offer in probed.offers
            for keyword, parameters in offer.keywords.items()
        ],
        "auth": probed.mechanisms,
        "tls": None
        if tls is None
        else {
            "version": tls.version or None,
            "cipher": tls.cipher or None,
            "names": list(tls.names),
            "not_before": tls.begins or None,
            "not_after": tls.ends or None,
            "issuer": tls.issuer or None,
            "trusted": bool(tls.version) and not tls.problem,
            "problem": tls.problem or None,
            "failed": tls.failed or None,
        },
        "problem": probed.problem or None,
        "stage": probed.stage or None,
    }


Line = tuple[str, str]
"""A line and what it is: `head`, `client`, `server`, `refusal`, `text`, `remark`."""


def lines(probed: Probed, language: str) -> Iterator[Line]:
    """Give what a person reads, in the order in which it was said."""
    at = f"{probed.host}:{probed.port}"
    where = f"{at} [{probed.address}]" if probed.address and probed.address != probed.host else at
    yield "head", where
    offers, shown = list(probed.offers), set[str]()
    for number, one in enumerate(probed.said):
        if one.command:
            yield "client", f"C: {one.command}"
        refused = one.reply.code >= 400  # noqa: PLR2004 -- RFC 5321 §4.2.1
        for text in _wire(one):
            yield "refusal" if refused else "server", f"S: {text}"
        hello = one.command[:5] in ("EHLO ", "HELO ") and one.reply.positive
        if hello and offers:
            offer = offers.pop(0)[1]
            yield from _offered([k for k in offer.keywords if k not in shown], language)
            shown.update(offer.keywords)
        elif one.command == "STARTTLS" and probed.tls is not None and one.reply.positive:
            yield from _secured(probed.tls, language)
        elif refused or one.command.startswith(_EXPLAINED):
            yield from _explained(explain(str(one.reply), language), refused=refused)
        elif not number and one.secure and probed.tls is not None:
            yield from _secured(probed.tls, language)
    if probed.tls is None and probed.offers:
        yield "remark", say(language, "probe.no-tls")
    if probed.problem:
        facts = {"problem": probed.problem, "stage": probed.stage}
        yield "refusal", say(language, f"probe.{_how(probed)}", facts)


def _how(probed: Probed) -> str:
    return "ended" if probed.said else "silent"


def _wire(one: Said) -> Sequence[str]:
    head = f"{one.reply.code}"
    first, *others = one.reply.lines
    first = f"{one.reply.enhanced} {first}" if one.reply.enhanced else first
    texts = [first, *others]
    return [f"{head}{'-' if n < len(texts) - 1 else ' '}{t}" for n, t in enumerate(texts)]


def _offered(keywords: Sequence[str], language: str) -> Iterator[Line]:
    for keyword in keywords:
        means = word(language, f"extension.{keyword}", "")
        if not means:
            means = say(language, "probe.unknown-extension")
        yield "text", f"{keyword}: {means}"


def _secured(tls: Tls, language: str) -> Iterator[Line]:
    if tls.failed:
        yield "refusal", say(language, "probe.tls-failed", {"problem": tls.failed})
        return
    facts = {
        "version": tls.version, "cipher": tls.cipher, "names": ", ".join(tls.names),
        "ends": tls.ends, "issuer": tls.issuer, "problem": tls.problem,
    }  # fmt: skip
    yield "text", say(language, "probe.tls", facts)
    if tls.names:
        yield "text", say(language, "probe.certificate", facts)
    name = "untrusted" if tls.problem else "trusted"
    yield "refusal" if tls.problem else "text", say(language, f"probe.{name}", facts)


def _explained(told: Explanation, *, refused: bool) -> Iterator[Line]:
    yield "text", told.means
    if refused:
        for step in told.fix:
            yield "text", f"- {step.step}"
