"""The log: every event that can be logged or counted, by name, one line each.

The log is for the one who watches the server now; the journal answers "why?" weeks later.
"""

from ulak.log.events import Event, Level
from ulak.log.lines import Form
from ulak.log.log import Log, Records

__all__ = ["Event", "Form", "Level", "Log", "Records"]
