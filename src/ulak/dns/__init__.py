"""DNS: what is asked, what is answered, and who answers.

`Resolver` is the protocol that everything above asks; `Zone` is a resolver over a table. The one
that asks real servers is `ulak.dns.resolver`, which only the composition root knows.
"""

from ulak.dns.records import MX, Answer, Record, Resolver, Status
from ulak.dns.zone import Zone

__all__ = ["MX", "Answer", "Record", "Resolver", "Status", "Zone"]
