"""The marks: a form for each tone, so that nobody has to tell colours apart.

Drawn around (0, 0), 16 pixels wide. What lies on the filled form has the class `on`.
"""

from __future__ import annotations

MARKS = {
    "good": '<circle r="8"/><path class="on" d="M-4 .4 -1.2 3.2 4-3"/>',
    "bad": '<rect x="-8" y="-8" width="16" height="16" rx="3"/>'
    '<path class="on" d="M-3.5-3.5 3.5 3.5M3.5-3.5-3.5 3.5"/>',
    "warn": '<path d="M0-8 9 8H-9Z"/><path class="on" d="M0-2.5V2.5M0 5V5.6"/>',
    "muted": '<circle class="hollow" r="6"/>',
    "accent": '<circle r="6"/>',
}
"""Markup by tone: `good`, `bad`, `warn` (it may be bad, or has yet to become good), `muted` (not
reached, nothing there), `accent` (something happened)."""
