"""What is held on one person: found, reported, erased. No business noun: entities say who is a person.

Whoever acts here has the right to it; it is asked for by the callers and again before erasing.
"""

from app.engine.personal.erasing import Order, Plan, compact, erase, plan, proof_of
from app.engine.personal.files import StoredFile, files_with, keeper
from app.engine.personal.finding import HOW, Held, Person, history_of, label_of, person
from app.engine.personal.models import Erasure
from app.engine.personal.report import FORMATS, gather, write
from app.engine.personal.sweep import count, places
from app.engine.personal.terms import Finder, Terms

__all__ = [
    "FORMATS", "HOW", "Erasure", "Finder", "Held", "Order", "Person", "Plan", "StoredFile", "Terms",
    "compact", "count", "erase", "files_with", "gather", "history_of", "keeper", "label_of",
    "person", "places", "plan", "proof_of", "write",
]  # fmt: skip
