"""Real and synthetic samples as one map-style data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from augmint import checks
from augmint.client import Client
from augmint.reading import mixing
from augmint.reading.cursor import agree, verify
from augmint.reading.dealing import Epoch
from augmint.reading.mixing import Amounts, Portion
from augmint.reading.partition import shares, steps
from augmint.reading.prefetch import Meter, Stats
from augmint.reading.source import Reader, Source
from augmint.said import warn
from augmint.torch import ranks
from augmint.torch.epoch import Epochs, MixedEpoch
from augmint.torch.loader import Loader, Reading
from augmint.torch.passes import Announced
from augmint.torch.positions import one_or_view
from augmint.torch.reals import Reals
from augmint.torch.tensors import data


def mix(
    real: Any,
    target: str | Client,
    generator: str | None = None,
    *,
    ratio: Any = None,
    top_up: Any = None,
    per_real: Any = None,
    by: str = mixing.GENERATE,
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

    by:       "generate": they are drawn. "transform": they are real samples of this data set, of the classes that have
              more (else of all others), carried into the class: each epoch takes others until all have been taken.
              "recommended": for each class as a study that the quality card tells of has chosen, else "generate".
              Only the last two send real samples to the service.

    What is asked for holds for every class. Where synthetic samples are withheld or the generator lacks the class, its
    real samples are drawn again instead, each as often as the others or once more; a warning and `print(mixed)` say so.

    real:     map-style: `len`, and by index (sample, label) or a dict of the two, as Hugging Face's data sets give it.
              Samples are PIL images, or arrays or tensors of bytes or of floats in [0, 1]. Labels are class numbers
              (int, float, bool, NumPy, tensor), one-hot vectors or names. Synthetic items get the form of the real
              ones, labels included.
    card:     honour what the generator's file says of itself: draw no class that its quality card withholds or of which
              it recommends none, nor one of which it learned from less than twice as many real samples as you have,
              unless a study has found that they help (with a warning); draw with the truncation and selection that the
              card recommends.
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
    source = Source(target, generator, seed=checks.seed_or_drawn(seed), version=version, digest=digest)
    try:
        amounts = Amounts(ratio, top_up, per_real)
        advice = mixing.advise(source.description, card, truncation, keep, of, by)
        return MixedDataset(
            reals=Reals(real, labels, names, source.description, advice, card, progress),
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


class MixedDataset(Reader, data.Dataset):
    """What `mix` gives. The order of an epoch is fixed by seed and epoch, so that no shuffling is needed.

    `loader()` goes through epoch after epoch by itself. With another `DataLoader` call `set_epoch` before each, or else
    every epoch is the first. Several ranks need the same seed, however an epoch is divided among them.
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
        self._shown = transform, target_transform, flag
        self._meter = Meter()
        self._targets: tuple[np.ndarray, Epoch] | None = None
        self._warned: set[str] = set()
        self._announced = Announced()
        self._cursor = Epochs(self._arrange)

    # -- what it is ---------------------------------------------------------------------------------------

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
        if told is None or epoch is not self._plan:
            told = self._reals.targets(self._plan)
            told.flags.writeable = False
            self._targets = told, self._plan
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
        return self._plan.synthetic

    @property
    def portions(self) -> list[Portion]:
        """Real, repeated and synthetic samples of this epoch, by class; `print(mixed)` shows them."""
        return list(self._plan.portions)

    def __str__(self) -> str:
        return f"{self!r}\n{mixing.table(self.portions)}"

    def __repr__(self) -> str:
        repeated = len(self._plan.real) - len(self._reals)
        again = f" + {repeated:,} repeated" if repeated else ""
        drawn = f"{len(self._plan.classes):,} of {self._source.name}"
        return f"MixedDataset({len(self._reals):,} real{again} + {drawn}, epoch {self._epoch})"

    def set_epoch(self, epoch: int) -> None:
        """Give this epoch's order and synthetic samples, to workers that stay (`persistent_workers`) as well.

        The next loop over a `loader()` reads it whole; the rest of it, where a state in it was loaded.
        """
        self._cursor.go_to(checks.whole("epoch", epoch, 0, mixing.EPOCH_LIMIT - 1))
        self._announced.tell(self._epoch)

    def _arrange(self, epoch: int) -> int:
        """Deal and shuffle this epoch; its samples."""
        checks.whole("epoch", epoch, 0, mixing.EPOCH_LIMIT - 1)
        plan = self._reals.epoch(epoch, self.seed, self._amounts)
        self._items, self._epoch = MixedEpoch(self._reals, self._source, plan, *self._shown), epoch
        lacking = [portion for portion in plan.portions if portion.lacks]
        if {portion.label for portion in lacking} - self._warned:
            self._warned |= {portion.label for portion in lacking}
            warn(mixing.instead(lacking))
        return len(plan)

    @property
    def _plan(self) -> Epoch:
        return self._items.plan

    # -- reading ------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, index: int | slice) -> Any:
        return one_or_view(self, index)

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """A batch at once; `DataLoader` calls this."""
        self._follow()
        return self._items.__getitems__(indices)

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
        given = ranks.given(rank, world_size)

        def resolved() -> ranks.Ranks:
            return ranks.resolve(given, self._same_seed)

        def enter() -> Reading:
            self._meter.begin()
            share = resolved()
            reading = self._cursor.enter(share[1])
            mine = list(shares(reading.first, reading.end, size, *share))
            # Of this epoch for good, whatever epoch another loop begins while this one is under way.
            return self._items.read(reading, mine, num_workers, self._meter, options)

        def length() -> int:
            return steps(len(self), size, resolved()[1])

        return Loader(self, self._meter, self._cursor.begin, enter, length)

    def _follow(self) -> None:
        """Before a read: what `set_epoch` said in the main process, and what must not be read at all."""
        ranks.one_seed(self._same_seed)
        epoch = self._announced.news() if data.get_worker_info() is not None else None
        if epoch is not None:
            self._cursor.go_to(epoch)

    # -- state --------------------------------------------------------------------------------------------

    def stats(self) -> Stats:
        """How long loops over its `loader()` have waited for batches, real samples and transforms included."""
        return self._meter.stats()

    def state_dict(self) -> dict[str, Any]:
        """Epoch and position in it (of all ranks together), and what they are a position in; plain values."""
        return {"epoch": self._epoch, "position": self._cursor.position, **self._identity()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where the state was taken, in the next loop, with any number of ranks and workers.

        raises: InvalidRequest if it is of another mixture; GeneratorNotFound or DigestMismatch if the service has its
                generator no longer. A seed or version that was not given is taken from the state.
        """
        verify("a MixedDataset", state, ("epoch", "position", *self._identity()))
        state = {**state, "seed": checks.seed(state["seed"])}
        seed, epoch = self._source.seed, self._epoch
        if not self._same_seed:
            self._source.seed = state["seed"]
        try:
            count = self._arrange(state["epoch"])
            agree("mixture", state, self._identity(), free=("version", "digest"))
            position = checks.whole("position", state["position"], 0, count)
            self._source.pin(state["version"], state["digest"])
        except BaseException:
            self._source.seed = seed
            self._arrange(epoch)
            raise
        self._same_seed = True
        self._cursor.load(self._epoch, position)

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
                    *([mixing.CARRIED] if entry.carried else []),
                ]
                for portion, entry in zip(self.portions, self._reals.advice, strict=True)
            },
        }

    def __getstate__(self) -> dict[str, Any]:
        ranks.one_seed(self._same_seed)  # a spawned worker knows nothing of torch.distributed
        return {**self.__dict__, "_meter": Meter()}
