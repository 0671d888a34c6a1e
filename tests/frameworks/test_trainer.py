"""What the real Hugging Face Trainer makes of the data sets: every sample of every epoch, once over all ranks."""

import itertools
import re

import numpy as np
import pytest
import torch

import augmint
from augmint.huggingface import iterable_dataset
from augmint.torch import SyntheticDataset, SyntheticStream, mix
from tests.frameworks import jobs
from tests.frameworks.samples import numbers, real

transformers = pytest.importorskip("transformers", reason="transformers is not installed; make test-frameworks")
from datasets.distributed import split_dataset_by_node  # noqa: E402

LENGTH, BATCH = 96, 8


class Model(torch.nn.Module):
    """Notes which samples it is given."""

    def __init__(self, told):
        super().__init__()
        self.layers, self.told, self.batches = torch.nn.Linear(60, 4), told, []

    def forward(self, pixels, labels):
        self.batches.append(self.told(pixels))
        logits = self.layers(pixels.flatten(1))
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


class Epochs(transformers.TrainerCallback):
    """Tells a mixture its epoch: accelerate does that on one rank only, and not after a checkpoint."""

    def __init__(self, mixed):
        self._mixed = mixed

    def on_epoch_begin(self, args, state, control, **_):
        self._mixed.set_epoch(int(state.epoch))


def collate(items):
    """(image, label) as the dict that a Trainer wants."""
    images, labels = zip(*items, strict=True)
    return {"pixels": torch.stack(images), "labels": torch.tensor(labels)}


def pixels(example):
    """An example of Hugging Face's as the same dict."""
    image = np.asarray(example["image"], np.float32).transpose(2, 0, 1) / np.float32(255)
    return {"pixels": image, "labels": example["label"]}


def arguments(steps, **options):
    return transformers.TrainingArguments(
        **{
            "output_dir": "out",
            "max_steps": steps,
            "per_device_train_batch_size": BATCH,
            "report_to": "none",
            "use_cpu": True,
            "save_strategy": "no",
            "disable_tqdm": True,
            "logging_strategy": "no",
            "dataloader_pin_memory": False,
            **options,
        }
    )


def _trains(target, kind, steps, options, resume=None):
    made = {
        "iterable": lambda: iterable_dataset(target, length=LENGTH, seed=7).map(
            pixels, remove_columns=["image", "label"]
        ).with_format("torch"),
        "data set": lambda: SyntheticDataset(target, length=LENGTH, seed=7),
        "mixture": lambda: mix(real(), target, ratio=0.375, seed=7),
    }[kind]()  # fmt: skip
    model = Model(numbers if kind == "mixture" else jobs.positions)
    collator = {} if kind == "iterable" else {"data_collator": collate}
    if kind == "mixture":
        collator["callbacks"] = [Epochs(made)]
    trainer = transformers.Trainer(model, arguments(steps, **options), train_dataset=made, **collator)
    trainer.train(resume_from_checkpoint=resume)
    return model.batches


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("kind", ["iterable", "data set", "mixture"])
def test_every_epoch_has_every_sample_once_over_all_ranks(target, tmp_path, kind, ranks):
    steps = LENGTH // (BATCH * ranks)
    answers = jobs.run(_trains, target, kind, 2 * steps, {}, ranks=ranks, folder=tmp_path)
    synthetic = set()
    for epoch in range(2):
        seen = jobs.flat(jobs.flat(batches[epoch * steps : (epoch + 1) * steps]) for batches in answers)
        assert len(seen) == len(set(seen)) == LENGTH
        if kind == "mixture":
            assert sorted(one for one in seen if one < 1000) == list(range(60))
            synthetic.update(one for one in seen if one >= 1000)
            assert len(synthetic) == 36 * (epoch + 1)  # new ones
        else:
            assert sorted(seen) == list(range(LENGTH))


@pytest.mark.parametrize(("kind", "step"), [("iterable", 7), ("data set", 17), ("mixture", 17)])
def test_a_run_that_goes_on_from_a_checkpoint_sees_what_the_first_would_have(target, tmp_path, kind, step):
    # A Trainer takes a data set without `len` for one that `max_steps` go through once: 12 steps, here.
    steps = 12 if kind == "iterable" else 24
    saves = {"save_strategy": "steps", "save_steps": step}
    (first,) = jobs.run(_trains, target, kind, steps, saves, folder=tmp_path)
    (second,) = jobs.run(_trains, target, kind, steps, {}, f"out/checkpoint-{step}", folder=tmp_path)
    assert len(first) == steps
    assert second == first[step:]


def _stream(target):
    stream = SyntheticStream(target, batch_size=BATCH, length=LENGTH, seed=7)
    trainer = transformers.Trainer(Model(jobs.positions), arguments(4), train_dataset=stream)
    with pytest.raises(augmint.InvalidRequest) as told:
        trainer.train()
    return str(told.value)


@pytest.mark.parametrize(
    ("ranks", "named"),
    [
        (1, r"write DataLoader\(stream, batch_size=None\), or stream\.loader\(\)"),
        (2, r"write DataLoader\(stream, batch_size=None\), or stream\.loader\(\)"),
    ],
)
def test_a_stream_as_a_data_set_is_refused_with_the_line_to_write(target, tmp_path, ranks, named):
    for told in jobs.run(_stream, target, ranks=ranks, folder=tmp_path):
        assert re.search(named, told)


class OwnLoader(transformers.Trainer):
    """The way to give a Trainer a loader that has batched and divided already."""

    def get_train_dataloader(self):
        return self.train_dataset


def _own_loader(target):
    class Batches:
        """A Loader whose batches are dicts."""

        def __init__(self):
            self._loader = SyntheticStream(target, batch_size=BATCH, length=LENGTH, seed=7).loader()

        def __len__(self):
            return len(self._loader)

        def __iter__(self):
            return ({"pixels": images, "labels": labels} for images, labels in self._loader)

    model = Model(jobs.positions)
    steps = 2 * LENGTH // (BATCH * (torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1))
    OwnLoader(model, arguments(steps), train_dataset=Batches()).train()
    return model.batches


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_trainer_takes_a_loader_of_ours(target, tmp_path, ranks):
    answers = jobs.run(_own_loader, target, ranks=ranks, folder=tmp_path)
    assert jobs.together(answers) == list(range(2 * LENGTH))


def _split(target, nodes):
    data = iterable_dataset(target, length=4096, seed=7)
    parts = [split_dataset_by_node(data, rank=rank, world_size=nodes) for rank in range(nodes)]
    images = [[pixels(example)["pixels"] for example in itertools.islice(part, 200)] for part in parts]
    return [jobs.positions(torch.from_numpy(np.stack(mine))) for mine in images]


@pytest.mark.parametrize("nodes", [2, 3])
def test_nodes_of_hugging_face_share_a_data_set_once(target, tmp_path, nodes):
    (parts,) = jobs.run(_split, target, nodes, folder=tmp_path)
    known = [one for one in jobs.flat(parts) if one >= 0]
    assert len(known) == len(set(known))
