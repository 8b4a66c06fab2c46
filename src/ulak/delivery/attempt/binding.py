"""Whether an address is one of this machine, so that something can be sent from it."""

from __future__ import annotations

import errno
import os
import socket

# Not that all of its ports are in use: that is no fault of the address.
_NOT_OURS = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EACCES, errno.EPERM})


def trouble(address: str) -> str:
    """Say why nothing can be sent from an IP address, `""` where it can."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        if error.errno in _NOT_OURS:
            return os.strerror(error.errno).lower()
    return ""
