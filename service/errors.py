"""What can go wrong with a request, named after what the caller should do next. No grpc here: see rpc/handler.py."""

from __future__ import annotations

import difflib

# Names that a wrong one is compared with: a refusal must cost less than an answer.
COMPARED = 200


class StartError(RuntimeError):
    """The service cannot start; the message says why and what would help."""


class ServiceError(Exception):
    """Base of all. The message goes to the caller: it gives the value received and the values allowed."""


class InvalidRequest(ServiceError):
    """Fix the request: it would fail again."""


class GeneratorNotFound(ServiceError):
    """Choose a generator and version that this server has."""


class GeneratorNotReady(ServiceError):
    """Come back in a moment, or ask another replica: it is being loaded."""


class DeviceBroken(ServiceError):
    """This server's device failed for good: ask another replica; this one will be restarted."""


class DigestMismatch(ServiceError):
    """The file pinned by the request is not the one served: resolve the version again, or ask for another."""


class CannotTransform(ServiceError):
    """Choose a generator that can carry samples into other classes, or have this one trained for it."""


class Overloaded(ServiceError):
    """The queue is full: come back after `retry_after_seconds`, or ask another replica now."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class QuotaExceeded(Overloaded):
    """The caller has had its share: come back after `retry_after_seconds`; another replica keeps its own count."""


class AnswersUnread(Overloaded):
    """Read the answers that wait, then come back."""


class Unauthenticated(ServiceError):
    """Call with a token that this server knows."""


class Forbidden(ServiceError):
    """Ask the operator for what the caller's quota does not allow."""


class DeadlineExceeded(ServiceError):
    """Allow more time or ask for fewer samples."""


class Draining(ServiceError):
    """This server is stopping: ask another replica."""


def quote(text: str, limit: int = 64) -> str:
    """A caller's text for a message or a log: bounded, and without control characters.

    limit: characters kept, at least 1.
    """
    return repr(text if len(text) <= limit else text[:limit] + "…")


def choices(names: list[str], limit: int = 12, instead_of: str = "") -> str:
    """Allowed values for a message, the first `limit` of them; and the one that `instead_of`, a caller's, is likest."""
    shown = ", ".join(quote(name) for name in names[:limit])
    shown += f" and {len(names) - limit} more" if len(names) > limit else ""
    known = {name.casefold(): name for name in names[:COMPARED]}
    near = difflib.get_close_matches(instead_of[:64].casefold(), known, 1)
    return f"{shown}; did you mean {quote(known[near[0]])}?" if near else shown
