"""What it costs to watch: `python -m bench viewers`.

Fifty browsers watch the console while mail comes in, and then nobody does, by turns in one run:
what the web's process takes of a core, and what becomes of receiving.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from bench.figures import Row
from bench.processes import Server, free_port, wait_for_port
from bench.web import used

_VIEWERS, _MESSAGES, _SIZE, _ROUNDS = 50, 6_000, 10_240, 3
_SOURCE = "/usr/sbin/smtp-source"
_WEB, _WORKER = b"ulak.app.web.process", b"ulak.app.worker"
_OPERATOR, _PASSWORD = "ada@example.test", "correct horse battery staple"
_LANGUAGES = ("", "/tr", "/ar")


def rows() -> list[Row]:
    """Measure everything, in rounds by turns."""
    folder = Path(tempfile.mkdtemp(prefix="ulak-bench-viewers-", dir=Path.cwd()))
    folder.chmod(0o755)
    servers: list[Server] = []
    try:
        return list(_rows(folder, servers))
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _rows(folder: Path, servers: list[Server]) -> Iterator[Row]:
    smtp, web = free_port(), free_port()
    config = folder / "ulak.toml"
    config.write_text(
        f"""\
hostname = "mx.example.test"
data = "{folder}/data"
workers = 1
[[listener]]
address = "127.0.0.1:{smtp}"
kind = "mx"
[web]
address = "127.0.0.1:{web}"
[domains."example.test"]
mailboxes = ["*"]
[delivery]
paused = true
"""
    )
    ulak = [sys.executable, "-m", "ulak"]
    for words in (("account", "add", _OPERATOR), ("account", "role", _OPERATOR, "admin")):
        subprocess.run(
            [*ulak, *words, "--config", config], input=_PASSWORD + "\n", text=True, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    server = Server([*ulak, "serve", "--config", str(config)], folder / "ulak.log")
    servers.append(server)
    wait_for_port(smtp)
    cookie = _cookie(web)
    pids = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in server.pids()}
    pages = next(pid for pid, words in pids.items() if _WEB in words)
    worker = next(pid for pid, words in pids.items() if _WORKER in words)
    _send(smtp, 500)
    seen: dict[int, list[tuple[float, float, float]]] = {0: [], _VIEWERS: []}
    quiet = []
    for _ in range(_ROUNDS):
        for viewers, each in seen.items():
            with _watching(web, cookie, viewers):
                each.append(_round(smtp, pages, worker))
                if viewers:
                    quiet.append(_idle(pages))
    alone, watched = (
        tuple(statistics.median(column) for column in zip(*each, strict=True))
        for each in seen.values()
    )
    yield f"accepted of {_SIZE} octets, nobody watches", f"{alone[0]:.0f}/s"
    yield (
        f"accepted, {_VIEWERS} watch",
        f"{watched[0]:.0f}/s, {watched[0] / alone[0]:.2f} x",
    )
    yield "CPU of the worker for a message, nobody watches", f"{alone[1]:.3f} ms"
    yield (
        f"CPU of the worker for a message, {_VIEWERS} watch",
        f"{watched[1]:.3f} ms, {watched[1] / alone[1]:.2f} x",
    )
    yield f"the web, of a core, {_VIEWERS} watch and mail comes", f"{watched[2]:.1%}"
    yield (
        f"the web, of a core, {_VIEWERS} watch and no mail comes",
        f"{statistics.median(quiet):.1%}",
    )


def _round(smtp: int, pages: int, worker: int) -> tuple[float, float, float]:
    """Send mail; give messages a second, CPU of the worker for one in ms, the web's of a core."""
    begun, web, work = time.monotonic(), used(pages), used(worker)
    _send(smtp, _MESSAGES)
    seconds = time.monotonic() - begun
    return (
        _MESSAGES / seconds,
        (used(worker) - work) * 1000 / _MESSAGES,
        (used(pages) - web) / seconds,
    )


def _idle(pages: int) -> float:
    begun, before = time.monotonic(), used(pages)
    time.sleep(8)
    return (used(pages) - before) / (time.monotonic() - begun)


def _send(port: int, count: int) -> None:
    # Many messages on a connection: who connects that often is kept out.
    command = [_SOURCE, "-s", "20", "-d", "-N", "-l", str(_SIZE), "-m", str(count)]
    command += ["-f", "g@example.net", "-t", "ada@example.test", f"127.0.0.1:{port}"]
    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def _watching(port: int, cookie: str, count: int) -> Iterator[None]:
    """Let so many follow the page Now, in all languages; nobody reads what they are sent."""
    with contextlib.ExitStack() as stack:
        for number in range(count):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            path = f"{_LANGUAGES[number % len(_LANGUAGES)]}/console/now/live"
            sock.sendall(
                f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookie}\r\n\r\n".encode()
            )
            if not sock.recv(1000).startswith(b"HTTP/1.1 200"):
                message = "a viewer is not let in"
                raise RuntimeError(message)
        yield


def _cookie(port: int) -> str:
    """Log in as a browser does; give the cookies of the visit."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    link.request("GET", "/console/login")
    answer = link.getresponse()
    token = re.search(r'name="token" value="([^"]+)"', answer.read().decode())
    cookies = [value.partition(";")[0] for value in answer.headers.get_all("set-cookie") or []]
    form = {"token": token[1] if token else "", "next": "", "name": _OPERATOR}
    link.request(
        "POST",
        "/console/login",
        urlencode({**form, "password": _PASSWORD}),
        {"content-type": "application/x-www-form-urlencoded", "cookie": "; ".join(cookies)},
    )
    answer = link.getresponse()
    answer.read()
    cookies += [value.partition(";")[0] for value in answer.headers.get_all("set-cookie") or []]
    link.close()
    return "; ".join(cookies)
