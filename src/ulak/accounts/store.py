"""The verbs of a store of accounts. Each is a whole transaction."""

from __future__ import annotations

from typing import Protocol

from ulak.accounts.account import Account


class AccountsError(Exception):
    """The accounts cannot be read or written; nothing of what was asked has happened.

    `where` is the file, `problem` what is wrong with it.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"The accounts in {where} cannot be used: {problem}.")
        self.where = where
        self.problem = problem


class BusyError(AccountsError):
    """Too many wait to be looked at; whoever comes back later may find it otherwise."""

    def __init__(self) -> None:
        super().__init__("the doorkeeper's hands", "too many log in at once")


class Accounts(Protocol):
    """What a server and the command line ask of the accounts.

    Every verb may block for as long as a disk does: a server calls it in a thread. What another
    process has changed is seen by the next verb. All of them raise AccountsError.
    """

    def find(self, name: str) -> Account | None:
        """Give the account of a login name, however that is spelled; None for what is no name."""

    def add(self, account: Account) -> bool:
        """Add an account, durably; False if there is one of that name. ValueError for no name."""

    def replace(self, account: Account, *, was: Account | None = None) -> bool:
        """Put an account in the place of the one of its name, durably; False if there is none.

        With `was` only if that is what is there: what somebody else has just changed stays.
        """

    def remove(self, name: str) -> bool:
        """Remove an account, durably; False if there is none of that name."""

    def list(self) -> list[Account]:
        """Give all accounts in the order of their names."""

    def any(self) -> bool:
        """Whether there is an account at all."""

    def operators(self) -> bool:
        """Whether there is an account with a role in the console."""

    def secret(self) -> bytes:
        """Give a secret of this server that stays the same, for what nobody else may foresee."""

    def close(self) -> None:
        """Let go of the store."""
