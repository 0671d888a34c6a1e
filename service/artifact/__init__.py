"""The self-describing ONNX file: training writes it, the service reads it.

One file holds the graph, its weights and, under the metadata key `METADATA_KEY`, one `augmint.v1.Generator`
message as JSON. This package owns that message's rules, the graph's signature, the mixing of seeds and the
layout of a repository (`<models>/<generator>/<version>/model.onnx`, and beside the versions `channels.json`).
It needs neither onnx nor onnxruntime.
"""

from service.artifact.address import DRAWS_PER_INDEX, INDEX_LIMIT, INPUTS, TRUNCATION_LIMIT, Rows, mix_seed
from service.artifact.golden import (
    GOLDEN_TOLERANCE_FLOAT,
    check_golden,
    golden_rows,
)
from service.artifact.layout import (
    CHANNEL,
    CHANNELS_FILE_NAME,
    CHANNELS_LIMIT,
    DIGEST_FILE_NAME,
    FILE_BYTES_LIMIT,
    FILE_NAME,
    STABLE,
    Key,
    channels,
    check_digest,
    digest,
    publish,
    published_versions,
)
from service.artifact.metadata import (
    DTYPES,
    METADATA_KEY,
    NAME,
    VERSION,
    ArtifactError,
    Withheld,
    check_verdict,
    embed,
    from_json,
    sample_dtype,
    sample_shape,
    validate,
)
from service.artifact.signature import OUTPUT, SCORE, Tensor, check_signature

__all__ = [
    "CHANNEL",
    "CHANNELS_FILE_NAME",
    "CHANNELS_LIMIT",
    "DIGEST_FILE_NAME",
    "DRAWS_PER_INDEX",
    "DTYPES",
    "FILE_BYTES_LIMIT",
    "FILE_NAME",
    "GOLDEN_TOLERANCE_FLOAT",
    "INDEX_LIMIT",
    "INPUTS",
    "METADATA_KEY",
    "NAME",
    "OUTPUT",
    "SCORE",
    "STABLE",
    "TRUNCATION_LIMIT",
    "VERSION",
    "ArtifactError",
    "Key",
    "Rows",
    "Tensor",
    "Withheld",
    "channels",
    "check_digest",
    "check_golden",
    "check_signature",
    "check_verdict",
    "digest",
    "embed",
    "from_json",
    "golden_rows",
    "mix_seed",
    "publish",
    "published_versions",
    "sample_dtype",
    "sample_shape",
    "validate",
]
