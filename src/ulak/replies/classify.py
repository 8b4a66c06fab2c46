"""From a reply's words to the cause behind it.

The surest first: the catalog's own words, the rules for other servers' words (`patterns/`), the
enhanced code, the basic code. Providers give the same code different meanings, so a rule may hold
for one provider alone, and the answer says what decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ulak.replies import blocklists, catalog, facts, own
from ulak.replies.catalog import CATALOG, Cause
from ulak.replies.patterns import Match, book, words_of

_NO_FACTS: Mapping[str, str] = MappingProxyType({})


class Classified(NamedTuple):
    """A cause, what decided it (`text`, `provider`, `enhanced`, `code`, `none`), and the facts.

    `cause` is `""` only when nothing decided. `rule` is the identity of a rule (`google:spam`), ""
    where none decided; `provider` is "" where nothing shows who wrote the reply. `permanence` is
    what the rule knows better than the code, `link` a page that the rule knows.
    """

    cause: str
    decided_by: str
    facts: Mapping[str, str] = _NO_FACTS
    provider: str = ""
    rule: str = ""
    permanence: str = ""
    link: str = ""


def classify(
    code: int | None, enhanced: str | None, text: str, whole: str = "", *, host: str = ""
) -> Classified:
    """Name the cause of a reply.

    `enhanced` has its class digit; `text` is without codes; `whole` is all that was given, in
    which names of servers stand around the reply. `host` is the name of who said it: it shows
    whose words they are where they do not.
    """
    known = own.recognise(code, enhanced, text)
    if known is not None:
        row, told = known
        return Classified(row.name, "text", told)
    words = words_of(text)
    around = words_of(whole) if whole and len(whole) > len(text) else words
    rules = book()
    provider = rules.provider(around) or (rules.provider(words_of(host)) if host else "")
    told = facts.read(text)
    numbers = None if enhanced is None else _numbers(enhanced)
    found: list[Match] = []
    if code is None or code >= 400:  # noqa: PLR2004 -- success needs no reason, RFC 5321 §4.2.1
        found = rules.find(code, numbers, words, provider)
        if not found and around is not words:
            found = rules.find(code, numbers, around, provider)
    strong = next((match for match in found if not match.rule.weak), None)
    if strong is not None:
        return _by_rule(strong, told, provider, text)
    if (code is None or code >= 400) and (by_list := _by_list(told, provider, text)) is not None:  # noqa: PLR2004 -- as above
        return by_list
    if enhanced is not None:
        by_enhanced = of_enhanced(code, enhanced)
        if by_enhanced is not None and not (found and by_enhanced.name in _SAY_LITTLE):
            return Classified(by_enhanced.name, "enhanced", told, provider)
    if found:
        return _by_rule(found[0], told, provider, text)
    if code is None and enhanced is not None:
        code = int(enhanced[0]) * 100
    if code is None:
        return Classified("", "none", told, provider)
    return Classified(of_code(code).name, "code", told, provider)


def _by_rule(match: Match, told: Mapping[str, str], provider: str, text: str) -> Classified:
    rule = match.rule
    row, provider = CATALOG[rule.cause], rule.provider or provider
    if rule.lists:
        told = {**told, "list": rule.lists}
    elif row.family in _ABOUT_LISTS:
        own_list = provider if row is catalog.LISTED_BY_RECEIVER else ""
        told = _with_list(told, blocklists.named(text), own_list)
    return Classified(
        cause=row.name,
        decided_by="provider" if rule.only else "text",
        facts=told,
        provider=provider,
        rule=rule.identity,
        permanence=rule.permanence,
        link=rule.link,
    )


def _by_list(told: Mapping[str, str], provider: str, text: str) -> Classified | None:
    """Take a refusal that names a public list, and nothing that a rule knows, for a listing."""
    listed = blocklists.named(text)
    if listed is None or not blocklists.lists()[listed.slug].dns:
        return None
    of_domains = listed.slug in _OF_DOMAINS or listed.zone.startswith("dbl.")
    row = catalog.DOMAIN_LISTED if of_domains else catalog.LISTED_BY_DNSBL
    facts_told = _with_list(told, listed, "")
    return Classified(row.name, "text", facts_told, provider, f"blocklists:{listed.slug}")


def _with_list(
    told: Mapping[str, str], listed: blocklists.Named | None, otherwise: str
) -> Mapping[str, str]:
    """Add which list it is: the owner of the zone that stands there, else the one named."""
    if (page := blocklists.page_of(told.get("zone", ""))) is not None:
        return {**told, "list": page[0]}
    if listed is not None:
        zone = {"zone": listed.zone} if listed.zone and "zone" not in told else {}
        return {**told, **zone, "list": listed.slug}
    return {**told, "list": otherwise} if otherwise else told


def _numbers(enhanced: str) -> tuple[int, int, int]:
    severity, subject, detail = enhanced.split(".")
    return int(severity), int(subject), int(detail)


def of_enhanced(code: int | None, enhanced: str) -> Cause | None:
    """Name the cause that an enhanced code stands for, where it stands for one.

    The code of a failure is asked first: `550 4.1.1` is final however temporary its second code
    pretends to be. X.0.0, X.3.0 and X.5.0 say nothing that the basic code does not.
    """
    detail = enhanced[2:]
    severity = int(enhanced[0]) if code is None else code // 100
    if severity == _SUCCESS:
        return _ACCEPTED.get(detail)
    if severity == _TEMPORARY and detail in _DEFERRED:
        return _DEFERRED[detail]
    if code is not None and (code, detail) in _WITH_CODE:
        return _WITH_CODE[code, detail]
    return _REFUSED.get(detail)


def of_code(code: int) -> Cause:
    """Name the cause that a basic code stands for; most stand for several and get none of them."""
    row = _CODES.get(code)
    if row is not None:
        return row
    if code >= 500:  # noqa: PLR2004 -- the first digit is the meaning, RFC 5321 §4.2.1
        return catalog.REMOTE_REFUSED
    if code >= 400:  # noqa: PLR2004 -- as above
        return catalog.REMOTE_DEFERRED
    return catalog.REMOTE_ACCEPTED


_SUCCESS, _TEMPORARY = 2, 4
# Families whose replies may name a blocklist.
_ABOUT_LISTS = frozenset({"ip-blocklisted", "domain-blocklisted", "low-reputation", "reverse-dns"})
_OF_DOMAINS = frozenset({"surbl", "uribl"})
# Causes of enhanced codes that name no reason: even weak words say more.
_SAY_LITTLE = frozenset(
    {"policy-refused", "policy-deferred", "content-refused", "system-unavailable"}
)

# The meanings are RFC 3463 §3 and the registry that RFC 5248 opened.
_ACCEPTED: dict[str, Cause] = {
    "1.5": catalog.RECIPIENT_OK,
}
_DEFERRED: dict[str, Cause] = {
    "3.0": catalog.SYSTEM_UNAVAILABLE,
    "3.2": catalog.SYSTEM_UNAVAILABLE,
    "3.5": catalog.SYSTEM_UNAVAILABLE,
    "4.1": catalog.CONNECTION_REFUSED,
    "4.4": catalog.DNS_FAILED,
    "4.5": catalog.SYSTEM_UNAVAILABLE,
    "4.7": catalog.DELAYED,
    "7.0": catalog.POLICY_DEFERRED,
    "7.1": catalog.POLICY_DEFERRED,
    "7.5": catalog.TLS_FAILED,
    "7.25": catalog.REVERSE_DNS_ERROR,
}
_REFUSED: dict[str, Cause] = {
    "1.1": catalog.NO_SUCH_MAILBOX,
    "1.2": catalog.DOMAIN_NOT_FOUND,
    "1.3": catalog.MAILBOX_NAME_INVALID,
    "1.4": catalog.MAILBOX_AMBIGUOUS,
    "1.6": catalog.MAILBOX_MOVED,
    "1.7": catalog.SENDER_ADDRESS_INVALID,
    "1.8": catalog.SENDER_DOMAIN_UNKNOWN,
    "1.10": catalog.NULL_MX,
    "2.1": catalog.MAILBOX_DISABLED,
    "2.2": catalog.MAILBOX_FULL,
    "2.3": catalog.MESSAGE_TOO_LARGE,
    "3.1": catalog.DISK_NEARLY_FULL,
    "3.2": catalog.TAKES_NO_MAIL,
    "3.4": catalog.MESSAGE_TOO_LARGE,
    "4.2": catalog.CONNECTION_LOST,
    "4.3": catalog.DNS_FAILED,
    "4.4": catalog.DOMAIN_NOT_FOUND,
    "4.6": catalog.ROUTING_LOOP,
    "4.7": catalog.EXPIRED,
    "5.1": catalog.UNKNOWN_COMMAND,
    "5.2": catalog.SYNTAX_ERROR,
    "5.3": catalog.TOO_MANY_RECIPIENTS,
    "5.4": catalog.SYNTAX_ERROR,
    "5.6": catalog.LINE_TOO_LONG,
    "6.0": catalog.CONTENT_REFUSED,
    "6.1": catalog.CONTENT_REFUSED,
    "6.2": catalog.CONTENT_REFUSED,
    "6.3": catalog.CONTENT_REFUSED,
    "6.5": catalog.CONTENT_REFUSED,
    "6.7": catalog.NEEDS_SMTPUTF8,
    "6.9": catalog.PEER_LACKS_SMTPUTF8,
    "7.0": catalog.POLICY_REFUSED,
    "7.1": catalog.POLICY_REFUSED,
    "7.2": catalog.POSTING_REFUSED,
    "7.8": catalog.AUTHENTICATION_FAILED,
    "7.9": catalog.MECHANISM_TOO_WEAK,
    "7.10": catalog.ENCRYPTION_REQUIRED,
    "7.11": catalog.MECHANISM_NEEDS_TLS,
    "7.20": catalog.DKIM_FAIL,
    "7.21": catalog.DKIM_UNACCEPTABLE,
    "7.22": catalog.DKIM_AUTHOR_MISMATCH,
    "7.23": catalog.SPF_FAIL,
    "7.24": catalog.SPF_ERROR,
    "7.25": catalog.REVERSE_DNS_FAIL,
    "7.26": catalog.UNAUTHENTICATED,
    "7.27": catalog.SENDER_NULL_MX,
    "7.28": catalog.MAIL_FLOOD,
    "7.29": catalog.ARC_FAIL,
    "7.30": catalog.PEER_LACKS_REQUIRETLS,
}
# Where the basic code narrows what the enhanced code leaves open.
_WITH_CODE: dict[tuple[int, str], Cause] = {
    (421, "4.2"): catalog.TIMED_OUT,
    (454, "7.0"): catalog.TLS_UNAVAILABLE,
    (502, "5.1"): catalog.NOT_IMPLEMENTED,
    (503, "5.1"): catalog.BAD_SEQUENCE,
    (503, "5.0"): catalog.BAD_SEQUENCE,
    (530, "7.0"): catalog.AUTHENTICATION_REQUIRED,
    (530, "5.1"): catalog.AUTHENTICATION_REQUIRED,
    (534, "7.9"): catalog.MECHANISM_TOO_WEAK,
    (535, "7.0"): catalog.AUTHENTICATION_FAILED,
    (554, "5.1"): catalog.DATA_REFUSED,
    (555, "5.4"): catalog.PARAMETER_UNKNOWN,
}
# Basic codes that have one meaning. 550, 554 and 451 have a dozen each.
_CODES: dict[int, Cause] = {
    214: catalog.HELP_TEXT,
    221: catalog.CLOSING,
    235: catalog.AUTHENTICATED,
    251: catalog.WILL_FORWARD,
    252: catalog.VRFY_WITHHELD,
    334: catalog.AUTHENTICATION_CONTINUES,
    354: catalog.START_DATA,
    502: catalog.NOT_IMPLEMENTED,
    503: catalog.BAD_SEQUENCE,
    521: catalog.TAKES_NO_MAIL,
    530: catalog.AUTHENTICATION_REQUIRED,
    534: catalog.MECHANISM_TOO_WEAK,
    535: catalog.AUTHENTICATION_FAILED,
    538: catalog.MECHANISM_NEEDS_TLS,
    551: catalog.MAILBOX_MOVED,
    555: catalog.PARAMETER_UNKNOWN,
    556: catalog.NULL_MX,
}
