"""A report about any message (RFC 3464, RFC 6522): well formed, and it can be read back."""

from __future__ import annotations

from tests.fuzz.octets import Octets, sound

from ulak.bounce.notice import Action, Fate, Office, Original
from ulak.bounce.report import write
from ulak.policy.message import MessageJudge
from ulak.replies.bounces import failures
from ulak.replies.catalog import CATALOG

_OFFICES = (Office("mx.example.org"), Office("mx.example.org", ("tr",), whole_up_to=300))
_RECIPIENTS = ("grace@example.net", "çağrı@örnek.example", '"a b\\"c"@example.net')
_CAUSES = ("no-such-mailbox", "remote-refused", "expired", "nobody-knows")
_JUDGE = MessageJudge()
_NOON = 1_793_707_200.0


def one(data: bytes) -> None:
    given = Octets(data)
    office = given.choice(_OFFICES)
    action = given.choice(tuple(Action))
    cause = given.choice(_CAUSES)
    recipient = given.choice(_RECIPIENTS)
    whole, smtputf8, remote = given.flag(), given.flag(), given.flag()
    message, _, said = given.rest().partition(b"\x1c")
    reply, _, host = said.decode("utf-8", "replace").partition("\x1d")
    fate = Fate(recipient, cause, reply, _NOON, host=host, remote=remote, facts={"host": host})
    original = Original("M1", "ada@example.org", _NOON, message, whole, smtputf8=smtputf8)
    report = write(office, original, [fate], action, identifier="R1", now=_NOON)

    assert sound(report.data)
    assert b"\0" not in report.data
    assert max(map(len, report.data.split(b"\r\n"))) <= 998
    assert _JUDGE(report.data) is None
    (told,) = failures(report.data)
    assert told.action == action
    assert told.cause == cause
    assert cause in CATALOG or told.reply is not None
