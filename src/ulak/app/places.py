"""What lies where in the data directory.

lock                     held by the server that works here
access.db                what programs show to the API
accounts.db              who may log in
certificate.pem, .key    of the server's own making, where it is given none
attempts.db              who has failed to
visits.db                who is in the console
dkim/DOMAIN/SELECTOR.pem what outgoing mail is signed with
sent.db                  how much accounts have sent
reports.db               what DMARC reports count, and the reports of others
queue/0, queue/1 …       one store for each worker
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
    def reports(self) -> Path:
        """Give the file of the reports, one's own and those of others."""
        return self.data / "reports.db"

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
