"""`python -m service.access NAME >> tokens` makes a token.

Its line goes to standard output, for the file of --tokens, and the token itself to standard error, for the client. Only
its SHA-256 is kept: a reader of the file cannot call.
"""

from __future__ import annotations

import hashlib
import secrets
import sys

from service.access.tokens import NAME
from service.errors import quote


def main(names: list[str]) -> int:
    """Make one token. Exit status: 0, or 2 for other than one name."""
    if len(names) != 1 or not NAME.fullmatch(names[0]):
        given = f", not {quote(' '.join(names))}" if names else ""
        print(  # noqa: T201
            "usage: python -m service.access NAME >> tokens\n"
            f"error: wanted one name of letters, digits, '.', '_' and '-', up to 63{given}",
            file=sys.stderr,
        )
        return 2
    token = secrets.token_urlsafe(32)
    print(f"the token of {names[0]}, shown only now: {token}", file=sys.stderr)  # noqa: T201
    print(names[0], hashlib.sha256(token.encode()).hexdigest())  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
