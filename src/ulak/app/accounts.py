"""The accounts of a configuration, for the server and for the command line."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ulak import config as settings
from ulak.accounts.allowance import Allowance, Ledger
from ulak.accounts.attempts import Attempts, Key, Records, Rules
from ulak.accounts.elsewhere import Together
from ulak.accounts.purser import Purser
from ulak.accounts.sqlite import SqliteAccessTokens, SqliteAccounts, SqliteLedger, SqliteRecords
from ulak.accounts.store import AccountsError
from ulak.accounts.together import RecordsTogether
from ulak.app.counting import counting
from ulak.app.places import Places
from ulak.app.storing import in_database, member_of
from ulak.log import Event, Log
from ulak.smtp.sasl.keys import ScramKeys

if TYPE_CHECKING:  # argon2 and PyJWT are large, and only a server where one may log in needs them
    from ulak.accounts.doorkeeper import Doorkeeper
    from ulak.accounts.tokens import Tokens


def accounts_of(chosen: settings.Config) -> SqliteAccounts:
    """Open the accounts."""
    return SqliteAccounts(Places(chosen.data).accounts)


def access_of(chosen: settings.Config) -> SqliteAccessTokens:
    """Open the access tokens of the API."""
    return SqliteAccessTokens(Places(chosen.data).access)


def attempts_of(chosen: settings.Config, log: Log | None = None) -> Attempts:
    """Open what is known of failed logins."""
    login = chosen.login
    rules = Rules(
        first_delay=login.first_delay,
        longest_delay=login.longest_delay,
        ban_after=login.ban_after,
        ban_for=login.ban_for,
        longest_ban=login.longest_ban,
        forget_after=login.forget_after,
    )
    records = _records(chosen, log)
    return Attempts(records, rules, _trusted((*chosen.relay.networks, *login.trusted)))


def _records(chosen: settings.Config, log: Log | None) -> Records:
    own = SqliteRecords(Places(chosen.data).attempts)
    if not in_database(chosen):
        return own
    from ulak.accounts.postgres import PostgresRecords  # noqa: PLC0415 -- not everybody has psycopg
    from ulak.database.blocking import Blocking  # noqa: PLC0415 -- as above

    name = f"{member_of(chosen)} logins"
    database = Blocking(chosen.queue.store, name, counting(log, "logins"))
    return RecordsTogether(PostgresRecords(database), own)


def doorkeeper_of(chosen: settings.Config, clock: Callable[[], float], log: Log) -> Doorkeeper:
    """Make who tries the secrets of those who log in."""
    from ulak.accounts.doorkeeper import Doorkeeper  # noqa: PLC0415 -- as above

    def tell(whom: Key, until: float) -> None:
        log.emit(Event.SHUT_OUT, kind=whom.kind.value, whom=whom.name, until=round(until))

    return Doorkeeper(
        accounts_of(chosen),
        attempts_of(chosen, log),
        clock=clock,
        chance=os.urandom,
        pretend=ScramKeys.pretended,
        tell=tell,
        home=next(iter(chosen.domains)) if len(chosen.domains) == 1 else "",
    )


def tokens_of(chosen: settings.Config, clock: Callable[[], float]) -> Tokens | None:
    """Make who checks bearer tokens; None where none are taken."""
    if not chosen.login.issuers:
        return None
    from ulak.accounts.tokens import Issuer, Tokens  # noqa: PLC0415 -- as above

    issuers = [
        Issuer(each.name, frozenset(each.audience), each.keys, each.claim, each.scope)
        for each in chosen.login.issuers
    ]
    return Tokens(issuers, clock)


def anybody_of(chosen: settings.Config) -> Callable[[], bool]:
    """Make who tells whether there is an account at all, in a moment."""
    accounts = accounts_of(chosen)  # with a connection of its own: nobody waits for a lock

    def anybody() -> bool:
        try:
            return accounts.any()
        except AccountsError:  # whoever wants to log in is told
            return True

    return anybody


def purser_of(
    chosen: settings.Config, clock: Callable[[], float], log: Log
) -> tuple[Purser, Together | None]:
    """Make who hands out what accounts may send, and who counts that with other servers."""
    submission = chosen.submission
    allowance = Allowance(submission.messages_per_hour, submission.recipients_per_hour)
    book = SqliteLedger(Places(chosen.data).sent)
    ledger: Ledger = book
    together: Together | None = None
    if in_database(chosen):
        from ulak.accounts.postgres import PostgresSent  # noqa: PLC0415 -- not everybody has psycopg
        from ulak.database.line import Line  # noqa: PLC0415 -- as above

        server = member_of(chosen)
        board = PostgresSent(Line(chosen.queue.store, f"{server} accounts"), server)
        tell = counting(log, "accounts")

        def apart(trouble: AccountsError | None) -> None:
            tell(None if trouble is None else trouble.problem)

        ledger = together = Together(book, board, clock, apart)
    return Purser(ledger, allowance, clock=clock), together


def _trusted(networks: Sequence[settings.Network]) -> Callable[[str], bool]:
    """Say through whom others may log in: a web mail, perhaps, and who may relay."""

    def trusted(ip: str) -> bool:
        if not ip:
            return True  # over a unix socket
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return False
        return any(address in network for network in networks)

    return trusted
