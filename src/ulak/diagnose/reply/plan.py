"""For every cause the checks that confirm or refute it, or why nobody outside can know.

`checks` are names of `asking.KINDS`. `instead` can be looked at where a cause cannot be known:
it is told, and decides nothing. `why` names the sentence (`why.NAME`) that says why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ulak.diagnose.reply.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done about one cause. With `every`, only all checks together confirm it."""

    checks: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    why: str = ""
    every: bool = False
    verdict: Verdict = Verdict.UNKNOWABLE


def _checked(*checks: str, every: bool = False, beside: tuple[str, ...] = ()) -> Plan:
    return Plan(checks, beside, every=every)


def _outside(why: str, *instead: str) -> Plan:
    return Plan((), instead, why)


def _needless(why: str) -> Plan:
    return Plan((), (), why, verdict=Verdict.NEEDLESS)


def _all(names: str, plan: Plan) -> Iterable[tuple[str, Plan]]:
    return ((name, plan) for name in names.split())


UNKNOWN = _outside("no-cause")
"""For a reply without a cause."""

_STANDING = ("iprev", "lists", "spf", "dmarc-record")

PLANS: dict[str, Plan] = dict(
    (
        # -- what DNS can tell -----------------------------------------------------------------
        *_all("listed-by-dnsbl", _checked("list")),
        *_all("domain-listed link-listed", _checked("domain-list")),
        *_all("reverse-dns-fail reverse-dns-error", _checked("iprev")),
        *_all("dynamic-address", _checked("home-name")),
        *_all("helo-refused helo-error", _checked("helo")),
        *_all("spf-fail spf-error sender-looks-forged", _checked("spf")),
        *_all("dkim-fail dkim-unacceptable dkim-author-mismatch dkim-error", _checked("dkim")),
        *_all("dmarc-reject dmarc-quarantine dmarc-error from-not-aligned", _checked("dmarc")),
        *_all("no-dmarc-record", _checked("dmarc-record")),
        *_all("unauthenticated", _checked("spf", "dkim", every=True, beside=("dmarc-record",))),
        *_all("several-checks-failed", _checked("spf", "dkim", beside=("dmarc-record",))),
        *_all("arc-fail", _checked("arc")),
        *_all(
            "domain-not-found null-mx no-mail-host address-unreachable dns-failed bad-domain",
            _checked("mx"),
        ),
        *_all("sender-domain-unknown sender-null-mx bad-sender-domain", _checked("sender-mx")),
        # -- what only the receiver knows ------------------------------------------------------
        *_all("listed-by-receiver client-denied", _outside("receiver-list", *_STANDING)),
        *_all("blocklist-unusable", _outside("their-resolver", "list")),
        *_all(
            "low-reputation low-reputation-ip low-reputation-domain user-complaints mail-flood",
            _outside("reputation", *_STANDING),
        ),
        *_all(
            "policy-refused policy-deferred country-refused remote-misconfigured handler-refused",
            _outside("receiver-rule", *_STANDING),
        ),
        *_all("greylisted greylisted-here put-off-by-scanner", _outside("greylisting", "iprev")),
        *_all(
            "sending-too-fast too-many-from-client too-many-connections too-many-errors"
            " too-many-unknown-recipients recipient-too-busy logins-busy",
            _outside("rate"),
        ),
        *_all("spam-found content-deferred", _outside("spam", *_STANDING)),
        *_all(
            "virus-found scan-failed too-large-to-scan content-refused attachment-refused",
            _outside("content"),
        ),
        *_all(
            "no-such-mailbox mailbox-moved mailbox-ambiguous mailbox-name-invalid user-not-local"
            " not-a-list mailbox-full mailbox-disabled posting-refused recipient-refuses-sender"
            " recipient-being-verified mailbox-busy srs-expired srs-forged",
            _outside("mailbox", "recipient-mx"),
        ),
        *_all(
            "relay-denied takes-no-mail route-to-self",
            _outside("relay", "recipient-mx"),
        ),
        *_all(
            "sender-refused sender-unverified sender-mailbox-unknown sender-address-invalid",
            _outside("sender", "sender-mx"),
        ),
        *_all(
            "connection-failed connection-lost timed-out peer-timed-out peer-babbles",
            _outside("reach", "recipient-mx"),
        ),
        *_all(
            "tls-failed dane-failed mta-sts-failed tls-unproven tls-unavailable tls-first"
            " encryption-required mechanism-needs-tls peer-lacks-requiretls peer-lacks-smtputf8"
            " peer-lacks-binarymime peer-lacks-deliverby",
            _outside("offers", "recipient-mx"),
        ),
        *_all(
            "disk-nearly-full queue-full system-unavailable storage-failed internal-error"
            " session-failed shutting-down authentication-unavailable signing-failed"
            " message-unreadable local-delivery-failed roster-unavailable handler-failed"
            " handler-busy body-away body-lost",
            _outside("state"),
        ),
        *_all(
            "account-disabled sender-not-owned from-not-owned account-messages account-recipients"
            " sending-limit-reached sender-suspended authentication-required"
            " authentication-failed authentication-cancelled authentication-malformed"
            " authentication-line-too-long mechanism-unknown mechanism-too-weak token-refused"
            " certificate-refused logins-shut-out smart-host-login-failed suppressed"
            " on-suppression-list",
            _outside("account"),
        ),
        *_all("remote-refused remote-deferred", UNKNOWN),
        # -- what the reply says by itself -----------------------------------------------------
        *_all(
            "message-too-large malformed-message missing-from several-from from-unreadable"
            " nul-in-message header-line-too-long header-too-large routing-loop delivered-before",
            _needless("message"),
        ),
        *_all(
            "bare-line-end no-valid-recipients line-too-long unknown-command wrong-greeting"
            " syntax-error bad-address bad-sender-address not-implemented bad-sequence"
            " parameter-unknown parameter-bad hold-too-long deliver-by-too-soon needs-smtputf8"
            " not-our-protocol xclient-denied bad-proxy-header refused-earlier"
            " too-many-recipients vrfy-refused expn-refused",
            _needless("dialogue"),
        ),
        *_all(
            "expired deliver-by-passed deliver-by-late delayed dropped-by-operator source-unusable"
            " source-wrong-family source-warming tenant-limit",
            _needless("queue"),
        ),
        *_all(
            "ready ready-for-tls closing hello sender-ok priority-lowered recipient-ok start-data"
            " chunk-received message-queued reset-done nothing-done help-text mailbox-verified"
            " will-forward list-expanded delivered expanded held-for-release authenticated"
            " authentication-continues remote-accepted",
            _needless("success"),
        ),
        *_all("vrfy-withheld expn-withheld vrfy-cannot utf8-reply-withheld", _needless("withheld")),
    )
)
"""The plan for each cause."""


def plan_of(cause: str | None) -> Plan:
    """Give the plan for a cause; that of no cause where there is none."""
    return PLANS.get(cause or "", UNKNOWN)
