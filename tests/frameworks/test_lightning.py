"""The loaders in the real Lightning: whole epochs, exact resuming, divided once."""

import logging
import warnings

import pytest
import torch
from torch.utils.data import DataLoader

from augmint.torch import SyntheticDataset, SyntheticStream, mix
from tests.frameworks import jobs
from tests.frameworks.jobs import flat
from tests.frameworks.samples import numbers, real

lightning = pytest.importorskip("lightning", reason="lightning is not installed; make test-frameworks")
from lightning.pytorch.callbacks import ModelCheckpoint  # noqa: E402
from lightning.pytorch.utilities import CombinedLoader  # noqa: E402
from torchdata.stateful_dataloader import StatefulDataLoader  # noqa: E402

LENGTH, BATCH = 80, 8


class Model(lightning.LightningModule):
    """Notes which samples it is given, by epoch: one list per batch."""

    def __init__(self, told=jobs.positions):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(60, 4))
        self.told, self.epochs, self.validated = told, {}, []

    def training_step(self, batch, _):
        if isinstance(batch, dict):
            batch = batch["a"]
        self.epochs.setdefault(self.current_epoch, []).append(self.told(batch[0]))
        return torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1])

    def validation_step(self, batch, _):
        self.validated.append(len(batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 1e-3)


def trainer(**options):
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    whole = {"enable_checkpointing": bool(options.get("callbacks")), "num_sanity_val_steps": 2}
    return lightning.Trainer(accelerator="cpu", **{"devices": 1, **quiet, **whole, **options})


def stream(target, length=LENGTH, batch=BATCH):
    return SyntheticStream(target, batch_size=batch, length=length, seed=7)


def loader(target, kind, workers=0):
    started = {"multiprocessing_context": "fork"} if workers else {}
    return {
        "loader": lambda: stream(target).loader(workers, **started),
        "DataLoader": lambda: DataLoader(stream(target), batch_size=None, num_workers=workers, **started),
        "StatefulDataLoader": lambda: StatefulDataLoader(stream(target), None, num_workers=workers, **started),
        "mix": lambda: mix(real(), target, ratio=0.5, seed=7).loader(12, workers, **started),
    }[kind]()


def fits(target, kind, workers, **options):
    model = Model(numbers if kind == "mix" else jobs.positions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        validation = stream(target, 24).loader()
        trainer(max_epochs=4, **options).fit(model, loader(target, kind, workers), validation)
    return model.epochs, model.validated


@pytest.mark.parametrize(
    ("kind", "workers"), [("loader", 0), ("loader", 2), ("DataLoader", 0), ("StatefulDataLoader", 0)]
)
def test_every_epoch_is_a_pass(target, tmp_path, kind, workers):
    ((epochs, validated),) = jobs.run(fits, target, kind, workers, folder=tmp_path)
    assert {number: flat(batches) for number, batches in epochs.items()} == {
        number: jobs.epoch(number, LENGTH) for number in range(4)
    }
    assert validated == [8] * 2 + [8, 8, 8] * 4  # the sanity check leaves its pass, and the next one is whole


@pytest.mark.parametrize("workers", [0, 2])
def test_every_epoch_of_a_mixture_has_all_real_samples_and_new_synthetic_ones(target, tmp_path, workers):
    ((epochs, _),) = jobs.run(fits, target, "mix", workers, folder=tmp_path)
    seen = [flat(epochs[number]) for number in range(4)]
    assert [sorted(one for one in epoch if one < 1000) for epoch in seen] == [list(range(60))] * 4
    synthetic = [one for epoch in seen for one in epoch if one >= 1000]
    assert len(synthetic) == len(set(synthetic)) == 4 * 60


def test_limits_and_reloading_leave_every_epoch_its_batches(target, tmp_path):
    ((epochs, _),) = jobs.run(_limited, target, folder=tmp_path)
    assert [flat(epochs[number]) for number in range(3)] == [jobs.epoch(number, LENGTH)[:24] for number in range(3)]


def _limited(target):
    return fits(target, "loader", 0, limit_train_batches=3, val_check_interval=2, reload_dataloaders_every_n_epochs=1)


def _endless(target):
    model = Model()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer(max_epochs=3, limit_train_batches=4).fit(model, stream(target, None).loader())
    return model.epochs


def test_a_stream_without_end_gives_every_epoch_new_samples(target, tmp_path):
    (epochs,) = jobs.run(_endless, target, folder=tmp_path)
    assert [len(epochs[number]) for number in range(3)] == [4] * 3
    read = flat(flat(epochs[number]) for number in range(3))
    assert read == sorted(set(read))
    assert read[:32] == list(range(32))


def test_loaders_that_are_combined_cycle_by_whole_passes(target, tmp_path):
    ((batches, lengths),) = jobs.run(_combined, target, folder=tmp_path)
    assert lengths == 10
    assert [one for pair in batches for one in pair[0]] == jobs.epoch(0, LENGTH)
    assert [one for pair in batches for one in pair[1]] == list(range(80))  # 24 a pass: 0, 1, 2 and a part of 3


def _combined(target):
    loader = CombinedLoader({"a": stream(target).loader(), "b": stream(target, 24).loader()}, "max_size_cycle")
    batches = [(jobs.positions(batch["a"][0]), jobs.positions(batch["b"][0])) for batch, _, _ in iter(loader)]
    return batches, len(loader)


class Cosine(Model):
    """Reads its loader's state by itself: with `max_epochs` Lightning forgets it when the loaders were made early."""

    loader = None

    def on_load_checkpoint(self, checkpoint):
        if self.loader is not None:
            self.loader.load_state_dict(checkpoint["loops"]["fit_loop"]["state_dict"]["combined_loader"][0])

    def configure_optimizers(self):
        optimizer = super().configure_optimizers()
        total = self.trainer.estimated_stepping_batches  # which makes the loaders, before there is a state
        return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)]


def _saves(target, kind, workers, steps, limit):
    model = Model(numbers if kind == "mix" else jobs.positions)
    saved = ModelCheckpoint("saved", filename="{step}", every_n_train_steps=steps, save_top_k=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer(**limit, callbacks=[saved]).fit(model, loader(target, kind, workers))
    return model.epochs


def _resumes(target, kind, workers, steps, limit, module=Model):
    model, batches = module(numbers if kind == "mix" else jobs.positions), loader(target, kind, workers)
    if module is Cosine and "max_epochs" in limit:
        model.loader = batches
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer(**limit).fit(model, batches, ckpt_path=f"saved/step={steps}.ckpt", weights_only=False)
    return model.epochs


def goes_on(target, folder, kind, before, after, steps, limit, module=Model):
    (first,) = jobs.run(_saves, target, kind, before, steps, limit, folder=folder)
    (second,) = jobs.run(_resumes, target, kind, after, steps, limit, module, folder=folder)
    batches = flat(first[number] for number in sorted(first))
    assert len(batches) == 30
    assert flat(second[number] for number in sorted(second)) == batches[steps:]
    assert sorted(second) == ([0, 1, 2] if steps < 10 else [1, 2])


@pytest.mark.parametrize("steps", [7, 10])
@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [("loader", 0, 2), ("loader", 2, 0), ("mix", 0, 2), ("mix", 2, 0), ("StatefulDataLoader", 0, 0)],
)
def test_a_run_that_goes_on_from_a_checkpoint_sees_what_the_first_would_have(
    target, tmp_path, kind, before, after, steps
):
    goes_on(target, tmp_path, kind, before, after, steps, {"max_epochs": 3})


@pytest.mark.parametrize("limit", [{"max_steps": 30}, {"max_epochs": 3}])
def test_a_run_goes_on_exactly_though_the_optimiser_asked_for_the_number_of_steps_first(target, tmp_path, limit):
    goes_on(target, tmp_path, "loader", 0, 0, 7, limit, Cosine)


def _on_ranks(target, kind):
    batch = BATCH // 2
    made = {
        "loader": lambda: stream(target, batch=batch).loader(),
        "workers": lambda: stream(target, batch=batch).loader(1, multiprocessing_context="fork"),
        "DataLoader": lambda: DataLoader(stream(target, batch=batch), batch_size=None),
        "data set": lambda: DataLoader(SyntheticDataset(target, length=LENGTH, seed=7), batch),
        "mixture": lambda: DataLoader(mix(real(), target, ratio=0.25, seed=7), batch),
        "mix": lambda: mix(real(), target, ratio=0.25, seed=7).loader(batch),
    }[kind]()
    model = Model(numbers if kind.startswith("mix") else jobs.positions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer(max_epochs=2, devices=2, strategy="ddp").fit(model, made)
    return model.epochs


@pytest.mark.parametrize("kind", ["loader", "workers", "DataLoader", "data set", "mixture", "mix"])
def test_two_ranks_share_each_epoch_once(target, tmp_path, kind):
    ranks = jobs.run(_on_ranks, target, kind, ranks=2, folder=tmp_path)
    for number in range(2):
        read = jobs.together([rank[number] for rank in ranks])
        assert len(read) == len(set(read)) == LENGTH
        if kind.startswith("mix"):
            assert sorted(one for one in read if one < 1000) == list(range(60))
        elif kind == "data set":
            assert sorted(read) == list(range(LENGTH))
        else:
            assert read == jobs.epoch(number, LENGTH)


def _by_fabric(target):
    fabric = lightning.Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    batches = fabric.setup_dataloaders(DataLoader(stream(target, batch=BATCH // 2), batch_size=None))
    return [[jobs.positions(images) for images, _ in batches] for _ in range(2)]


def test_two_ranks_of_fabric_share_each_epoch_once(target, tmp_path):
    ranks = jobs.run(_by_fabric, target, ranks=2, folder=tmp_path)
    for number in range(2):
        assert jobs.together([rank[number] for rank in ranks]) == jobs.epoch(number, LENGTH)
