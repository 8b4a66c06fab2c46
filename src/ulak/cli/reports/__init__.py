"""`ulak reports …`: what others tell about our domains, and what we tell about theirs."""

from ulak.cli.reports.command import reports

__all__ = ["reports"]
