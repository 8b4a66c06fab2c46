"""One entry of the journal, and the verbs of a journal."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What an entry tells."""

    CONNECTED = "connected"
    LOGIN = "login"  # a client has logged in
    REFUSED = "refused"  # a command, a recipient or a message was refused (cause says why)
    CHECKED = "checked"  # a check ran; also one that could not decide
    ACCEPTED = "accepted"  # a message is ours
    ATTEMPT = "attempt"  # a delivery attempt began and ended
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"
    COMPLAINED = "complained"  # the reader of a message has complained about it
    REPORTED = "reported"  # a report (DSN) was queued
    OPERATED = "operated"  # an operator held, released, dropped, retried, logged in to the console
    SITE = "site"  # a site is sent to no more for a while, or slower, or again
    INCIDENT = "incident"  # an error inside
    LOST = "lost"  # entries were lost here; the facts say how many
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    `time` is in seconds since the epoch. `session`, `message` and `incident` are ids, `""` where
    there is none. `facts` are short texts; `dialogue` is the SMTP dialogue of a failure, one
    line a string with `C: ` or `S: ` before it.

    Facts have the same names everywhere, so that the story finds them (`ulak.journal.story`; any
    may be missing, others may be there):

    - `ip`, `port`, `listener`, `client`, `tls`: who is connected, where, called what, how encrypted
    - `proxy`, `proxy-tls`: through whom, and how encrypted as far as there; `front`: who says so
    - `account`: who has logged in, or wanted to; `mechanism`: how; `denied`: why not, in a word;
      `banned`: whom this has shut out (addresses, networks, accounts in networks, between commas)
    - `doubt`: what is wrong with the certificate that a client has shown
    - `sender` (`""`: the null reverse-path), `recipient`, `size`, `recipients` (between spaces; at
      the end perhaps `and 7 more`)
    - `reply`: on one line, ours or, where `remote` is `yes`, the words of `host`
    - `refusal`: the id that our refusal carries, by which anybody may ask (`ulak.journal.refusal`
      says what is then told)
    - `attempt`: which it was; `due`: when the next one is, in seconds since the epoch; of a message
      that is accepted only where it is to wait for that time (RFC 4865)
    - `last-cause`: why the last attempt failed, where the time is over; `unreported`: why nobody
      is told of a failure, `null-reverse-path`, `no-such-mailbox` (of the sender) or
      `not-asked-for`
    - `late`: `yes` where another server had taken the message, and reported later that it failed;
      `feedback`: what a reader complains of (RFC 5965); `report` is then the id of the report
    - `suppressed-for`, `suppressed-by`: for which cause, and about which message, a recipient came
      onto the suppression list
    - `dsn`: whether the next server has taken over the duty to report success, `passed-on` or
      `not-offered`; `deliver-by`: `not-offered` where it does not keep the sender's time limit
    - `envid`, `priority`, `require-tls`, `deliver-by`: what the sender of an accepted message asked
      for
    - `through`: the aliases by which the recipients of an accepted message were reached, `caught`:
      names that nobody has and a catch-all gets, `returned`: senders rewritten here (SRS), to whom
      it goes back (between spaces)
    - `quarantine`: the cause for which an accepted message was put apart
    - `signed`: for which domain a message was signed, and with which selectors
    - `where`: what a message was delivered into; `srs`: as whom it was sent on where its sender was
      rewritten, `too-long` where that could not be; `handler`: the program that it was handed to,
      `output`: what that wrote
    - `check`, `result`, `zone`, `reason`, `why`: what was checked and asked, and what came of it;
      `reasons`: every step of it (`ulak.checks.reason.packed`), `domain`, `selector`, `policy`: of
      whom, by which key, and what that one asks for; `unchecked`: why the sender of an accepted
      message was not checked, `dns-unavailable`
    - `scanner`: who looked at the content; `score`, `required`, `action`, `signature`: what it said
    - `verb`: what an operator did: hold, release, retry, drop, bounce, login …; `who` it was, and
      `from` where: `command`, `console`, `api` (`ulak.journal.deed`)
    - `to`: to whom a report goes; `action`: what it says, `delivered`, `relayed`, `expanded`,
      `failed` or `delayed`
    - `accepted`, `refused`: how many in a session that is over
    - `site`: what shares limits with the recipient's domain; `rule`: which rule is acted on, and
      `site-until` until when nothing is sent to the site for it (seconds since the epoch)
    - of a site itself, `turn`: how it changed, `suspended`, `slowed`, `resumed`; `why`: what for,
      `dead`, `told`, `refused`; `source`: for which of our addresses; `times`: how often in a row;
      `listed`: the lists that have the address, `none` where all were asked
    - `type`, `place`, `problem`, `traceback`: of an incident; `count`: of lost entries

    One fact stands in no journal: `member`, the server that an entry was asked of
    (`ulak.journal.carried`).

    Two facts link a message and the reports about it: on an entry of the message, `report` is
    the report's id; on an entry of the report, `report-for` is the message's id. Either will do.
    """

    time: float
    kind: Kind
    cause: str = ""
    session: str = ""
    message: str = ""
    incident: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    dialogue: tuple[str, ...] = ()


class Journal(Protocol):
    """Where entries go."""

    def write(self, entry: Entry) -> None:
        """Note an entry. Never waits and never raises: mail goes on without its journal."""


class Reader(Protocol):
    """Where entries are read."""

    def about(self, identifier: str) -> Sequence[Entry]:
        """Give the entries of a message, a session or an incident, oldest first.

        For a message this includes the entries of the session that brought it and of the
        reports about it. An id may be cut short to six characters or more where that is
        unambiguous; where it is not, `trace.AmbiguousError` says so.
        """

    def recent(
        self, limit: int, kinds: Collection[Kind] = (), causes: Collection[str] = ()
    ) -> Sequence[Entry]:
        """Give the last entries of these kinds and causes (none given: of all), newest first."""
