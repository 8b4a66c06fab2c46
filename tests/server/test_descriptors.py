"""A server that runs out of file descriptors turns clients away and goes on listening."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio, resource, signal, sys
from pathlib import Path
import uvloop
from tests.server.dialogue import Server
from ulak.server.listener import Endpoint, Listener

resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

async def main():
    server = Server(Path(sys.argv[1]))
    listener = Listener(server.site, (Endpoint("127.0.0.1", 0),))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print((await listener.start())[0][1], flush=True)
    await stop.wait()
    await listener.stop(0.1)
    print(server.site.connections, flush=True)

uvloop.run(main())
"""


def test_without_descriptors_the_server_goes_on(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=root,
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        greetings = []
        with contextlib.ExitStack() as stack:
            for _ in range(60):
                sock = socket.create_connection(("127.0.0.1", port), 10)
                stack.enter_context(sock)
                with contextlib.suppress(ConnectionResetError):
                    greetings.append(sock.recv(100)[:3])
        assert greetings[0] == b"220"
        assert b"" in greetings
        while greetings[-1] != b"220":  # as soon as it has seen that the others are gone
            with (
                socket.create_connection(("127.0.0.1", port), 10) as sock,
                contextlib.suppress(ConnectionResetError),
            ):
                greetings.append(sock.recv(100)[:3])
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=20)
    assert rest == "0\n"
