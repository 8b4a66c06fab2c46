"""What scanners say of a message's content: spam or not, and whether a virus is in it."""

from ulak.checks.scanner.finding import (
    Added,
    Asked,
    Finding,
    Result,
    Symbol,
    failed,
    too_large,
)

__all__ = ["Added", "Asked", "Finding", "Result", "Symbol", "failed", "too_large"]
