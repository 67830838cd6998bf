"""Files encrypted piece by piece, so that they are written and read as streams at constant memory.

A file begins with a mark, the key's name and random bytes, of which and the key follow the key of
this file. Each piece says in its nonce its place and whether it is the last: none can be cut off,
left out or exchanged without being noticed.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.engine.adapters.vault import Key, Vault, VaultClosed

MARK = b"stewardsealed1\n"
_NAME, _SALT, _PIECE, _TAG = 8, 16, 64 * 1024, 16
HEAD = len(MARK) + _NAME + _SALT


def _cipher(key: Key, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(hashes.SHA256(), 32, salt=salt, info=b"file").derive(key.files))


def _nonce(place: int, last: bool) -> bytes:
    return bytes([last]) + place.to_bytes(11, "big")


def write(key: Key, source: Any, target: Any) -> int:
    """Encrypt a stream into another; how many bytes it had."""
    salt = os.urandom(_SALT)
    cipher = _cipher(key, salt)
    target.write(MARK + key.name.encode() + salt)
    size, place, piece = 0, 0, source.read(_PIECE)
    while True:
        following = source.read(_PIECE)
        target.write(cipher.encrypt(_nonce(place, not following), piece, None))
        size += len(piece)
        if not following:
            return size
        place, piece = place + 1, following


def key_name(head: bytes) -> str | None:
    """With which key a file that begins so is encrypted; None: with none."""
    return head[len(MARK) :][:_NAME].decode("ascii", "replace") if head.startswith(MARK) else None


def opened(vault: Vault, file: BinaryIO) -> BinaryIO:
    """The content of an encrypted file. Raises VaultClosed, later too."""
    head = file.read(HEAD)
    try:
        key = vault.key(key_name(head) or "")
    except VaultClosed:
        file.close()
        raise
    return cast(BinaryIO, io.BufferedReader(_Pieces(_cipher(key, head[-_SALT:]), file), _PIECE))


class _Pieces(io.RawIOBase):
    """The content behind the head, a piece at a time, from any place."""

    def __init__(self, cipher: AESGCM, file: BinaryIO) -> None:
        self._cipher, self._file = cipher, file
        self._pieces: Iterator[bytes] = self._decrypted(0)
        self._rest = b""
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Begins with the piece in which the place is: those before it are not read."""
        if whence == io.SEEK_CUR:
            offset += self._at
        elif whence == io.SEEK_END:
            offset += self._length()
        place, skipped = divmod(max(0, offset), _PIECE)
        self._file.seek(HEAD + place * (_PIECE + _TAG))
        self._pieces, self._rest, self._at = self._decrypted(place, skipped), b"", max(0, offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        self._at += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()

    def _length(self) -> int:
        """How long the content is, by how long the file is."""
        sealed = self._file.seek(0, io.SEEK_END) - HEAD
        pieces = -(-sealed // (_PIECE + _TAG))
        return sealed - pieces * _TAG

    def _decrypted(self, place: int, skipped: int = 0) -> Iterator[bytes]:
        first, piece = place, self._file.read(_PIECE + _TAG)
        if first and not piece:
            return  # behind the end
        while True:
            following = self._file.read(_PIECE + _TAG) if len(piece) == _PIECE + _TAG else b""
            try:
                clear = self._cipher.decrypt(_nonce(place, not following), piece, None)
            except (InvalidTag, ValueError):
                raise VaultClosed("an encrypted file was changed, or cut") from None
            yield clear[skipped:] if place == first else clear
            if not following:
                return
            place, piece = place + 1, following
