"""Documents: what the company files, for how long it keeps it, and what must not be touched."""

from app.domains.documents import (
    document,
    document_class,
    dues,
    going_back,
    holding,
    keeping,
    papers,
    version,
)

__all__ = [
    "document",
    "document_class",
    "dues",
    "going_back",
    "holding",
    "keeping",
    "papers",
    "version",
]
