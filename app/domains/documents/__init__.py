"""Documents: what the company files, for how long it keeps it, and what must not be touched."""

from app.domains.documents import (
    archiving,
    document,
    document_class,
    dues,
    going_back,
    holding,
    keeping,
    package,
    papers,
    version,
)

__all__ = [
    "archiving",
    "document",
    "document_class",
    "dues",
    "going_back",
    "holding",
    "keeping",
    "package",
    "papers",
    "version",
]
