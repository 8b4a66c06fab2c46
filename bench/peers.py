"""How each server is set up for the same work: queue only, or relay everything to one sink."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

POSTFIX_MASTER = Path("/usr/share/postfix/master.cf.dist")


def ulak(folder: Path, port: int, sink: int, *, relay: bool, workers: str = "auto") -> list[str]:
    """Ulak with everything on: journal, log, durable queue."""
    count = workers if workers.isdigit() else f'"{workers}"'
    (folder / "ulak.toml").write_text(
        f"""\
hostname = "mta.example.test"
data = "{folder}/data"
workers = {count}
[[listener]]
address = "127.0.0.1:{port}"
kind = "mx"
[relay]
networks = ["127.0.0.0/8"]
[route]
"*" = "smtp:127.0.0.1:{sink}"
[delivery]
paused = {"false" if relay else "true"}
[limits]
connections = 20000
connections_per_client = 20000
"""
    )
    return [sys.executable, "-m", "ulak", "serve", "--config", str(folder / "ulak.toml")]


def postfix(folder: Path, port: int, sink: int, *, relay: bool, workers: str = "") -> list[str]:
    """Debian's Postfix, tuned: no flow delay, no chroot, no look-ups."""
    del workers
    etc = folder / "etc"
    for name in ("etc", "spool", "data"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.chown(folder / "data", "postfix")
    folder.chmod(0o755)  # Postfix's own users have to get in
    hold = "" if relay else "smtpd_client_restrictions = check_client_access static:HOLD\n"
    (etc / "main.cf").write_text(
        f"""\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
myhostname = mta.example.test
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink}
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_recipient_restrictions = permit_mynetworks, reject
in_flow_delay = 0
default_process_limit = 100
{hold}"""
    )
    services = ["postlog unix-dgram n - n - 1 postlogd"]
    for line in POSTFIX_MASTER.read_text().split("\n"):
        words = line.split()
        if line.startswith(("#", " ", "\t")) or len(words) < 8:  # noqa: PLR2004 -- master(5)
            continue
        if words[0] == "smtp" and words[1] == "inet":
            words[0] = f"127.0.0.1:{port}"
        if words[0].startswith("postlog"):
            continue
        words[4] = "n"
        services.append(" ".join(words))
    (etc / "master.cf").write_text("\n".join(services) + "\n")
    return ["/usr/sbin/postfix", "-c", str(etc), "start-fg"]


Setup = Callable[..., Sequence[str]]
PEERS: dict[str, Setup] = {"ulak": ulak, "postfix": postfix}


def installed(name: str) -> bool:
    """Whether the peer can be started here."""
    return name == "ulak" or (
        name == "postfix" and Path("/usr/sbin/postfix").exists() and POSTFIX_MASTER.exists()
    )
