"""Handlers: programs of the operator's that take mail, run for each message or asked over HTTP."""

from ulak.delivery.handler.http import Address, HttpCarrier
from ulak.delivery.handler.pipe import PipeCarrier, Program

__all__ = ["Address", "HttpCarrier", "PipeCarrier", "Program"]
