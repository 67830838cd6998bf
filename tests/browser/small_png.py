"""Pictures of pages have few colours: written with a palette they are much smaller."""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Browser

PALETTE = """async source => {
    const image = new Image();
    image.src = "data:image/png;base64," + source;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height), pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const pixels = new Uint32Array(pen.getImageData(0, 0, image.width, image.height).data.buffer);
    const often = new Map();
    for (const one of pixels) often.set(one, (often.get(one) || 0) + 1);
    const colours = [...often.keys()].sort((a, b) => often.get(b) - often.get(a)).slice(0, 256);
    const parts = one => [one & 255, one >> 8 & 255, one >> 16 & 255];
    const apart = (a, b) => parts(a).reduce((sum, part, index) => sum + (part - parts(b)[index]) ** 2, 0);
    const place = new Map(colours.map((one, index) => [one, index]));
    for (const one of often.keys())
        if (!place.has(one)) {
            const near = colours.reduce((best, other) => apart(one, other) < apart(one, best) ? other : best);
            place.set(one, place.get(near));
        }
    let indexes = "";
    for (const one of pixels) indexes += String.fromCharCode(place.get(one));
    return { width: image.width, height: image.height, palette: colours.flatMap(parts), indexes: btoa(indexes) };
}"""


def with_palette(browser: Browser, picture: bytes) -> bytes:
    """The same picture in its 256 most frequent colours; others become the nearest of them."""
    page = browser.new_page()
    found = page.evaluate(PALETTE, base64.b64encode(picture).decode())
    page.close()
    width, height = found["width"], found["height"]
    indexes = base64.b64decode(found["indexes"])
    lines = (b"\0" + indexes[row * width : (row + 1) * width] for row in range(height))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(found["palette"])),
            _chunk(b"IDAT", zlib.compress(b"".join(lines), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check
