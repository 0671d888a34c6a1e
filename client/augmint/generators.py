"""What a service tells about its generators, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augmint import notebook
from augmint.errors import InvalidRequest, LabelNotFound, ServiceFault
from augmint.near import did_you_mean
from augmint.v1 import generator_pb2 as pb

DTYPES: dict[int, np.dtype] = {
    pb.DATA_TYPE_UINT8: np.dtype("<u1"),
    pb.DATA_TYPE_INT16: np.dtype("<i2"),
    pb.DATA_TYPE_INT32: np.dtype("<i4"),
    pb.DATA_TYPE_INT64: np.dtype("<i8"),
    pb.DATA_TYPE_FLOAT32: np.dtype("<f4"),
}
_STATES = {
    pb.GENERATOR_STATE_LOADING: "loading",
    pb.GENERATOR_STATE_READY: "ready",
    pb.GENERATOR_STATE_FAILED: "failed",
    pb.GENERATOR_STATE_RETIRING: "retiring",
}

# A page when the service states no limits.
_DEFAULT_PAGE = 256


@dataclass(frozen=True, slots=True)
class GeneratorStatus:
    """One line of `Client.generators()`.

    name, version, digest: of the file; digest is empty if the file could not be read.
    state:      "loading", "ready", "failed", "retiring" (served to readers that pin it, until they are done) or
                "unknown" (a newer service).
    reason:     why it failed, or why the file that should replace it did, one sentence; else empty.
    is_default: what a request without a version gets.
    labels:     class names in order of class index.
    capacity_samples_per_second: as the service calibrated it; 0 unless ready.
    channels:   names that lead to this version, e.g. "stable".
    """

    name: str
    version: int
    digest: str
    state: str
    reason: str
    is_default: bool
    labels: tuple[str, ...]
    capacity_samples_per_second: float
    channels: tuple[str, ...] = ()

    @classmethod
    def read(cls, message: pb.GeneratorStatus) -> GeneratorStatus:
        """From the contract's message."""
        return cls(
            name=message.name,
            version=message.version,
            digest=message.digest,
            state=_STATES.get(message.state, "unknown"),
            reason=message.reason,
            is_default=message.is_default,
            labels=tuple(message.labels),
            capacity_samples_per_second=message.capacity_samples_per_second,
            channels=tuple(message.channels),
        )


@dataclass(frozen=True)
class Description:
    """Everything about one generator: `Client.describe()`.

    name, version, digest: identity of the file.
    labels:     class names in order of class index.
    shape:      of one sample, e.g. (28, 28, 1).
    dtype:      of the elements, little-endian.
    kind:       "image", "audio", "music", "text", "table" or "array".
    message:    the contract's Generator: `message.sample` says how to decode, `message.quality` is the quality card
                (all defaults if it was not measured), `message.provenance` is where the generator comes from.
    capacity_samples_per_second: as the service calibrated it.
    max_samples: largest n of one call of the service; the client pages beyond it.
    page:       samples that the client asks for per call.
    """

    name: str
    version: int
    digest: str
    labels: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    kind: str
    message: pb.Generator
    capacity_samples_per_second: float
    max_samples: int
    page: int

    @property
    def measured(self) -> bool:
        """Whether there is a quality card."""
        return self.message.HasField("quality")

    @property
    def measurements(self) -> dict[str, str]:
        """More of the quality card by name, in words: what is measured of this kind of data alone, and the attack that
        tries to tell which real samples the generator learned from. Empty if neither was measured."""
        card, told = self.message.quality, {}
        for one in card.measurements:
            of_what = f" ({one.detail})" if one.detail else ""
            told[one.name] = f"{one.value:.3g}{of_what}" + (f", real {one.real:.3g}" if one.HasField("real") else "")
        if card.HasField("membership_inference"):
            found = card.membership_inference
            told["membership inference"] = f"AUC {found.auc:.2f} ({found.low:.2f} to {found.high:.2f}), by chance 0.5"
        return told

    def _repr_html_(self) -> str:
        """For notebooks: name, samples, labels, quality."""
        return notebook.description_html(self)

    @classmethod
    def read(cls, response: pb.GetGeneratorResponse) -> Description:
        """From the contract's message; ServiceFault if this release cannot decode such samples."""
        generator, status, limits = response.generator, response.status, response.limits
        dtype = DTYPES.get(generator.sample.dtype)
        if dtype is None or not generator.sample.shape or not generator.labels or not status.digest:
            raise ServiceFault(
                f"generator {status.name!r} describes samples of type {generator.sample.dtype}, shape "
                f"{list(generator.sample.shape)}, with {len(generator.labels)} labels, which this release of augmint "
                "cannot decode: upgrade it"
            )
        largest = limits.max_samples or _DEFAULT_PAGE
        return cls(
            name=status.name,
            version=status.version,
            digest=status.digest,
            labels=tuple(generator.labels),
            shape=tuple(generator.sample.shape),
            dtype=dtype,
            kind=generator.sample.WhichOneof("kind") or "array",
            message=generator,
            capacity_samples_per_second=status.capacity_samples_per_second,
            max_samples=largest,
            page=min(largest, limits.preferred_page_samples or largest),
        )

    def class_index(self, label: str | int) -> int:
        """Index of a class given by name (str) or by index (int); InvalidRequest says what is allowed."""
        count = len(self.labels)
        if isinstance(label, str):
            if label in self.labels:
                return self.labels.index(label)
            shown = ", ".join(self.labels[:20]) + (f", ... ({count} in all)" if count > 20 else "")
            raise LabelNotFound(
                f"generator {self.name!r} version {self.version} has no label {label!r}; its labels are {shown}"
                f"{did_you_mean(label, self.labels)}"
            )
        if isinstance(label, int | np.integer) and not isinstance(label, bool):
            if 0 <= label < count:
                return int(label)
            raise LabelNotFound(
                f"class index {label} of generator {self.name!r} version {self.version} is outside [0, {count - 1}]"
            )
        raise InvalidRequest(f"a label is a name (str) or a class index (int), not {type(label).__name__}")

    def class_indices(self, labels: object) -> np.ndarray:
        """int64 [n] of a sequence or array of labels, each as in `class_index`."""
        try:
            array = np.asarray(labels)
        except ValueError as error:
            raise InvalidRequest("classes is not a flat sequence of one class per sample") from error
        if array.ndim != 1 or not len(array):
            raise InvalidRequest(f"classes has the shape {list(array.shape)}; it is a sequence of one class per sample")
        if array.dtype.kind in "iu":
            for worst in (array.min(), array.max()):
                self.class_index(worst)
            return array.astype(np.int64)
        if array.dtype.kind == "U" and all(isinstance(label, str) for label in labels):  # type: ignore[attr-defined]
            found = {name: self.class_index(name) for name in set(array.tolist())}
            return np.array([found[name] for name in array.tolist()], np.int64)
        raise InvalidRequest("classes holds one name (str) or one class index (int) per sample, all of one kind")
