"""fetch.py MODELS TIMEOUT [NAME/VERSION URL SHA256]...: download generators; runs in a pod, with Python alone.

Exit status 1 and one line with the reason if a file cannot be had or is not the one that was asked for.
"""

import hashlib
import os
import pathlib
import sys
import time
import urllib.request

CHUNK = 1 << 20


def fetch(models: pathlib.Path, place: str, url: str, sha256: str, timeout: float) -> None:
    """Write models/NAME/VERSION/model.onnx, seen by readers only when it is whole and has the right checksum."""
    request = urllib.request.Request(url)
    if authorization := os.environ.get("AUTHORIZATION"):
        # Unredirected: a redirect may lead to another host, which must not see it.
        request.add_unredirected_header("Authorization", authorization.strip())
    folder = models / place
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / ".part"
    digest = hashlib.sha256()
    end = time.monotonic() + timeout
    with urllib.request.urlopen(request, timeout=min(timeout, 30)) as source, part.open("wb") as file:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
            if time.monotonic() > end:
                raise OSError(f"not done after {timeout:g} s")
    if digest.hexdigest() != sha256:
        part.unlink()
        raise OSError(f"sha256 is {digest.hexdigest()}, wanted {sha256}")
    part.rename(folder / "model.onnx")


def main(models: str, timeout: str, *files: str) -> int:
    for place, url, sha256 in zip(files[::3], files[1::3], files[2::3], strict=True):
        try:
            fetch(pathlib.Path(models), place, url, sha256, float(timeout))
        except (OSError, ValueError) as error:
            sys.stderr.write(f"error: {place} from {url}: {error}\n")
            return 1
        sys.stderr.write(f"{place} from {url}: as asked for\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
