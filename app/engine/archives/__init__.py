"""Archives: packages that prove themselves, their catalogues and labels, and the proof of all that is kept.

An area declares what its packages are, by the names of its entities:

    archives.declare(Archive("ArchivePackage", catalogue_of, labels_of, sealed, check))

and has packages made (`pack`), with numbers of series without gaps (`take`, `give_back`). Catalogue,
labels and package then have their addresses under the package's record, `fixity` reads packages again
by plan, and `run.py verify-archive` checks them with all the rest (see `proof`).
"""

from app.engine.archives.catalogue import Catalogue, plain, seen
from app.engine.archives.declaring import Archive, Sealed, archive_of, declare, declared
from app.engine.archives.labels import Label
from app.engine.archives.numbers import give_back, given, take
from app.engine.archives.packing import NotPacked, Order, Package, Packed, Piece, pack
from app.engine.archives.sealing import cut, pieces_of, say_sealed, say_undone
from app.engine.tables import Column

__all__ = [
    "Archive",
    "Catalogue",
    "Column",
    "Label",
    "NotPacked",
    "Order",
    "Package",
    "Packed",
    "Piece",
    "Sealed",
    "archive_of",
    "cut",
    "declare",
    "declared",
    "give_back",
    "given",
    "pack",
    "pieces_of",
    "plain",
    "say_sealed",
    "say_undone",
    "seen",
    "take",
]
