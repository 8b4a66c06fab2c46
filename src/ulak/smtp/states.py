"""Which command may come when (RFC 5321 §4.1.4, RFC 3030 §2; in LMTP RFC 2033 §4.1), as a table."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a session stands."""

    CONNECTED = "nobody has said EHLO yet"
    READY = "greeted, no mail transaction"
    SENDER = "MAIL was accepted"
    RECIPIENTS = "at least one RCPT was accepted"
    MESSAGE = "354 was sent or BDAT came: what comes now are octets of the message"
    CHUNKS = "a chunk was accepted, the next may come"
    EXCHANGE = "334 was sent after AUTH, the client's response is coming"
    HANDSHAKE = "220 was sent after STARTTLS; what comes now is TLS"
    REFUSED = "554 was the greeting: only QUIT is answered (§3.1)"
    CLOSED = "the last reply was sent"


IN_TRANSACTION = (State.SENDER, State.RECIPIENTS, State.MESSAGE, State.CHUNKS)
_ANY = (State.CONNECTED, State.READY, State.SENDER, State.RECIPIENTS, State.CHUNKS)

# The command, the states in which it may come, and what to say otherwise. RFC 5321 §4.1.4: NOOP,
# HELP, EXPN, VRFY and RSET may come at any time, even before EHLO; MAIL needs a greeting.
ORDER: dict[str, tuple[tuple[State, ...], str]] = {
    "EHLO": (_ANY, ""),
    "HELO": (_ANY, ""),
    "NOOP": (_ANY, ""),
    "HELP": (_ANY, ""),
    "VRFY": (_ANY, ""),
    "EXPN": (_ANY, ""),
    "RSET": (_ANY, ""),
    "QUIT": ((*_ANY, State.REFUSED), ""),
    "STARTTLS": ((State.READY,), "STARTTLS comes after EHLO and before MAIL"),
    "AUTH": ((State.READY,), "AUTH comes after EHLO and before MAIL"),
    "XCLIENT": ((State.CONNECTED, State.READY), "XCLIENT comes before MAIL"),
    "MAIL": ((State.READY,), "MAIL comes once, after EHLO"),
    "RCPT": ((State.SENDER, State.RECIPIENTS), "RCPT comes after MAIL"),
    "DATA": ((State.RECIPIENTS,), "DATA comes after an accepted RCPT, and not after BDAT"),
    # RFC 3030 §2: chunk after chunk, and no DATA in between
    "BDAT": ((State.RECIPIENTS, State.CHUNKS), "BDAT comes after an accepted RCPT"),
}

# LHLO is the only greeting of LMTP; EHLO and HELO are no commands there.
LMTP_ORDER = {
    verb.replace("EHLO", "LHLO"): (states, problem.replace("EHLO", "LHLO"))
    for verb, (states, problem) in ORDER.items()
    if verb != "HELO"
}
