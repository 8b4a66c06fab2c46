"""Where in a log line, in a field of a report or in a sentence a reply of a server stands.

Each way of quoting is looked for by its words, and the surest first. Every step reads the text
once, from its beginning to its end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quoted:
    """A reply as it was quoted, what stood around it, and the status that the quoting server gave.

    `status` is an enhanced code (RFC 3463), or "".
    """

    reply: str
    around: str = ""
    status: str = ""


_CODE = r"[245][0-9]{2}"
_ENHANCED = r"[245]\.[0-9]{1,3}\.[0-9]{1,3}(?!\.?[0-9])"
# A code in the middle of a text. What follows and what stands before it decides about it.
_INSIDE = re.compile(rf"(?<![0-9A-Za-z.,_-])({_CODE})(?:([-: ][ ]?[#(]?{_ENHANCED})|[-: '\"]|$)")
_BEGINNING = re.compile(rf"{_CODE}(?:[-: ]|$)")
_FIRST = frozenset("245")
_UNIT = re.compile(
    r"[ -]?(?:bytes|octets|[kmg]i?b\b|m?s\b|sec|min|hour|day|times|mails|messages|recipients|"
    r"emails|of |items)",
    re.ASCII | re.IGNORECASE,
)
# What a code follows that is quoted; a line feed, too.
_BEFORE = tuple(":;='\"{<|>#\n")
_WORDS = ("code", "error", "reply", "said", "response", "returned", "status", "with", "smtp")
_STATUS = re.compile(rf"\b(?:dsn|status|Status)[=:] ?({_ENHANCED})")
_STATUS_FIRST = re.compile(_ENHANCED)
# `: 5.7.1 …` and `(#5.1.1)` where there is no code at all.
_BARE = re.compile(rf"(?:[:;=] |\n|[(\[]#?|#)({_ENHANCED})(?=[\s):;,\]>]|$)")
# How a report says which protocol the words are of (RFC 3464 §2.3.6), at their beginning or,
# as Exchange and PowerMTA have it, further back.
_TYPE = re.compile(r"(?:[els]?smtp|lmtp|x-[a-z0-9-]{1,30}|unix)[ ]?;[ ]?", re.ASCII | re.IGNORECASE)
_TYPE_WITHIN = re.compile(r"(?<![a-z0-9])smtp[ ]?;[ ]?", re.ASCII | re.IGNORECASE)
_REJECTED = re.compile(r" rejected (?:RCPT|MAIL|[EH][HE]LO|AUTH|VRFY|after|during|connection|by) ")
_EXIM_FAILED = re.compile(r"(?:^| )(?:\*\*|==) [^\s@]{1,256}@[^\s:]{1,256}")
_ZOHO = re.compile(rf"ERROR_CODE :({_CODE})?, ERROR_CODE :[, ]{{0,4}}")
_QMAIL = re.compile(r"delivery [0-9]{1,9}: (?:failure|deferral|success): ")
_CSV = re.compile(r"[a-z]{1,3},[0-9]{4}-[0-9]{2}-")
_STALWART = re.compile(
    rf"[Cc]ode: ({_CODE}), [Ee]nhanced [Cc]ode: ({_ENHANCED}|0\.0\.0), [Mm]essage: ", re.ASCII
)
_STALWART_DSN = re.compile(rf"with code ({_CODE}) \(({_ENHANCED}|0\.0\.0)\) '")
_STALWART_PAIRS = re.compile(rf"\bcode = ({_CODE}), details = \[?\"")
# IronPort: `5.1.0 - Unknown address error 550-'5.1.1 …' (delivery attempts: 0)`.
_IRONPORT = re.compile(rf"({_ENHANCED}) - ")
_IRONPORT_REPLY = re.compile(rf" ({_CODE})[- ]\[?'")
_ATTEMPTS = " (delivery attempts: "
_EXPIRED = ".4.7"
_COMMAND = " (in reply to "
# How deep quotes in quotes are followed.
_DEPTH = 4


def find(text: str) -> Quoted | None:
    """Find the reply in a text that does not begin with a code; None where it quotes none."""
    reply, around, status = text, [], ""
    for _ in range(_DEPTH):
        quoted = _once(reply)
        if quoted is None:
            break
        around.append(quoted.around)
        status = quoted.status or status
        if quoted.reply == reply:
            break
        reply = quoted.reply
        if _starts(reply):
            break
    if not around:
        return None
    return Quoted(reply, " ".join(filter(None, around)), status)


def behind_banner(text: str) -> Quoted | None:
    """Find the refusal that somebody put behind the line of a banner: `220-mx 421 4.2.1 …`."""
    for match in _INSIDE.finditer(text, 3):
        if match[1][0] != "2" and match[2]:
            return Quoted(text[match.start() :], text[: match.start()].rstrip(" "))
    return None


def _starts(text: str) -> bool:
    return text[:1] in _FIRST and _BEGINNING.match(text) is not None


def _once(text: str) -> Quoted | None:
    """Take one wrapping off."""
    kind = _TYPE.match(text)
    if kind is not None:
        said = text[kind.end() :]
        # What sendmail calls X-Unix is with what a program ended.
        ended = said.strip().isdigit() and kind[0].lower().startswith("x-unix")
        return Quoted(f"exit {said.strip()}" if ended else said)
    for sign, way in _WAYS:
        if sign in text and (quoted := way(text)) is not None:
            return quoted
    return _inside(text)


def _ironport(text: str) -> Quoted | None:
    end = text.rfind(_ATTEMPTS)
    outer = _IRONPORT.match(text)
    if outer is None:
        return None
    inner = _IRONPORT_REPLY.search(text)
    # What was said last is not why a message has expired.
    if inner is None or outer[1].endswith(_EXPIRED):
        return Quoted(text[:end], text[end:])
    said = text[inner.end() : end].rstrip("]").rstrip("'").replace("', '", "\n")
    return Quoted(f"{inner[1]} {said}", text[: inner.start()] + text[end:], "")


def _said(text: str) -> Quoted:
    start = text.find(" said: ")
    # Postfix closes with the command, and its log with one bracket more.
    return _cut(text, start + 7, text.rfind(_COMMAND))


def _refused_to_talk(text: str) -> Quoted:
    return _cut(text, text.find(" to talk to me: ") + 16, text.rfind(_COMMAND))


def _postfix(text: str) -> Quoted | None:
    start = text.find(" status=")
    opening = text.find(" (", start, start + 30)
    if opening < 0:
        return None
    return _cut(text, opening + 2, text.rfind(")"))


def _stat(text: str) -> Quoted:
    if (start := text.find(" reply=")) >= 0 or (start := text.find(" reject=")) >= 0:
        return _cut(text, text.find("=", start) + 1, text.rfind(", stat="))
    start = text.find("stat=") + 5
    if text.startswith('"', start):
        return _cut(text, start + 1, text.rfind('"'))
    return _cut(text, start)


def _rejected_by_sendmail(text: str) -> Quoted:
    return _cut(text, text.find(" reject=") + 8)


def _postfix_reject(text: str) -> Quoted | None:
    quoted = _inside(text)
    if quoted is None:
        return None
    end = quoted.reply.rfind("; from=<")
    if end < 0:
        return quoted
    return Quoted(quoted.reply[:end], quoted.around + quoted.reply[end:], quoted.status)


def _qmail(text: str) -> Quoted | None:
    match = _QMAIL.search(text)
    if match is None:
        return None
    said = text[match.end() :].replace("_", " ").rstrip("/")
    # A line end is a slash, and a slash is, too.
    for sign in ("Remote host said: ", "Giving up on ", "STARTTLS proto="):
        said = said.replace("/" + sign, "\n" + sign)
    return Quoted(said, text[: match.end()])


def _remote_host_said(text: str) -> Quoted:
    start = text.find("emote host said: ") + 17
    end = text.find("\nGiving up on ", start)
    return _cut(text, start, end)


def _exim(text: str) -> Quoted | None:
    start = text.find("SMTP error from remote ")
    inner = _inside(text, start)
    if inner is not None:
        return inner
    return _cut(text, text.find(": ", start) + 2) if text.find(": ", start) >= 0 else None


def _exim_rejected(text: str) -> Quoted | None:
    match = _REJECTED.search(text)
    colon = text.find(": ", match.end()) if match is not None else -1
    return _cut(text, colon + 2) if colon >= 0 else None


def _exim_failed(text: str) -> Quoted | None:
    match = _EXIM_FAILED.search(text)
    colon = text.find(": ", match.end()) if match is not None else -1
    return _cut(text, colon + 2) if colon >= 0 else None


def _zoho(text: str) -> Quoted | None:
    match = _ZOHO.search(text)
    if match is None:
        return None
    code = f"{match[1]} " if match[1] else ""
    return Quoted(code + text[match.end() :], text[: match.start()].rstrip(" ,"))


def _led(text: str) -> Quoted:
    start = text.find("LED=") + 4
    end = text.find("};{", start)
    if end < 0:
        end = text.find("}", start) if text.startswith("{", start - 5) else -1
    return _cut(text, start, end)


def _typed(text: str) -> Quoted | None:
    match = _TYPE_WITHIN.search(text)
    if match is None:
        return None
    start, before = match.end(), text[match.start() - 1]
    end = -1
    if before == '"':
        end = text.find('"', start)
    elif before == "," and _CSV.match(text):
        end = text.find(",", start)
    elif "<" in text[: match.start()] and text.rstrip(" ").endswith((">", "> #SMTP#")):
        end = text.rfind(">")
    return _cut(text, start, end)


def _stalwart(text: str) -> Quoted | None:
    for pattern in (_STALWART, _STALWART_DSN, _STALWART_PAIRS):
        match = pattern.search(text)
        if match is None:
            continue
        end = -1
        if pattern is _STALWART_DSN:
            end = text.rfind("'")
        elif pattern is _STALWART_PAIRS or text.rstrip().endswith('"'):
            end = text.rfind('"')
        said = text[match.end() : end if end >= match.end() else len(text)]
        if pattern is _STALWART_PAIRS:
            said = said.replace('", "', " ")
            return Quoted(f"{match[1]} {said}", text[: match.start()])
        enhanced = "" if match[2] == "0.0.0" else f"{match[2]} "
        return Quoted(f"{match[1]} {enhanced}{said}", text[: match.start()])
    return None


def _after(sign: str, close: str = "") -> Callable[[str], Quoted]:
    def way(text: str) -> Quoted:
        start = text.find(sign) + len(sign)
        return _cut(text, start, text.rfind(close) if close else -1)

    return way


_WAYS: tuple[tuple[str, Callable[[str], Quoted | None]], ...] = (
    (_ATTEMPTS, _ironport),
    (" status=", _postfix),
    ("delivery ", _qmail),
    ("reject: ", _postfix_reject),
    ("SMTP error from remote ", _exim),
    ("LED=", _led),
    ("emote host said: ", _remote_host_said),
    (" said: ", _said),
    (" to talk to me: ", _refused_to_talk),
    ("stat=", _stat),
    (" reject=", _rejected_by_sendmail),
    ("erver returned '", _after("erver returned '", "'")),
    ("erver returned was: ", _after("erver returned was: ", " (state ")),
    ("remote server was:", _after("remote server was:")),
    ("ode", _stalwart),
    (";", _typed),
    (" rejected ", _exim_rejected),
    ("ERROR_CODE :", _zoho),
    ("** ", _exim_failed),
    ("== ", _exim_failed),
)


def _cut(text: str, start: int, end: int = -1) -> Quoted:
    """Give a piece and the rest of the text; an `end` before `start` is the text's."""
    if end < start:
        end = len(text)
    around = f"{text[:start]} {text[end:]}".strip(" ")
    status = _STATUS.search(around) if "=" in around else None
    return Quoted(text[start:end].strip(" \t\n"), around, status[1] if status is not None else "")


def _inside(text: str, start: int = 0) -> Quoted | None:
    """Find a code in the middle of a text, or else an enhanced code with a sign before it."""
    for match in _INSIDE.finditer(text, start):
        begin = match.start()
        if not match[2]:
            before = text[max(0, begin - 12) : begin].rstrip(" ")
            if not before.endswith(_BEFORE) and not before.lower().endswith(_WORDS):
                continue
            if _UNIT.match(text, match.end(1)):
                continue
            if before.endswith("SIZE="):
                continue
            if match[0].endswith(":") and before.endswith("]:"):
                continue  # the port of an address
        quote = text[begin - 1] if begin else ""
        end = text.rfind(_CLOSING[quote]) if quote in _CLOSING else -1
        return _cut(text, begin, end)
    if text[:1] in _FIRST and _STATUS_FIRST.match(text):
        return None
    bare = _BARE.search(text, start)
    if bare is None:
        return None
    if bare[0].startswith((": ", "; ", "= ", "\n")):
        return _cut(text, bare.start(1))
    return Quoted(text, "", bare[1])


_CLOSING = {"'": "'", '"': '"', "(": ")", "[": "]", "{": "}", "<": ">"}
