"""Checks that a real server tells live go on for as long as somebody listens."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.system.web import Web

YOURS = "Several of your checks are still under way"


@contextmanager
def watching(web: Web, number: int) -> Iterator[str]:
    """Watch a check until its first finding, or until it is told why there is none."""
    status, page = web.ask(f"/check/domain?name=silent.example&selector=s{number}&live=1")
    assert status == 200
    found = re.search(r'sse-connect="([^"]+)"', page)
    assert found is not None
    with web.connect() as sock:
        sock.sendall(f"GET {found[1]} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        told = b""
        while b"so far: 0" not in told and b"event: end" not in told:
            piece = sock.recv(65_536)
            assert piece, told
            told += piece
        yield told.decode()


def test_who_leaves_makes_room_for_the_next(served: Callable[..., Any]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))  # a name server that never answers
        dns = f'[dns]\nservers = ["127.0.0.1:{silent.getsockname()[1]}"]\n'
        web = Web(served, rest=dns)
        web.start()
        numbers = iter(range(100))
        with watching(web, next(numbers)), watching(web, next(numbers)):
            with watching(web, next(numbers)), watching(web, next(numbers)) as fourth:
                assert YOURS in fourth
            # Two have gone; that is noticed at once, or nearly so.
            web.wait(lambda: _begins(web, next(numbers)))


def _begins(web: Web, number: int) -> bool:
    with watching(web, number) as told:
        return YOURS not in told
