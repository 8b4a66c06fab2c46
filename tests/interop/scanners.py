"""rspamd and clamd as scanners: from Debian's packages, on loopback, with rules of the tests' own.

Neither asks the network anything, nor fetches rules or signatures.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from .postfix import program

# The test string of every scanner of viruses, in parts: whole, it would be found in this file.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-" + b"UBE-TEST-EMAIL*C.34X"

RULES = """
rspamd_config:register_symbol({
  name = 'TEST_MARK', score = 7.0, group = 'test',
  callback = function(task)
    local value = task:get_header('X-Test-Mark')
    if value then return true, 1.0, value end
    return false
  end
})
rspamd_config:register_symbol({
  name = 'TEST_LATER', score = 0.0, group = 'test',
  callback = function(task)
    if task:get_header('X-Test-Later') then
      task:set_pre_result('soft reject', 'Come again in a minute')
    end
    return false
  end
})
rspamd_config:register_symbol({
  name = 'TEST_ENVELOPE', score = 0.0, group = 'test',
  callback = function(task)
    local from, rcpt = task:get_from('smtp'), task:get_recipients('smtp')
    return true, 1.0, {from[1].addr, rcpt[1].addr, tostring(task:get_ip()), task:get_helo(),
      tostring(task:get_user()), task:get_queue_id()}
  end
})
"""


class Daemon:
    """A program in the foreground, in a process group of its own; `where` is how Ulak finds it."""

    where: str
    command: list[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until somebody listens."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        end = time.monotonic() + 60
        while not self._listens():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.1)

    def _listens(self) -> bool:
        path = self.where.removeprefix("unix:")
        unix = path != self.where
        with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as sock:
            host, _, port = self.where.rpartition(":")
            with contextlib.suppress(OSError):
                sock.connect(path if unix else (host, int(port)))
                return True
        return False

    def halt(self) -> None:
        """Let it do nothing more: it still seems to be there."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def kill(self) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.where.startswith("unix:"):
            Path(self.where.removeprefix("unix:")).unlink(missing_ok=True)

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")[-4000:]


class Rspamd(Daemon):
    """One worker of rspamd, which knows GTUBE and the rules above."""

    def __init__(self, folder: Path, where: str, password: str = "") -> None:
        super().__init__(folder)
        self.where = where
        binary = program("rspamd", "rspamd")
        bound = where.removeprefix("unix:")
        if bound != where:
            bound += " mode=0600"
        secret = f'password = "{password}";' if password else ""
        (folder / "rules.lua").write_text(RULES)
        (folder / "tld").write_text("org\nnet\ncom\n")
        config = folder / "rspamd.conf"
        config.write_text(
            f"""\
options {{
    pidfile = "{folder}/rspamd.pid";
    tempdir = "{folder}";
    control_socket = "{folder}/control.sock mode=0600";
    url_tld = "{folder}/tld";
    cache_file = "{folder}/symbols.cache";
    hs_cache_dir = "{folder}/";
    filters = "";
    local_addrs = [];
    dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "console"; level = "notice"; }}
worker "normal" {{ bind_socket = "{bound}"; count = 1; {secret} }}
actions {{ reject = 15; add_header = 6; greylist = 4; }}
lua = "{folder}/rules.lua";
"""
        )
        self.command = [binary, "-f", "-i", "-T", "-c", str(config)]


class Clamd(Daemon):
    """clamd with two signatures of its own: EICAR, and a word."""

    def __init__(self, folder: Path, where: str, limit: str = "1M") -> None:
        super().__init__(folder)
        self.where = where
        binary = program("clamd", "clamav-daemon")
        base = folder / "base"
        base.mkdir()
        word = b"VERY-HARMFUL-WORD"
        (base / "test.ndb").write_bytes(
            b"Ulak.Eicar:0:*:"
            + EICAR.hex().encode()
            + b"\nUlak.Word:0:*:"
            + word.hex().encode()
            + b"\n"
        )
        path = where.removeprefix("unix:")
        if path != where:
            place = f"LocalSocket {path}\nLocalSocketMode 600\n"
        else:
            host, _, port = where.rpartition(":")
            place = f"TCPAddr {host}\nTCPSocket {port}\n"
        config = folder / "clamd.conf"
        config.write_text(
            f"{place}DatabaseDirectory {base}\nForeground yes\nSelfCheck 0\n"
            f"PidFile {folder}/clamd.pid\nTemporaryDirectory {folder}\nStreamMaxLength {limit}\n"
        )
        self.command = [binary, "-c", str(config)]
