"""Pictures of pages in their sizes, written into a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.engine.contents.readers.output import say


def draw_all(reader: Any, path: str, options: Mapping[str, Any]) -> None:
    """Draw each page wanted once and keep it in every size: `<folder>/<size>-<number>.webp`."""
    sizes: Mapping[str, int] = options["sizes"]
    folder = Path(options["folder"])
    for number, picture in reader.draw(path, options["wanted"], width=max(sizes.values())):
        for name, width in sorted(sizes.items(), key=lambda size: -size[1]):
            if picture.width > width or picture.height > width * 4:
                picture.thumbnail((width, width * 4))
            picture.save(folder / f"{name}-{number}.webp", "WEBP", quality=80, method=2)
        say({"drawn": number, "width": picture.width, "height": picture.height})
