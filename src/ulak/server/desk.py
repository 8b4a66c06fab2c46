"""The desk where one's own users hand in their mail (RFC 6409): as whom, in what form, how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import partial

from ulak.accounts.account import Account
from ulak.accounts.allowance import Sent
from ulak.accounts.purser import Purser
from ulak.mail.address import Address
from ulak.mail.envelope import Wishes
from ulak.policy.submission import Mended, Submission, Submitted, shown
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp.events import Mail
from ulak.smtp.grammar import parse_mailbox

_NOT_QUALIFIED = "its domain is not complete"


@dataclass(frozen=True, slots=True)
class Desk:
    """What is asked of who hands in mail. `purser` may be None: then all may send any number."""

    hostname: str
    submission: Submission
    purser: Purser | None = None

    def sender(self, mail: Mail, account: Account) -> Reply | None:
        """Give the refusal of a sender (RFC 6409 §6.1). The null one is for reports."""
        if mail.sender is None or self.submission.may_be(account, mail.sender):
            return None
        return catalog.SENDER_NOT_OWNED.reply(
            sender=mail.sender, account=account.address, addresses=shown(account)
        )

    def submitter(self, wishes: Wishes, account: Account) -> Wishes:
        """Let AUTH= of MAIL name whom the account may be, and nobody else (RFC 4954 §5)."""
        if wishes.auth == "<>" or account.owns(parse_mailbox(wishes.auth)):
            return wishes
        return replace(wishes, auth="<>")

    def recipient(self, address: Address) -> Reply | None:
        """Give the refusal of a recipient in a domain that is not ours (RFC 6409 §4.2)."""
        if address.literal or "." in address.domain:
            return None
        return catalog.BAD_ADDRESS.reply(code=553, problem=_NOT_QUALIFIED)

    def mend(
        self, account: Account | None, mail: Mail, identifier: str, when: float
    ) -> Callable[[bytes], Mended | Reply]:
        """Give what puts a message in order; `account` is None for who need not log in."""
        submitted = Submitted(
            account,
            formatdate(int(when), localtime=False),
            f"<{identifier}@{self.hostname}>",
            smtputf8=mail.smtputf8,
            binary=mail.body == "BINARYMIME",
        )
        return partial(self.submission.mend, submitted=submitted)

    def counts(self, account: Account | None) -> bool:
        """Whether what is sent has to be counted."""
        if account is None or self.purser is None:
            return False
        return bool(self.purser.allowance(account))

    async def sent(self, account: Account) -> Sent:
        """Give what an account has sent within the last hour. Raises AccountsError."""
        assert self.purser is not None  # noqa: S101 -- else nothing `counts`
        return await self.purser.sent(account)

    def enough(self, account: Account, sent: Sent, recipients: int) -> Reply | None:
        """Give the refusal of one message more, with so many recipients; 0: as it begins."""
        assert self.purser is not None  # noqa: S101 -- as above
        allowance = self.purser.allowance(account)
        if allowance.too_many_recipients(sent, recipients or 1):
            return catalog.ACCOUNT_RECIPIENTS.reply(
                account=account.address, limit=allowance.recipients
            )
        if allowance.too_many_messages(sent):
            return catalog.ACCOUNT_MESSAGES.reply(account=account.address, limit=allowance.messages)
        return None

    async def take(self, account: Account, recipients: int) -> Reply | None:
        """Count a message; the refusal where it is too much. Raises AccountsError."""
        assert self.purser is not None  # noqa: S101 -- as above
        if await self.purser.take(account, recipients):
            return None
        sent = await self.purser.sent(account)
        refusal = self.enough(account, sent, recipients)
        return refusal or await self.take(account, recipients)  # an hour may just have passed
