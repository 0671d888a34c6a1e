"""Bearer tokens: the file that names them, of which only SHA-256 digests are kept."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path

from service.access.reload import FileError, Watched, read_text
from service.files import DIGEST
from service.metrics import Metrics

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PREFIX = 4  # bytes of a digest by which its token is found; of no use to anyone


class Tokens:
    """The lines `name sha256hex` of a file. A name may have several tokens, the old and the new one for example."""

    def __init__(self, text: str, source: Path) -> None:
        """Raises FileError naming the line; a line that begins with # is a comment."""
        self._found: dict[bytes, list[tuple[bytes, str]]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            # The line is not quoted: it may hold a token that was pasted by mistake.
            if len(words) != 2 or not NAME.fullmatch(words[0]) or not DIGEST.fullmatch(words[1]):
                raise FileError(
                    f"{source}, line {number}: wanted `name sha256hex`, a name of letters, digits, '.', '_' and '-' "
                    "and 64 lower-case hexadecimal digits, as `python -m service.access NAME` prints it"
                )
            digest = bytes.fromhex(words[1])
            self._found.setdefault(digest[:_PREFIX], []).append((digest, words[0]))
        if not self._found:
            # An empty file would shut out everybody; to do that, stop the service.
            raise FileError(f"{source} holds no token; `python -m service.access NAME` makes one")

    def name(self, token: str) -> str | None:
        """The name of a token's owner; None: the token is unknown."""
        digest = hashlib.sha256(token.encode()).digest()
        for known, name in self._found.get(digest[:_PREFIX], ()):
            if hmac.compare_digest(known, digest):
                return name
        return None


def tokens_file(path: Path, metrics: Metrics) -> Watched[Tokens]:
    """The tokens of a file, read again when it changes; raises FileError."""
    return Watched("tokens", [path], lambda: Tokens(read_text(path), path), metrics)
