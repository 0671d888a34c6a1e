"""Synthetic samples as data sets of Hugging Face's `datasets`. `pip install 'augmint[huggingface]'`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Unpack

import numpy as np

from augmint import checks, extras, kinds
from augmint.errors import InvalidRequest
from augmint.generators import Description
from augmint.reading.source import Source, SourceOptions

# Samples that one element of `shards` stands for: what a worker takes, and what resuming may have to make again.
SHARD = 1024


def iterable_dataset(
    target: str, generator: str | None = None, *, length: int, **options: Unpack[SourceOptions]
) -> Any:
    """A datasets.IterableDataset of `length` samples that occupies no disk.

        data = iterable_dataset("localhost:50051", length=100_000, seed=7)
        Trainer(..., train_dataset=data.with_format("torch"))

    Columns: `image` (PIL) or `sample` (array), `label` (ClassLabel); of a table its own, ClassLabel or Value by type,
    and the label under its own name, if it has one. It is made of shards of 1024 samples, so that
    `DataLoader` workers and `split_dataset_by_node` divide it, `shuffle()` mixes it and `state_dict()` resumes it.
    Samples and labels are those of `augmint.torch.SyntheticDataset` with the same options (labels, weights, seed,
    start_index, truncation, keep, of, version, digest). Give a seed where a run shall be resumed, or ranks shall read
    one data set: its state is a place, and says nothing of what is there.
    raises: MissingExtra without datasets, and what `Client.describe` raises.
    """
    datasets = extras.load("datasets", "huggingface")
    source = Source(target, generator, **options)
    checks.whole("length", length, 1, source.limit)
    return datasets.IterableDataset.from_generator(
        _examples,
        features=_features(datasets, source.description),
        gen_kwargs={"source": source, "shards": _shards(length)},
    )


def dataset(
    target: str,
    generator: str | None = None,
    *,
    length: int,
    cache_dir: str | None = None,
    **options: Unpack[SourceOptions],
) -> Any:
    """A datasets.Dataset of `length` samples, written to the cache of `datasets` once; as `iterable_dataset`.

    Has to be given a seed, or else every call would make, and store, other samples: InvalidRequest.
    """
    datasets = extras.load("datasets", "huggingface")
    if options.get("seed") is None:
        raise InvalidRequest("seed is not given: every call would write other samples to the cache; give one, seed=7")
    source = Source(target, generator, **options)
    checks.whole("length", length, 1, source.limit)
    return datasets.Dataset.from_generator(
        _examples,
        features=_features(datasets, source.description),
        gen_kwargs={"source": source, "shards": _shards(length)},
        cache_dir=cache_dir,
        fingerprint=_fingerprint(source, length),
    )


def _shards(length: int) -> list[tuple[int, int]]:
    return [(first, min(first + SHARD, length)) for first in range(0, length, SHARD)]


def _examples(source: Source, shards: list[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    for first, last in shards:
        samples = source.samples(np.arange(first, last))
        kind = kinds.of(samples.description)
        name = kind.label(samples.description)
        for content, label in zip(kind.objects(samples), samples.class_indices.tolist(), strict=True):
            yield {**(content if not kind.column else {kind.column: content}), name: label}


def _features(datasets: Any, description: Description) -> Any:
    kind = kinds.of(description)
    content = kind.feature(datasets, description)
    labels = datasets.ClassLabel(names=list(description.labels))
    return datasets.Features({**({kind.column: content} if kind.column else content), kind.label(description): labels})


def _fingerprint(source: Source, length: int) -> str:
    told = json.dumps([source.identity(), length], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
