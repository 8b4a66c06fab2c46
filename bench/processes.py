"""A server under measurement: its processes, their CPU time and their memory."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Find a loopback port that nobody uses at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def wait_for_port(port: int, seconds: float = 30.0) -> None:
    """Wait until a server greets with 220. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as sock:
            sock.settimeout(1)
            if sock.recv(100).startswith(b"220"):
                sock.sendall(b"QUIT\r\n")
                return
        time.sleep(0.02)
    message = f"nobody greets on port {port}"
    raise TimeoutError(message)


class Server:
    """A command in a session of its own, with all that it starts."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def pids(self) -> list[int]:
        """Give the processes of the session and all their descendants."""
        parents: dict[int, list[int]] = {}
        session: list[int] = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
                if int(fields[3]) == self.process.pid:
                    session.append(int(entry.name))
        found = {self.process.pid, *session}
        waiting = list(found)
        while waiting:
            for child in parents.get(waiting.pop(), []):
                if child not in found:
                    found.add(child)
                    waiting.append(child)
        return sorted(found)

    def cpu(self) -> float:
        """Give the CPU seconds used so far, with those of children that ended."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError, ValueError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += sum(int(fields[i]) for i in (11, 12, 13, 14))
        return total / _TICK

    def memory(self) -> tuple[float, float]:
        """Give RSS and PSS in MiB, summed over the processes."""
        rss = pss = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().split("\n"):
                    if line.startswith("Rss:"):
                        rss += int(line.split()[1])
                    elif line.startswith("Pss:"):
                        pss += int(line.split()[1])
        return rss / 1024, pss / 1024

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30.0) -> None:
        """End all of it, kindly first."""
        pids = self.pids()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
