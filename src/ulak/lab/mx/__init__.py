"""SMTP and LMTP servers on loopback that behave as a script says, well or ill.

A `Behaviour` says what a server offers and what it does at a stage in place of the usual. A
`ScriptedServer` plays it on a free port or a unix socket and keeps what it heard.

    behaviour = Behaviour(at={"RCPT nobody@example.net": "550 5.1.1 No such user"})
    async with ScriptedServer(behaviour) as mx:
        ...  # talk to 127.0.0.1:mx.port, then look at mx.messages and mx.commands
"""

from ulak.lab.mx.behaviour import CLOSE, SILENCE, Act, Behaviour, Heard, Taken, Visit
from ulak.lab.mx.server import ScriptedServer

__all__ = ["CLOSE", "SILENCE", "Act", "Behaviour", "Heard", "ScriptedServer", "Taken", "Visit"]
