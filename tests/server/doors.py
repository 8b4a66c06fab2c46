"""Who may log in at the server of the tests, and hand in mail."""

from __future__ import annotations

from functools import cache

from ulak.accounts import password
from ulak.accounts.account import Account
from ulak.accounts.allowance import Allowance
from ulak.accounts.attempts import Attempts
from ulak.accounts.attempts import Rules as AttemptRules
from ulak.accounts.doorkeeper import Doorkeeper
from ulak.accounts.memory import MemoryAccounts, MemoryLedger, MemoryRecords
from ulak.accounts.purser import Purser
from ulak.accounts.tokens import Distrusted, Vouched
from ulak.policy.message import MessageJudge, MessageRules
from ulak.policy.submission import Submission
from ulak.server.desk import Desk
from ulak.smtp.sasl.scram import ScramKeys
from ulak.smtp.sasl.table import MECHANISMS, Ways

SECRET = "correct horse"
NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"  # the server's of RFC 7677 §3
# settings of a transcript
OF_LOGINS = ("login", "clear", "needs", "from", "messages", "hourly", "ban")
AT_ONCE = AttemptRules(first_delay=0.0, longest_delay=0.0, ban_after=0)


@cache
def accounts() -> tuple[Account, ...]:
    """Give three accounts with the same password, of which one is disabled."""
    kept = password.hashed(SECRET, b"0123456789abcdef")
    keys = ScramKeys.of(SECRET, b"salt of sixteen.")
    return (
        Account("ada@example.org", kept, keys, send_as=("info@example.org",)),
        Account("grace@example.org", kept, keys),
        Account("locked@example.org", kept, keys, disabled=True),
    )


def doorkeeper(rules: AttemptRules = AT_ONCE) -> Doorkeeper:
    """Make a doorkeeper for these accounts."""
    return Doorkeeper(
        MemoryAccounts(*accounts()),
        Attempts(MemoryRecords(), rules),
        clock=lambda: 1_000_000_000.0,
        chance=lambda count: bytes(range(count)),
        pretend=ScramKeys.pretended,
    )


def desk(settings: dict[str, str]) -> Desk:
    """Make the desk that the head of a transcript asks for: `from=…`, `messages=…`, `hourly=…`."""
    allowance = Allowance(int(settings.get("messages", 0)), int(settings.get("hourly", 0)))
    return Desk(
        "mx.example.org",
        Submission(
            settings.get("from", "own"),
            local=lambda domain: domain.lower() == "example.org",
            judge=MessageJudge(MessageRules(need_from=False)),
        ),
        Purser(MemoryLedger(), allowance, clock=lambda: 1_000_000_000.0),
    )


def ways(settings: dict[str, str]) -> Ways:
    """Give the ways to log in that the head of a transcript names: `login=…`, `clear=yes`."""
    names = settings["login"].split(",") if "login" in settings else []
    allowed = MECHANISMS if names == ["all"] else names
    return Ways(frozenset(allowed), clear="clear" in settings, scope="mail")


class Tokens:
    """Knows the tokens `good`, `stranger` and `broken`."""

    def check(self, token: str) -> Vouched | Distrusted:
        match token:
            case "good":
                return Vouched("ada@example.org", "https://id.example")
            case "stranger":
                return Vouched("nobody@example.org", "https://id.example")
            case "broken":
                message = "the keys are gone"
                raise OSError(message)
            case _:
                return Distrusted("it has expired")
