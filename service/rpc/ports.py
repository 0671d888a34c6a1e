"""Ports: how the gRPC server listens, and its limits on connections."""

from __future__ import annotations

import grpc

from service.errors import StartError
from service.repository.loader import RESPONSE_BYTES_LIMIT
from service.settings import Settings

# Requests are tiny: the largest holds one class index for each sample.
REQUEST_BYTES_LIMIT = 2**20
# But for those that bring samples: as many bytes of them as an answer may have.
BODY_BYTES_LIMIT = RESPONSE_BYTES_LIMIT + REQUEST_BYTES_LIMIT
# Names, a token, a trace. One limit for all callers: by default grpc refuses at random between 8 and 16 KiB.
METADATA_BYTES_LIMIT = 2**13
# More calls than will ever come at once: the scheduler limits what waits, and tells callers so.
PENDING_CALLS = 1_000_000
# A client that connects must finish its handshake within this.
HANDSHAKE_SECONDS = 10
# A client with open calls is pinged every PING_SECONDS. Its connection is closed when a ping has no answer, or its
# machine takes no byte, for STALL_SECONDS: it would hold the memory of its answers.
PING_SECONDS = 30
STALL_SECONDS = 20
# Grace period after connection_age_seconds, beyond twice the longest queue: longer than any queued call can take.
# It ends the connection of a caller that answers pings and reads nothing.
FAREWELL_SECONDS = 60


def listen(server: grpc.Server, host: str, port: int, flag: str, credentials: grpc.ServerCredentials | None) -> int:
    """Open a port, of the number that it returns; raises StartError."""
    try:
        if credentials is None:
            return server.add_insecure_port(f"{host}:{port}")
        return server.add_secure_port(f"{host}:{port}", credentials)
    except RuntimeError as error:
        raise StartError(
            f"cannot listen on {host}:{port}: the port is in use or not allowed; "
            f"choose another with {flag}, or 0 for any"
        ) from error


def options(settings: Settings, request_bytes: int = BODY_BYTES_LIMIT) -> list[tuple[str, int]]:
    """What gRPC's server is told. request_bytes: of a request at most; what is larger is not received."""
    age = int(settings.connection_age_seconds * 1000)
    return [
        # On by default on Linux: two servers on one port would silently share its calls.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", request_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", METADATA_BYTES_LIMIT),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES_LIMIT),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_SECONDS * 1000),
        ("grpc.max_concurrent_streams", settings.concurrent_calls),
        # From 1,000 calls that it has not handed over yet grpc drops some by chance, and their callers read CANCELLED.
        ("grpc.server.max_pending_requests", PENDING_CALLS),
        ("grpc.server.max_pending_requests_hard_limit", PENDING_CALLS),
        ("grpc.max_connection_age_ms", age),
        # Calls that are under way when a connection reaches its age may finish.
        ("grpc.max_connection_age_grace_ms", int(1000 * (FAREWELL_SECONDS + 2 * settings.queue_limit_seconds))),
        ("grpc.keepalive_time_ms", PING_SECONDS * 1000),
        ("grpc.keepalive_timeout_ms", STALL_SECONDS * 1000),
        ("grpc.http2.ping_timeout_ms", STALL_SECONDS * 1000),
        ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
        ("grpc.keepalive_permit_without_calls", 0),
    ]
