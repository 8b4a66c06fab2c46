"""Mail that is shown to the real rspamd and the real clamd before it is taken."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port
from tests.system.client import Client

from ulak.replies.refusal import parted

from .postfix import arrived
from .scanners import EICAR, GTUBE, Clamd, Daemon, Rspamd

LOCAL = '[domains."example.org"]\nmailboxes = ["ada"]\n[checks]\n' + "".join(
    f'{name} = "off"\n' for name in ("spf", "dkim", "dmarc", "arc", "iprev", "helo")
)
HEAD = b"From: g@example.net\r\nTo: ada@example.org\r\nSubject: test\r\n"
HELLO = HEAD + b"\r\nhello"


@pytest.fixture
def folders() -> Iterator[Callable[[], Path]]:
    """Give folders with paths short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="ulak-scan-") as folder:

        def make() -> Path:
            return Path(tempfile.mkdtemp(dir=folder))

        yield make


@pytest.fixture
def daemons() -> Iterator[list[Daemon]]:
    """Whoever is put here is killed when the test ends."""
    started: list[Daemon] = []
    yield started
    for one in started:
        if one.process is not None:
            one.kill()


def started(daemon: Daemon, daemons: list[Daemon]) -> Daemon:
    daemons.append(daemon)
    daemon.start()
    return daemon


def at(folder: Path, *, unix: bool) -> str:
    return f"unix:{folder}/s" if unix else f"127.0.0.1:{free_port()}"


def scanner(daemon: Daemon, more: str = "") -> str:
    kind = "rspamd" if isinstance(daemon, Rspamd) else "clamd"
    return f'[[scanner]]\nkind = "{kind}"\naddress = "{daemon.where}"\n{more}\n'


def sent(server: Any, message: bytes) -> str:
    with Client(server.port) as client:
        client.hear()
        client.say("EHLO client.example.net")
        return parted(client.send(message))[0]  # its id is another one each time


def identifier(reply: str) -> str:
    return reply.split("Message ")[1].split(" ", maxsplit=1)[0]


@pytest.mark.parametrize("unix", [False, True])
def test_rspamd_refuses_gtube_marks_and_puts_off_and_lets_pass(
    served: Callable[..., Any],
    folders: Callable[[], Path],
    daemons: list[Daemon],
    *,
    unix: bool,
) -> None:
    folder = folders()
    rspamd = started(Rspamd(folder, at(folder, unix=unix)), daemons)
    server = served(LOCAL + scanner(rspamd))
    server.start()

    assert sent(server, HEAD + b"\r\n" + GTUBE) == (
        "550 5.7.1 The message was judged to be spam: Gtube pattern"
    )
    later = sent(server, HEAD + b"X-Test-Later: yes\r\n\r\nhello")
    assert later == "451 4.7.1 The message is put off, try again later: Come again in a minute"

    forged = HEAD + b"X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=99\r\n\r\nhello"
    assert sent(server, forged).startswith("250 ")
    box = server.data / "mail" / "example.org" / "ada"
    (clean,) = arrived(box)
    assert b"X-Spam-Status: No, score=0.00 required=15.00 tests=[TEST_ENVELOPE=0.00]" in clean
    assert clean.count(b"X-Spam-Status") == 1
    assert b"X-Spam-Flag" not in clean

    marked = sent(server, HEAD + b"X-Test-Mark: this\r\n\r\nhello")
    assert marked.startswith("250 ")
    texts = arrived(box, 2)
    (text,) = [text for text in texts if b"X-Spam-Flag: YES" in text]
    assert b"X-Spam-Status: Yes, score=7.00 required=15.00 tests=[TEST_MARK=7.00," in text

    story = server.ulak("why", identifier(marked), "--lang", "en").stdout
    assert "gave the message a score of 7.00" in story
    assert "TEST_MARK matched and counts +7.00 (this)" in story.replace("\n", " ").replace("  ", "")
    # What rspamd was told of the envelope comes back as options of a symbol.
    assert "g@example.net, ada@example.org, 127.0.0.1, client.example.net" in " ".join(
        story.split()
    )
    assert "puan verdi" in server.ulak("why", identifier(marked), "--lang", "tr").stdout
    server.stop()  # and all of its log is written
    assert "scanner-ready" in server.log()


@pytest.mark.parametrize("unix", [False, True])
def test_clamd_finds_eicar_wherever_it_is_and_lets_the_rest_pass(
    served: Callable[..., Any],
    folders: Callable[[], Path],
    daemons: list[Daemon],
    *,
    unix: bool,
) -> None:
    folder = folders()
    clamd = started(Clamd(folder, at(folder, unix=unix)), daemons)
    server = served(LOCAL + scanner(clamd) + '[queue]\nlarge_message = "100KB"\n')
    server.start()
    found = (
        "550 5.7.1 The message has something harmful in it, which scanners call "
        "Ulak.Eicar.UNOFFICIAL"
    )
    assert sent(server, HEAD + b"\r\n" + EICAR) == found
    assert sent(server, HEAD + b"\r\n" + b"x" * 70 + b"\r\n" + EICAR) == found
    large = b"0123456789abcde\r\n" * 20_000  # goes through a file
    assert sent(server, HEAD + b"\r\n" + large + EICAR + b"\r\n" + large) == found
    assert sent(server, HELLO).startswith("250 ")
    assert sent(server, HEAD + b"\r\n" + large).startswith("250 ")
    for text in arrived(server.data / "mail" / "example.org" / "ada", 2):
        assert b"X-Virus-Scanned: clamd\n" in text
        assert b"X-Virus-Status: Clean\n" in text
    server.stop()
    assert "ClamAV" in server.log()


def test_what_is_too_large_for_clamd_is_taken_and_says_so_or_is_refused(
    served: Callable[..., Any], folders: Callable[[], Path], daemons: list[Daemon]
) -> None:
    folder = folders()
    clamd = started(Clamd(folder, at(folder, unix=True), limit="100K"), daemons)
    large = HEAD + b"\r\n" + b"0123456789abcde\r\n" * 60_000
    server = served(LOCAL + scanner(clamd))
    server.start()
    taken = sent(server, large)
    assert taken.startswith("250 ")
    (text,) = arrived(server.data / "mail" / "example.org" / "ada")
    assert b"X-Virus-Status: Unknown (too-large)" in text
    story = " ".join(server.ulak("why", identifier(taken), "--lang", "en").stdout.split())
    assert "StreamMaxLength in clamd.conf" in story

    strict = served(LOCAL + scanner(clamd, 'too_large = "refuse"'))
    strict.start()
    assert sent(strict, large).startswith("552 5.3.4 The message has ")


@pytest.mark.parametrize("kind", [Rspamd, Clamd])
def test_one_that_is_killed_while_it_scans_puts_mail_off_and_the_next_try_gets_through(
    served: Callable[..., Any],
    folders: Callable[[], Path],
    daemons: list[Daemon],
    kind: Callable[[Path, str], Daemon],
) -> None:
    folder = folders()
    daemon = started(kind(folder, at(folder, unix=False)), daemons)
    server = served(LOCAL + scanner(daemon))
    server.start()
    daemon.halt()
    answers: list[str] = []
    sender = threading.Thread(target=lambda: answers.append(sent(server, HELLO)))
    sender.start()
    time.sleep(1)  # it cannot be seen from outside that the message waits
    daemon.kill()
    sender.join(30)
    put_off = "451 4.7.1 The message could not be scanned for spam and viruses, try again later"
    assert answers == [put_off]
    assert sent(server, HELLO) == put_off  # nobody is there
    daemon.start()
    assert sent(server, HELLO).startswith("250 ")
    assert len(arrived(server.data / "mail" / "example.org" / "ada")) == 1
    server.stop()  # and all of its log is written
    assert "scanner-failed" in server.log()


def test_both_are_asked_about_the_same_message_and_the_virus_is_told(
    served: Callable[..., Any], folders: Callable[[], Path], daemons: list[Daemon]
) -> None:
    one, two = folders(), folders()
    rspamd = started(Rspamd(one, at(one, unix=False), "secret"), daemons)
    clamd = started(Clamd(two, at(two, unix=True)), daemons)
    server = served(
        LOCAL + scanner(rspamd, 'password = "secret"') + scanner(clamd, 'virus = "quarantine"')
    )
    server.start()
    assert sent(server, HEAD + b"\r\nVERY-HARMFUL-WORD").startswith("250 ")
    (text,) = arrived(server.data / "mail" / "example.org" / "ada" / ".Junk")
    assert b"Ulak-Quarantine: virus-found" in text
    assert b"X-Virus-Status: Infected (Ulak.Word.UNOFFICIAL)" in text
    assert b"X-Spam-Status: No" in text
    assert sent(server, HEAD + b"\r\n" + GTUBE + b"\r\n" + EICAR).startswith("550 5.7.1")
