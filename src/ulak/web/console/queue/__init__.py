"""The page of the queue: what waits and why, and what an operator does about it."""

from ulak.web.console.queue.acting import ask, do
from ulak.web.console.queue.listing import show
from ulak.web.console.table import Place

PLACES = (
    Place("/queue", show=show, section="queue"),
    Place("/queue/ask", act=ask),
    Place("/queue/do", act=do),
)

__all__ = ["PLACES"]
