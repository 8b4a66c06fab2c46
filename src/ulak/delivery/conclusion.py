"""From what was answered, or was not, to the outcome of an attempt.

An outcome without a recipient here is a template: it is given to everybody whom it is for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from ulak.delivery.connection import Connection
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.target import Host, Target
from ulak.mail.envelope import Envelope
from ulak.replies import catalog
from ulak.replies.classify import classify
from ulak.replies.reply import Reply
from ulak.smtp.client import Answer, PeerReply, Stage

_LONGEST = 2000  # characters of a reply that are kept
_TOO_MANY = "5.3"  # the detail of too many recipients, RFC 3463 §3.6


def _ours(
    reply: Reply,
    result: Result = Result.DEFERRED,
    connection: Connection | None = None,
    facts: Mapping[str, str] = MappingProxyType({}),
) -> Outcome:
    if connection is None:
        return Outcome("", result, reply.cause, str(reply), facts=reply.facts)
    return Outcome(
        "",
        result,
        reply.cause,
        str(reply),
        connection.label,
        tls=connection.tls,
        facts={**reply.facts, **connection.facts, **facts},
        dialogue=connection.core.dialogue(),
    )


def _theirs(
    recipient: str,
    reply: PeerReply,
    connection: Connection,
    facts: Mapping[str, str],
    dialogue: tuple[str, ...],
) -> Outcome:
    found = classify(reply.code, reply.enhanced, reply.text, host=connection.label)
    return Outcome(
        recipient,
        Result.FAILED if reply.permanent else Result.DEFERRED,
        found.cause,
        str(reply)[:_LONGEST],
        connection.label,
        remote=True,
        tls=connection.tls,
        facts={**found.facts, **facts},
        dialogue=dialogue,
        pattern=found.rule,
    )


def refused(
    recipient: str,
    answer: Answer,
    connection: Connection,
    facts: Mapping[str, str],
    dialogue: tuple[str, ...],
) -> Outcome:
    """Give the outcome of a recipient that the server refused."""
    facts = {**facts, "stage": answer.stage.value}
    outcome = _theirs(recipient, answer.reply, connection, facts, dialogue)
    if outcome.result is Result.FAILED and too_many(answer):
        # RFC 5321 §4.5.3.1.10: a 552 for too many recipients is a 452.
        return replace(outcome, result=Result.DEFERRED)
    return outcome


def no_login(host: str, problem: str) -> Outcome:
    """Give the outcome where nobody knows with what to log in."""
    problem = f"the password could not be read: {problem}"
    reply = catalog.SMART_HOST_LOGIN_FAILED.reply(host=host, problem=problem)
    return replace(_ours(reply), host=host)


def wants_login(answer: Answer) -> bool:
    """Whether a server refused for want of a login, or of another one (RFC 4954 §6)."""
    return answer.reply.code in (530, 534, 535, 538)


def unwelcome(recipient: str, outcome: Outcome) -> Outcome:
    """Turn the refusal of a smart host for want of a login into what the operator can mend."""
    problem = outcome.reply
    reply = catalog.SMART_HOST_LOGIN_FAILED.reply(host=outcome.host, problem=problem)
    facts = {**outcome.facts, **reply.facts}
    return replace(
        outcome,
        recipient=recipient,
        result=Result.DEFERRED,
        cause=reply.cause,
        reply=str(reply),
        remote=False,
        facts=facts,
    )


def too_many(answer: Answer) -> bool:
    """Whether RCPT was refused only because there were too many before it.

    Without an enhanced code 452 means that at RCPT (RFC 5321 §4.5.3.1.10). 552 is what RFC 821
    had for it, but also what a full mailbox gets: there the words have to say it.
    """
    reply = answer.reply
    if answer.stage is not Stage.RCPT or reply.code not in (452, 552):
        return False
    if reply.enhanced is not None:
        return reply.enhanced[2:] == _TOO_MANY
    return reply.code == 452 or "recipients" in reply.text  # noqa: PLR2004 -- as above


def session(connection: Connection) -> Outcome:
    """Give the outcome for those whom a session left undecided."""
    core = connection.core
    failure = core.failure
    assert failure is not None  # noqa: S101 -- a session that is over has one
    host, problem = connection.label, failure.problem
    facts = {"stage": failure.stage.value}
    if core.after_data:
        facts["after-data"] = "yes"  # the server may have the message: it can come twice
    if connection.unreadable:
        reply = catalog.MESSAGE_UNREADABLE.reply(problem=connection.unreadable)
    elif failure.reply is not None:
        facts |= connection.facts
        return _theirs("", failure.reply, connection, facts, core.dialogue())
    elif connection.timed_out:
        seconds = f"{connection.timed_out:g}"
        reply = catalog.PEER_TIMED_OUT.reply(host=host, seconds=seconds)
    elif failure.babble:
        reply = catalog.PEER_BABBLES.reply(host=host, problem=problem)
    else:
        reply = catalog.CONNECTION_LOST.reply(host=host, problem=problem)
    return _ours(reply, Result.DEFERRED, connection, facts)


def unreachable(host: str, problem: str) -> Outcome:
    """Give the outcome where no connection came about."""
    reply = catalog.CONNECTION_REFUSED.reply(host=host, problem=problem)
    return replace(_ours(reply), host=host)


def unusable(address: str, problem: str) -> Outcome:
    """Give the outcome where an address of ours cannot be sent from."""
    return _ours(catalog.SOURCE_UNUSABLE.reply(address=address, problem=problem))


def wrong_family(source: str, hosts: Sequence[Host]) -> Outcome:
    """Give the outcome where a source can reach no address of any host."""
    first = next(host for host in hosts if host.addresses)
    family = "IPv6" if ":" in first.addresses[0] else "IPv4"
    reply = catalog.SOURCE_WRONG_FAMILY.reply(source=source, family=family, host=first.name)
    return replace(_ours(reply), host=first.name)


def no_place(target: Target) -> Outcome:
    """Give the outcome where a target has no address to try."""
    return unreachable(target.key, "it has no address")


def own(domain: str, where: str) -> Outcome:
    """Give the outcome of mail that would come back to this server."""
    return replace(
        _ours(catalog.ROUTE_TO_SELF.reply(utf8=True, domain=domain), Result.FAILED), host=where
    )


def bad_address() -> Outcome:
    """Give the outcome of an address that cannot stand in a command."""
    reply = catalog.BAD_ADDRESS.reply(problem="it has a control character in it")
    return _ours(reply, Result.FAILED)


def too_large(connection: Connection) -> Outcome:
    """Give the outcome of a message larger than the server's SIZE (RFC 1870 §6.1)."""
    reply = catalog.MESSAGE_TOO_LARGE.reply(limit=connection.core.offer.size)
    return _ours(reply, Result.FAILED, connection)


def lacks_smtputf8(connection: Connection) -> Outcome:
    """Give the outcome of a message that the server cannot take as it is (RFC 6531 §3.2)."""
    reply = catalog.PEER_LACKS_SMTPUTF8.reply(host=connection.label)
    return _ours(reply, Result.FAILED, connection)


def lacks_binarymime(connection: Connection) -> Outcome:
    """Give the outcome of a binary message that the server cannot take (RFC 3030 §3)."""
    reply = catalog.PEER_LACKS_BINARYMIME.reply(host=connection.label)
    return _ours(reply, Result.FAILED, connection)


def lacks_deliverby(connection: Connection) -> Outcome:
    """Give the outcome of a message whose time the server does not keep (RFC 2852 §4.1.4)."""
    reply = catalog.PEER_LACKS_DELIVERBY.reply(host=connection.label)
    return _ours(reply, Result.FAILED, connection)


def lacks_requiretls(connection: Connection) -> Outcome:
    """Give the outcome of a message whose REQUIRETLS the server would not hand on (RFC 8689)."""
    reply = catalog.PEER_LACKS_REQUIRETLS.reply(host=connection.label)
    return _ours(reply, Result.FAILED, connection)


def unproven(host: str, problem: str, connection: Connection | None = None) -> Outcome:
    """Give the outcome of a message with REQUIRETLS where a server is not proven (RFC 8689)."""
    reply = catalog.TLS_UNPROVEN.reply(host=host, problem=problem)
    return replace(_ours(reply, Result.FAILED, connection), host=host)


def without_tls(
    host: str, problem: str, connection: Connection | None = None, *, final: bool
) -> Outcome:
    """Give the outcome where there has to be TLS and is none; `final` where mail goes back."""
    if final:
        return unproven(host, problem, connection)
    reply = catalog.TLS_FAILED.reply(host=host, problem=problem)
    return replace(_ours(reply, Result.DEFERRED, connection), host=host)


def unkept(
    host: str,
    problem: str,
    told: Mapping[str, str],
    connection: Connection | None = None,
    *,
    final: bool,
) -> Outcome:
    """Give the outcome where a server does not keep to what is demanded of its TLS.

    Whose demand it was is `told`: what a domain has published of itself is a cause of its own,
    since others have to mend it than where two sides share no TLS.
    """
    if final:
        return unproven(host, problem, connection)
    match told.get("tls-policy"):
        case "dane" | "dane-unusable":
            domain = told.get("tlsa-host", "")
            reply = catalog.DANE_FAILED.reply(host=host, domain=domain, problem=problem)
        case "mta-sts-enforce":
            domain = told.get("sts-domain", "")
            reply = catalog.MTA_STS_FAILED.reply(host=host, domain=domain, problem=problem)
        case _:
            return without_tls(host, problem, connection, final=False)
    return replace(_ours(reply, Result.DEFERRED, connection), host=host)


def login_failed(connection: Connection) -> Outcome:
    """Give the outcome where a smart host did not let us log in: its operator is ours."""
    failure = connection.core.failure
    assert failure is not None  # noqa: S101 -- a session that is over has one
    problem = failure.problem if failure.reply is None else str(failure.reply)
    reply = catalog.SMART_HOST_LOGIN_FAILED.reply(host=connection.label, problem=problem)
    return _ours(reply, Result.DEFERRED, connection, {"stage": failure.stage.value})


def refusal(target: Target) -> Outcome:
    """Give the outcome of a target that the route has refused."""
    reply = target.refusal
    assert reply is not None  # noqa: S101 -- for the type checker
    return _ours(reply, Result.FAILED if reply.permanent else Result.DEFERRED)


def expanded(envelope: Envelope, recipients: Sequence[str]) -> tuple[list[Outcome], list[str]]:
    """Give the outcomes of aliases whose members are recipients themselves, and the others."""
    aliases = [each for each in recipients if envelope.asked_for(each).expanded]
    if not aliases:
        return [], list(recipients)
    outcomes = [
        replace(
            _ours(catalog.EXPANDED.reply(utf8=True, address=each), Result.DELIVERED), recipient=each
        )
        for each in aliases
    ]
    return outcomes, [each for each in recipients if each not in aliases]


def broken(incident: str) -> Outcome:
    """Give the outcome of an error inside."""
    return _ours(catalog.INTERNAL_ERROR.reply(id=incident))
