"""How large is the graph of a likelihood model of texts, how long does it load, how fast is it beside PyTorch?

    python -m benchmarks.texts.graph [--lengths 16 64 128] [--units 96] [--width 256] [--out FILE]

The network of `gru` with the weights that it begins with: they decide what is drawn, not how long that takes, for every
position is computed. Each length is exported, proven against PyTorch (the parity that `fit` demands), loaded and drawn
from on one thread, in pages of 256 lines and one by one; the same network in PyTorch chooses a unit after the other.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from lightning_fabric import Fabric

from benchmarks import results, systems
from benchmarks.systems import Row
from service.runtime.session import Session
from training.config.presets import resolve
from training.export import graph, parity
from training.export.sampling import to_be_measured
from training.gan.trainer import Trainer
from training.kinds.text.text import Text
from training.kinds.text.units import Units
from training.networks import drawn as drawn_by_chance
from training.networks.sampler import chance

CLASSES = 18


def row(length: int, units: int, width: int) -> Row:
    """Of one length, in units of a text."""
    kind = Text(Units(("", *map(chr, range(0x100, 0x100 + units)))), length)
    config = resolve("gru", {"width": width})
    labels = np.arange(4 * CLASSES) % CLASSES
    samples = np.random.default_rng(0).integers(1, units + 1, (len(labels), length), np.int32)
    fabric = Fabric(accelerator="cpu", devices=1)
    generator = Trainer(fabric, config, kind, samples, labels, CLASSES, seed=0).settle().eval()
    began = time.process_time()
    model = graph.to_onnx(generator, kind, config.latent_size, CLASSES)
    exported = time.process_time() - began
    parity.prove_parity(generator, model, kind, config.latent_size, CLASSES)
    content = model.SerializeToString()
    began = time.process_time()
    draw = to_be_measured(Session(content, threads=1))
    loaded = time.process_time() - began
    page = np.arange(systems.PAGE) % CLASSES
    fast = systems.speed(lambda: draw(page, 0))
    single = systems.speed(lambda: draw(page[:1], 0)) / systems.PAGE
    chosen = drawn_by_chance(systems.PAGE, chance(generator), torch.Generator().manual_seed(0), torch.device("cpu"))
    latent, label = torch.zeros(systems.PAGE, config.latent_size), torch.from_numpy(page)
    with torch.no_grad():
        loop = systems.speed(lambda: generator(latent, label, *chosen))
    return {
        "length, units": length,
        "nodes": sum(1 + _inside(node) for node in model.graph.node),
        "file, MB": len(content) / 1e6,
        "export, CPU s": exported,
        "load, CPU s": loaded,
        "lines/s": fast,
        "one by one, lines/s": single,
        "PyTorch, lines/s": loop,
        "times PyTorch": fast / loop,
    }


def _inside(node: object) -> int:
    """Nodes of the graphs that a node holds, such as the body of a loop."""
    graphs = [each.g for each in node.attribute if each.HasField("g")]  # type: ignore[attr-defined]
    return sum(1 + _inside(each) for inner in graphs for each in inner.node)


def main() -> None:
    parser = results.Parser("benchmarks.texts.graph", __doc__)
    parser.add_argument("--lengths", nargs="+", type=int, default=[16, 64, 128])
    parser.add_argument("--units", type=int, default=96, help="different ones (default 96)")
    parser.add_argument("--width", type=int, default=256)
    options = parser.options()
    torch.set_num_threads(1)
    with parser.results() as out:
        for length in options.lengths:
            out.row("The graph of gru", row(length, options.units, options.width))


if __name__ == "__main__":
    main()
