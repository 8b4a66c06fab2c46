"""Extensions and smart hosts, end to end: in at one side of a whole server, out at the other."""

from __future__ import annotations

import json
import smtplib
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port

from ulak.lab.certificate import Certificate, authority, certificate, server_context
from ulak.lab.mx import Behaviour, Taken

from .test_delivery import box, flat, until

pytestmark = pytest.mark.slow

GRACE = "grace@example.org"
FAR = "far@example.com"
SECRET = "correct horse battery"
AUTHORITY = authority()
EVERYTHING = (
    *("PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME", "DSN"),
    *("MT-PRIORITY", "DELIVERBY", "REQUIRETLS"),
)
HOME = (
    '[relay]\nnetworks = ["127.0.0.0/8"]\n[domains."example.org"]\nmailboxes = ["ada", "grace"]\n'
)
BINARY = b"From: grace@example.org\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\r.\n.\r\n\xff"


def trusting() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def here(*names: str, by: Certificate = AUTHORITY) -> ssl.SSLContext:
    return server_context(certificate(*names, issuer=by))


def relay(
    served: Callable[..., Any], port: int, folder: Path, more: str = "", hop: str = "127.0.0.1"
) -> Any:
    """A server that offers TLS, relays for this machine, and sends all to one port."""
    chain, key = certificate("mx.example.org").write(folder)
    (folder / "authorities.pem").write_bytes(AUTHORITY.certificate)
    server = served(
        f'{HOME}[route]\n"*" = "smtp:{hop}:{port}"\n'
        f'[delivery]\nauthorities = "{folder}/authorities.pem"\n'
        f'retry = {{ first = "1s", longest = "1s" }}\n{more}',
        tls=f'tls = {{ certificate = "{chain}", key = "{key}" }}',
    )
    server.start()
    return server


def say(port: int, message: bytes, mail: str, *rcpt: str, bdat: bool = False) -> None:
    """Send one message with parameters, under TLS."""
    with smtplib.SMTP("127.0.0.1", port, "client.example", timeout=30) as smtp:
        smtp.starttls(context=trusting())
        smtp.ehlo()
        smtp.command_encoding = "utf-8"
        for command in (f"MAIL FROM:{mail}", *(f"RCPT TO:{each}" for each in rcpt)):
            code, said = smtp.docmd(command)
            assert code == 250, (command, said)
        if not bdat:
            code, said = smtp.data(message)
        else:
            smtp.send(f"BDAT {len(message)} LAST\r\n".encode() + message)
            code, said = smtp.getreply()
        assert code == 250, said


def came(sink: Any, count: int = 1) -> list[Taken]:
    messages: list[Taken] = until(
        lambda: sink.messages if len(sink.messages) >= count else [], "mail at the next server"
    )
    return messages


def test_a_binary_message_goes_through_octet_for_octet(
    served: Callable[..., Any], sink: Callable[..., Any], tmp_path: Path
) -> None:
    next_server = sink(Behaviour(extensions=EVERYTHING))
    server = relay(served, next_server.port, tmp_path, "[queue]\nlarge_message = 100000\n")
    large = BINARY + b"\0\r\n.\r" * 100_000
    for message in (BINARY, large):
        say(server.port, message, f"<{GRACE}> BODY=BINARYMIME", f"<{FAR}>", bdat=True)
    taken = sorted(came(next_server, 2), key=lambda one: len(one.body))
    for one, message in zip(taken, (BINARY, large), strict=True):
        assert one.body.endswith(b"\r\n" + message)
        assert one.parameters.endswith("BODY=BINARYMIME")
    assert len(taken[1].chunks) > 5


def test_a_binary_message_that_cannot_go_on_comes_back_with_the_reason(
    served: Callable[..., Any], sink: Callable[..., Any], tmp_path: Path
) -> None:
    next_server = sink(Behaviour(extensions=("8BITMIME", "CHUNKING")))
    server = relay(served, next_server.port, tmp_path)
    say(server.port, BINARY, f"<{GRACE}> BODY=BINARYMIME", f"<{FAR}>", bdat=True)
    (report,) = until(lambda: box(server, "grace"), "the report")
    assert b"Status: 5.6.3" in report
    assert "does not take such messages" in flat(report)
    assert next_server.messages == []


def test_every_wish_goes_on_to_a_server_that_can_take_it(
    served: Callable[..., Any], sink: Callable[..., Any], tmp_path: Path
) -> None:
    next_server = sink(Behaviour(extensions=EVERYTHING))
    server = relay(served, next_server.port, tmp_path)
    say(
        server.port,
        "Subject: çağrı\r\n\r\nx\r\n".encode(),
        f"<{GRACE}> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B1 MT-PRIORITY=3 BY=600;N",
        f"<{FAR}> NOTIFY=SUCCESS,DELAY ORCPT=utf-8;çağrı@örnek.example",
        "<çağrı@örnek.example> NOTIFY=NEVER",
    )
    (one,) = came(next_server)
    words = one.parameters.split(" ")
    assert {"BODY=8BITMIME", "SMTPUTF8", "RET=HDRS", "ENVID=QQ+2B1", "MT-PRIORITY=3"} <= {*words}
    (by,) = [word for word in words if word.startswith("BY=")]
    assert 500 < int(by[3:].removesuffix(";N")) <= 600
    assert dict(zip(one.recipients, one.asked, strict=True)) == {
        FAR: "NOTIFY=DELAY,SUCCESS ORCPT=utf-8;çağrı@örnek.example",
        "çağrı@örnek.example": "NOTIFY=NEVER",
    }


def test_requiretls_is_kept_or_the_header_comes_back(
    served: Callable[..., Any], sink: Callable[..., Any], tmp_path: Path
) -> None:
    keeping = sink(Behaviour(extensions=EVERYTHING, tls=here("127.0.0.1")))
    server = relay(served, keeping.port, tmp_path)
    message = b"From: grace@example.org\r\nSubject: secret\r\n\r\nthe body itself\r\n"
    say(server.port, message, f"<{GRACE}> REQUIRETLS", f"<{FAR}>")
    (one,) = came(keeping)
    assert one.tls == "TLSv1.3"
    assert "REQUIRETLS" in one.parameters.split(" ")

    for number, tls in enumerate((None, here("other.example.net")), 1):
        other = sink(Behaviour(extensions=EVERYTHING, tls=tls))
        server = relay(served, other.port, tmp_path)
        say(server.port, message, f"<{GRACE}> REQUIRETLS RET=FULL", f"<{FAR}>")
        (report,) = until(lambda server=server: box(server, "grace"), "the report")  # type: ignore[misc]
        assert b"Status: 5.7.10" in report, number
        assert b"Subject: secret" in report
        assert b"the body itself" not in report
        assert other.messages == []


def account(server: Any, address: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ulak", "account", "add", address, "--config", str(server.config)],
        input=SECRET + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def provider(served: Callable[..., Any], folder: Path, port: int, mode: str) -> Any:
    """A server where one submits who has an account."""
    chain, key = certificate("127.0.0.1", issuer=AUTHORITY).write(folder, "provider")
    server = served(
        f'[[listener]]\naddress = "127.0.0.1:{port}"\nkind = "submission"\n'
        f'tls = {{ mode = "{mode}", certificate = "{chain}", key = "{key}" }}\n'
        '[domains."example.com"]\nmailboxes = ["far"]\n'
        '[domains."example.org"]\nmailboxes = ["grace"]\n'
    )
    server.start()
    account(server, GRACE)
    return server


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
def test_one_server_submits_to_another(
    served: Callable[..., Any], tmp_path: Path, mode: str
) -> None:
    port = free_port()
    other = provider(served, tmp_path, port, mode)
    (tmp_path / "password").write_text(SECRET + "\n")
    tls = "implicit" if mode == "implicit" else "required"
    server = relay(
        served,
        port,
        tmp_path,
        f'[smarthost."127.0.0.1:{port}"]\nusername = "{GRACE}"\ntls = "{tls}"\n'
        f'password_file = "{tmp_path}/password"\nca = "{tmp_path}/authorities.pem"\n',
    )
    say(server.port, b"From: grace@example.org\r\n\r\nhi\r\n", f"<{GRACE}>", f"<{FAR}>")
    mailbox = other.data / "mail" / "example.com" / "far" / "new"
    (file,) = until(lambda: [*mailbox.glob("*")] if mailbox.exists() else [], "the message")
    assert b"with ESMTPSA" in file.read_bytes()


def test_a_login_that_fails_waits_and_is_explained_without_the_password(
    served: Callable[..., Any], tmp_path: Path
) -> None:
    port = free_port()
    provider(served, tmp_path, port, "implicit")
    server = relay(
        served,
        port,
        tmp_path,
        f'[smarthost."127.0.0.1:{port}"]\nusername = "{GRACE}"\ntls = "implicit"\n'
        f'password = "not the {SECRET}"\nca = "{tmp_path}/authorities.pem"\n',
    )
    say(server.port, b"From: grace@example.org\r\n\r\nhi\r\n", f"<{GRACE}>", f"<{FAR}>")

    def waiting() -> list[dict[str, Any]]:
        found = json.loads(server.ulak("queue", "list", "--json").stdout)["recipients"]
        return [row for row in found if row["cause"]]

    (row,) = until(waiting, "the deferral")
    assert row["cause"] == "smart-host-login-failed"
    why = server.ulak("why", row["id"], "--lang", "en").stdout
    assert "could not log in" in " ".join(why.split())
    shown = server.ulak("config", "show").stdout
    assert 'password = "***"' in shown
    for text in (why, shown, server.log(), server.ulak("why", row["id"], "--json").stdout):
        assert "not the correct" not in text
