"""Spoken digits as a folder that `python -m training fit` reads, by the source's own split.

    python -m benchmarks.quality.spoken_digits spoken-digits.tar.gz demo/spoken-digits
    python -m benchmarks.quality --data demo/spoken-digits --presets rpgan vae --modes --seconds 1200 \\
        --set width=8 batch_size=32

The archive holds DIGIT/DIGIT_SPEAKER_NUMBER.wav (Free Spoken Digit Dataset, CC BY-SA 4.0): numbers 0 to 4 are the test
split, 300 recordings, the others 2,700 to learn from.
"""

from __future__ import annotations

import argparse
import re
import sys
import tarfile
from collections import Counter
from pathlib import Path

_NAME = re.compile(r"(\d)/(\d)_([a-z]+)_(\d+)\.wav")
_TESTS = 5  # of each digit and speaker


def unpack(archive: Path, folder: Path) -> Counter[str]:
    """Write train/DIGIT/*.wav and test/DIGIT/*.wav; returns how many of each. Raises ValueError for other files."""
    counts: Counter[str] = Counter()
    with tarfile.open(archive) as source:
        for member in source:
            if not member.isfile() or not member.name.endswith(".wav"):
                continue
            found = _NAME.fullmatch(member.name.removeprefix("./"))
            if found is None:
                raise ValueError(f"{archive}: {member.name} is not DIGIT/DIGIT_SPEAKER_NUMBER.wav")
            split = "test" if int(found[4]) < _TESTS else "train"
            stream = source.extractfile(member)
            assert stream is not None
            target = folder / split / found[1] / Path(member.name).name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(stream.read())
            counts[split] += 1
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("archive", "folder"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    for split, count in sorted(unpack(arguments.archive, arguments.folder).items()):
        print(f"{split}: {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
