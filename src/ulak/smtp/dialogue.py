"""What was said in a session, kept for who asks why, and without what nobody may read.

No password is kept, no token, and nothing by which one could be tried on a password: of a login,
only that it was tried and how (RFC 4954 §4).
"""

from __future__ import annotations

from ulak.replies.reply import Reply
from ulak.smtp.sasl.table import mechanism_of
from ulak.smtp.states import ORDER

_MOST = 80  # lines that are kept
_KEPT = 512  # octets of one line
_CHALLENGE = 334
_FROM, _TO = _MOST // 8, _MOST // 2  # what goes: the beginning and the latest tell most
_AUTH = "AUTH"


class Dialogue:
    """The latest lines of both sides, each with `C: ` or `S: ` before it."""

    __slots__ = ("_secretive", "lines")

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._secretive = False

    def said(self, reply: Reply, wire: bytes) -> None:
        """Note what the server says."""
        if reply.code == _CHALLENGE:
            wire = b"334 (challenge)\r\n"
        lines = self.lines
        lines.append(b"S: " + wire if len(wire) < _KEPT else b"S: " + wire[:_KEPT] + b" ...")
        if len(lines) > _MOST:
            del lines[_FROM:_TO]

    def heard(self, line: bytes, verb: str) -> None:
        """Note a command, of which `verb` is the first word in capital letters.

        Who has said AUTH and does not wait for the answer sends names and passwords where commands
        are expected: until a command comes, what comes is not shown.
        """
        if verb.startswith(_AUTH):
            self._secretive = True
            line = _shown(line)
        elif self._secretive:
            if verb not in ORDER:
                line = b"(perhaps credentials)"
            else:
                self._secretive = False
        lines = self.lines
        lines.append(b"C: " + line if len(line) < _KEPT else b"C: " + line[:_KEPT] + b" ...")
        if len(lines) > _MOST:
            del lines[_FROM:_TO]

    def hidden(self, what: str) -> None:
        """Note that the client said something that is not shown."""
        self.lines.append(b"C: (" + what.encode() + b")")

    def clear(self) -> None:
        """Forget what was said."""
        self.lines.clear()


def _shown(line: bytes) -> bytes:
    """Show AUTH with its mechanism, if that can be the name of one, and nothing else."""
    verb, _, rest = line.partition(b" ")
    if verb.upper() != _AUTH.encode():
        return b"AUTH ***"
    name, space, _ = rest.partition(b" ")
    if not mechanism_of(name) or name not in (name.upper(), name.lower()):
        return verb + b" ***"  # base64 has letters of both kinds
    return verb + b" " + name + (b" ***" if space else b"")
