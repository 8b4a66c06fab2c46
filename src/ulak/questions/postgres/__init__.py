"""Asking over PostgreSQL, which every member of a cluster reaches already."""

from ulak.questions.postgres.answerer import Answerer
from ulak.questions.postgres.asker import Asker

__all__ = ["Answerer", "Asker"]
