"""What a session tells the journal: short, and made only when it is told."""

from __future__ import annotations

from ulak.journal.entry import Entry, Kind
from ulak.journal.trace import REFUSAL
from ulak.mail.envelope import NO_WISHES, Wishes
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server.directory import How
from ulak.server.transaction import Transaction

_RECIPIENTS = 20  # that are named in one entry
_THROUGH = {How.CATCH_ALL: "caught", How.RETURN: "returned"}


def connected(
    time: float, session: str, ip: str, port: int, listener: object, through: dict[str, str]
) -> Entry:
    """Note that a client has come. `listener` is the address of a socket, as Python has it.

    Without `ip` the client came over a unix socket. `through` has the facts of who passed it on;
    those that are empty are none.
    """
    facts = {"ip": ip, "port": str(port)} if ip else {}
    facts.update({name: fact for name, fact in through.items() if fact})
    if where := place(listener):
        facts["listener"] = where
    return Entry(time, Kind.CONNECTED, session=session, facts=facts)


def place(listener: object) -> str:
    """Write the address of a socket, as Python has it, for people; `""` for none."""
    if isinstance(listener, str):
        return f"unix:{listener}"
    if isinstance(listener, tuple):
        host, own = listener[:2]
        return f"[{host}]:{own}" if ":" in host else f"{host}:{own}"
    return ""


def refused(
    time: float, session: str, reply: Reply, facts: dict[str, str], refusal: str = ""
) -> Entry:
    """Note that a command, a recipient or a session was refused; `refusal` is the id it carries."""
    told = {**facts, **reply.facts, "reply": str(reply)}
    if refusal:
        told[REFUSAL] = refusal
    return Entry(time, Kind.REFUSED, reply.cause, session, facts=told)


def login(time: float, session: str, facts: dict[str, str]) -> Entry:
    """Note that a client has logged in."""
    return Entry(time, Kind.LOGIN, catalog.AUTHENTICATED.name, session, facts=facts)


def handshake_failed(time: float, session: str, ip: str, problem: str) -> Entry:
    """Note that TLS did not come about."""
    facts = {"ip": ip, "problem": problem} if ip else {"problem": problem}
    return Entry(time, Kind.REFUSED, catalog.TLS_FAILED.name, session, facts=facts)


def message_refused(
    time: float,
    session: str,
    reply: Reply,
    transaction: Transaction,
    facts: dict[str, str],
    dialogue: tuple[str, ...],
    refusal: str = "",
) -> Entry:
    """Note that a message was refused after it came."""
    identifier = transaction.incoming.identifier if transaction.incoming is not None else ""
    told = {**facts, **_envelope(transaction), **reply.facts, "reply": str(reply)}
    if refusal:
        told[REFUSAL] = refusal
    return Entry(
        time, Kind.REFUSED, reply.cause, session, identifier, facts=told, dialogue=dialogue
    )


def accepted(
    time: float, session: str, cause: str, transaction: Transaction, facts: dict[str, str]
) -> Entry:
    """Note that a message is ours."""
    identifier = transaction.incoming.identifier if transaction.incoming is not None else ""
    told = {**facts, **_envelope(transaction)}
    if transaction.incoming is not None and (seal := transaction.incoming.seal) is not None:
        told |= {"signed": seal.signed} if seal.signed else {}
    wishes = transaction.wishes
    for how, names in transaction.through.items():
        fact = _THROUGH.get(how, "through")
        told[fact] = f"{told[fact]} {' '.join(names)}" if fact in told else " ".join(names)
    if transaction.unchecked:
        told["unchecked"] = transaction.unchecked
    if wishes is not NO_WISHES:
        told |= _wishes(wishes)
        if wishes.hold_until > time:  # RFC 4865 §4.2
            told["due"] = str(int(wishes.hold_until))
    return Entry(time, Kind.ACCEPTED, cause, session, identifier, facts=told)


def closed(
    time: float,
    session: str,
    facts: dict[str, str],
    *,
    dialogue: tuple[str, ...] = (),
) -> Entry:
    """Note that a session is over."""
    return Entry(time, Kind.CLOSED, session=session, facts=facts, dialogue=dialogue)


def _wishes(wishes: Wishes) -> dict[str, str]:
    """Give what a client asked for (RFC 6710 §4.1 wants a priority to be noted)."""
    by = wishes.deliver_by
    told = {
        "envid": wishes.envid,
        "quarantine": wishes.quarantine,
        "priority": str(wishes.priority or ""),
        "require-tls": "yes" if wishes.require_tls else "",
        "deliver-by": f"{int(by.until)};{by.mode}{'T' * by.trace}" if by is not None else "",
    }
    return {name: value for name, value in told.items() if value}


def _envelope(transaction: Transaction) -> dict[str, str]:
    members = transaction.members
    if len(members) > _RECIPIENTS:
        named = " ".join([*list(members)[:_RECIPIENTS], f"and {len(members) - _RECIPIENTS} more"])
    else:
        named = " ".join(members)
    return {"sender": transaction.sender, "recipients": named}


def lines(dialogue: list[bytes]) -> tuple[str, ...]:
    """Give a dialogue as the journal keeps it: one line a string, nothing in it unprintable."""
    return tuple(
        octets[:3].decode("ascii") + "".join(map(_shown, line.decode("utf-8", "replace")))
        for octets in dialogue
        for line in octets[3:].removesuffix(b"\r\n").split(b"\r\n")
    )


def _shown(character: str) -> str:
    return character if character.isprintable() else f"\\x{ord(character):02x}"
