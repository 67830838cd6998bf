"""Files: contents kept once each, by their hash, and who may file which where."""

from app.engine.files.keeping import FileGone, TooLarge, brought_as, get, open_file, put
from app.engine.files.kinds import contradicts, label_of
from app.engine.files.models import FileUpload, StoredFile

__all__ = [
    "FileGone",
    "FileUpload",
    "StoredFile",
    "TooLarge",
    "brought_as",
    "contradicts",
    "get",
    "label_of",
    "open_file",
    "put",
]
