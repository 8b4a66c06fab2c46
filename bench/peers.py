"""How each server is set up for the same work: queue only, or relay everything to one sink.

Each with the settings that were found to make it fastest where they cost no safety: nothing is
looked up, nobody is held back, twenty connections to the sink, the log in a file.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

POSTFIX_MASTER = Path("/usr/share/postfix/master.cf.dist")
# Where `make .venv/peers` unpacks those whose packages exclude Postfix.
_UNPACKED = Path(sys.prefix) / "peers"
_EXIM = _UNPACKED / "exim/usr/sbin/exim4"
_OPENSMTPD = _UNPACKED / "opensmtpd/usr/sbin/smtpd"
_HARAKA = _UNPACKED / "haraka/node_modules/Haraka"  # by npm; docs/measurements.md says how


def ulak(
    folder: Path, port: int, sink: int, *, relay: bool, workers: str = "auto", store: str = "sqlite"
) -> list[str]:
    """Ulak with everything on: journal, log, durable queue; `store`: where that lies."""
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
[queue]
store = "{store}"
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


def exim(folder: Path, port: int, sink: int, *, relay: bool, workers: str = "") -> list[str]:
    """Exim that delivers as the mail comes, and looks for what was left over."""
    del workers
    for name in ("spool", "logs"):
        (folder / name).mkdir()
        shutil.chown(folder / name, "Debian-exim")
    folder.chmod(0o755)
    config = folder / "exim.conf"
    config.write_text(
        f"""\
primary_hostname = mta.example.test
exim_path = {_EXIM}
spool_directory = {folder}/spool
log_file_path = {folder}/logs/%slog
pid_file_path = {folder}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
disable_ipv6
keep_environment =
host_lookup =
rfc1413_hosts =
tls_advertise_hosts =
acl_smtp_rcpt = accept
acl_smtp_data = accept
{"queue_only" if not relay else "queue_run_max = 4"}
no_message_logs
split_spool_directory
deliver_drop_privilege
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
smtp_connect_backlog = 1000
begin routers
to_sink:
  driver = manualroute
  transport = to_sink
  route_list = * 127.0.0.1 byname
  self = send
begin transports
to_sink:
  driver = smtp
  port = {sink}
  allow_localhost
  hosts_avoid_tls = *
begin retry
* * F,1d,1m
"""
    )
    config.chmod(0o644)
    again = ["-q10s"] if relay else []
    return [str(_EXIM), "-C", str(config), "-bdf", *again]


def opensmtpd(folder: Path, port: int, sink: int, *, relay: bool, workers: str = "") -> list[str]:
    """OpenSMTPD without the limits that are for strangers' servers."""
    del workers
    (folder / "spool").mkdir(mode=0o711)
    config = folder / "smtpd.conf"
    config.write_text(
        f"""\
smtp max-message-size 100M
smtp limit max-mails 1000000
mta limit session-mail-max 1000000
mta limit max-conn-per-host 20
mta limit max-conn-per-route 20
mta limit conn-delay-relay 0
mta limit conn-delay-route 0
mta limit reconn-delay-route 0
mta limit task-hiwat 5000
mta limit task-lowat 4000
mta limit task-release 5000
listen on 127.0.0.1 port {port} hostname mta.example.test
action "on" relay host smtp://127.0.0.1:{sink}
match from any for any action "on"
"""
    )
    config.chmod(0o600)
    begin = [str(_OPENSMTPD), "-d", *(() if relay else ("-P", "mta")), "-f", str(config)]
    # Its spool is where it was built to be: ours is mounted there, for this process alone.
    own = (
        "mkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty && "
        f"mount --bind {shlex.quote(str(folder / 'spool'))} /var/spool/smtpd && "
        f"exec {shlex.join(begin)}"
    )
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", own]


def haraka(folder: Path, port: int, sink: int, *, relay: bool, workers: str = "auto") -> list[str]:
    """Haraka with one plugin: takes everything, and knows where it goes."""
    nodes = workers if workers.isdigit() else str(os.cpu_count() or 1)
    shutil.copytree(_HARAKA / "config", folder / "config")
    for name in ("plugins", "queue"):
        (folder / name).mkdir()
    hold = "" if relay else "exports.hook_send_email = (next) => next(DELAY, '86400');\n"
    (folder / "plugins/sink.js").write_text(
        f"""\
exports.hook_rcpt = (next, session) => {{ session.relaying = true; next(OK); }};
exports.hook_get_mx = (next) =>
    next(OK, {{ exchange: '127.0.0.1', port: {sink}, priority: 0 }});
{hold}"""
    )
    for name, text in (
        ("me", "mta.example.test"),
        ("plugins", "sink"),
        ("smtp.ini", f"listen=127.0.0.1:{port}\n" + (f"nodes={nodes}\n" if nodes != "1" else "")),
        (
            "outbound.ini",
            "concurrency_max=100\nenable_tls=false\nlocal_mx_ok=true\ntemp_fail_intervals=1m*1000\n",
        ),
    ):
        (folder / "config" / name).write_text(text + "\n")
    return ["node", str(_HARAKA / "bin/haraka"), "-c", str(folder)]


Setup = Callable[..., Sequence[str]]
PEERS: dict[str, Setup] = {
    "ulak": ulak,
    "postfix": postfix,
    "exim": exim,
    "opensmtpd": opensmtpd,
    "haraka": haraka,
}
_NEEDED = {
    "ulak": (),
    "postfix": (Path("/usr/sbin/postfix"), POSTFIX_MASTER),
    "exim": (_EXIM,),
    "opensmtpd": (_OPENSMTPD,),
    "haraka": (_HARAKA,),
}


def installed(name: str) -> bool:
    """Whether the peer can be started here. Those of Debian change their user, which is root's."""
    there = all(path.exists() for path in _NEEDED[name])
    return there and (name in ("ulak", "haraka") or os.geteuid() == 0)
