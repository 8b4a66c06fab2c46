"""The lines of a report for people: who is named on them, and which reply belongs to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ulak.replies.bounces.signs import ENDS, RULED_ENDS, RULES

# As much of a report as is read; the message that is returned comes behind it.
_MOST_LINES = 4_000
_LONGEST_LINE = 4_000
_MOST_RECIPIENTS = 1_000
# How many lines of those about one recipient are looked at.
_FEW = 200

# The names under which servers write themselves.
SERVERS = frozenset(
    {"mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon", "mailer_daemon", "post_master",
     "abuse"}
)  # fmt: skip
_ADDRESS = re.compile(
    r"[^\s<>()\[\]\",;:@|'=`]{1,64}@(?:[^\s<>()\[\]\",;:@|'=`/*]{1,253}|\[[0-9A-Fa-f.:IPv]{3,46}\])"
)
_LABEL = re.compile(
    r"(?:final-recipient|error-for|undeliverable address|failed recipient|"
    r"original-recipient|recipient(?: address)?|address|rcpt to|smtp|user|"
    r"to address|unknown user|unknown host|undeliverable to|user mailbox exceeds "
    r"allowed size|delivery failed [0-9]{1,3} attempts|unknown local part|"
    r"invalid final delivery userid|受信者|empfänger|alıcı)\s{0,4}:?\s{0,4}(?:\[?smtp:|rfc822;)?",
    re.IGNORECASE | re.ASCII,
)
# One with a basic code is surer than one with an enhanced code alone.
_REFUSAL = re.compile(r"(?:^|[\s:;(\"'>#=])[45][0-9]{2}(?:[- #:;,]|$)")
CODED = re.compile(_REFUSAL.pattern + r"|(?:^|[\s(#<])#?[45]\.[0-7]\.[0-9]{1,3}(?![0-9.])")
_LINE_OF_REPLY = re.compile(r"[45][0-9]{2}[- ]")
_LINE_OF_ITS_OWN = re.compile(
    r"[45][0-9]{2}[- ]|[45]\.[0-7]\.[0-9]{1,3} |Giving up on |Remote host said"
)
_REASON = re.compile(r"\(reason: (.*)\)?$")
_FIELD = re.compile(r"[A-Za-z-]{2,40}: ?\S")
_TO = (
    "to", "address", "recipient", "recipients", "recipient(s)", "user", "mailbox", "for", "group",
    "account", ":", "(", "alias", "member",
)  # fmt: skip
_NOT_TO = ("from:", "from", "message-id:", "mailto:", "contact", "message id", "cc:", "by", "id:")


def addresses(text: str) -> list[str]:
    """Give the addresses in a text, as they stand there."""
    return [match[0].rstrip(".>") for match in _ADDRESS.finditer(text)] if "@" in text else []


def own(text: str) -> tuple[list[str], list[str], str]:
    """Part the report, the header of the message that it returns, and the line between them."""
    lines = [line[:_LONGEST_LINE].rstrip() for line in text.replace("\r", "\n").split("\n")]
    found: list[str] = []
    begun = False
    for number, line in enumerate(lines[:_MOST_LINES]):
        words = line.strip(" *_=-|—").lower()
        ends = RULED_ENDS + ENDS if line.lstrip().startswith(RULES) else ENDS
        if begun and words.startswith(ends):
            return found, _header(lines[number : number + 400]), line
        if line.startswith(">") and not line.startswith(">>> "):
            if _ADDRESS.fullmatch(line[1:].strip()):
                found.append(line[1:])
            continue  # somebody quotes somebody
        begun = begun or bool(words)
        found.append(line)
    return found, [], ""


def _header(lines: list[str]) -> list[str]:
    """Give the lines of a header: from its first field to the first empty line behind it."""
    found: list[str] = []
    for line in lines:
        if not line.strip():
            if found:
                break
            continue
        if found or _FIELD.match(line):
            found.append(line)
    return found


class Lines:
    """The lines of a report, ordered by the recipients they are about.

    `receiver` are addresses, in small letters, that are not meant: those that the report goes to.
    """

    def __init__(self, lines: list[str], receiver: set[str]) -> None:
        self._lines = lines
        self._receiver = receiver
        self._blocks: dict[str, list[str]] = {}
        self._names: list[str] = []
        self._said: dict[str, str] = {}
        self._first = ""
        self._asked: list[str] = []
        self._about_all: str | None = None
        self._order()
        self._listen()

    def named(self) -> list[str]:
        """Give the recipients on lines of their own, else those whom a dialogue refuses."""
        return self._names or self._asked

    def in_sentence(self, *, anybody: bool = False) -> list[str]:
        """Give the first address in a sentence that may be a recipient's; or just anybody's."""
        for line in self._lines:
            for match in _ADDRESS.finditer(line) if "@" in line else ():
                name = match[0].rstrip(".>")
                local = name.partition("@")[0].lower()
                if name.lower() in self._receiver or (local in SERVERS and not anybody):
                    continue
                before = line[: match.start()].rstrip(' <["').lower()
                if not before or (before.endswith(_TO) and not before.endswith(_NOT_TO)):
                    return [name]
        return []

    def quoted(self, recipient: str) -> str:
        """Find the reply in the lines about a recipient, or else among all."""
        block = self._blocks.get(recipient.lower())
        if block is not None:
            return self._quoted(block, recipient)
        said = self._said.get(recipient.lower())
        if said is not None:
            return said
        if self._about_all is None:
            self._about_all = self._quoted(self._lines, "")
        return self._about_all

    def _order(self) -> None:
        current: list[str] | None = None
        for line in self._lines:
            match = _ADDRESS.search(line) if "@" in line else None
            if match is not None and len(self._names) < _MOST_RECIPIENTS:
                name, rest = _alone(line, match)
                if name and name.lower() not in self._receiver:
                    current = self._blocks.get(name.lower())
                    if current is None:
                        current = self._blocks[name.lower()] = []
                        self._names.append(name)
                    if rest:
                        current.append(rest)
                    continue
            if current is not None:
                current.append(line)

    def _listen(self) -> None:
        """Read the dialogue that a report shows: `<<< 550 …`, `550 <ada@…>... User unknown`."""
        asked, reply, code = "", list[str](), ""
        for line in (*self._lines, ""):
            said = line.strip()
            if said[:8].lower() in (">>> rcpt", "sent <<<") and (named := addresses(said)):
                asked = named[0]
            said = said.removeprefix("Received >>> ").removeprefix("<<< ").lstrip()
            if code and not said.startswith(code):
                self._heard(asked, reply)
                reply, code = [], ""
            if _LINE_OF_REPLY.match(said):
                reply.append(said)
                code = said[:3]

    def _heard(self, asked: str, reply: list[str]) -> None:
        whole = joined(reply)
        self._first = self._first or whole
        about = addresses(whole[:_LONGEST_LINE])
        for name in about or [asked]:
            if name and name.lower() not in self._said:
                self._said[name.lower()] = whole
                if not about or f"{name}... " in whole or f"{name}>... " in whole:
                    self._asked.append(name)

    def _quoted(self, block: list[str], recipient: str) -> str:
        first = second = ""
        for paragraph in _paragraphs(block):
            reason = next((m[1] for line in paragraph if (m := _REASON.match(line))), None)
            if reason is not None:
                return reason.rstrip(")")
            text = joined(paragraph)
            if _REFUSAL.search(text):
                return text
            if not second and CODED.search(text):
                second = text
            first = first or text
        return self._said.get(recipient.lower(), self._first) or second or first


def joined(paragraph: list[str]) -> str:
    """Join the lines; those of a reply, and where a server stops to quote, stay lines."""
    pieces = [paragraph[0]]
    for line in paragraph[1:60]:
        pieces += ("\n" if _LINE_OF_ITS_OWN.match(line) else " ", line)
    return "".join(pieces)


def _alone(line: str, match: re.Match[str]) -> tuple[str, str]:
    """Give the address that a line is about and what it says of it; "" where it is about none."""
    if line.startswith(">>> RCPT"):
        return "", ""
    before = line[: match.start()].strip(" \t<*-•>\"'[(|")
    if before and not _LABEL.fullmatch(before):
        return "", ""
    name = match[0].rstrip(".>")
    if name.partition("@")[0].lower() in SERVERS:
        return "", ""
    rest = line[match.end() :].lstrip(">\"'])").strip()
    if rest.startswith(("...", ":")):
        return name, rest.lstrip(".: ")
    if rest.startswith(("on ", "(generated from", "<", ",", ";")):
        return name, ""
    if rest.startswith("(expanded from"):
        return name, rest.partition("):")[2].strip()
    return name, rest


def _paragraphs(lines: list[str]) -> Iterator[list[str]]:
    paragraph: list[str] = []
    for line in (*lines[:_FEW], ""):
        stripped = line.strip()
        if stripped:
            paragraph.append(stripped)
        elif paragraph:
            yield paragraph
            paragraph = []
