"""What lies where in the data directory.

lock                     held by the server that works here
drained                  there while it is to take no mail
access.db                what programs show to the API
accounts.db              who may log in
certificate.pem, .key    of the server's own making, where it is given none
attempts.db              who has failed to
visits.db                who is in the console
dkim/DOMAIN/SELECTOR.pem what outgoing mail is signed with
suppressions.db          whom nothing is sent to
clients.db               what is remembered of clients: greylisting, reputation
outbox.db                events that wait for webhooks
returns.key              by which return addresses are known again
sent.db                  how much accounts have sent
sources.db               how much sources and tenants have
transport.db             what domains say of TLS (MTA-STS)
reports.db               what DMARC reports count, and the reports of others
queue/0, queue/1 …       one store for each worker
spool/0, spool/1 …       its large messages, where the queue lies in PostgreSQL
spool/move               those of a queue that is moved there or back
spill/0, spill/1 …       a store for each worker, for while the queue in PostgreSQL is away
journal/0, journal/1 …   one journal for each worker
journal/web              that of the web
run/worker-0.sock …      where a running worker takes an operator's verbs
mail/DOMAIN/MAILBOX      Maildirs
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """The folders under one data directory."""

    data: Path

    def queue(self, index: int) -> Path:
        """Give the folder of one store."""
        return self.data / "queue" / str(index)

    def spool(self, index: int) -> Path:
        """Give the folder of a worker's large messages, where the queue lies in PostgreSQL."""
        return self.data / "spool" / str(index)

    @property
    def spool_of_move(self) -> Path:
        """Give the folder of the large messages of a queue that is moved."""
        return self.data / "spool" / "move"

    def spill(self, index: int) -> Path:
        """Give the folder of the store that a worker has while the queue in PostgreSQL is away."""
        return self.data / "spill" / str(index)

    def spills(self) -> list[int]:
        """Tell which of these there are."""
        return _numbered(self.data / "spill")

    def journal(self, index: int) -> Path:
        """Give the folder of one journal."""
        return self.data / "journal" / str(index)

    @property
    def web_journal(self) -> Path:
        """Give the folder of the web's journal."""
        return self.data / "journal" / "web"

    def control(self, index: int) -> Path:
        """Give the socket of one worker."""
        return self.data / "run" / f"worker-{index}.sock"

    @property
    def drained(self) -> Path:
        """Give the file that is there while the server is to take no mail."""
        return self.data / "drained"

    @property
    def accounts(self) -> Path:
        """Give the file of the accounts."""
        return self.data / "accounts.db"

    @property
    def access(self) -> Path:
        """Give the file of access tokens."""
        return self.data / "access.db"

    @property
    def certificate(self) -> tuple[Path, Path]:
        """Give the files of a certificate of the server's own making, and of its key."""
        return self.data / "certificate.pem", self.data / "certificate.key"

    @property
    def dkim(self) -> Path:
        """Give the folder of the keys that sign mail."""
        return self.data / "dkim"

    @property
    def srs(self) -> Path:
        """Give the file of the secrets by which rewritten senders are known."""
        return self.data / "srs.secret"

    @property
    def attempts(self) -> Path:
        """Give the file of failed logins."""
        return self.data / "attempts.db"

    @property
    def visits(self) -> Path:
        """Give the file of those who are in the console."""
        return self.data / "visits.db"

    @property
    def sent(self) -> Path:
        """Give the file of what accounts have sent."""
        return self.data / "sent.db"

    @property
    def returns(self) -> Path:
        """Give the file of the secrets of return addresses."""
        return self.data / "returns.key"

    @property
    def outbox(self) -> Path:
        """Give the file of the events that wait for webhooks."""
        return self.data / "outbox.db"

    @property
    def suppressions(self) -> Path:
        """Give the file of the addresses that nothing is sent to."""
        return self.data / "suppressions.db"

    @property
    def clients(self) -> Path:
        """Give the file of what is remembered of clients."""
        return self.data / "clients.db"

    @property
    def sources(self) -> Path:
        """Give the file of what sources and tenants have sent."""
        return self.data / "sources.db"

    @property
    def reports(self) -> Path:
        """Give the file of the reports, one's own and those of others."""
        return self.data / "reports.db"

    @property
    def sites(self) -> Path:
        """Give the file of what is known of destinations."""
        return self.data / "sites.db"

    @property
    def transport(self) -> Path:
        """Give the file of what domains say of TLS."""
        return self.data / "transport.db"

    @property
    def mail(self) -> Path:
        """Give the folder of all Maildirs."""
        return self.data / "mail"

    def queues(self) -> list[int]:
        """Tell which stores there are."""
        return _numbered(self.data / "queue")

    def journals(self) -> list[Path]:
        """Give the folders of all journals."""
        of_workers = [self.journal(index) for index in self.journal_numbers()]
        return [*of_workers, *(folder for folder in (self.web_journal,) if folder.is_dir())]

    def journal_numbers(self) -> list[int]:
        """Tell which journals there are."""
        return _numbered(self.data / "journal")

    def controls(self) -> list[Path]:
        """Give the sockets of the workers that run, or did."""
        return sorted((self.data / "run").glob("worker-*.sock"))


def _numbered(folder: Path) -> list[int]:
    try:
        names = [entry.name for entry in folder.iterdir() if entry.is_dir()]
    except OSError:
        return []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def adopted(index: int, count: int, stores: list[int]) -> list[int]:
    """Tell which stores, or journals, a worker takes care of beside its own.

    When there were more workers once, their stores may still hold mail and their journals
    entries that grow old: they are dealt out.
    """
    return [store for store in stores if store >= count and store % count == index]
