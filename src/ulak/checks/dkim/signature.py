"""The DKIM-Signature field (RFC 6376 §3.5, §6.1.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from ulak.checks.dkim import key, tags
from ulak.checks.dkim.canonical import Form
from ulak.checks.dkim.finding import Limits, Result
from ulak.checks.dkim.key import Fault
from ulak.checks.reason import Reason, because
from ulak.dns.names import to_ascii

WHERE = "DKIM-Signature"
ALGORITHMS = ("rsa-sha256", "ed25519-sha256")

_DIGITS = 12  # of a time (§3.5)
_LENGTH_DIGITS = 76
# The letters of a name as DNS has them; an underscore is met.
_DOMAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_NAME = re.compile(r"[\x21-\x39\x3b-\x7e]++")


@dataclass(frozen=True, slots=True)
class Signature:
    """A field, read as far as it can be. `fault` says why it cannot be verified, if so."""

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
    fault: Fault | None = None
    where: str = WHERE

    @property
    def question(self) -> str:
        """The name that has the key."""
        return key.question(self.selector, self.domain) or ""

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
        algorithm=found.get("a", "").lower(),
    )
    for step in _STEPS:
        signature = step(signature, found)
        if signature.fault is not None:
            return signature
    return _in_time(signature, now, limits)


_Step = Callable[[Signature, tags.Tags], Signature]


def _with(signature: Signature, reason: Reason, result: Result = Result.NEUTRAL) -> Signature:
    return replace(signature, fault=Fault(result, reason))


def _unreadable(signature: Signature, tag: str, value: str) -> Signature:
    reason = because("dkim.unreadable", where=signature.where, tag=tag, value=value)
    return _with(signature, reason)


def _domain(signature: Signature, found: tags.Tags) -> Signature:
    """Read d= and s=, which U-labels may be written in, too (RFC 8616 §4)."""
    for tag in ("d", "s"):
        text = found.get(tag, "")
        name = to_ascii(text) if text else None
        if text and (not name or not _DOMAIN.fullmatch(name)):
            return _unreadable(signature, tag, text)
        if name and tag == "d":
            signature = replace(signature, domain=name, identity="@" + name)
        elif name:
            signature = replace(signature, selector=name)
    return signature


def _all_there(signature: Signature, found: tags.Tags) -> Signature:
    if "v" in found and found["v"] != "1":
        return _with(signature, because("dkim.version", version=found["v"]))
    for tag in ("v", "a", "b", "bh", "d", "h", "s"):
        if not found.get(tag):
            return _with(signature, because("dkim.tag-missing", where=signature.where, tag=tag))
    if key.question(signature.selector, signature.domain) is None:
        return _unreadable(signature, "s", signature.selector)
    return signature


def _algorithm(signature: Signature, _found: tags.Tags) -> Signature:
    if signature.algorithm == "rsa-sha1":  # RFC 8301 §3.1: as good as not signed, for ever
        return _with(signature, because("dkim.sha1"), Result.PERMERROR)
    if signature.algorithm not in ALGORITHMS:
        return _with(signature, because("dkim.algorithm", algorithm=signature.algorithm))
    return signature


def _hashes(signature: Signature, found: tags.Tags) -> Signature:
    octets, body_hash = tags.octets(found["b"]), tags.octets(found["bh"])
    if not octets:
        return _unreadable(signature, "b", found["b"])
    if not body_hash:
        return _unreadable(signature, "bh", found["bh"])
    return replace(signature, octets=octets, body_hash=body_hash)


def _forms(signature: Signature, found: tags.Tags) -> Signature:
    header, slash, body = found.get("c", "simple/simple").lower().partition("/")
    try:
        forms = Form(header), Form(body if slash else "simple")
    except ValueError:
        return _unreadable(signature, "c", found["c"])
    return replace(signature, header_form=forms[0], body_form=forms[1])


def _names(signature: Signature, found: tags.Tags) -> Signature:
    names = tags.listed(found["h"])
    if not all(map(_NAME.fullmatch, names)):
        return _unreadable(signature, "h", found["h"])
    signature = replace(signature, names=names)
    if "from" not in names:
        return _with(signature, because("dkim.from-not-signed"), Result.PERMERROR)
    return signature


def _identity(signature: Signature, found: tags.Tags) -> Signature:
    """Read i=: a local-part that is not looked into, and the domain or one below it."""
    if "i" not in found:
        return signature
    local, at, text = tags.without_space(found["i"]).rpartition("@")
    name = to_ascii(text) if at and text else None
    if not name:
        return _unreadable(signature, "i", found["i"])
    if name != signature.domain and not name.endswith("." + signature.domain):
        reason = because("dkim.identity", identity=found["i"], domain=signature.domain)
        return _with(signature, reason, Result.PERMERROR)
    return replace(signature, identity=f"{local}@{name}")


def _counts(signature: Signature, found: tags.Tags) -> Signature:
    values: dict[str, int] = {}
    for tag, digits in (("l", _LENGTH_DIGITS), ("t", _DIGITS), ("x", _DIGITS)):
        if tag in found:
            value = tags.number(found[tag], digits)
            if value is None:
                return _unreadable(signature, tag, found[tag])
            values[tag] = value
    signature = replace(
        signature,
        length=values.get("l"),
        signed_at=values.get("t"),
        expires=values.get("x"),
    )
    # §3.5 wants x= greater than t=; a signature that has it otherwise was never valid.
    if "t" in values and "x" in values and values["x"] <= values["t"]:
        return _with(signature, because("dkim.never-valid"))
    return signature


def _query(signature: Signature, found: tags.Tags) -> Signature:
    if "q" in found and "dns/txt" not in tags.listed(found["q"]):
        return _with(signature, because("dkim.query", methods=found["q"]))
    return signature


def _in_time(signature: Signature, now: float, limits: Limits) -> Signature:
    if signature.expires is not None and signature.expires + limits.skew < now:
        seconds = int(now) - signature.expires
        return _with(signature, because("dkim.expired", seconds=seconds), Result.POLICY)
    if signature.signed_at is not None and signature.signed_at - limits.skew > now:
        seconds = signature.signed_at - int(now)
        return _with(signature, because("dkim.not-yet", seconds=seconds), Result.POLICY)
    return signature


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
