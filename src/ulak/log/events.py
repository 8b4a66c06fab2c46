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
    # -- keeping ------------------------------------------------------------------------------
    STORAGE_FAILED = "storage-failed", _E, "The queue could not do durably what it was asked"
    # -- delivering ---------------------------------------------------------------------------
    DELIVERED = "delivered", _I, "A message reached a recipient's mailbox or next server"
    DEFERRED = "deferred", _I, "A delivery failed for now and will be tried again"
    FAILED = "failed", _I, "A delivery failed for good"
    REPORTED = "reported", _I, "A report to the sender was queued"
    DELIVERY_PAUSED = "delivery-paused", _I, "Mail is taken and waits, as configured"
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
    REPORTS_FAILING = "reports-failing", _E, "Reports cannot be kept or sent; mail goes on"
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
