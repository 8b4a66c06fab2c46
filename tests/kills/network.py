"""A network of its own for one server, with a cable to the database that can be pulled out.

    root namespace                      the server's namespace
    198.18.N.1  --- mail cable ---      198.18.N.2     clients, the sink
    198.18.N.5  --- database cable ---  198.18.N.6     PostgreSQL

Needs root and `ip`, of Debian's package iproute2.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator


def lacks() -> str:
    """Say what is missing here; empty where nothing is."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    if shutil.which("ip") is None:
        return "not installed: iproute2"
    tried = subprocess.run(["ip", "netns", "add", "ulak-try"], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", "ulak-try"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this machine gives no network namespaces"


class Network:
    """The network."""

    def __init__(self) -> None:
        number = os.getpid() % 250
        self.name = f"ulak-{os.getpid()}"
        self._mail, self._database = f"ulm{os.getpid()}", f"uld{os.getpid()}"
        subnet = f"198.18.{number}"
        self.here, self.server = f"{subnet}.1", f"{subnet}.2"
        self.database = f"{subnet}.5"
        self._ip("netns", "add", self.name)
        self._cable(self._mail, self.here, self.server)
        self._cable(self._database, self.database, f"{subnet}.6")
        self._ip("-n", self.name, "link", "set", "lo", "up")

    @property
    def wrapper(self) -> list[str]:
        """Give what is written before a command that is to run there."""
        return ["ip", "netns", "exec", self.name]

    def cut(self) -> None:
        """Pull the database's cable: what is sent is not heard of again."""
        self._ip("link", "set", self._database, "down")

    def mend(self) -> None:
        """Put it in again."""
        self._ip("link", "set", self._database, "up")

    def remove(self) -> None:
        for cable in (self._mail, self._database):
            self._ip("link", "del", cable, check=False)
        self._ip("netns", "del", self.name, check=False)

    def _cable(self, name: str, here: str, there: str) -> None:
        inside = f"{name}i"
        self._ip("link", "add", name, "type", "veth", "peer", "name", inside, "netns", self.name)
        self._ip("addr", "add", f"{here}/30", "dev", name)
        self._ip("link", "set", name, "up")
        self._ip("-n", self.name, "addr", "add", f"{there}/30", "dev", inside)
        self._ip("-n", self.name, "link", "set", inside, "up")

    @staticmethod
    def _ip(*words: str, check: bool = True) -> None:
        subprocess.run(["ip", *words], capture_output=True, check=check)


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """Give a network that is gone afterwards."""
    made = Network()
    try:
        yield made
    finally:
        made.remove()
