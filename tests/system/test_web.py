"""The web as a process of the server: it begins, fails and ends without mail noticing."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import free_port
from tests.system.web import Browser, Web

from ulak.lab.certificate import certificate

LOCAL = '[domains."example.org"]\nmailboxes = ["ada"]\n'


def takes_mail(port: int) -> bool:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as smtp:
        smtp.ehlo()
        smtp.mail("g@example.net")
        return smtp.rcpt("ada@example.org")[0] == 250


def niceness(pid: int) -> int:
    """Give how far a process stands behind others."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])


def test_the_web_is_served_where_the_configuration_says_and_ends_with_the_server(
    served: Callable[..., Any],
) -> None:
    web = Web(served, rest=LOCAL)
    web.start()
    status, page = web.ask()
    assert status == 200
    assert "<html" in page
    assert f"Web pages at http://127.0.0.1:{web.port}/" in web.log()
    assert niceness(web.process) > niceness(web.workers[0]), "mail comes first"
    assert web.server.stop() == 0
    assert '"web-ended"' not in web.log()


def test_without_a_place_to_listen_there_is_no_process_of_the_web(
    served: Callable[..., Any],
) -> None:
    web = Web(served)
    web.server.more = '[web]\naddress = ""\n' + LOCAL
    web.server.start()
    assert len(web.server.workers_of()) == 1
    assert '"web-' not in web.log()
    assert web.server.stop() == 0


def test_a_page_is_asked_for_by_a_name_of_ours(served: Callable[..., Any]) -> None:
    web = Web(served, 'base = "https://pages.example.org"\n')
    web.start()
    for host in ("127.0.0.1", f"localhost:{web.port}", "mx.example.org", "Pages.Example.Org:443"):
        assert web.ask(host=host)[0] == 200, host
    for host in ("evil.example", "127.0.0.1.evil.example", ""):
        assert web.ask(host=host)[0] == 421, host


def test_a_crash_of_the_web_does_not_touch_mail_and_is_mended(served: Callable[..., Any]) -> None:
    web = Web(served, rest=LOCAL)
    web.start()
    before = web.process, web.workers
    with smtplib.SMTP("127.0.0.1", web.server.port, timeout=20) as smtp:
        smtp.ehlo()
        os.kill(before[0], signal.SIGKILL)
        web.wait(lambda: '"web-ended"' in web.log())
        assert smtp.noop()[0] == 250
    assert web.ask()[0] == 200  # who asks meanwhile waits until there is somebody again
    assert web.process != before[0]
    assert web.workers == before[1]
    assert web.server.stop() == 0


def test_a_web_that_cannot_begin_is_tried_again_and_mail_is_taken(
    served: Callable[..., Any],
) -> None:
    web = Web(served, rest=LOCAL)
    journal = web.server.data / "journal" / "web"
    journal.parent.mkdir(parents=True)
    journal.write_text("in the way")
    web.server.start()
    web.wait(lambda: web.log().count('"web-ended"') > 1)
    assert takes_mail(web.server.port)
    journal.unlink()
    assert web.ask()[0] == 200
    assert web.server.stop() == 0


def test_a_port_that_is_taken_is_named_at_the_start(served: Callable[..., Any]) -> None:
    first = Web(served)
    first.start()
    second = Web(served)
    second.server.more = first.server.more
    second.server.write()
    refused = second.server.ulak("serve")
    assert refused.returncode == 2
    assert f"127.0.0.1:{first.port}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_web_whose_supervisor_is_gone_ends_at_once(served: Callable[..., Any]) -> None:
    web = Web(served)
    web.start()
    process = web.process
    os.kill(web.server.process.pid, signal.SIGKILL)
    web.server.process.wait()
    web.wait(lambda: not Path(f"/proc/{process}").exists(), 10)


def test_sighup_brings_new_settings_to_the_web_and_every_request_is_answered(
    served: Callable[..., Any],
) -> None:
    web = Web(served, 'hosts = ["one.example"]\n')
    web.start()
    assert (web.ask(host="one.example")[0], web.ask(host="two.example")[0]) == (200, 421)
    before = web.process
    web.server.more = web.server.more.replace("one.example", "two.example")
    web.server.write()
    os.kill(web.server.process.pid, signal.SIGHUP)
    seen = set()

    def changed() -> bool:
        seen.add(web.ask(host="two.example")[0])
        return 200 in seen

    web.wait(changed)
    assert seen <= {200, 421}
    web.wait(lambda: '"reloaded"' in web.log())
    assert web.process != before
    assert web.server.stop() == 0


def test_another_address_of_the_web_needs_a_restart_and_that_is_said(
    served: Callable[..., Any],
) -> None:
    web = Web(served)
    web.start()
    web.server.more = web.server.more.replace(str(web.port), str(free_port()))
    web.server.write()
    os.kill(web.server.process.pid, signal.SIGHUP)
    web.wait(lambda: '"reload-refused"' in web.log())
    assert web.ask()[0] == 200


def test_a_request_that_never_ends_does_not_hold_up_the_end(served: Callable[..., Any]) -> None:
    web = Web(served, rest="[limits]\nshutdown = 100\n")
    web.start()
    with web.connect() as silent, web.connect() as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        time.sleep(0.2)
        assert web.server.stop() == 0
        assert silent.recv(100) == b""
    assert '"web-stalled"' not in web.log()


def test_the_web_has_tls_and_takes_over_a_new_certificate(
    served: Callable[..., Any], tmp_path: Path
) -> None:
    chain, key = certificate("mx.example.org").write(tmp_path)
    web = Web(served, f'tls = {{ certificate = "{chain}", key = "{key}" }}\n')
    web.start()
    assert f"Web pages at https://127.0.0.1:{web.port}/" in web.log()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    before = ssl.get_server_certificate(("127.0.0.1", web.port), timeout=20)
    assert web.ask(trusting=trusting)[0] == 200
    process = web.process
    certificate("mx.example.org").write(tmp_path)
    os.kill(web.server.process.pid, signal.SIGHUP)
    web.wait(lambda: '"certificate-renewed"' in web.log())
    after = ssl.get_server_certificate(("127.0.0.1", web.port), timeout=20)
    assert after != before
    chain.write_text("half of it")
    os.kill(process, signal.SIGHUP)
    web.wait(lambda: '"certificate-refused"' in web.log())
    assert ssl.get_server_certificate(("127.0.0.1", web.port), timeout=20) == after
    assert web.process == process
    assert web.server.stop() == 0


def test_tls_without_a_certificate_has_one_of_the_servers_own_making(
    served: Callable[..., Any],
) -> None:
    web = Web(served, "tls = {}\n")
    web.start()
    trusting = ssl.create_default_context(cafile=str(web.server.data / "certificate.pem"))
    trusting.check_hostname = False
    assert web.ask(trusting=trusting)[0] == 200
    assert web.server.stop() == 0


def test_an_operator_logs_in_to_the_console_and_is_known_after_a_restart_of_the_web(
    served: Callable[..., Any],
) -> None:
    web = Web(served, rest=LOCAL)
    web.start()
    for name, role in (("ada", "admin"), ("grace", "none")):
        account = f"{name}@example.org"
        added = web.server.ulak("account", "add", account, given="correct horse battery\n")
        assert added.returncode == 0, added.stderr
        assert web.server.ulak("account", "role", account, role).returncode == 0
    browser = Browser(web)
    assert browser.log_in("grace@example.org", "correct horse battery") == 403
    assert browser.log_in("ada@example.org", "wrong") == 403
    assert browser.log_in("ada@example.org", "correct horse battery") == 303
    assert browser.get("/console/visits")[0] == 200
    os.kill(web.process, signal.SIGKILL)
    assert browser.get("/console/visits")[0] == 200
    assert Browser(web).get("/console/visits")[0] == 303
    assert web.server.stop() == 0


def test_a_console_that_is_switched_off_is_not_there(served: Callable[..., Any]) -> None:
    web = Web(served, "console = false\n")
    web.start()
    assert web.ask("/console")[0] == 404
    assert web.ask("/console/login")[0] == 404
    assert web.ask("/codes/252")[0] == 200


def test_a_stream_that_somebody_watches_does_not_hold_up_the_end(
    served: Callable[..., Any],
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:  # a name server that is asleep
        silent.bind(("127.0.0.1", 0))
        asked = f'[dns]\nservers = ["127.0.0.1:{silent.getsockname()[1]}"]\n'
        web = Web(served, rest=f"{asked}[limits]\nshutdown = 100\n")
        web.start()
        page = web.ask("/check/domain?name=example.org&live=1")[1]
        live = re.search(r'sse-connect="([^"]+)"', page)
        assert live, page
        with web.connect() as watching:
            head = f"GET {live[1]} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            watching.sendall(head.encode())
            assert b"text/event-stream" in watching.recv(65_536)
            assert web.server.stop() == 0
            heard = b""
            while octets := watching.recv(65_536):
                heard += octets
        assert not heard.endswith(b"0\r\n\r\n"), "it was cut off, and not waited for"
    assert '"web-stalled"' not in web.log()
    assert '"incident"' not in web.log()
