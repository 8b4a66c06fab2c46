"""Authentication-Results and Received-SPF: what the checks found, told in the header.

`told` turns findings into what RFC 8601 calls resinfo, `write` makes one field of them, `read`
takes a field of another server apart, and `strip` removes the fields that claim to be ours.
"""

from ulak.checks.results.reading import read
from ulak.checks.results.received_spf import write_received_spf
from ulak.checks.results.resinfo import Field, Property, Resinfo
from ulak.checks.results.strip import strip
from ulak.checks.results.told import told
from ulak.checks.results.write import payload, write

__all__ = [
    "Field",
    "Property",
    "Resinfo",
    "payload",
    "read",
    "strip",
    "told",
    "write",
    "write_received_spf",
]
