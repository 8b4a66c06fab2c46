"""What was said in a session, kept as it was and written out only when somebody asks."""

from __future__ import annotations

from ulak.smtp.client.reply import printable

_LONGEST = 500  # characters of a line
_MOST = 200  # lines
_SMALL = 512  # octets: pieces with fewer are put together
_CR = b"\r"


class Dialogue:
    """The commands and replies of one session, without messages.

    The opening (greeting, EHLO, TLS) is kept for the whole session, besides it only what
    belongs to the transaction under way.
    """

    __slots__ = ("_current", "_octets", "_opening")

    _ROOM = 65_536  # octets kept of each part

    def __init__(self) -> None:
        self._opening: list[tuple[str, bytes]] = []
        self._current: list[tuple[str, bytes]] = []
        self._octets = 0

    def add(self, who: str, octets: bytes) -> None:
        """Note what the client (`C`) or the server (`S`) said. `=` is a remark of ours."""
        if self._octets < self._ROOM:
            self._octets += len(octets)
            current = self._current
            # A server that talks octet by octet is not to fill lists with octets.
            if current and current[-1][0] == who and len(current[-1][1]) < _SMALL:
                octets = current.pop()[1] + octets
            current.append((who, octets))

    def opened(self) -> None:
        """Mark the end of the opening."""
        self._opening.extend(self._current)
        self.begin()

    def begin(self) -> None:
        """Forget the last transaction."""
        self._current.clear()
        self._octets = 0

    def lines(self) -> tuple[str, ...]:
        """Give the dialogue, a line each, with `C: ` or `S: ` before it."""
        found: list[str] = []
        who, pieces = "", list[bytes]()
        for speaker, said in [*self._opening, *self._current, ("", b"")]:
            if speaker == who:
                pieces.append(said)
                continue
            # A server's line may have come in pieces: cut only when the other one speaks.
            lines = b"".join(pieces).split(b"\n")
            if not lines[-1]:
                lines.pop()
            found.extend(f"{who}: {printable(li.rstrip(_CR))[:_LONGEST]}" for li in lines)
            who, pieces = speaker, [said]
        if len(found) > _MOST:
            left_out = len(found) - _MOST
            half = _MOST // 2
            found[half:-half] = [f"=: {left_out} lines are left out here"]
        return tuple(found)
