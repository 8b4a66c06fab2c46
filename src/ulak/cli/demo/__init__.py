"""`ulak demo`: a tour of the real server on an internet in a box, which checks itself.

The lab's servers and `ulak serve` run on loopback, on ports that are free, with their data in a
folder that is removed at the end. Every step of the tour talks to them over sockets, shows the
dialogue, explains the reply that matters, and looks whether all went as it should.
"""

from __future__ import annotations

from ulak.cli.demo.command import demo

__all__ = ["demo"]
