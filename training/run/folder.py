"""A run's folder: what it was asked to do, its checkpoint, its pictures and curves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field, PlainSerializer, ValidationError

from service import artifact
from training.config.presets import Config
from training.data.kind import Picture
from training.data.nearby import hint
from training.places import CannotWrite, RunError, write_whole
from training.run.naming import generator_name
from training.run.recovery import ATTEMPTS
from training.source import SourceOptions

__all__ = ["CannotWrite", "Order", "Run", "RunError", "generator_name", "parse_budget"]


TRIALS = "trials.json"  # finished trials of `auto`
CHECKPOINT = "checkpoint.pt"


class Order(SourceOptions):
    """What a run was asked to do, and how its source is read; enough to resume it, or to repeat it from nothing."""

    data: str = Field(description="Source, as training.kinds.load takes it.")
    preset: str
    config: Config
    settings: dict[str, str | bool | int | float] = Field(
        default={}, description="What the file and --set put on top of the preset; config holds it already."
    )
    reasons: tuple[str, ...] = Field(default=(), description="Why auto has chosen this preset and configuration.")
    seed: Annotated[int, PlainSerializer(str, when_used="json")] = Field(
        ge=0, lt=2**63, description="Digits in JSON, many of whose readers round such a number; both are read."
    )
    budget_seconds: float | None = Field(gt=0, description="Seconds of training; None: as long as the steps take.")
    steps: int | None = Field(ge=1, description="Steps of training; None: as many as the seconds allow.")
    retries: int = Field(
        default=ATTEMPTS, ge=0, le=ATTEMPTS, description="Attempts with other settings when a run is lost; 0: none."
    )
    score: bool = Field(default=False, description="Export the judge beside the generator, to select samples by.")
    transform: bool = Field(default=False, description="Learn to carry real samples into other classes, too.")
    transform_share: float = Field(
        default=0.5, gt=0, le=10, description="Time, or steps, of learning that, as a share of the training's."
    )
    out: str = Field(description="Repository that the generator is published in.")
    name: str = Field(pattern=rf"^{artifact.NAME.pattern}$", description="Name of the generator.")

    @property
    def reading(self) -> SourceOptions:
        """How the source is read: what training.kinds.load takes beside it."""
        return SourceOptions(**self.given())

    def progress(self, steps: int, seconds: float) -> float:
        """Share of the run that is over, [0, 1]: of its steps or of its seconds, whichever is more."""
        shares = [0.0]
        if self.steps is not None:
            shares.append(steps / self.steps)
        if self.budget_seconds is not None:
            shares.append(seconds / self.budget_seconds)
        return min(1.0, max(shares))

    def transform_progress(self, steps: int, seconds: float) -> float:
        """Share of learning to transform that is over, [0, 1]."""
        return self.progress(int(steps / self.transform_share), seconds / self.transform_share)


def parse_budget(text: str) -> float:
    """Seconds in "90s", "4m", "1.5h"; raises RunError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h)\s*", text)
    seconds = float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]] if match else 0.0
    if not 0 < seconds <= 30 * 24 * 3600:
        raise RunError(f"--budget {text!r} is not a length of time such as 90s, 4m or 1.5h, at most 720h")
    return seconds


class Run:
    """A folder with order.json, checkpoint.pt, events.jsonl, samples/, tensorboard/; in the end model, card, report."""

    def __init__(self, folder: Path, order: Order) -> None:
        self.folder, self.order = folder, order

    @classmethod
    def start(cls, runs: Path, order: Order) -> Run:
        """A new folder under `runs`, named by generator and time."""
        stem = f"{order.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        for suffix in ("", *(f"-{number}" for number in range(2, 100))):
            folder = runs / f"{stem}{suffix}"
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                if not runs.is_dir():
                    raise RunError(f"{runs} is a file; --runs names a folder") from None
                continue
            run = cls(folder, order)
            try:
                run.decide(order)
            except CannotWrite:
                folder.rmdir()
                raise
            return run
        raise RunError(f"no free folder for a run under {runs}")

    @classmethod
    def resume(cls, folder: Path) -> Run:
        """The run in a folder; raises RunError if it has none that can be resumed."""
        try:
            order = Order.model_validate_json((folder / "order.json").read_text())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise RunError(f"{folder} is no run: it has no order.json{hint(folder)}") from error
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise RunError(f"{folder / 'order.json'} cannot be read: {str(error).splitlines()[0]}") from error
        run = cls(folder, order)
        if not run.can_go_on:
            raise RunError(f"{folder} has no checkpoint.pt: it stopped before the first one; start it again")
        return run

    def decide(self, order: Order) -> Order:
        """Replace the order, by what the data has made of it or by what a resumed run was asked anew."""
        self.order = order
        self._write("order.json", lambda path: path.write_text(order.model_dump_json(indent=2) + "\n"))
        return order

    def forget(self) -> None:
        """Remove the folder if it holds nothing but the order: a run that could not even read its data."""
        if {entry.name for entry in self.folder.iterdir()} <= {"order.json"}:
            (self.folder / "order.json").unlink(missing_ok=True)
            self.folder.rmdir()

    @property
    def has_checkpoint(self) -> bool:
        return (self.folder / CHECKPOINT).is_file()

    @property
    def can_go_on(self) -> bool:
        """Whether something was done that need not be done again: trained, or tried."""
        return self.has_checkpoint or (self.folder / TRIALS).is_file()

    def save(self, state: dict[str, Any], name: str = CHECKPOINT) -> None:
        """Replace a checkpoint, atomically: tensors, numbers and strings only."""

        def write(path: Path) -> None:
            # By a file of our own: what PyTorch opens itself hides why it could not be written.
            with open(path, "wb") as file:
                torch.save(state, file)

        self._write(name, write)

    def load(self, name: str = CHECKPOINT) -> dict[str, Any]:
        """A checkpoint, on the CPU; raises RunError if it is damaged."""
        path = self.folder / name
        try:
            # weights_only: a checkpoint cannot run code.
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises whatever its zip and pickle readers raise
            raise RunError(f"{path} is damaged ({type(error).__name__}); start the run again") from error

    def save_picture(self, steps: int, sheet: Picture) -> None:
        """Keep the sample sheet of a step."""
        self._write(f"samples/step-{steps:07d}{sheet.suffix}", lambda path: path.write_bytes(sheet.content))

    def save_reading(self, sheet: Picture) -> Path:
        """Keep the sheet of real samples, by which a person sees how the data was read."""
        name = f"reading{sheet.suffix}"
        self._write(name, lambda path: path.write_bytes(sheet.content))
        return self.folder / name

    def write_json(self, name: str, value: Any) -> None:
        self._write(name, lambda path: path.write_text(json.dumps(value, indent=2) + "\n"))

    def write_model(self, content: bytes) -> Path:
        """The finished generator, for a person to look at and to publish later."""
        self._write(artifact.FILE_NAME, lambda path: path.write_bytes(content))
        return self.folder / artifact.FILE_NAME

    def write_report(self, page: str) -> None:
        """The HTML page about the finished run."""
        self._write("report.html", lambda path: path.write_text(page, encoding="utf-8"))

    def _write(self, name: str, write: Callable[[Path], object]) -> None:
        """All of a file or nothing; raises CannotWrite."""
        (self.folder / name).parent.mkdir(exist_ok=True)
        write_whole(self.folder / name, write)
