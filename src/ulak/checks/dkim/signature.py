"""The DKIM-Signature field (RFC 6376 §3.5, §6.1.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ulak.checks.dkim import key, tags
from ulak.checks.dkim.canonical import Form
from ulak.checks.dkim.finding import Limits, Result
from ulak.checks.dkim.key import Fault
from ulak.checks.reason import Reason, because
from ulak.dns.names import to_ascii
from ulak.language.case import lower

WHERE = "DKIM-Signature"
ALGORITHMS = ("rsa-sha256", "ed25519-sha256")

_DIGITS = 12  # of a time (§3.5)
_LENGTH_DIGITS = 76
_COUNTS = (("l", _LENGTH_DIGITS), ("t", _DIGITS), ("x", _DIGITS))
_FORMS = {str(form): form for form in Form}
# The letters of a name as DNS has them; an underscore is met.
_DOMAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_NAMES = re.compile(r"[\x21-\x39\x3b-\x7e]++(?::[\x21-\x39\x3b-\x7e]++)*+")


@dataclass(slots=True)
class Signature:
    """A field, read as far as it can be. `fault` says why it cannot be verified, if so.

    `question` is the name that has the key, `text` what stands in b=, `copied` in z=, and `where`
    what the field is called for a person.
    """

    algorithm: str = ""
    domain: str = ""
    selector: str = ""
    identity: str = ""
    header_form: Form = Form.SIMPLE
    body_form: Form = Form.SIMPLE
    names: tuple[str, ...] = ()
    length: int | None = None
    signed_at: int | None = None
    expires: int | None = None
    copied: str = ""
    text: str = ""
    octets: bytes = b""
    body_hash: bytes = b""
    question: str = ""
    fault: Fault | None = None
    where: str = WHERE

    @property
    def within(self) -> bool:
        """Whether the identity is in the very domain, and not in one below it."""
        return self.identity.rpartition("@")[2] == self.domain


def read(field: bytes, now: float, limits: Limits) -> Signature:
    """Read a whole field, `DKIM-Signature: … CRLF`."""
    if len(field) > limits.field:
        reason = because("dkim.field-too-long", octets=len(field), most=limits.field)
        return Signature(fault=Fault(Result.NEUTRAL, reason))
    found = tags.read(tags.decoded(field.partition(b":")[2]), WHERE)
    if isinstance(found, Reason):
        return Signature(fault=Fault(Result.NEUTRAL, found))
    return read_tags(found, now, limits)


def read_tags(found: tags.Tags, now: float, limits: Limits, where: str = WHERE) -> Signature:
    """Read the tags of such a field; `where` names it for a person. ARC has fields like it."""
    signature = Signature(
        where=where,
        text=tags.without_space(found.get("b", "")),
        copied=found.get("z", ""),
        algorithm=lower(found.get("a", "")),
    )
    for step in _STEPS:
        signature.fault = step(signature, found)
        if signature.fault is not None:
            return signature
    signature.fault = _in_time(signature, now, limits)
    return signature


_Step = Callable[[Signature, tags.Tags], Fault | None]


def _unreadable(signature: Signature, tag: str, value: str) -> Fault:
    reason = because("dkim.unreadable", where=signature.where, tag=tag, value=value)
    return Fault(Result.NEUTRAL, reason)


def _domain(signature: Signature, found: tags.Tags) -> Fault | None:
    """Read d= and s=, which U-labels may be written in, too (RFC 8616 §4)."""
    for tag in ("d", "s"):
        text = found.get(tag, "")
        name = to_ascii(text) if text else None
        if text and (not name or not _DOMAIN.fullmatch(name)):
            return _unreadable(signature, tag, text)
        if name and tag == "d":
            signature.domain, signature.identity = name, "@" + name
        elif name:
            signature.selector = name
    return None


def _all_there(signature: Signature, found: tags.Tags) -> Fault | None:
    if "v" in found and found["v"] != "1":
        return Fault(Result.NEUTRAL, because("dkim.version", version=found["v"]))
    for tag in ("v", "a", "b", "bh", "d", "h", "s"):
        if not found.get(tag):
            reason = because("dkim.tag-missing", where=signature.where, tag=tag)
            return Fault(Result.NEUTRAL, reason)
    question = key.question(signature.selector, signature.domain)
    if question is None:
        return _unreadable(signature, "s", signature.selector)
    signature.question = question
    return None


def _algorithm(signature: Signature, _found: tags.Tags) -> Fault | None:
    if signature.algorithm == "rsa-sha1":  # RFC 8301 §3.1: as good as not signed, for ever
        return Fault(Result.PERMERROR, because("dkim.sha1"))
    if signature.algorithm not in ALGORITHMS:
        reason = because("dkim.algorithm", algorithm=signature.algorithm)
        return Fault(Result.NEUTRAL, reason)
    return None


def _hashes(signature: Signature, found: tags.Tags) -> Fault | None:
    for tag in ("b", "bh"):
        octets = tags.octets(found[tag])
        if not octets:
            return _unreadable(signature, tag, found[tag])
        if tag == "b":
            signature.octets = octets
        else:
            signature.body_hash = octets
    return None


def _forms(signature: Signature, found: tags.Tags) -> Fault | None:
    header, slash, body = lower(found.get("c", "simple/simple")).partition("/")
    forms = _FORMS.get(header), _FORMS.get(body if slash else "simple")
    if forms[0] is None or forms[1] is None:
        return _unreadable(signature, "c", found["c"])
    signature.header_form, signature.body_form = forms[0], forms[1]
    return None


def _names(signature: Signature, found: tags.Tags) -> Fault | None:
    names = tags.listed(found["h"])
    if not _NAMES.fullmatch(":".join(names)):
        return _unreadable(signature, "h", found["h"])
    signature.names = names
    if "from" not in names:
        return Fault(Result.PERMERROR, because("dkim.from-not-signed"))
    return None


def _identity(signature: Signature, found: tags.Tags) -> Fault | None:
    """Read i=: a local-part that is not looked into, and the domain or one below it."""
    if "i" not in found:
        return None
    local, at, text = tags.without_space(found["i"]).rpartition("@")
    name = to_ascii(text) if at and text else None
    if not name:
        return _unreadable(signature, "i", found["i"])
    if name != signature.domain and not name.endswith("." + signature.domain):
        reason = because("dkim.identity", identity=found["i"], domain=signature.domain)
        return Fault(Result.PERMERROR, reason)
    signature.identity = f"{local}@{name}"
    return None


def _counts(signature: Signature, found: tags.Tags) -> Fault | None:
    values: dict[str, int] = {}
    for tag, digits in _COUNTS:
        if tag in found:
            value = tags.number(found[tag], digits)
            if value is None:
                return _unreadable(signature, tag, found[tag])
            values[tag] = value
    signature.length = values.get("l")
    signature.signed_at = values.get("t")
    signature.expires = values.get("x")
    # §3.5 wants x= greater than t=; a signature that has it otherwise was never valid.
    if "t" in values and "x" in values and values["x"] <= values["t"]:
        return Fault(Result.NEUTRAL, because("dkim.never-valid"))
    return None


def _query(_signature: Signature, found: tags.Tags) -> Fault | None:
    if "q" in found and "dns/txt" not in tags.listed(found["q"]):
        return Fault(Result.NEUTRAL, because("dkim.query", methods=found["q"]))
    return None


def _in_time(signature: Signature, now: float, limits: Limits) -> Fault | None:
    if signature.expires is not None and signature.expires + limits.skew < now:
        seconds = int(now) - signature.expires
        return Fault(Result.POLICY, because("dkim.expired", seconds=seconds))
    if signature.signed_at is not None and signature.signed_at - limits.skew > now:
        seconds = signature.signed_at - int(now)
        return Fault(Result.POLICY, because("dkim.not-yet", seconds=seconds))
    return None


_STEPS: tuple[_Step, ...] = (
    _domain,
    _all_there,
    _algorithm,
    _hashes,
    _forms,
    _names,
    _identity,
    _counts,
    _query,
)
