"""Real and synthetic samples as one map-style data set."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from augmint import checks, mixing
from augmint.client import Client
from augmint.errors import InvalidRequest
from augmint.generators import Description
from augmint.mixing import Amounts, Epoch, Portion
from augmint.prefetch import Meter, Prefetch, Stats
from augmint.said import warn
from augmint.shares import Share, shares
from augmint.source import Source
from augmint.torch import ranks
from augmint.torch.loader import Loader
from augmint.torch.positions import one_or_view
from augmint.torch.reals import Reals
from augmint.torch.tensors import data

# Batches whose synthetic samples are fetched before they are needed, at most.
_BATCHES_AHEAD = 16


def mix(
    real: Any,
    target: str | Client,
    generator: str | None = None,
    *,
    ratio: Any = None,
    top_up: Any = None,
    per_real: Any = None,
    card: bool = True,
    labels: Any = None,
    names: Mapping[Any, str] | Sequence[str] | None = None,
    seed: int | None = None,
    truncation: float | None = None,
    keep: int | None = None,
    of: int | None = None,
    version: int | None = None,
    digest: str | None = None,
    transform: Callable[[Any], Any] | None = None,
    target_transform: Callable[[Any], Any] | None = None,
    flag: bool = False,
    progress: bool = True,
) -> MixedDataset:
    """Real samples, each of them in every epoch, and synthetic ones among them, new ones in every epoch.

        mixed = mix(real, "localhost:50051", top_up="balance", transform=augment, seed=7)
        for epoch in range(10):
            for images, labels in mixed.loader(batch_size=64, num_workers=2):
                ...

    How many are added, by one of these (none: as many per real sample as the quality card recommends); each may also be
    a list with a value per epoch, whose last one holds on, or a function of the epoch, from 0:

    ratio:    share of the epoch, in [0, 1), that is added, dealt to the classes as the real samples are: their
              proportions stay.
    top_up:   samples that each class shall have at least: a number, or one by class name, or "balance": as many as the
              most frequent class has.
    per_real: samples added per real one, a number from 0, or one by class name.

    What is asked for holds for every class. Where synthetic samples are withheld or the generator lacks the class, its
    real samples are drawn again instead, each as often as the others or once more; a warning and `print(mixed)` say so.

    real:     map-style: `len`, and by index (sample, label) or a dict of the two, as Hugging Face's data sets give it.
              Samples are PIL images, or arrays or tensors of bytes or of floats in [0, 1]. Labels are class numbers
              (int, float, bool, NumPy, tensor), one-hot vectors or names. Synthetic items get the form of the real
              ones, labels included.
    card:     honour the generator's quality card: draw no class that it withholds or of which it recommends none (with
              a warning), draw with the truncation and selection that it recommends.
    labels:   of the real samples, [len(real)], as `real[i]` returns them. Absent: what the data set tells (`targets`,
              `labels`, a column, through Subset, ConcatDataset and TensorDataset) where its items bear it out, or else
              one pass over it, with a message.
    names:    the generator's name of each real class: a mapping from label to name, or the names in order of class
              number. Absent: the data set's `classes`, `class_to_idx` or features; without any, the numbers are the
              generator's class indices.
    transform, target_transform: of one sample and one label, real or synthetic alike. Leave none in `real` that changes
              values: a classifier learns from what only one of the two kinds has.
    seed:     decides the order and the synthetic samples. Absent: a random one; `mixed.seed` tells it.
    truncation, keep, of: instead of what the card recommends. generator, version, digest: as in SyntheticDataset.
    flag:     items are (sample, label, whether it is synthetic), dicts have an entry "synthetic". `mixed.synthetic`
              tells it too.
    progress: messages of a pass for labels go to stderr.
    raises:   InvalidRequest, also while reading if the label of a real sample is another than the one counted;
              GeneratorNotFound, DigestMismatch, Unavailable, as `Client.describe`.
    """
    seed_given = seed is not None
    source = Source(
        target, generator, seed=secrets.randbits(64) if seed is None else seed, version=version, digest=digest
    )
    try:
        amounts = Amounts(ratio, top_up, per_real)
        advice = mixing.advise(source.description, card, truncation, keep, of)
        return MixedDataset(
            reals=Reals(real, labels, names, source.description, advice, progress),
            source=source,
            seed_given=seed_given,
            amounts=amounts,
            transform=transform,
            target_transform=target_transform,
            flag=flag,
        )
    except BaseException:
        source.close()
        raise


class MixedDataset(data.Dataset):
    """What `mix` gives. The order of an epoch is fixed by seed and epoch, so that no shuffling is needed.

    `loader()` goes through epoch after epoch by itself. With another `DataLoader` call `set_epoch` before each, and let
    workers start anew for it (`persistent_workers` would stay in the first).
    """

    def __init__(
        self,
        *,
        reals: Reals,
        source: Source,
        seed_given: bool,
        amounts: Amounts,
        transform: Callable[[Any], Any] | None,
        target_transform: Callable[[Any], Any] | None,
        flag: bool,
    ) -> None:
        """By `mix`."""
        self._reals = reals
        self._source = source
        self._same_seed = seed_given
        self._amounts = amounts
        self._transform, self._target_transform, self._flag = transform, target_transform, flag
        self._meter = Meter()
        self._ahead: Prefetch[list[int], tuple[list[int], list[Any]]] | None = None
        self._position = 0
        self._targets: tuple[np.ndarray, Epoch] | None = None
        self._warned: set[str] = set()
        self.set_epoch(0)

    # -- what it is ---------------------------------------------------------------------------------------

    @property
    def description(self) -> Description:
        """The generator, as pinned."""
        return self._source.description

    @property
    def seed(self) -> int:
        """Of the order and of the synthetic samples."""
        return self._source.seed

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in order of the labels."""
        return tuple(self._reals.names)

    @property
    def class_to_idx(self) -> dict[str, Any]:
        """Class name to label, before target_transform: a number, or the name where the labels are names."""
        return dict(zip(self._reals.names, self._reals.keys, strict=True))

    @property
    def targets(self) -> np.ndarray:
        """int64 [len], or str, not writable: class number or name of each sample, before target_transform.

        Each epoch has its own. No sample is loaded or drawn for it.
        """
        told, epoch = self._targets or (None, None)
        if told is None or epoch is not self._now:
            told = self._reals.targets(self._now)
            told.flags.writeable = False
            self._targets = told, self._now
        return told

    def get_labels(self) -> np.ndarray:
        """`targets`, as some samplers of other libraries ask for them."""
        return self.targets

    @property
    def epoch(self) -> int:
        """From 0."""
        return self._epoch

    @property
    def synthetic(self) -> np.ndarray:
        """bool [len]: whether each sample of this epoch is synthetic."""
        return self._now.synthetic

    @property
    def portions(self) -> list[Portion]:
        """Real, repeated and synthetic samples of this epoch, by class; `print(mixed)` shows them."""
        return list(self._now.portions)

    def __str__(self) -> str:
        return f"{self!r}\n{mixing.table(self.portions)}"

    def __repr__(self) -> str:
        repeated = len(self._now.real) - len(self._reals)
        again = f" + {repeated:,} repeated" if repeated else ""
        drawn = f"{len(self._now.classes):,} of {self._source.name}"
        return f"MixedDataset({len(self._reals):,} real{again} + {drawn}, epoch {self._epoch})"

    def set_epoch(self, epoch: int) -> None:
        """Give epoch's order and synthetic samples, from its beginning."""
        self._arrange(checks.whole("epoch", epoch, 0, mixing.EPOCH_LIMIT - 1))
        self._position = 0

    def _arrange(self, epoch: int) -> int:
        """Deal and shuffle this epoch; its samples."""
        self._now, self._epoch = self._reals.epoch(epoch, self.seed, self._amounts), epoch
        lacking = [portion for portion in self._now.portions if portion.lacks]
        if {portion.label for portion in lacking} - self._warned:
            self._warned |= {portion.label for portion in lacking}
            warn(mixing.instead(lacking))
        return len(self._now)

    def close(self) -> None:
        """Disconnect, unless the client was handed in."""
        self._source.close()

    # -- reading ------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._now)

    def __getitem__(self, index: int | slice) -> Any:
        return one_or_view(self, index)

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """A batch at once; `DataLoader` calls this."""
        drawn = None
        if self._ahead is not None:
            ordered, drawn = next(self._ahead)
            if ordered != list(indices):
                raise InvalidRequest("a loader of this data set is under way; end it before reading otherwise")
        places, positions, synthetic = self._now.at(indices)
        real = iter(self._reals.pairs(positions.tolist()))
        made = iter(self._draw(indices) if drawn is None else drawn)
        numbers = iter(self._now.classes[synthetic].tolist())
        items = []
        for is_real in places.tolist():
            sample, label = next(real) if is_real else (next(made), self._reals.label(next(numbers)))
            if self._transform is not None:
                sample = self._transform(sample)
            if self._target_transform is not None:
                label = self._target_transform(label)
            items.append(self._reals.item(sample, label, not is_real if self._flag else None))
        return items

    def _draw(self, indices: Sequence[int]) -> list[Any]:
        """The synthetic ones of these samples, in the form of the real ones; a call per way of drawing."""
        _, _, chosen = self._now.at(indices)
        numbers = self._now.classes[chosen]
        drawn: list[Any] = [None] * len(chosen)
        ways: dict[tuple[float, int, int], list[int]] = {}
        for place, number in enumerate(numbers.tolist()):
            entry = self._reals.advice[number]
            ways.setdefault((entry.truncation, entry.keep, entry.of), []).append(place)
        for way, places in ways.items():
            where = chosen[places] + self._now.number * mixing.SYNTHETIC_LIMIT
            samples = self._source.fetch(where, self._reals.generators[numbers[places]], *way)
            for place, sample in zip(places, self._reals.form(samples), strict=True):
                drawn[place] = sample
        return drawn

    def loader(
        self,
        batch_size: int,
        num_workers: int = 0,
        *,
        rank: int | None = None,
        world_size: int | None = None,
        **options: Any,
    ) -> Loader:
        """A `DataLoader` that goes through one epoch each time it is iterated, and whose state is exact.

        batch_size:  samples per batch on each rank. What remains at the end of an epoch is divided among the ranks.
        num_workers: processes that load, fetch and transform; 0: this one, while threads fetch synthetic samples ahead.
        rank, world_size: of this process. Absent: torch.distributed's, or one of one. All ranks need the same seed.
        options:     of `DataLoader`, such as pin_memory and collate_fn.
        """
        size = checks.whole("batch_size", batch_size, 1, 2**20)
        share = ranks.given(rank, world_size)

        def mine() -> Iterator[Share]:
            return shares(self._position, len(self), size, *ranks.resolve(share, self._same_seed))

        def make() -> Any:
            return data.DataLoader(self, batch_sampler=_Batches(mine), num_workers=num_workers, **options)

        return Loader(self, self._meter, make, partial(self._steps, mine, num_workers == 0))

    def _steps(self, mine: Callable[[], Iterator[Share]], prefetch: bool) -> Iterator[Callable[[], None]]:
        self._meter.begin()
        if prefetch:
            orders = (list(range(share.first, share.last)) for share in mine())
            self._ahead = Prefetch(orders, lambda indices: (indices, self._draw(indices)), _BATCHES_AHEAD)
        try:
            for share in mine():
                yield partial(self._delivered, share)
        finally:
            if self._ahead is not None:
                self._ahead.close()
                self._ahead = None
        self.set_epoch(self._epoch + 1)

    def _delivered(self, share: Share) -> None:
        self._position = share.after
        self._meter.delivered(share.last - share.first)

    # -- state --------------------------------------------------------------------------------------------

    def stats(self) -> Stats:
        """How long loops over its `loader()` have waited for batches, real samples and transforms included."""
        return self._meter.stats()

    def state_dict(self) -> dict[str, Any]:
        """Epoch and position in it (of all ranks together), and what they are a position in; plain values."""
        return {"epoch": self._epoch, "position": self._position, **self._identity()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where the state was taken, with any number of ranks and workers.

        raises: InvalidRequest if it is of another mixture; GeneratorNotFound or DigestMismatch if the service has its
                generator no longer. A seed or version that was not given is taken from the state.
        """
        missing = [key for key in ("epoch", "position", *self._identity()) if key not in state]
        if missing:
            raise InvalidRequest(f"this is no state of a MixedDataset: it lacks {', '.join(missing)}")
        before = self._source.seed, self._epoch
        if not self._same_seed:
            self._source.seed = checks.whole("seed", state["seed"], 0, 2**64 - 1)
        try:
            self.set_epoch(state["epoch"])
            for key, own in self._identity().items():
                if key not in ("version", "digest") and state[key] != own:
                    raise InvalidRequest(f"the state is of a mixture with {key} {state[key]!r}; this one has {own!r}")
            self._position = checks.whole("position", state["position"], 0, len(self))
            self._source.pin(state["version"], state["digest"])
        except BaseException:
            self._source.seed = before[0]
            self.set_epoch(before[1])
            raise
        self._same_seed = True

    def _identity(self) -> dict[str, Any]:
        return {
            "generator": self.description.name,
            "version": self.description.version,
            "digest": self.description.digest,
            "seed": self.seed,
            "portions": {
                portion.label: [
                    portion.real,
                    portion.repeated,
                    portion.synthetic,
                    entry.truncation,
                    entry.keep,
                    entry.of,
                ]
                for portion, entry in zip(self.portions, self._reals.advice, strict=True)
            },
        }

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_meter": Meter(), "_ahead": None}


class _Batches:
    """What a DataLoader takes as its batch sampler: positions, from where the data set is."""

    def __init__(self, mine: Callable[[], Iterator[Share]]) -> None:
        self._mine = mine

    def __iter__(self) -> Iterator[list[int]]:
        return (list(range(share.first, share.last)) for share in self._mine())

    def __len__(self) -> int:
        return sum(1 for _ in self._mine())
