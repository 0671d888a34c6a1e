"""Runs of two processes in which something fails: python pairs.py CASES.json

Both are forked from this process, which has imported everything, and get what torchrun would have told them. There is
no torchrun to end one when the other has failed: what they know of each other, they hear from each other.

CASES.json: a list of {"folder", "port", "arguments", "rank", "at", "how"}; of each, `folder` gets what the two have
printed, as 0.txt and 1.txt, and their exit statuses, as statuses.json. The port is of a store that the caller keeps.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import scipy.stats  # noqa: F401  what a run imports late is imported once
import torch
import torch._dynamo
import torch.utils.tensorboard
from tensorboard.backend.event_processing import event_accumulator  # noqa: F401

from training import fit
from training.__main__ import app
from training.data import DataError
from training.export import graph
from training.gan.trainer import Trainer
from training.judge import fitting

PATIENCE = 120.0  # seconds, after which a process that has not ended is taken to hang
PLACES = {"data": (fit, "load"), "judge": (fitting, "fit"), "step": (Trainer, "step"), "export": (graph, "to_onnx")}


def happen(how: str) -> None:
    if how == "error":
        raise DataError("the disk is on fire")
    if how == "bug":
        raise ZeroDivisionError("nobody expects this")
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "interrupt":  # of the keyboard: everybody hears it
        os.killpg(0, signal.SIGINT)
    if how == "interrupt one":
        os.kill(os.getpid(), signal.SIGINT)


def patch(at: str, how: str) -> None:
    """Let it happen where, in a run, `at` is; in its third step if that is a step."""
    owner, name = PLACES[at]
    original: Callable[..., Any] = getattr(owner, name)

    def faulty(*arguments: Any, **options: Any) -> Any:
        if at != "step" or arguments[0].steps == 2:
            happen(how)
        return original(*arguments, **options)

    setattr(owner, name, faulty)


def run(case: dict[str, Any], rank: int) -> NoReturn:
    file = os.open(Path(case["folder"]) / f"{rank}.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ |= {"TORCHELASTIC_RUN_ID": "pair", "TORCHELASTIC_USE_AGENT_STORE": "True", "WORLD_SIZE": "2"}
    os.environ |= {"LOCAL_WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(case["port"])}
    torch.set_num_threads(1)
    fitting.default_steps, fitting.BATCH = lambda samples: 10, 32
    if case["rank"] == rank:
        patch(case["at"], case["how"])
    app(case["arguments"])
    raise SystemExit


def status(process: int, until: float) -> int | str:
    """Exit status, negative for a signal; "hangs" if there is none in time."""
    while time.monotonic() < until:
        ended, state = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(state)
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return "hangs"


def main(cases: list[dict[str, Any]]) -> None:
    gc.collect()
    gc.freeze()  # else each of them takes two seconds to end, for going through all that was imported
    for case in cases:
        processes: list[int] = []
        for rank in (0, 1):
            process = os.fork()
            if not process:
                os.setpgid(0, processes[0] if processes else 0)
                run(case, rank)
            os.setpgid(process, processes[0] if processes else 0)
            processes.append(process)
        until = time.monotonic() + PATIENCE
        (Path(case["folder"]) / "statuses.json").write_text(json.dumps([status(each, until) for each in processes]))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
