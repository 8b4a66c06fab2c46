"""What clamd answers to INSTREAM: one line with NUL behind it, as `zINSTREAM` asks for.

`stream: OK`, `stream: NAME FOUND`, or `… ERROR`, of which `INSTREAM size limit exceeded. ERROR` is
one that says something about the message (clamd.8, StreamMaxLength in clamd.conf.5).
"""

from __future__ import annotations

from ulak.checks.reason import because
from ulak.checks.scanner.finding import Finding, Result, failed, line

KIND = "clamd"
LONGEST = 4096  # octets of an answer
_LONGEST_SHOWN = 200
_LONGEST_SIGNATURE = 100
_STREAM = b"stream: "
_FOUND, _ERROR = b" FOUND", b" ERROR"
_TOO_LONG = b"INSTREAM size limit exceeded"


def read(answer: bytes, *, scanner: str, size: int) -> Finding:
    """Read an answer without its NUL; `size` is how many octets clamd was shown."""
    answer = answer.strip(b"\r\n ")
    shown = line(answer.decode("utf-8", "replace"), _LONGEST_SHOWN)
    if answer == _STREAM + b"OK":
        reason = because("scanner.no-virus", scanner=scanner)
        return Finding(scanner, KIND, Result.CLEAN, reasons=(reason,))
    if answer.startswith(_STREAM) and answer.endswith(_FOUND):
        name = answer[len(_STREAM) : -len(_FOUND)].decode("utf-8", "replace")
        signature = line(name, _LONGEST_SIGNATURE)
        if signature:
            reason = because("scanner.virus", scanner=scanner, signature=signature)
            return Finding(scanner, KIND, Result.VIRUS, signature=signature, reasons=(reason,))
    if answer.endswith(_ERROR):
        if answer.startswith(_TOO_LONG):
            reason = because("scanner.stream-limit", scanner=scanner, size=size)
            return Finding(scanner, KIND, Result.TOO_LARGE, reasons=(reason,))
        return failed(scanner, KIND, because("scanner.error", scanner=scanner, said=shown))
    return failed(scanner, KIND, because("scanner.no-answer", scanner=scanner, said=shown))


def health(answer: bytes) -> str:
    """Read an answer to VERSION: `ClamAV 1.4.6/27000/Fri …`, or `""` where it is none."""
    text = line(answer.decode("utf-8", "replace"), _LONGEST_SHOWN)
    return text if text.startswith("ClamAV ") else ""
