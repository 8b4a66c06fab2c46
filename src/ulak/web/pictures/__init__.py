"""Pictures: from what was found or counted to SVG that says it, to eyes and to screen readers.

Pure. A page puts one in as it is (`Picture`); the colours are in `static/pictures.css`.
"""

from ulak.web.pictures.chart import Chart, Series, opposed, stacked
from ulak.web.pictures.counts import sparkline
from ulak.web.pictures.dkim import dkim_paths
from ulak.web.pictures.dmarc import dmarc_walk
from ulak.web.pictures.hops import message_way
from ulak.web.pictures.spf import spf_tree
from ulak.web.pictures.story import timeline
from ulak.web.pictures.svg import Picture

__all__ = [
    "Chart",
    "Picture",
    "Series",
    "dkim_paths",
    "dmarc_walk",
    "message_way",
    "opposed",
    "sparkline",
    "spf_tree",
    "stacked",
    "timeline",
]
