"""What pages of the reference cost: `python -m bench web`.

Pages are asked for over loopback, on connections that are kept, from the process of the web of a
whole `ulak serve`. What counts is the CPU time of the process that serves, so that it does not
matter who else uses the machine. Beside it, in the same run, there is a Starlette that says hello,
and nginx with the same pages as files, where it is installed or `NGINX` names it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import uvloop

from bench.figures import Row
from bench.processes import Server, free_port
from ulak.language import LANGUAGES
from ulak.web.addresses import localized
from ulak.web.asset import assets
from ulak.web.reference import keys

_CONNECTIONS, _REQUESTS, _ROUNDS, _FRESH = 16, 6_000, 3, 1_500
_PLAIN, _GZIP = b"", b"accept-encoding: gzip\r\n"
_WEB = b"ulak.app.web.process"
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class _Peer:
    """A server that is measured, and how to learn the CPU seconds it has used."""

    port: int
    cpu: Callable[[], float]


def rows() -> list[Row]:
    """Measure everything, in rounds by turns."""
    folder = Path(tempfile.mkdtemp(prefix="ulak-bench-web-"))
    folder.chmod(0o755)
    servers: list[Server] = []
    try:
        return list(_rows(folder, servers))
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _rows(folder: Path, servers: list[Server]) -> Iterator[Row]:
    paths = [localized(keys.place(key), one) for key in keys.every()[::4] for one in LANGUAGES]
    paths += [localized(keys.pair_place(*pair), "en") for pair in keys.written_pairs()]
    ulak = _ulak(folder, servers)
    yield from _sizes(ulak.port, paths)
    work: dict[str, tuple[_Peer, Sequence[str], bytes]] = {
        "Starlette's hello by uvicorn": (_hello(folder, servers), ["/"], _PLAIN),
        "pages that are kept, with gzip": (ulak, paths, _GZIP),
        "pages that are kept, without gzip": (ulak, paths, _PLAIN),
    }
    if nginx := os.environ.get("NGINX") or shutil.which("nginx"):
        files = _nginx(nginx, folder, servers, ulak.port, paths)
        work["nginx, the same pages as files"] = (files, paths, _PLAIN)
    rates: dict[str, list[float]] = {name: [] for name in work}
    for peer, some, fields in work.values():
        _measured(peer, some, fields, 500)
    for _ in range(_ROUNDS):
        for name, (peer, some, fields) in work.items():
            rates[name].append(_measured(peer, some, fields, _REQUESTS))
    first = statistics.median(next(iter(rates.values())))
    for name, each in rates.items():
        middle = statistics.median(each)
        yield f"{name}, requests/s of CPU", f"{middle:.0f}, {middle / first:.2f} x hello"
    fresh = [keys.pair_place(a, b) for a in keys.causes()[:40] for b in keys.causes()[40:80]]
    made = _measured(ulak, fresh[:_FRESH], _GZIP, _FRESH)
    yield "pages of pairs that nobody asked for before, of CPU", f"{made:.0f}/s"


def _sizes(port: int, paths: Sequence[str]) -> Iterator[Row]:
    """Tell how large a page is with its styles, as sent with gzip and without."""
    for name, fields in (("with gzip", {"accept-encoding": "gzip"}), ("without gzip", {})):
        style = _octets(port, assets()["ulak.css"].path, fields)
        every = [_octets(port, path, fields) + style for path in ("/codes", "/ar/codes", *paths)]
        text = f"median {statistics.median(every):.0f}, largest {max(every)} octets"
        yield f"a page and its styles, {name}", text


def _octets(port: int, path: str, fields: dict[str, str]) -> int:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=fields)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return len(answer.read())


def _ulak(folder: Path, servers: list[Server]) -> _Peer:
    port = free_port()
    (folder / "ulak.toml").write_text(
        f"""\
hostname = "mx.example.test"
data = "{folder}/data"
workers = 1
[[listener]]
address = "127.0.0.1:{free_port()}"
kind = "mx"
[web]
address = "127.0.0.1:{port}"
console = false
"""
    )
    command = [sys.executable, "-m", "ulak", "serve", "--config", str(folder / "ulak.toml")]
    server = Server(command, folder / "ulak.log")
    servers.append(server)
    _wait(port)
    _octets(port, "/", {})  # the socket is there before the process that answers
    web = next(pid for pid in server.pids() if _WEB in Path(f"/proc/{pid}/cmdline").read_bytes())
    return _Peer(port, lambda: used(web))


def _hello(folder: Path, servers: list[Server]) -> _Peer:
    port = free_port()
    server = Server([sys.executable, "-m", "bench.hello", str(port)], folder / "hello.log")
    servers.append(server)
    _wait(port)
    return _Peer(port, server.cpu)


def _nginx(
    nginx: str, folder: Path, servers: list[Server], source: int, paths: Sequence[str]
) -> _Peer:
    """Let nginx serve the pages of another server as files, with one process that works."""
    port, root = free_port(), folder / "site"
    for path in paths:
        file = root / f"{path.lstrip('/')}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(f"http://127.0.0.1:{source}{path}", timeout=30) as answer:
            file.write_bytes(answer.read())
    user = "user root;\n" if os.geteuid() == 0 else ""
    places = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"""{user}daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
{places}access_log off;
sendfile on;
keepalive_requests 1000000;
default_type text/html;
open_file_cache max=2000;
server {{ listen 127.0.0.1:{port}; root {root}; location / {{ try_files $uri.html =404; }} }}
}}
"""
    )
    command = [nginx, "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")]
    server = Server(command, folder / "nginx.out")
    servers.append(server)
    _wait(port)
    return _Peer(port, server.cpu)


def _wait(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    message = f"nobody listens on port {port}"
    raise TimeoutError(message)


def used(pid: int) -> float:
    """Give the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


# -- asking -----------------------------------------------------------------------------------


def _measured(peer: _Peer, paths: Sequence[str], fields: bytes, count: int) -> float:
    """Ask for pages in turn; give how many there were for each second of the server's CPU."""
    before = peer.cpu()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_ask(peer.port, paths, fields, count))
    return count / max(peer.cpu() - before, 1 / _TICK)


async def _ask(port: int, paths: Sequence[str], fields: bytes, count: int) -> None:
    asked = cycle(
        b"GET %s HTTP/1.1\r\nhost: 127.0.0.1\r\n%s\r\n" % (path.encode(), fields) for path in paths
    )
    left = iter(range(count))

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            writer.write(next(asked))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode("latin-1"))
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
        writer.close()

    await asyncio.gather(*(one() for _ in range(_CONNECTIONS)))
