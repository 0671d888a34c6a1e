"""Synthetic rows of a table for scikit-learn and imbalanced-learn. `pip install 'augmint[sklearn]'`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from augmint import extras, said
from augmint.address import INDEX_LIMIT, check_selection
from augmint.client import Client
from augmint.errors import DigestMismatch, InvalidRequest, LabelNotFound
from augmint.generators import Description
from augmint.kinds.table import columns
from augmint.kinds.table.like import Like
from augmint.kinds.table.real import Lookup
from augmint.v1 import generator_pb2 as pb
from augmint.wire.channel import Tls

_over_sampling = extras.load("imblearn.over_sampling.base", "sklearn")
_imblearn = extras.load("imblearn.utils", "sklearn")
_sklearn = extras.load("sklearn.utils", "sklearn")
_validation = extras.load("sklearn.utils.validation", "sklearn")
_interval = extras.load("sklearn.utils._param_validation", "sklearn").Interval
_pandas = extras.load("pandas", "sklearn")


class AugmintSampler(_over_sampling.BaseOverSampler):  # type: ignore[misc, name-defined]
    """Tops classes up with rows of a generator, as imbalanced-learn's over-samplers do with rows of their own.

        sampler = AugmintSampler("localhost:50051", "adult", random_state=7)
        X_resampled, y_resampled = sampler.fit_resample(X, y)

    X_resampled begins with the rows of X, in their order, as in `SMOTE`; the synthetic ones come behind, by class. A
    DataFrame comes back as one, with the columns, dtypes and spelling of categories that it had, and an index from 0.
    Works in `imblearn.pipeline.Pipeline`, which resamples when it fits and never when it predicts, and in
    `GridSearchCV`. Put it before what encodes or scales: the generator makes rows as the table has them.

    Parameters
    ----------
    target : str, default="localhost:50051"
        HOST:PORT of the service.
    generator : str, default=None
        Name. None: the only one.
    sampling_strategy : float, str, dict or callable, default="auto"
        As in `imblearn.over_sampling.RandomOverSampler`: how many rows each class shall have.
    random_state : int, RandomState instance or None, default=None
        An int is the seed of the rows: the same one gives the same rows, in every fold and every run. Row i of a class
        is the same however many are asked for. None, or an instance: another seed is drawn for every call.
    names : dict, default=None
        Class in y to the generator's label, where they are not written alike; 1, 1.0, True and "1" are.
    truncation, keep, of, version, digest, channel
        As in `Client.generate`.
    tls, timeout
        As in `Client`.
    token : Path or callable, default=None
        File of a bearer token, or what returns it; not the token, which scikit-learn would print.

    Attributes
    ----------
    sampling_strategy_ : dict
        Class to rows added. seed_ : int, of the rows. addresses_ : list of str, where the rows added come from, as
        `Client.replay` takes them.
    n_features_in_, feature_names_in_ : as in scikit-learn.

    Raises
    ------
    InvalidRequest (a ValueError)
        A column or class that only one side has, categories that the generator does not make (of rare ones a warning
        tells), a dtype that cannot hold what it makes; a generator of something else than rows. Beside it, what
        `Client.describe` and `Client.fetch` raise.
    """

    _parameter_constraints: dict = {  # noqa: RUF012 - of scikit-learn
        **_over_sampling.BaseOverSampler._parameter_constraints,
        "target": [str],
        "generator": [str, None],
        "names": [Mapping, None],
        "truncation": [_interval(Real, 0, 2, closed="right"), None],
        "keep": [_interval(Integral, 1, 64, closed="both"), None],
        "of": [_interval(Integral, 1, 64, closed="both"), None],
        "version": [_interval(Integral, 1, None, closed="left"), None],
        "channel": [str, None],
        "digest": [str, None],
        "tls": ["boolean", Tls, None],
        "token": [Path, callable, None],
        "timeout": [_interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        target: str = "localhost:50051",
        generator: str | None = None,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[[Any], Mapping[Any, int]] = "auto",
        random_state: Any = None,
        names: Mapping[Any, str] | None = None,
        truncation: float | None = None,
        keep: int | None = None,
        of: int | None = None,
        version: int | None = None,
        channel: str | None = None,
        digest: str | None = None,
        tls: bool | Tls | None = None,
        token: Path | Callable[[], str] | None = None,
        timeout: float = 60.0,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.target = target
        self.generator = generator
        self.random_state = random_state
        self.names = names
        self.truncation = truncation
        self.keep = keep
        self.of = of
        self.version = version
        self.channel = channel
        self.digest = digest
        self.tls = tls
        self.token = token
        self.timeout = timeout

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, Any, bool]:
        if isinstance(getattr(y, "dtype", None), _pandas.CategoricalDtype):
            y = y.astype(y.dtype.categories.dtype)  # of truth values scikit-learn would make numbers
        y, binarised = _imblearn.check_target_type(y, indicate_one_vs_all=True)
        if isinstance(X, _pandas.DataFrame):
            if not X.columns.is_unique:
                raise InvalidRequest(f"X has the column {X.columns[X.columns.duplicated()][0]!r} twice")
        else:
            if hasattr(X, "__dataframe__") or type(X).__name__ == "DataFrame":
                raise InvalidRequest(
                    f"X is a DataFrame of {type(X).__module__.partition('.')[0]}: hand over that of pandas"
                )
            mixed = isinstance(X, list) and any(isinstance(value, str) for row in X for value in row)
            X = _sklearn.check_array(np.array(X, object) if mixed else X, dtype=None, ensure_all_finite=False)
        _validation.check_consistent_length(X, y)
        _validation.validate_data(self, X=X, y=y, reset=True, skip_check_array=True)
        return X, y, binarised

    def _fit_resample(self, X: Any, y: np.ndarray) -> tuple[Any, np.ndarray]:
        self.seed_ = _seed(self.random_state)
        self.addresses_: list[str] = []
        with Client(self.target, timeout=self.timeout, tls=self.tls, token=self.token) as client:
            description = self._describe(client)
            frame = X if isinstance(X, _pandas.DataFrame) else _as_frame(X, description)
            like = Like(description, frame)
            wanted = {value: count for value, count in self.sampling_strategy_.items() if count > 0}
            classes = {value: self._class_index(value, description) for value in wanted}
            if not wanted:
                return X.reset_index(drop=True) if frame is X else X, y
            _warn_of_withheld(description, classes.values())
            # Every class has a stretch of the stream to itself: its rows depend on no other class's number.
            keep, of = check_selection(self.keep, self.of)
            stretch = INDEX_LIMIT // max(1, of) * max(1, keep) // len(description.labels)
            samples = client.fetch(
                np.concatenate([classes[value] * stretch + np.arange(count) for value, count in wanted.items()]),
                np.repeat([classes[value] for value in wanted], list(wanted.values())),
                seed=self.seed_,
                truncation=self.truncation,
                keep=self.keep,
                of=self.of,
                generator=description.name,
                version=description.version,
                digest=description.digest,
            )
        self.addresses_ = [str(address) for address in samples.addresses]
        made = like(samples)
        added = np.concatenate([np.full(count, value, y.dtype) for value, count in wanted.items()])
        rows = _pandas.concat([X, made], ignore_index=True) if frame is X else _below(X, made)
        return rows, np.concatenate([y, added])

    def _describe(self, client: Client) -> Description:
        description = client.describe(self.generator, self.version, channel=self.channel)
        if self.digest is not None and description.digest != self.digest:
            there = f"{description.name} version {description.version}"
            raise DigestMismatch(f"{there} is the file {description.digest}, not {self.digest}")
        if description.kind != "table":
            raise InvalidRequest(f"generator {description.name!r} makes {description.kind}, not rows of a table")
        return description

    def _class_index(self, value: Any, description: Description) -> int:
        plain = value.item() if isinstance(value, np.generic) else value
        if self.names is not None and plain in self.names:
            return description.class_index(self.names[plain])
        labels = Lookup(description.labels)
        found = labels(plain)
        if found is None:
            raise LabelNotFound(
                f"generator {description.name!r} has no label for class {plain!r} of y; its labels are "
                f"{labels.unknown(plain)}. Where they are written otherwise, names={{{plain!r}: LABEL}} says which"
            )
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _seed(random_state: Any) -> int:
    """An int as it is; what is drawn is larger, so that it is no int that somebody gives."""
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(_sklearn.check_random_state(random_state).randint(2**32, 2**53, dtype=np.int64))


def _as_frame(array: np.ndarray, description: Description) -> Any:
    """Columns of an array by position."""
    found = columns(description)
    if array.shape[1] != len(found):
        raise InvalidRequest(
            f"X has {array.shape[1]} columns, and generator {description.name!r} makes {len(found)}: "
            f"{', '.join(column.name for column in found[:20])}{', ...' if len(found) > 20 else ''}"
        )
    return _pandas.DataFrame({column.name: array[:, number] for number, column in enumerate(found)})


def _below(array: np.ndarray, made: Any) -> np.ndarray:
    if array.dtype.kind != "U":
        return np.concatenate([array, made.to_numpy(array.dtype)])
    if made.isna().to_numpy().any():
        raise InvalidRequest("X is an array of text, and the generator's rows miss values: hand over a DataFrame")
    return np.concatenate([array, made.to_numpy(object).astype(str)])


def _warn_of_withheld(description: Description, classes: Any) -> None:
    card = description.message.quality
    verdicts = {one.label: one.verdict for one in card.classes}
    for index in sorted(set(classes)):
        label = description.labels[index]
        if (verdicts.get(label) or card.verdict) == pb.VERDICT_WITHHELD:
            said.warn(
                f"the quality card of generator {description.name!r} says that its samples of {label!r} should not be "
                "trained on: `augmint show` says why"
            )
