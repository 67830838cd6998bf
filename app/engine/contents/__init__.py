"""What is in files: their text for the search, and pictures of their pages for whoever may see them."""

from app.engine.contents.problems import PROBLEMS, told
from app.engine.contents.reading import SIZES, VERSION, Contents, draw, read, show
from app.engine.contents.running import LIMITS, Limits, Said

__all__ = [
    "LIMITS",
    "PROBLEMS",
    "SIZES",
    "VERSION",
    "Contents",
    "Limits",
    "Said",
    "draw",
    "read",
    "show",
    "told",
]
