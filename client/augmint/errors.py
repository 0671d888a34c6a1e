"""What can go wrong, named after what the caller should do next. All are AugmintError; no grpc in sight."""

from __future__ import annotations


class AugmintError(Exception):
    """Base of everything that this library raises on purpose; the message is one sentence for a person."""


class InvalidRequest(AugmintError, ValueError):
    """Fix the request: the message names the field, the value and the allowed values."""


class LabelNotFound(InvalidRequest):
    """Choose another label: the generator has no such class, or has lost it in a newer version."""


class GeneratorNotFound(AugmintError, LookupError):
    """Choose another generator or version: `Client.generators()` lists those that the service has."""


class DigestMismatch(AugmintError):
    """The service no longer has the file that was asked for; ask without a digest to take the one it has now."""


class AccessDenied(AugmintError):
    """Give other credentials: the token is missing, unknown to the service, or does not allow this."""


class Overloaded(AugmintError):
    """Try again later, or ask for less: the service's queue stayed full until the deadline.

    retry_after_s: seconds after which the service wants to be asked again; None if it did not say, negative if it
                   wants not to be asked again.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(AugmintError):
    """Check the address, or try again later: nobody answered there, or the service is starting or stopping.

    retry_after_s: as in Overloaded.
    connected:     False if there was no connection at all, True if a service was reached.
    """

    def __init__(self, message: str, retry_after_s: float | None = None, connected: bool = True) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.connected = connected


class TlsError(Unavailable):
    """Check `tls`: one side speaks TLS and the other does not, or one does not trust the other's certificate."""


class DeadlineExceeded(AugmintError, TimeoutError):
    """Allow more time: the answer did not come, or could not have come, within the timeout."""


class ClientClosed(AugmintError):
    """The client was closed, before the call or during it; make another."""


class ServiceFault(AugmintError):
    """A defect of the service or a release that this one cannot talk to; report it with the message."""


class NotAService(ServiceFault):
    """Choose another address or port: what answers there is no augmint service."""


class MissingExtra(AugmintError, ImportError):
    """Install the named extra: an optional library is missing."""
