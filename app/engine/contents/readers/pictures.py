"""Pictures, drawn anew: what is shown was made here, of the pixels alone."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from app.engine.contents.readers.output import Unreadable, say

_MOST_PIXELS = 80_000_000
_MOST_FRAMES = 500
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")


def draw(path: str, wanted: list[int], **_options: Any) -> Iterator[tuple[int, Any]]:
    """The frames of these numbers (from 1). Raises Unreadable."""
    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(path, formats=FORMATS) as picture:
            frames = _frames(picture)
            say({"count": frames})
            for number in wanted:
                if 1 <= number <= frames:
                    picture.seek(number - 1)
                    yield number, _flat(picture, int(_options["width"]))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable("too_large") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise Unreadable("damaged") from error


def _frames(picture: Image.Image) -> int:
    """The pages of a TIFF; of what moves, the first picture alone."""
    return min(getattr(picture, "n_frames", 1), _MOST_FRAMES) if picture.format == "TIFF" else 1


def _flat(picture: Image.Image, width: int) -> Image.Image:
    """Upright, on white, no larger than wanted."""
    picture.draft("RGB", (width * 2, width * 2))
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((width * 2, width * 4))
    if upright.mode in ("RGBA", "LA", "PA", "P"):
        clear = upright.convert("RGBA")
        paper = Image.new("RGBA", clear.size, "white")
        upright = Image.alpha_composite(paper, clear)
    return upright.convert("RGB")
