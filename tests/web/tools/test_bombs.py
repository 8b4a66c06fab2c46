"""What is made to hurt a reader is read in bounded time and memory, or refused.

Nothing here asserts how long it took: each bomb would take minutes or gigabytes of a careless
reader, and the limits that stop it are looked at instead.
"""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient
from tests.web.tools.world import World

from ulak.web.tools.reading import MOST, read

MEGABYTE = 1_000_000
HEAD = b"From: MAILER-DAEMON@x.example\r\nSubject: failure notice\r\n"
STATUS = b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
RECIPIENT = b"Final-Recipient: rfc822; a@b.c\r\nDiagnostic-Code: smtp; 550 5.1.1 no\r\n\r\n"


def repeated(piece: bytes, octets: int) -> bytes:
    return piece * (octets // len(piece))


def nested(depth: int) -> bytes:
    return b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n)
        for n in range(depth)
    )


BOMBS: dict[str, Callable[[int], bytes]] = {
    "a million parts": lambda n: (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeated(b"--b\r\n\r\n", n)
    ),
    "parts in parts": lambda n: HEAD + nested(n // 60),
    "messages in messages": lambda n: HEAD + repeated(b"Content-Type: message/rfc822\r\n\r\n", n),
    "one long field": lambda n: HEAD + b"X: " + b"a" * n + b"\r\n\r\n",
    "folds without end": lambda n: HEAD + b"X: a" + repeated(b"\r\n b", n) + b"\r\n\r\n",
    "fields without end": lambda n: HEAD + repeated(b"A: b\r\n", n),
    "recipients without end": lambda n: HEAD + STATUS + repeated(RECIPIENT, n),
    "base64 in base64": lambda n: (
        HEAD
        + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + repeated(b"Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMg0KDQo=", n)
    ),
    "tags without end": lambda n: HEAD + b"Content-Type: text/html\r\n\r\n" + b"<" * n,
    "words without end": lambda n: (
        HEAD[:-2] + b" " + repeated(b"=?utf-8?b?QUFB?= ", n) + b"\r\n\r\n"
    ),
    "brackets in JSON": lambda n: HEAD + b'\r\n{"a":' + b"[" * n,
    "line ends": lambda n: b"\r" * n,
    "nothing": bytes,
}


@pytest.fixture
def client() -> Iterator[TestClient]:
    with World().client() as made:
        yield made


def peak(bomb: bytes, *, uploaded: bool) -> int:
    tracemalloc.start()
    try:
        assert len(read(bomb, uploaded=uploaded).quoted) <= MOST
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("uploaded", [True, False])
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_memory_in_proportion_to_its_size(name: str, *, uploaded: bool) -> None:
    small, large = (peak(BOMBS[name](n), uploaded=uploaded) for n in (40_000, 160_000))
    assert large < 5 * small + MEGABYTE


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_gets_an_answer(client: TestClient, name: str) -> None:
    bomb = BOMBS[name](300_000)
    for path in ("/explain", "/check/message"):
        answer = client.post(path, files={"mail": ("bomb.eml", bomb)})
        assert answer.status_code in (200, 422), path
        assert len(answer.content) < MEGABYTE
    assert client.get("/explain").status_code == 200


def test_what_is_left_out_is_counted(client: TestClient) -> None:
    bomb = BOMBS["recipients without end"](100_000)
    text = client.post("/explain", files={"mail": ("b.eml", bomb)}).text
    assert text.count("<article") == MOST
    assert re.search(r"Further replies that are not shown: [0-9]+\.", text)


def test_a_header_that_no_server_takes_is_not_checked(client: TestClient) -> None:
    mail = HEAD + repeated(b"Received: from x ([192.0.2.1]) by y\r\n", 201_000) + b"\r\nx"
    answer = client.post("/check/message", files={"mail": ("x.eml", mail)})
    assert answer.status_code == 422
    assert "larger than servers take" in answer.text
    for end in (b"\r\n", b"\n"):
        mail = HEAD.replace(b"\r\n", end) + end + (b"x" * 70 + end) * 5_000
        answer = client.post("/check/message", files={"mail": ("x.eml", mail)})
        assert answer.status_code == 200, end


def test_a_file_that_is_too_large_is_not_read(client: TestClient) -> None:
    for path in ("/explain", "/check", "/check/message", "/ar/explain"):
        answer = client.post(path, files={"mail": ("x.eml", b"x" * (11 * MEGABYTE))})
        assert answer.status_code == 413, path


FORMS = {
    "fields without end": b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 10_000,
    "files without end": (
        b'--b\r\nContent-Disposition: form-data; name="mail"; filename="x"\r\n\r\nx\r\n' * 10_000
    ),
    "a header without end": b"--b\r\n" + b"X-A: b\r\n" * 100_000,
    "a field of a header without end": b"--b\r\nX-A: " + b"b" * 5_000_000,
    "a text that is too long": b'--b\r\nContent-Disposition: form-data; name="reply"\r\n\r\n'
    + b"x" * 3_000_000
    + b"\r\n--b--\r\n",
    "no end": b'--b\r\nContent-Disposition: form-data; name="reply"\r\n\r\nx',
    "no beginning": b"x" * 1000,
    "no name": b"--b\r\n\r\nx\r\n--b--\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_is_made_to_hurt_is_refused(client: TestClient, name: str) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    for path in ("/explain", "/explain/check", "/check", "/check/message"):
        answer = client.post(path, content=FORMS[name], headers=headers)
        assert answer.status_code in (400, 413, 422), path


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/json",
        "multipart/mixed; boundary=b",
        "multipart/form-data",
        "multipart/form-data; boundary=\u00ff",
        "multipart/form-data; boundary=" + "b" * 5000,
    ],
)
def test_a_form_of_no_known_form_is_refused(client: TestClient, kind: str) -> None:
    headers = {b"content-type": kind.encode("latin-1")}
    answer = client.post("/explain", content=b"reply=550+no", headers=headers)
    assert answer.status_code in (400, 422)


def test_a_form_without_a_file_may_be_plain(client: TestClient) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/explain", content=b"reply=550+5.1.1+User+unknown", headers=headers)
    assert answer.status_code == 200
    assert "no-such-mailbox" in answer.text
