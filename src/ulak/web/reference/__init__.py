"""The reference: what every code and cause means, and what tells two of them apart.

Every page is the same for everybody, so it is made once in each language and kept as octets; or
all are written as files (`export`).
"""

from __future__ import annotations

from ulak.web.reference.routes import piece
from ulak.web.reference.still import Written, export

__all__ = ["Written", "export", "piece"]
