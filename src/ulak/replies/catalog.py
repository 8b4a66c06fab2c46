"""The catalog of causes: the only place where a reply of Ulak's is made.

Each row gives the basic code, the enhanced detail without its class (RFC 3463), the section that
asks for it, its family, what a sender's queue does with it, and the words on the wire. The words
for people are in `texts/<language>.toml`, under the same name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ulak.replies.reply import Reply

# RFC 5321 §4.5.3.1.5: a reply line is at most 512 octets with its code and CRLF.
_LONGEST = 490
_LONGEST_FACT = 260
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


class Action(StrEnum):
    """What a cause means for the queue of the one who sent."""

    NONE = "none"
    RETRY = "retry"
    SLOW_DOWN = "slow-down"
    STOP = "stop"
    REMOVE_RECIPIENT = "remove-recipient"
    FIX_AND_RESEND = "fix-and-resend"


@dataclass(frozen=True, slots=True)
class Cause:
    """One row of the catalog.

    `words` is the English ASCII text of the reply with `{fact}` places; `codes` are further
    basic codes with which the cause may be answered (`reply(..., code=...)`).
    """

    name: str
    family: str
    code: int
    detail: str | None
    section: str
    action: Action
    words: str
    codes: tuple[int, ...] = ()

    def reply(self, *, code: int | None = None, utf8: bool = False, **facts: object) -> Reply:
        """Make the reply of this cause with its facts put into its words.

        A fact comes from a peer as often as not: what is not printable ASCII becomes `?`, so
        that no fact can start a line of its own. With `utf8` what is printable in UTF-8 stays:
        for the addresses of RFC 6531 §3.7.4.
        """
        chosen = self.code if code is None else code
        if chosen != self.code and chosen not in self.codes:
            message = f"{self.name} is never answered with {chosen}"
            raise ValueError(message)
        if not facts:
            return Reply(chosen, self.detail, (self.words,), self.name)
        texts = {key: str(value) for key, value in facts.items()}
        made = safe_utf8 if utf8 else safe
        words = self.words.format_map({k: made(v) for k, v in texts.items()})
        return Reply(chosen, self.detail, (words[:_LONGEST],), self.name, texts)

    def listing(self, *lines: str, code: int | None = None, utf8: bool = False) -> Reply:
        """Make a reply of several lines (EHLO, HELP, EXPN) in place of the row's own words."""
        chosen = self.code if code is None else code
        made = safe_utf8 if utf8 else safe
        return Reply(chosen, self.detail, tuple(made(li)[:_LONGEST] for li in lines), self.name)

    def challenge(self, text: bytes) -> Reply:
        """Make a reply of base64, which goes whole and without a word beside it (RFC 4954 §4)."""
        return Reply(self.code, self.detail, (text.decode("ascii"),), self.name)


def safe(text: str) -> str:
    """Make a fact fit to stand in a reply: printable ASCII, not too long."""
    return _UNPRINTABLE.sub("?", text)[:_LONGEST_FACT]


def safe_utf8(text: str) -> str:
    """Make a fact fit to stand in a reply that may be in UTF-8 (RFC 6531 §3.7.4)."""
    # An address has at most 254 octets; cut by characters, never within one.
    return "".join(c if c.isprintable() else "?" for c in text[:_LONGEST_FACT])


CATALOG: dict[str, Cause] = {}


def _row(
    name: str,
    family: str,
    code: int,
    detail: str | None,
    section: str,
    action: Action,
    words: str,
    *codes: int,
) -> Cause:
    cause = Cause(name, family, code, detail, section, action, words, codes)
    CATALOG[name] = cause
    return cause


_N, _R, _S = Action.NONE, Action.RETRY, Action.SLOW_DOWN
_X, _D, _F = Action.STOP, Action.REMOVE_RECIPIENT, Action.FIX_AND_RESEND

# fmt: off
# ruff: noqa: E501 -- a table is read by its columns
# -- accepted ---------------------------------------------------------------------------------
READY = _row("ready", "accepted", 220, None, "RFC 5321 §3.1", _N, "{hostname} ESMTP Ulak")
READY_FOR_TLS = _row("ready-for-tls", "accepted", 220, "0.0", "RFC 3207 §4", _N, "Ready to start TLS")
CLOSING = _row("closing", "accepted", 221, "0.0", "RFC 5321 §4.1.1.10", _N, "{hostname} closing the connection, goodbye")
HELLO = _row("hello", "accepted", 250, None, "RFC 5321 §4.1.1.1", _N, "{hostname} greets {client}")
SENDER_OK = _row("sender-ok", "accepted", 250, "1.0", "RFC 5321 §4.1.1.2", _N, "Sender noted")
PRIORITY_LOWERED = _row("priority-lowered", "accepted", 250, "3.6", "RFC 6710 §4.1", _N, "{priority} is the priority of the message now: only clients of our own may ask for more")
RECIPIENT_OK = _row("recipient-ok", "accepted", 250, "1.5", "RFC 5321 §4.1.1.3", _N, "Recipient accepted")
START_DATA = _row("start-data", "accepted", 354, None, "RFC 5321 §4.1.1.4", _N, "Go ahead, end with <CRLF>.<CRLF>")
CHUNK_RECEIVED = _row("chunk-received", "accepted", 250, "0.0", "RFC 3030 §2", _N, "{octets} octets received")
MESSAGE_QUEUED = _row("message-queued", "accepted", 250, "0.0", "RFC 5321 §4.1.1.4", _N, "Message {id} is safely queued")
RESET_DONE = _row("reset-done", "accepted", 250, "0.0", "RFC 5321 §4.1.1.5", _N, "Forgotten, start again")
NOTHING_DONE = _row("nothing-done", "accepted", 250, "0.0", "RFC 5321 §4.1.1.9", _N, "Nothing done, as asked")
HELP_TEXT = _row("help-text", "accepted", 214, "0.0", "RFC 5321 §4.1.1.8", _N, "See RFC 5321")
MAILBOX_VERIFIED = _row("mailbox-verified", "accepted", 250, "1.5", "RFC 5321 §3.5.1", _N, "<{address}>")
WILL_FORWARD = _row("will-forward", "accepted", 251, "1.5", "RFC 5321 §3.4", _N, "User not local; will forward to <{address}>")
LIST_EXPANDED = _row("list-expanded", "accepted", 250, "1.5", "RFC 5321 §3.5.2", _N, "<{address}>")
DELIVERED = _row("delivered", "accepted", 250, "0.0", "RFC 3464 §2.3.3", _N, "Delivered to {where}")
EXPANDED = _row("expanded", "accepted", 250, "0.0", "RFC 3461 §5.2.7.3", _N, "Sent on to the members of {address}")
HELD_FOR_RELEASE = _row("held-for-release", "accepted", 250, "0.0", "RFC 4865 §4.2", _N, "Held until {until}, as the sender asked")

# -- withheld ---------------------------------------------------------------------------------
VRFY_WITHHELD = _row("vrfy-withheld", "verification-withheld", 252, "5.0", "RFC 5321 §3.5.3, §7.3", _N, "Cannot VRFY user, but will accept the message and attempt delivery")
EXPN_WITHHELD = _row("expn-withheld", "verification-withheld", 252, "5.0", "RFC 5321 §3.5.2, §7.3", _N, "Lists are not expanded here, but mail to them is accepted and delivered")
VRFY_CANNOT = _row("vrfy-cannot", "verification-withheld", 252, "5.0", "RFC 5321 §3.5.3", _N, "<{address}> cannot be verified from here; mail to it is accepted or refused at RCPT")
UTF8_REPLY_WITHHELD = _row("utf8-reply-withheld", "verification-withheld", 252, "6.8", "RFC 6531 §3.7.4.2", _N, "The mailbox can only be shown in UTF-8; repeat the command with SMTPUTF8")
VRFY_REFUSED = _row("vrfy-refused", "policy", 502, "5.1", "RFC 5321 §3.5.1, §7.3", _N, "VRFY is switched off here")
EXPN_REFUSED = _row("expn-refused", "policy", 502, "5.1", "RFC 5321 §3.5.1, §7.3", _N, "EXPN is switched off here")

# -- recipients -------------------------------------------------------------------------------
NO_SUCH_MAILBOX = _row("no-such-mailbox", "recipient-unknown", 550, "1.1", "RFC 5321 §3.3", _D, "<{address}>: there is no such mailbox here")
MAILBOX_MOVED = _row("mailbox-moved", "recipient-moved", 551, "1.6", "RFC 5321 §3.4", _D, "User not local; please try <{address}>")
MAILBOX_AMBIGUOUS = _row("mailbox-ambiguous", "recipient-unknown", 553, "1.4", "RFC 5321 §3.5.3", _D, "User ambiguous: {user} is in several domains; please give a full address")
MAILBOX_NAME_INVALID = _row("mailbox-name-invalid", "recipient-unknown", 553, "1.3", "RFC 5321 §4.2.3", _D, "<{address}>: the mailbox name is not valid: {problem}")
USER_NOT_LOCAL = _row("user-not-local", "relay-denied", 551, "7.1", "RFC 5321 §3.4, §3.5.3", _X, "User not local; please ask the mail servers of the domain of <{address}>")
NOT_A_LIST = _row("not-a-list", "recipient-unknown", 550, "1.2", "RFC 5321 §3.5.2", _D, "{user} is not a mailing list here")
RELAY_DENIED = _row("relay-denied", "relay-denied", 550, "7.1", "RFC 5321 §3.6, §7.8", _X, "<{address}>: this server does not relay mail for {ip}")
TOO_MANY_RECIPIENTS = _row("too-many-recipients", "too-many-recipients", 452, "5.3", "RFC 5321 §4.5.3.1.10", _R, "More than {limit} recipients in one transaction; send to the rest in another")
MAILBOX_FULL = _row("mailbox-full", "mailbox-full", 452, "2.2", "RFC 3463 §3.3", _R, "<{address}>: the mailbox is full", 552)
ROSTER_UNAVAILABLE = _row("roster-unavailable", "system-error", 451, "3.0", "RFC 5321 §4.2.4; RFC 3463 §3.4", _R, "<{address}>: it cannot be looked up at the moment whether there is such a mailbox, try again later (incident {id})")
SRS_EXPIRED = _row("srs-expired", "recipient-unknown", 550, "1.1", "RFC 5321 §3.3", _D, "<{address}>: this address of a forwarded message was for reports about it, and its time is over")
SRS_FORGED = _row("srs-forged", "recipient-unknown", 550, "1.1", "RFC 5321 §3.3", _D, "<{address}>: this address looks like one of a forwarded message, and was not made here")
DOMAIN_NOT_FOUND = _row("domain-not-found", "domain-unknown", 550, "1.2", "RFC 5321 §5.1", _D, "{domain}: no such domain: DNS has neither MX nor address records for it")
NULL_MX = _row("null-mx", "domain-unknown", 556, "1.10", "RFC 7505 §3, §4.2", _D, "{domain} declares by its null MX that it takes no mail")
ADDRESS_UNREACHABLE = _row("address-unreachable", "domain-unknown", 550, "4.4", "RFC 5321 §5.1", _D, "The mail server {host} of {domain} has the address {ip}, which is not one of the public Internet")
NO_MAIL_HOST = _row("no-mail-host", "domain-unknown", 550, "4.4", "RFC 5321 §5.1", _D, "None of the mail servers that DNS names for {domain} has an address")

# -- the sender -------------------------------------------------------------------------------
LISTED_BY_DNSBL = _row("listed-by-dnsbl", "ip-blocklisted", 554, "7.1", "RFC 5321 §3.1; RFC 5782", _X, "No mail is taken from {ip}: it is listed by {zone} ({reason})")
CLIENT_DENIED = _row("client-denied", "policy", 554, "7.1", "RFC 5321 §3.1", _X, "No mail is taken from {ip}: it is on this server's deny list")
REFUSED_EARLIER = _row("refused-earlier", "policy", 503, "5.1", "RFC 5321 §3.1", _X, "This connection was refused; only QUIT is answered")
TOO_MANY_CONNECTIONS = _row("too-many-connections", "rate-limited", 421, "3.2", "RFC 5321 §3.8", _S, "{hostname} has too many connections at the moment, try again later")
TOO_MANY_FROM_CLIENT = _row("too-many-from-client", "rate-limited", 421, "7.0", "RFC 5321 §3.8", _S, "{hostname} has too many connections from {ip}, try again later")

# -- one's own users --------------------------------------------------------------------------
LOGINS_SHUT_OUT = _row("logins-shut-out", "rate-limited", 421, "7.0", "RFC 4954 §9; RFC 6409 §3.3", _S, "{hostname} takes no logins from {ip} for {minutes} more minutes, after too many that failed", 454)
ACCOUNT_DISABLED = _row("account-disabled", "auth-required", 535, "7.13", "RFC 4954 §6; RFC 5248", _X, "The account {account} is switched off; ask the postmaster")
SENDER_NOT_OWNED = _row("sender-not-owned", "sender-refused", 550, "7.1", "RFC 6409 §6.1", _F, "<{sender}>: {account} may not send as this address, but as {addresses}")
FROM_NOT_OWNED = _row("from-not-owned", "sender-refused", 550, "7.1", "RFC 6409 §6.1, §8.1", _F, "The From field names <{author}>: {account} may not send as this address, but as {addresses}")
FROM_UNREADABLE = _row("from-unreadable", "malformed-message", 550, "6.0", "RFC 5322 §3.6.2", _F, "The From field is no list of mailboxes")
ACCOUNT_MESSAGES = _row("account-messages", "rate-limited", 450, "7.1", "RFC 6409 §6.2", _S, "{account} may send {limit} messages an hour and has done so, try again later")
ACCOUNT_RECIPIENTS = _row("account-recipients", "rate-limited", 452, "7.1", "RFC 6409 §6.2", _S, "{account} may send to {limit} recipients an hour and has done so, try again later")

# -- messages ---------------------------------------------------------------------------------
MESSAGE_TOO_LARGE = _row("message-too-large", "message-too-large", 552, "3.4", "RFC 1870 §6; RFC 5321 §4.5.3.1.7", _F, "The message is larger than the {limit} octets taken here")
MALFORMED_MESSAGE = _row("malformed-message", "malformed-message", 554, "6.0", "RFC 5322 §3.6", _F, "The message is malformed: {problem}")
MISSING_FROM = _row("missing-from", "malformed-message", 554, "6.0", "RFC 5322 §3.6.2", _F, "The message has no From header field")
SEVERAL_FROM = _row("several-from", "malformed-message", 554, "6.0", "RFC 5322 §3.6", _F, "The message has {count} From header fields; RFC 5322 allows one")
NUL_IN_MESSAGE = _row("nul-in-message", "malformed-message", 554, "6.0", "RFC 5322 §2.1; RFC 5321 §4.5.2", _F, "The message has a NUL octet at offset {offset}")
HEADER_LINE_TOO_LONG = _row("header-line-too-long", "malformed-message", 554, "6.0", "RFC 5322 §2.1.1", _F, "Header line {line} has {length} octets; RFC 5322 allows 998")
HEADER_TOO_LARGE = _row("header-too-large", "malformed-message", 554, "6.0", "RFC 5322 §2.1", _F, "The message header is larger than the {limit} octets taken here")
ROUTING_LOOP = _row("routing-loop", "routing-loop", 554, "4.6", "RFC 5321 §6.3", _F, "Routing loop: the message has passed {hops} servers already")
BARE_LINE_END = _row("bare-line-end", "protocol-error", 550, "5.2", "RFC 5321 §2.3.8, §4.1.1.4", _F, "Bare {octet} received: only CRLF ends a line", 500)
DATA_REFUSED = _row("no-valid-recipients", "protocol-error", 554, "5.1", "RFC 5321 §4.1.1.4", _F, "No valid recipients")
LINE_TOO_LONG = _row("line-too-long", "protocol-error", 500, "5.6", "RFC 5321 §4.5.3.1", _F, "The line is longer than {limit} octets")

# -- the dialogue -----------------------------------------------------------------------------
UNKNOWN_COMMAND = _row("unknown-command", "protocol-error", 500, "5.1", "RFC 5321 §4.2.4", _F, "That command is not known here")
WRONG_GREETING = _row("wrong-greeting", "protocol-error", 500, "5.1", "RFC 2033 §4.1", _F, "{protocol} is spoken here; begin with {command}")
SYNTAX_ERROR = _row("syntax-error", "protocol-error", 501, "5.4", "RFC 5321 §4.2.2", _F, "Syntax error: {problem}", 500)
BAD_ADDRESS = _row("bad-address", "protocol-error", 501, "1.3", "RFC 5321 §4.1.2", _F, "The address is not valid: {problem}", 553)
BAD_SENDER_ADDRESS = _row("bad-sender-address", "protocol-error", 501, "1.7", "RFC 5321 §4.1.2", _F, "The sender's address is not valid: {problem}")
BAD_DOMAIN = _row("bad-domain", "protocol-error", 501, "1.2", "RFC 5321 §4.1.2; RFC 3463 §3.2", _F, "The address has no valid domain: {problem}")
BAD_SENDER_DOMAIN = _row("bad-sender-domain", "protocol-error", 501, "1.8", "RFC 5321 §4.1.2; RFC 3463 §3.2", _F, "The sender's address has no valid domain: {problem}")
NOT_IMPLEMENTED = _row("not-implemented", "protocol-error", 502, "5.1", "RFC 5321 §4.2.4", _N, "{command} is not implemented here")
BAD_SEQUENCE = _row("bad-sequence", "protocol-error", 503, "5.1", "RFC 5321 §4.1.4", _F, "Bad sequence of commands: {problem}")
PARAMETER_UNKNOWN = _row("parameter-unknown", "protocol-error", 555, "5.4", "RFC 5321 §4.1.1.11", _F, "The parameter {parameter} is not known here")
PARAMETER_BAD = _row("parameter-bad", "protocol-error", 501, "5.4", "RFC 5321 §4.1.1.11", _F, "The parameter {parameter} is not valid")
HOLD_TOO_LONG = _row("hold-too-long", "policy", 501, "5.4", "RFC 4865 §3", _F, "A message is held here for {limit} seconds at most")
DELIVER_BY_TOO_SOON = _row("deliver-by-too-soon", "policy", 555, "5.4", "RFC 2852 §4", _F, "Delivery in less than {limit} seconds cannot be demanded here")
NEEDS_SMTPUTF8 = _row("needs-smtputf8", "protocol-error", 553, "6.7", "RFC 6531 §3.5", _F, "The address needs SMTPUTF8, which the client did not ask for", 550)
PEER_LACKS_SMTPUTF8 = _row("peer-lacks-smtputf8", "protocol-error", 550, "6.7", "RFC 6531 §3.5", _F, "{host} does not offer SMTPUTF8, which this message needs")
PEER_LACKS_BINARYMIME = _row("peer-lacks-binarymime", "protocol-error", 554, "6.3", "RFC 3030 §3; RFC 3463 §3.7", _F, "{host} does not take binary messages (BINARYMIME), and this one cannot go without")
PEER_LACKS_DELIVERBY = _row("peer-lacks-deliverby", "protocol-error", 554, "3.3", "RFC 2852 §4.1.4", _F, "{host} makes no promise to deliver in time (DELIVERBY), which this message asks for")
PEER_LACKS_REQUIRETLS = _row("peer-lacks-requiretls", "tls-required", 550, "7.30", "RFC 8689 §4.2.1", _F, "{host} does not offer REQUIRETLS, which this message asks for")
TLS_UNPROVEN = _row("tls-unproven", "tls-required", 550, "7.10", "RFC 8689 §4.2.1", _F, "The message may go only over TLS to a server that is proven, and {host} is not: {problem}")
TOO_MANY_ERRORS = _row("too-many-errors", "protocol-error", 421, "7.0", "RFC 5321 §3.8", _S, "{hostname} has seen too many errors in this connection, goodbye")
TIMED_OUT = _row("timed-out", "connection-failed", 421, "4.2", "RFC 5321 §4.5.3.2", _R, "{hostname} waited {seconds} seconds in vain and closes the connection")
NOT_OUR_PROTOCOL = _row("not-our-protocol", "protocol-error", 421, "7.0", "RFC 5321 §3.1", _X, "{hostname} is a mail server; goodbye", 554)
TLS_FIRST = _row("tls-first", "tls-required", 554, "7.10", "RFC 8314 §3.3", _F, "{hostname} speaks TLS from the first octet on this port; choose TLS (not STARTTLS) in your program")
XCLIENT_DENIED = _row("xclient-denied", "policy", 550, "7.0", "RFC 5321 §4.1.5", _X, "You may not speak for another client here")
BAD_PROXY_HEADER = _row("bad-proxy-header", "protocol-error", 421, "7.0", "RFC 5321 §3.8", _R, "{hostname} expects a PROXY header from here: {problem}")

# -- ourselves --------------------------------------------------------------------------------
DISK_NEARLY_FULL = _row("disk-nearly-full", "system-full", 452, "3.1", "RFC 5321 §4.2.3", _R, "Not enough disk space at the moment, try again later")
STORAGE_FAILED = _row("storage-failed", "system-error", 451, "3.0", "RFC 5321 §4.2.3", _R, "The message could not be stored safely, try again later (incident {id})")
BODY_AWAY = _row("body-away", "system-error", 451, "3.0", "RFC 3463 §3.4", _R, "The text of the message cannot be read here at present ({problem})")
BODY_LOST = _row("body-lost", "system-error", 451, "3.0", "RFC 3463 §3.4", _R, "The text of the message is no longer where it was kept ({object})")
INTERNAL_ERROR = _row("internal-error", "system-error", 451, "3.0", "RFC 5321 §4.2.3", _R, "Something failed here, try again later (incident {id})")
SIGNING_FAILED = _row("signing-failed", "system-error", 451, "7.5", "RFC 6376 §5", _R, "The message could not be signed, try again later (incident {id})")
SESSION_FAILED = _row("session-failed", "system-error", 421, "3.0", "RFC 5321 §3.8", _R, "{hostname} met an error of its own and closes the connection, try again later (incident {id})")
SHUTTING_DOWN = _row("shutting-down", "system-error", 421, "3.2", "RFC 5321 §3.8", _R, "{hostname} is shutting down, try again soon")
TLS_UNAVAILABLE = _row("tls-unavailable", "system-error", 454, "7.0", "RFC 3207 §4", _R, "TLS is not available at the moment")

# -- delivering -------------------------------------------------------------------------------
CONNECTION_REFUSED = _row("connection-failed", "connection-failed", 451, "4.1", "RFC 5321 §4.5.4.1", _R, "{host} could not be reached: {problem}")
CONNECTION_LOST = _row("connection-lost", "connection-failed", 451, "4.2", "RFC 5321 §4.5.4.1", _R, "{host} closed the connection: {problem}")
PEER_TIMED_OUT = _row("peer-timed-out", "connection-failed", 451, "4.2", "RFC 5321 §4.5.3.2", _R, "{host} did not answer within {seconds} seconds")
PEER_BABBLES = _row("peer-babbles", "protocol-error", 451, "5.0", "RFC 5321 §4.2", _R, "{host} did not answer as an SMTP server does: {problem}")
TLS_FAILED = _row("tls-failed", "tls-required", 451, "7.5", "RFC 3207 §4.1", _R, "TLS with {host} failed: {problem}")
DANE_FAILED = _row("dane-failed", "tls-required", 451, "7.5", "RFC 7672 §2.2", _R, "{host} does not keep to the TLSA records of {domain} (DANE): {problem}")
MTA_STS_FAILED = _row("mta-sts-failed", "tls-required", 451, "7.5", "RFC 8461 §5", _R, "{host} does not keep to the policy of {domain} (MTA-STS): {problem}")
SMART_HOST_LOGIN_FAILED = _row("smart-host-login-failed", "auth-required", 451, "7.8", "RFC 4954 §6", _R, "This server could not log in at {host}: {problem}")
DNS_FAILED = _row("dns-failed", "dns-failure", 451, "4.3", "RFC 5321 §5.1", _R, "The mail servers of {domain} could not be looked up: {problem}")
SOURCE_UNUSABLE = _row("source-unusable", "system-error", 451, "3.5", "RFC 3463 §3.4", _R, "Nothing can be sent from {address}: {problem}")
SOURCE_WRONG_FAMILY = _row("source-wrong-family", "system-error", 451, "4.4", "RFC 3463 §3.5", _R, "{source} has no {family} address, and {host} has no other")
SOURCE_WARMING = _row("source-warming", "rate-limited", 451, "4.5", "RFC 3463 §3.5", _R, "Every source that may send this is warming up and has sent enough for today; it goes on at {until}")
TENANT_LIMIT = _row("tenant-limit", "rate-limited", 451, "4.5", "RFC 3463 §3.5", _R, "{tenant} has sent the {limit} messages that it may; trying goes on at {until}")
ROUTE_TO_SELF = _row("route-to-self", "routing-loop", 554, "4.6", "RFC 5321 §5.1", _X, "The mail for {domain} would be delivered to this server itself")
MESSAGE_UNREADABLE = _row("message-unreadable", "system-error", 451, "3.0", "RFC 3463 §3.4", _R, "The message could not be read from the queue: {problem}")
LOCAL_DELIVERY_FAILED = _row("local-delivery-failed", "system-error", 451, "3.0", "RFC 3463 §3.4", _R, "The message could not be written into the mailbox: {problem}")
HANDLER_FAILED = _row("handler-failed", "system-error", 451, "3.0", "RFC 3463 §3.4", _R, "<{address}>: what takes the mail for this address has failed: {problem}")
HANDLER_BUSY = _row("handler-busy", "rate-limited", 451, "3.2", "RFC 3463 §3.4", _S, "<{address}>: what takes the mail for this address asks to come again later: {problem}")
HANDLER_REFUSED = _row("handler-refused", "policy", 554, "7.0", "RFC 3463 §3.8", _X, "<{address}>: what takes the mail for this address does not want the message: {said}")
DELIVERED_BEFORE = _row("delivered-before", "routing-loop", 554, "4.6", "RFC 5321 §6.3", _X, "Routing loop: the message has been delivered to <{address}> before")
EXPIRED = _row("expired", "expired", 554, "4.7", "RFC 5321 §4.5.4.1", _D, "Not delivered within {days} days; the last answer was: {last}")
DELIVER_BY_PASSED = _row("deliver-by-passed", "expired", 554, "4.7", "RFC 2852 §4.1.3", _X, "Not delivered by {until}, which is when the sender wanted it at the latest")
DELIVER_BY_LATE = _row("deliver-by-late", "expired", 451, "4.7", "RFC 2852 §4.1.3", _R, "Not delivered by {until}, which is when the sender wanted to hear of it; trying goes on")
DELAYED = _row("delayed", "expired", 451, "4.7", "RFC 5321 §4.5.4.1", _R, "Not delivered yet after {hours} hours; the last answer was: {last}")
DROPPED_BY_OPERATOR = _row("dropped-by-operator", "policy", 554, "7.0", "RFC 3463 §3.8", _X, "The postmaster took the message out of the queue")
REMOTE_ACCEPTED = _row("remote-accepted", "accepted", 250, "0.0", "RFC 5321 §4.2.1", _N, "{host} agreed: {said}")
REMOTE_REFUSED = _row("remote-refused", "unknown", 554, "0.0", "RFC 5321 §4.2.1", _X, "{host} refused the message: {said}")
REMOTE_DEFERRED = _row("remote-deferred", "unknown", 451, "0.0", "RFC 5321 §4.2.1", _R, "{host} put the message off: {said}")

# -- what other servers' codes say by themselves ----------------------------------------------
MAILBOX_DISABLED = _row("mailbox-disabled", "recipient-disabled", 550, "2.1", "RFC 3463 §3.3", _D, "<{address}>: the mailbox is switched off and takes no mail")
POSTING_REFUSED = _row("posting-refused", "recipient-refuses", 550, "7.2", "RFC 3463 §3.8", _D, "<{address}>: only chosen senders may write to this list")
SENDER_ADDRESS_INVALID = _row("sender-address-invalid", "sender-refused", 501, "1.7", "RFC 3463 §3.2", _F, "<{sender}>: the sender address is not valid", 553)
SENDER_DOMAIN_UNKNOWN = _row("sender-domain-unknown", "sender-unknown", 550, "1.8", "RFC 3463 §3.2", _F, "<{sender}>: the domain of the sender cannot take an answer", 451, 501)
SENDER_NULL_MX = _row("sender-null-mx", "sender-unknown", 550, "7.27", "RFC 7505 §4.2", _F, "<{sender}>: the domain of the sender declares by its null MX that it takes no mail")
TAKES_NO_MAIL = _row("takes-no-mail", "policy", 521, "3.2", "RFC 7504 §3", _X, "{hostname} takes no mail, not now and not later")
SYSTEM_UNAVAILABLE = _row("system-unavailable", "system-error", 451, "3.2", "RFC 3463 §3.4", _R, "{hostname} takes no mail at the moment, try again later", 421)
POLICY_REFUSED = _row("policy-refused", "policy", 554, "7.1", "RFC 3463 §3.8", _X, "Refused by a rule of this server: {problem}", 550)
POLICY_DEFERRED = _row("policy-deferred", "policy", 451, "7.1", "RFC 3463 §3.8", _R, "Put off by a rule of this server: {problem}", 450, 421)
CONTENT_REFUSED = _row("content-refused", "content-refused", 554, "6.0", "RFC 3463 §3.7", _F, "The content of the message is not taken: {problem}")
AUTHENTICATION_REQUIRED = _row("authentication-required", "auth-required", 530, "7.0", "RFC 4954 §6", _F, "Log in first")
AUTHENTICATION_FAILED = _row("authentication-failed", "auth-required", 535, "7.8", "RFC 4954 §6", _F, "The user name or the password is wrong")
AUTHENTICATED = _row("authenticated", "accepted", 235, "7.0", "RFC 4954 §6", _N, "You are logged in")
AUTHENTICATION_CONTINUES = _row("authentication-continues", "accepted", 334, None, "RFC 4954 §4", _N, "Go on with the login")
AUTHENTICATION_CANCELLED = _row("authentication-cancelled", "protocol-error", 501, "7.0", "RFC 4954 §4", _N, "The login was cancelled, as asked")
AUTHENTICATION_MALFORMED = _row("authentication-malformed", "protocol-error", 501, "5.2", "RFC 4954 §4", _F, "The login is malformed: {problem}")
AUTHENTICATION_LINE_TOO_LONG = _row("authentication-line-too-long", "protocol-error", 500, "5.6", "RFC 4954 §4", _F, "A line of a login has at most {limit} octets here")
AUTHENTICATION_UNAVAILABLE = _row("authentication-unavailable", "system-error", 454, "7.0", "RFC 4954 §6", _R, "Logins cannot be checked at the moment, try again later (incident {id})")
LOGINS_BUSY = _row("logins-busy", "rate-limited", 454, "7.0", "RFC 4954 §6", _S, "Too many log in at the moment, try again in a minute")
MECHANISM_UNKNOWN = _row("mechanism-unknown", "auth-required", 504, "5.4", "RFC 4954 §4", _F, "Logging in by {mechanism} is not offered here")
MECHANISM_TOO_WEAK = _row("mechanism-too-weak", "auth-required", 534, "7.9", "RFC 4954 §6", _F, "Logging in by {mechanism} is too weak for this server")
MECHANISM_NEEDS_TLS = _row("mechanism-needs-tls", "tls-required", 538, "7.11", "RFC 4954 §4, §6", _F, "Logging in by {mechanism} needs an encrypted connection")
TOKEN_REFUSED = _row("token-refused", "auth-required", 535, "7.8", "RFC 4954 §6; RFC 7628 §3.2.2", _F, "The token is not accepted: {problem}")
CERTIFICATE_REFUSED = _row("certificate-refused", "auth-required", 535, "7.8", "RFC 4954 §6; RFC 4422 §A", _F, "The certificate is not that of an account here")
ENCRYPTION_REQUIRED = _row("encryption-required", "tls-required", 530, "7.10", "RFC 3207 §4; RFC 8689 §4.2.1", _F, "An encrypted connection is needed for this", 550)
SPF_FAIL = _row("spf-fail", "spf-fail", 550, "7.23", "RFC 7372 §3.2; RFC 7208 §8.4", _F, "SPF: {domain} does not let {ip} send its mail")
SPF_ERROR = _row("spf-error", "spf-fail", 451, "7.24", "RFC 7372 §3.2; RFC 7208 §2.6.6, §2.6.7", _R, "SPF of {domain} could not be evaluated: {problem}", 550)
DKIM_FAIL = _row("dkim-fail", "dkim-fail", 550, "7.20", "RFC 7372 §3.1; RFC 6376 §6.1", _F, "DKIM: no signature of this message passed")
DKIM_UNACCEPTABLE = _row("dkim-unacceptable", "dkim-fail", 550, "7.21", "RFC 7372 §3.1", _F, "DKIM: no signature that passed is acceptable here: {problem}")
DKIM_AUTHOR_MISMATCH = _row("dkim-author-mismatch", "dkim-fail", 550, "7.22", "RFC 7372 §3.1", _F, "DKIM: no signature that passed is of the author's domain {domain}")
DKIM_ERROR = _row("dkim-error", "dkim-fail", 451, "7.5", "RFC 6376 §6.3", _R, "DKIM: the key of {domain} could not be looked up: {problem}")
DMARC_REJECT = _row("dmarc-reject", "dmarc-fail", 550, "7.1", "RFC 9989 §7.2", _F, "DMARC: the message did not pass, and {domain} asks for such mail to be refused")
DMARC_QUARANTINE = _row("dmarc-quarantine", "dmarc-fail", 250, "0.0", "RFC 9989 §4.7, §5.4", _F, "DMARC: the message did not pass and was put apart, as {domain} asks")
DMARC_ERROR = _row("dmarc-error", "dmarc-fail", 451, "7.1", "RFC 9989 §7.2", _R, "DMARC of {domain} could not be looked up: {problem}")
ARC_FAIL = _row("arc-fail", "unauthenticated", 550, "7.29", "RFC 8617 §5.2", _F, "ARC: the chain of seals in the message is broken")
REVERSE_DNS_FAIL = _row("reverse-dns-fail", "reverse-dns", 550, "7.25", "RFC 7372 §3.3; RFC 8601 §3", _F, "The reverse DNS of {ip} is missing or does not lead back to it")
REVERSE_DNS_ERROR = _row("reverse-dns-error", "reverse-dns", 451, "7.25", "RFC 7372 §3.3; RFC 8601 §2.7.3", _R, "The reverse DNS of {ip} could not be looked up: {problem}")
HELO_REFUSED = _row("helo-refused", "helo-refused", 550, "7.1", "RFC 5321 §4.1.1.1, §4.1.4", _F, "The name {client} that you gave yourself cannot be yours: {problem}")
HELO_ERROR = _row("helo-error", "helo-refused", 451, "7.1", "RFC 5321 §4.1.4", _R, "The name {client} that you gave yourself could not be looked up: {problem}")
SPAM_FOUND = _row("spam-found", "spam-content", 550, "7.1", "RFC 5321 §4.2.2; RFC 3463 §3.8", _F, "The message was judged to be spam: {said}")
VIRUS_FOUND = _row("virus-found", "virus", 550, "7.1", "RFC 5321 §4.2.2; RFC 3463 §3.8", _F, "The message has something harmful in it, which scanners call {signature}")
CONTENT_DEFERRED = _row("content-deferred", "spam-content", 451, "7.1", "RFC 5321 §4.2.2; RFC 3463 §3.8", _R, "The content of the message is not taken now, try again later")
PUT_OFF_BY_SCANNER = _row("put-off-by-scanner", "greylisted", 451, "7.1", "RFC 5321 §4.2.2; RFC 3463 §3.8", _R, "The message is put off, try again later: {said}")
SCAN_FAILED = _row("scan-failed", "system-error", 451, "7.1", "RFC 5321 §4.2.2; RFC 3463 §3.8", _R, "The message could not be scanned for spam and viruses, try again later")
TOO_LARGE_TO_SCAN = _row("too-large-to-scan", "message-too-large", 552, "3.4", "RFC 5321 §4.2.2; RFC 3463 §3.4", _F, "The message has {size} octets, more than can be scanned here, and what is not scanned is not taken")
UNAUTHENTICATED = _row("unauthenticated", "unauthenticated", 550, "7.26", "RFC 7372 §3.4", _F, "The message passed none of the checks that say who sent it")
SEVERAL_CHECKS_FAILED = _row("several-checks-failed", "unauthenticated", 550, "7.26", "RFC 7372 §3.4", _F, "The message failed several checks of who sent it: {checks}")
MAIL_FLOOD = _row("mail-flood", "rate-limited", 450, "7.28", "RFC 5321 §7.8", _S, "Too much mail of this kind at once, try again later", 421, 550)
# -- what other servers say, in their own words -----------------------------------------------
LISTED_BY_RECEIVER = _row("listed-by-receiver", "ip-blocklisted", 554, "7.1", "RFC 5321 §3.1, §7.8", _X, "No mail is taken from {ip}: it is on a list that the receiving side keeps itself", 550)
DOMAIN_LISTED = _row("domain-listed", "domain-blocklisted", 554, "7.1", "RFC 5321 §7.8; RFC 5782 §2.3", _X, "No mail is taken from {domain}: the domain is on a blocklist", 550)
LINK_LISTED = _row("link-listed", "domain-blocklisted", 554, "7.1", "RFC 5321 §7.8; RFC 5782 §2.3", _F, "The message leads to {domain}, which is on a blocklist", 550)
BLOCKLIST_UNUSABLE = _row("blocklist-unusable", "system-error", 451, "7.1", "RFC 5782 §5", _R, "The blocklist {zone} does not answer this server as it should", 554)
LOW_REPUTATION = _row("low-reputation", "low-reputation", 554, "7.1", "RFC 5321 §7.8", _X, "Mail from this sender is not wanted here: its reputation is too low", 550, 421)
LOW_REPUTATION_IP = _row("low-reputation-ip", "low-reputation", 554, "7.1", "RFC 5321 §7.8", _X, "Mail from {ip} is not wanted here: the reputation of the address is too low", 550, 421)
LOW_REPUTATION_DOMAIN = _row("low-reputation-domain", "low-reputation", 554, "7.1", "RFC 5321 §7.8", _X, "Mail from {domain} is not wanted here: the reputation of the domain is too low", 550, 421)
USER_COMPLAINTS = _row("user-complaints", "low-reputation", 421, "7.0", "RFC 5321 §7.8; RFC 6449 §3.2", _S, "Too many recipients complain about mail from {ip}", 451, 554)
GREYLISTED_HERE = _row("greylisted-here", "greylisted", 451, "7.1", "RFC 6647 §2.4", _R, "<{address}>: this server does not know you yet, please try again in {minutes} minutes")
GREYLISTED = _row("greylisted", "greylisted", 451, "7.1", "RFC 6647 §2", _R, "This sender is not known here yet, try again in some minutes", 450, 421)
SENDING_TOO_FAST = _row("sending-too-fast", "rate-limited", 421, "7.0", "RFC 5321 §7.8", _S, "Too much mail comes from {ip} at the moment ({limit}), send more slowly", 450, 451)
RECIPIENT_TOO_BUSY = _row("recipient-too-busy", "rate-limited", 450, "2.1", "RFC 5321 §7.8", _R, "<{address}> gets too much mail at the moment, try again later", 550)
SENDING_LIMIT_REACHED = _row("sending-limit-reached", "rate-limited", 550, "7.1", "RFC 6409 §6.2", _S, "{sender} has sent as much as the account may send: {limit}", 452, 421)
TOO_MANY_UNKNOWN = _row("too-many-unknown-recipients", "rate-limited", 421, "7.0", "RFC 5321 §7.3, §7.8", _S, "Too many of the recipients that {ip} named do not exist", 550)
ATTACHMENT_REFUSED = _row("attachment-refused", "content-refused", 552, "7.0", "RFC 3463 §3.7", _F, "An attachment of this kind is not taken: {problem}", 554, 550)
RECIPIENT_REFUSES = _row("recipient-refuses-sender", "recipient-refuses", 550, "7.1", "RFC 3463 §3.8", _D, "<{address}> takes no mail from {sender}")
SENDER_REFUSED = _row("sender-refused", "sender-refused", 550, "7.1", "RFC 3463 §3.8", _F, "No mail is taken from <{sender}>", 553, 554)
SENDER_FORGED = _row("sender-looks-forged", "sender-refused", 550, "7.1", "RFC 5321 §7.1", _F, "The sender {sender} looks forged", 554)
SENDER_SUSPENDED = _row("sender-suspended", "sender-refused", 550, "7.1", "RFC 6409 §6.1", _X, "{sender} may not send at the moment: the account is suspended", 554)
SENDER_UNVERIFIED = _row("sender-unverified", "sender-refused", 554, "7.1", "RFC 6409 §6.1", _F, "{sender} was not verified as an address of this account", 550)
SENDER_MAILBOX_UNKNOWN = _row("sender-mailbox-unknown", "sender-unknown", 550, "1.8", "RFC 3463 §3.2", _F, "<{sender}>: the server of this address does not know it", 450, 451)
NO_DMARC_RECORD = _row("no-dmarc-record", "dmarc-fail", 550, "7.1", "RFC 9989 §4.7", _F, "{domain} publishes no DMARC record, which is asked for here", 421)
FROM_NOT_ALIGNED = _row("from-not-aligned", "dmarc-fail", 550, "7.1", "RFC 9989 §4.4", _F, "The From domain {domain} is neither that of SPF nor that of a DKIM signature", 421)
DYNAMIC_ADDRESS = _row("dynamic-address", "reverse-dns", 550, "7.1", "RFC 5321 §7.8; RFC 8601 §3", _F, "{ip} looks like the address of a home or office line and not of a mail server", 554, 450)
COUNTRY_REFUSED = _row("country-refused", "policy", 554, "7.1", "RFC 5321 §7.8", _X, "No mail is taken from the country or network of {ip}", 550)
RECIPIENT_BEING_VERIFIED = _row("recipient-being-verified", "system-error", 450, "1.1", "RFC 5321 §3.3", _R, "<{address}>: it is not known yet whether the address exists, try again later", 421, 451)
MAILBOX_BUSY = _row("mailbox-busy", "system-error", 450, "2.0", "RFC 5321 §4.2.3", _R, "<{address}>: the mailbox cannot be written to at the moment", 451)
REMOTE_MISCONFIGURED = _row("remote-misconfigured", "system-error", 554, "3.5", "RFC 3463 §3.4", _X, "{hostname} is not set up correctly for this mail", 451, 550, 551)
QUEUE_FULL = _row("queue-full", "system-full", 450, "3.1", "RFC 3463 §3.4", _R, "Too much mail waits here already, try again later", 451, 452)
SUPPRESSED = _row("suppressed", "suppressed", 550, "7.1", "RFC 5321 §7.8", _D, "<{address}> is on the list of addresses that are not written to any more", 554)
ON_SUPPRESSION_LIST = _row("on-suppression-list", "suppressed", 550, "7.1", "RFC 5321 §7.8", _D, "<{address}>: this server has sent nothing there since {since} ({why}); its postmaster can take the address off the suppression list")
# fmt: on
