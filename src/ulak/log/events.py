"""The list of all events that can be logged or counted, each with its level and its meaning."""

from __future__ import annotations

from enum import Enum, IntEnum


class Level(IntEnum):
    """How much an event matters; the numbers are those of the standard library's logging."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40

    @property
    def word(self) -> str:
        """The level as it stands in a log line."""
        return self.name.lower()


_D, _I, _W, _E = Level.DEBUG, Level.INFO, Level.WARNING, Level.ERROR


class Event(Enum):
    """What can be logged. `word` stands in the log line, `meaning` in the documentation."""

    # -- the server ---------------------------------------------------------------------------
    STARTED = "started", _I, "A process of the server has begun its work"
    LISTENING = "listening", _I, "An address is listened on"
    READY = "ready", _I, "Everything runs: mail is taken"
    RELOADED = "reloaded", _I, "The configuration was read anew and is in force"
    RELOAD_REFUSED = "reload-refused", _E, "The new configuration has mistakes; the old one stays"
    CERTIFICATE_RENEWED = "certificate-renewed", _I, "New connections have a new certificate"
    CERTIFICATE_REFUSED = (
        "certificate-refused",
        _E,
        "A certificate cannot be used; one that is in use stays",
    )
    CERTIFICATE_ENDS = "certificate-ends", _W, "A certificate has to be renewed soon"
    DKIM_KEYS = "dkim-keys", _I, "The keys that sign outgoing mail are others than before"
    DKIM_KEY_REFUSED = "dkim-key-refused", _E, "A key for signing cannot be used; one in use stays"
    DRAINING = "draining", _I, "No more mail is taken; what is under way may end"
    STOPPED = "stopped", _I, "A process of the server has ended as it should"
    WORKER_STARTED = "worker-started", _I, "The supervisor started a worker"
    WORKER_ENDED = "worker-ended", _E, "A worker ended without being asked to"
    WORKER_STALLED = "worker-stalled", _E, "A worker does not answer its supervisor"
    WEB_STARTED = "web-started", _I, "The supervisor started the process of the web"
    WEB_READY = "web-ready", _I, "The web pages are served"
    WEB_ENDED = "web-ended", _E, "The process of the web ended without being asked to"
    WEB_STALLED = "web-stalled", _E, "The process of the web does not answer its supervisor"
    ANSWERS_STARTED = (
        "answers-started",
        _I,
        "The supervisor started the process that answers other servers",
    )
    ANSWERS_READY = "answers-ready", _I, "What other servers ask is answered"
    ANSWERS_ENDED = (
        "answers-ended",
        _E,
        "The process that answers other servers ended without being asked to",
    )
    ANSWERS_STALLED = (
        "answers-stalled",
        _E,
        "The process that answers other servers does not answer its supervisor",
    )
    # -- the web ------------------------------------------------------------------------------
    WEB_REQUEST = "web-request", _D, "A request to the web was answered"
    # -- the console --------------------------------------------------------------------------
    CONSOLE_LOGIN = "console-login", _I, "An operator has logged in to the console"
    CONSOLE_DENIED = "console-denied", _W, "Somebody wanted to log in to the console and was denied"
    CONSOLE_LOGOUT = "console-logout", _I, "An operator has left the console"
    CONSOLE_UNNOTED = "console-unnoted", _W, "What was done in the console is not in the journal"
    # -- receiving ----------------------------------------------------------------------------
    CONNECTED = "connected", _D, "A client connected"
    CLOSED = "closed", _D, "A session ended"
    CONNECTION_REFUSED = "connection-refused", _I, "A client was sent away"
    COMMAND_REFUSED = "command-refused", _D, "A command or a recipient was refused"
    LOGGED_IN = "logged-in", _I, "A client has logged in"
    LOGIN_REFUSED = "login-refused", _I, "A client wanted to log in and was refused"
    MESSAGE_REFUSED = "message-refused", _I, "A message was refused"
    MESSAGE_ACCEPTED = "message-accepted", _I, "A message is safely queued"
    SHUT_OUT = "shut-out", _W, "After many failures nobody may log in from somewhere for a while"
    TLS_HANDSHAKE_FAILED = "tls-handshake-failed", _I, "A client and we found no common TLS"
    CHECK_FAILED = "check-failed", _W, "A check could not decide; the mail goes on"
    SCANNER_READY = "scanner-ready", _I, "A scanner of spam or viruses is there"
    SCANNER_FAILED = "scanner-failed", _W, "A scanner gave no proper answer"
    ROSTER_READY = "roster-ready", _I, "Who has mailboxes in a domain is known, or known again"
    ROSTER_FAILED = (
        "roster-failed",
        _E,
        "Who has mailboxes in a domain cannot be asked; mail that is not known waits",
    )
    ROSTER_SAYS_YES = (
        "roster-says-yes",
        _W,
        "A server that is asked about mailboxes says yes to every name, or does no longer",
    )
    ROSTER_UNREADABLE = "roster-unreadable", _W, "A file of mailboxes has what cannot be read"
    CLIENTS_UNKNOWN = (
        "clients-unknown",
        _W,
        "What is known of clients cannot be asked or written; whom we have not seen is let in",
    )
    CLIENTS_KNOWN = "clients-known", _I, "What is known of clients can be asked and written again"
    # -- keeping ------------------------------------------------------------------------------
    STORAGE_FAILED = "storage-failed", _E, "The queue could not do durably what it was asked"
    BUCKET_AWAY = "bucket-away", _W, "The bucket of large bodies cannot be written to, or read from"
    BUCKET_BACK = "bucket-back", _I, "The bucket of large bodies can be used again"
    BODY_LOST = (
        "body-lost",
        _E,
        "The body of a message is no longer in the bucket as it was put there; the message is held",
    )
    SPILL_BEGUN = "spill-begun", _W, "The queue's database is away; mail is kept here meanwhile"
    SPILL_ENDED = "spill-ended", _I, "The queue's database is back; what was kept here goes there"
    SPILL_REPLAYED = "spill-replayed", _I, "Mail that was kept here is in the queue's database now"
    # -- the cluster --------------------------------------------------------------------------
    COUNTS_APART = (
        "counts-apart",
        _W,
        "The database in which servers count together is away; each counts by itself",
    )
    COUNTS_TOGETHER = "counts-together", _I, "Servers count together again"
    SUPPRESSION_APART = (
        "suppression-apart",
        _W,
        "The suppression list is not in step with the other servers; what is here goes on to hold",
    )
    SUPPRESSION_TOGETHER = (
        "suppression-together",
        _I,
        "The suppression list is in step with the other servers again",
    )
    DUTY = "duty", _I, "A worker serves, is being drained by an operator, or is drained"
    RIVAL = "rival", _E, "Another server has the same name in the cluster; give one of them another"
    # -- delivering ---------------------------------------------------------------------------
    DELIVERED = "delivered", _I, "A message reached a recipient's mailbox or next server"
    DEFERRED = "deferred", _I, "A delivery failed for now and will be tried again"
    FAILED = "failed", _I, "A delivery failed for good"
    COMPLAINED = "complained", _W, "A reader has complained about a message"
    REPORTED = "reported", _I, "A report to the sender was queued"
    SOURCE_UNUSABLE = (
        "source-unusable",
        _W,
        "An address to send from is not on this machine; other sources are used for a while",
    )
    DELIVERY_PAUSED = "delivery-paused", _I, "Mail is taken and waits, as configured"
    SITE_SUSPENDED = "site-suspended", _W, "Nothing is sent to a site for a while"
    SITE_SLOWED = "site-slowed", _I, "A site is sent to more slowly, as it has asked"
    SITE_RESUMED = "site-resumed", _I, "A site is sent to again"
    LIMITS_APART = (
        "limits-apart",
        _W,
        (
            "The database in which servers share limits is away; a worker keeps to its last part, "
            "and probes for itself"
        ),
    )
    LIMITS_TOGETHER = "limits-together", _I, "Servers share limits again"
    OPERATED = "operated", _I, "An operator held, released, retried or dropped mail"
    # -- reports of DMARC and TLS -------------------------------------------------------------
    REPORT_READ = "report-read", _I, "A report of somebody else's arrived, and was read"
    REPORT_UNREADABLE = (
        "report-unreadable",
        _W,
        "Mail to an address for reports has none that can be read; it is delivered as it is",
    )
    REPORT_SENT = "report-sent", _I, "A report to the owner of a domain was queued"
    REPORT_NOT_SENT = "report-not-sent", _I, "A report has nowhere to go; the facts say why"
    POLICY_NOT_FETCHED = (
        "policy-not-fetched",
        _W,
        "A domain has a policy of MTA-STS, and it cannot be fetched; a known one goes on to hold",
    )
    REPORTS_FAILING = "reports-failing", _E, "Reports cannot be kept or sent; mail goes on"
    # -- webhooks -----------------------------------------------------------------------------
    WEBHOOK_FAILED = "webhook-failed", _W, "A receiver of events did not take them; they wait"
    WEBHOOK_RESUMED = "webhook-resumed", _I, "A receiver of events takes them again"
    WEBHOOK_GONE = "webhook-gone", _W, "A receiver of events wants none any more (410); it is off"
    WEBHOOK_DROPPED = "webhook-dropped", _E, "Events were given up: too old, or too many waited"
    # -- ourselves ----------------------------------------------------------------------------
    INCIDENT = "incident", _E, "An error inside; the traceback is with it"
    JOURNAL_SET_ASIDE = "journal-set-aside", _E, "A damaged journal file was put aside"
    JOURNAL_FAILING = "journal-failing", _E, "The journal cannot be written; mail goes on"
    JOURNAL_RESUMED = "journal-resumed", _I, "The journal is written again"
    JOURNAL_LOST = "journal-lost", _W, "Entries of the journal were lost; facts say how many"
    LOG_LOST = "log-lost", _W, "Lines of this log were lost; facts say how many"
    LIBRARY = "library", _I, "A library said something by the standard library's logging"

    def __init__(self, word: str, level: Level, meaning: str) -> None:
        self.word = word
        self.level = level
        self.meaning = meaning
