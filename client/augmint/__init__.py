"""Draw labelled synthetic samples from an augmint service.

    with augmint.Client("localhost:50051") as client:
        samples = client.generate("3", 64, seed=7)  # .array, .labels, .address, .to_images()

Plug-ins are imported by name and need an extra: `augmint.torch` (`pip install 'augmint[torch]'`) and
`augmint.sheet` (`pip install 'augmint[images]'`).
"""

# Before what may need it; the distribution takes its version from here.
__version__ = "0.4.0"

from augmint.address import Address
from augmint.async_client import AsyncClient
from augmint.client import Client
from augmint.errors import (
    AccessDenied,
    AugmintError,
    ClientClosed,
    DeadlineExceeded,
    DigestMismatch,
    GeneratorNotFound,
    InvalidRequest,
    LabelNotFound,
    MissingExtra,
    NotAService,
    Overloaded,
    ServiceFault,
    TlsError,
    Unavailable,
)
from augmint.generators import Description, GeneratorStatus
from augmint.samples import Sample, Samples, Transformed
from augmint.wire.channel import Tls

__all__ = [
    "AccessDenied",
    "Address",
    "AsyncClient",
    "AugmintError",
    "Client",
    "ClientClosed",
    "DeadlineExceeded",
    "Description",
    "DigestMismatch",
    "GeneratorNotFound",
    "GeneratorStatus",
    "InvalidRequest",
    "LabelNotFound",
    "MissingExtra",
    "NotAService",
    "Overloaded",
    "Sample",
    "Samples",
    "ServiceFault",
    "Tls",
    "TlsError",
    "Transformed",
    "Unavailable",
]
