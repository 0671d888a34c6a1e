"""What a peer is installed into: an environment of its own, with the versions that stand in NAME.txt.

NAME.alone.txt, where there is one, holds what is installed without all that it asks for.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
ENVIRONMENTS = Path(".peers")
INSTALL_SECONDS = 1200


class PeerError(Exception):
    """The peer cannot be measured; the message says why, in one line."""


def install(name: str, folder: Path = FOLDER) -> Path:
    """The Python of the peer's own environment, which is made anew when its versions have changed.

    folder: where NAME.txt stands. Raises PeerError if it cannot be installed.
    """
    files = _files(name, folder)
    if not files:
        return Path(sys.executable)
    wanted = "".join(file.read_text() for file in files)
    home = ENVIRONMENTS / name
    python, installed = home / "bin" / "python", home / "installed.txt"
    if installed.exists() and installed.read_text() == wanted:
        return python
    print(f"installing {name} into {home}", file=sys.stderr)
    shutil.rmtree(home, ignore_errors=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, capture_output=True, text=True)
        for file in files:
            alone = ["--no-deps"] if file.name.endswith(".alone.txt") else []
            command = [*pip, *alone, "-r", str(file)]
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise PeerError(f"does not install: {last_line(str(error.stderr or error))}") from error
    installed.write_text(wanted)
    return python


def versions(python: Path, name: str) -> str:
    told = subprocess.run([str(python), "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    names = [line.partition("==")[0].partition("[")[0] for line in _wanted(name)]
    found = dict(line.split("==", 1) for line in told.splitlines() if "==" in line)
    return ", ".join(f"{each} {found.get(each, '?')}" for each in names)


def _files(name: str, folder: Path) -> list[Path]:
    return [file for file in (folder / f"{name}.txt", folder / f"{name}.alone.txt") if file.exists()]


def _wanted(name: str) -> list[str]:
    files = _files(name, FOLDER)
    return [line for file in files for line in file.read_text().split()] or ["grpcio", "onnxruntime-gpu"]


def last_line(text: str) -> str:
    """What a program said in the end."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it says nothing"
