"""Asks rspamd: one HTTP request to /checkv2 with the message as its body (RFC 9112).

The protocol is h11's, the sockets are ours. Each message has a connection of its own: to set one
up on the same machine costs less than to find out that rspamd has closed an old one.
"""

from __future__ import annotations

import h11

from ulak.checks.reason import because
from ulak.checks.scanner import Asked, Finding
from ulak.checks.scanner import rspamd as answers
from ulak.queue.item import Body
from ulak.server.scanners.exchange import Pieces, Place, Read, TroubleError, exchange, pieces

_OK = 200
_PIECE = 65_536


class Rspamd:
    """One rspamd. `name` is what the configuration calls it; `password` is `""` for none."""

    kind = answers.KIND

    def __init__(self, name: str, place: Place, password: str = "") -> None:
        self.name = name
        self.place = place
        self._password = password

    async def ask(self, body: Body, asked: Asked) -> Finding:
        """Have a message scanned. TroubleError where no answer comes."""
        told = answers.question(asked, self._password)
        status, answer = await self._request("POST", "/checkv2", told, body)
        if status != _OK:
            return answers.refused(status, answer, scanner=self.name)
        return answers.read(answer, scanner=self.name)

    async def health(self) -> str:
        """Give the word with which rspamd says that it is there. TroubleError where it is not."""
        status, answer = await self._request("GET", "/ping", [], Body(0, b""))
        if status != _OK:
            finding = answers.refused(status, answer, scanner=self.name)
            raise TroubleError(finding.reasons[0])
        return answer[:80].decode("utf-8", "replace").strip()

    async def _request(
        self, method: str, target: str, told: list[tuple[str, str]], body: Body
    ) -> tuple[int, bytes]:
        """Give the status and the body of the answer."""
        http = h11.Connection(our_role=h11.CLIENT)
        host = self.place.host or "localhost"
        fields = [
            ("Host", f"[{host}]" if ":" in host else host),
            ("Connection", "close"),
            ("Content-Length", str(body.size)),
            *told,
        ]
        request = h11.Request(
            method=method,
            target=target,
            headers=[(name.encode(), value.encode()) for name, value in fields],
        )
        sent = _request(http, request, body)

        async def answer(read: Read) -> tuple[int, bytes]:
            try:
                return await self._answer(http, read)
            except h11.RemoteProtocolError as error:
                if http.trailing_data[1]:  # the end came too early
                    why = because("scanner.closed", scanner=self.name)
                else:
                    why = because("scanner.not-http", scanner=self.name, problem=str(error))
                raise TroubleError(why) from error

        return await exchange(self.place, sent, answer, scanner=self.name)

    async def _answer(self, http: h11.Connection, read: Read) -> tuple[int, bytes]:
        status, body, size = 0, list[bytes](), 0
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                piece = await read(_PIECE)
                size += len(piece)
                if size > answers.LONGEST:
                    why = because("scanner.endless", scanner=self.name, limit=answers.LONGEST)
                    raise TroubleError(why)
                if size <= len(piece) and not b"HTTP/1".startswith(piece[:6]):
                    shown = piece[:40].decode("utf-8", "replace")
                    why = because("scanner.not-http", scanner=self.name, problem=shown)
                    raise TroubleError(why)
                http.receive_data(piece)
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return status, b"".join(body)
            elif isinstance(event, h11.ConnectionClosed):
                raise TroubleError(because("scanner.closed", scanner=self.name))


# The length is announced, so that the octets of a message go as they are.
async def _request(http: h11.Connection, request: h11.Request, body: Body) -> Pieces:
    yield http.send(request) or b""
    async for piece in pieces(body):
        http.send_with_data_passthrough(h11.Data(data=piece))  # counts the octets
        yield piece
    yield http.send(h11.EndOfMessage()) or b""
