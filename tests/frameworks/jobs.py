"""Jobs of several ranks, and what they read: each rank a process of its own, as torchrun would start it.

Forked, because importing a trainer takes ten seconds; nothing here calls the service in the process that forks.
"""

import hashlib
import multiprocessing
import os
import pickle
import traceback
from pathlib import Path

import torch

from tests.client.torch.batches import expected

SAMPLES = 1024  # positions that tests read, at most; beyond 1,800 the fake service repeats a few samples
PATIENCE_S = 240


def run(function, *arguments, ranks=1, folder):
    """What function(*arguments) returns on each rank, in processes of a gloo group (none for a single rank)."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=_rank, args=(function, arguments, rank, ranks, folder)) for rank in range(ranks)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE_S)
    late = [process for process in processes if process.exitcode is None]
    for process in late:
        process.kill()
    answers = []
    for rank in range(ranks):
        answer = folder / f"rank{rank}"
        assert answer.exists(), f"rank {rank} of {ranks}: " + ("did not end" if late else "died")
        answers.append(pickle.loads(answer.read_bytes()))
        answer.unlink()
    (folder / "group").unlink(missing_ok=True)
    failed = [answer for answer in answers if isinstance(answer, Exception)]
    if failed:
        raise failed[0]
    return answers


def _rank(function, arguments, rank, ranks, folder):
    torch.set_num_threads(1)
    os.chdir(folder)
    try:
        if ranks > 1:
            os.environ.update(
                RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(ranks), LOCAL_WORLD_SIZE=str(ranks),
                GROUP_RANK="0", MASTER_ADDR="127.0.0.1", MASTER_PORT="1", TORCHELASTIC_RUN_ID="test",
                GLOO_SOCKET_IFNAME="lo",
            )  # fmt: skip
            torch.distributed.init_process_group(
                "gloo", init_method=f"file://{folder}/group", rank=rank, world_size=ranks
            )
        answer = function(*arguments)
    except Exception as error:
        error.add_note(traceback.format_exc())
        answer = error
    try:
        content = pickle.dumps(answer)
    except Exception:
        content = pickle.dumps(RuntimeError("".join(traceback.format_exception(answer))))
    (folder / f"rank{rank}.new").write_bytes(content)
    (folder / f"rank{rank}.new").rename(folder / f"rank{rank}")
    os._exit(0)  # without waiting for a group whose other ranks may have failed


def key(image):
    """Of what it shows."""
    return hashlib.sha1(image.to(torch.float32).contiguous().numpy().tobytes()).digest()


_POSITIONS: dict[bytes, int] = {}


def positions(images):
    """Position in the stream of seed 7 of each image, float32 [n, channels, height, width]; -1: none of them."""
    if not _POSITIONS:
        _POSITIONS.update({key(image): number for number, image in enumerate(expected(0, SAMPLES)[0])})
    return [_POSITIONS.get(key(image), -1) for image in images]


def flat(batches):
    """Of lists, one list."""
    return [one for batch in batches for one in batch]


def together(per_rank):
    """An epoch in global order: the ranks' batches of each step side by side."""
    return flat(batch for step in zip(*per_rank, strict=True) for batch in step)


def epoch(number, length):
    """Positions of a pass."""
    return list(range(number * length, (number + 1) * length))
