"""A folder with one folder of PNG or JPEG images per class, with or without train/ and test/ above; or of images."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from training.data.dataset import LARGEST_BYTES, DataError, Records, check_size, choose_side, fit

SUFFIXES = {".png", ".jpg", ".jpeg"}
# What training reads of other kinds, and a folder of which is easily taken for the data.
ARRAYS = (".npy", ".npz")
TRAIN, VALIDATION, TEST = ("train", "training"), ("val", "valid", "validation"), ("test", "testing")

# A file's header may claim any size; decoding more than this costs more memory than a training image is worth.
LARGEST_PIXELS = 2**25
LONGEST_ASPECT = 8

# Unusable files: up to this share (and this count, for small folders) are skipped, and said; more is refused.
SKIPPED_SHARE = 0.01
SKIPPED_COUNT = 3

_GRAY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    label: int
    test: bool


@dataclass(frozen=True, slots=True)
class _Header:
    width: int
    height: int
    mode: str
    transparent: bool


def read(path: Path, size: int | None) -> Records:
    """Read a folder of images.

    path: holds one folder per class, or train/ with one folder per class and test/ with the same (the official
          test split; val/ beside test/ joins the training part, and is the test split where there is no test/);
          or images themselves, which are one class.
    size: side in pixels; None: chosen from the median of the images' longer sides, at most 64.

    Images are turned upright (EXIF), resized with their aspect kept until the longer side fits, and padded. Colour is
    kept if any image has it; transparency is laid over white; 16-bit levels become 8-bit.
    """
    files, names, notes = _list(path)
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        # Pillow warns of large images; LARGEST_PIXELS refuses them by name.
        warnings.simplefilter("ignore")
        headers = list(pool.map(_header, files))
        usable, faults = _sort_out(files, headers)
        _judge(path, faults, len(files))
        found = [header for header in headers if isinstance(header, _Header)]
        sides = [max(header.width, header.height) for header in found]
        side = choose_side(float(np.median(sides))) if size is None else check_size(size)
        color = any(header.mode not in _GRAY_MODES for header in found)
        shape = (len(usable), side, side, 3 if color else 1)
        if int(np.prod(shape, dtype=object)) > LARGEST_BYTES:
            raise DataError(f"{path}: {len(usable)} images of {side}x{side} are more than {LARGEST_BYTES} bytes")
        uniform = len({(header.width, header.height) for header in found}) == 1
        samples = np.empty(shape, np.uint8)
        kept: list[_File] = []
        decoded = pool.map(lambda file: _decode(file, side, color, enlarge=not uniform), usable)
        for file, image in zip(usable, decoded, strict=True):
            if isinstance(image, str):
                faults.append((file.path, image))
            else:
                samples[len(kept)] = image
                kept.append(file)
    _judge(path, faults, len(files))
    notes += _describe(found, faults, side, uniform)
    test = np.flatnonzero([file.test for file in kept])
    labels = np.array([file.label for file in kept], np.int64)
    has_test = any(file.test for file in files)
    return Records(samples[: len(kept)], labels, names, test if has_test else None, tuple(notes))


def _list(path: Path) -> tuple[list[_File], tuple[str, ...], list[str]]:
    parts = {entry.name.lower(): entry for entry in _folders(path)}
    train, validation, test = (_first(parts, names) for names in (TRAIN, VALIDATION, TEST))
    if train is None:
        roots = [(path, False)]
    else:
        roots = [(train, False)]
        roots += [(validation, test is None)] if validation else []
        roots += [(test, True)] if test else []
    names = tuple(entry.name for entry in _folders(roots[0][0]))
    if not names:
        images = sorted(entry for entry in path.iterdir() if entry.suffix.lower() in SUFFIXES and entry.is_file())
        if not images:
            arrays = [entry for entry in sorted(path.iterdir()) if entry.suffix.lower() in ARRAYS and entry.is_file()]
            hint = f"; to read {arrays[0].name}, name the file itself: {arrays[0]}" if arrays else ""
            raise DataError(f"{roots[0][0]}: has no folders; wanted one folder of PNG or JPEG images per class{hint}")
        return [_File(image, 0, False) for image in images], (path.resolve().name,), []
    files: list[_File] = []
    others = 0
    for root, is_test in roots:
        for folder in _folders(root):
            if folder.name not in names:
                raise DataError(f"{folder}: this class is not in {roots[0][0]}; the classes of both must agree")
            inside = sorted(entry for entry in folder.rglob("*") if entry.is_file() and not _hidden(entry, folder))
            images = [entry for entry in inside if entry.suffix.lower() in SUFFIXES]
            if not images:
                raise DataError(f"{folder}: class {folder.name!r} has no PNG or JPEG image")
            others += len(inside) - len(images)
            files += [_File(image, names.index(folder.name), is_test) for image in images]
    notes = [f"{others} files that are neither PNG nor JPEG were left out"] if others else []
    return files, names, notes


def _folders(path: Path) -> list[Path]:
    # Sorted by name: the class indices must not depend on the file system.
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not _hidden(entry, path))


def _hidden(entry: Path, root: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in entry.relative_to(root).parts)


def _first(parts: dict[str, Path], names: tuple[str, ...]) -> Path | None:
    return next((parts[name] for name in names if name in parts), None)


def _header(file: _File) -> _Header | str:
    """What the file says of itself, or why it is unusable."""
    try:
        with Image.open(file.path, formats=("PNG", "JPEG")) as image:
            width, height = image.size
            transparent = "A" in image.mode or "transparency" in image.info
            header = _Header(width, height, _color_mode(image), transparent)
    except Exception as error:  # Pillow's parsers answer damage with nearly any type
        return f"unreadable ({_brief(error)})"
    if width * height > LARGEST_PIXELS:
        return f"{width}x{height} pixels; at most {LARGEST_PIXELS} in all"
    if min(width, height) < 4 or max(width, height) > LONGEST_ASPECT * min(width, height):
        return f"{width}x{height} pixels; at least 4 a side and at most {LONGEST_ASPECT} times as long as wide"
    return header


def _color_mode(image: Image.Image) -> str:
    return image.palette.mode if image.mode == "P" and image.palette else image.mode


def _decode(file: _File, side: int, color: bool, *, enlarge: bool) -> np.ndarray | str:
    """uint8 [side, side, 3 if color else 1], or why the file is unusable."""
    try:
        with Image.open(file.path, formats=("PNG", "JPEG")) as opened:
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I"):
                levels = np.asarray(image).astype(np.int64)
                image = Image.fromarray((levels >> 8).clip(0, 255).astype(np.uint8))
            elif "A" in image.mode or "transparency" in image.info:
                layer = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
            pixels = np.asarray(image.convert("RGB" if color else "L"))
    except Exception as error:
        return f"unreadable ({_brief(error)})"
    return fit(pixels if color else pixels[..., None], side, enlarge=enlarge)


def _brief(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:120] or type(error).__name__


def _sort_out(files: list[_File], headers: list[_Header | str]) -> tuple[list[_File], list[tuple[Path, str]]]:
    usable = [file for file, header in zip(files, headers, strict=True) if isinstance(header, _Header)]
    faults = [(file.path, header) for file, header in zip(files, headers, strict=True) if isinstance(header, str)]
    return usable, faults


def _judge(path: Path, faults: list[tuple[Path, str]], total: int) -> None:
    if len(faults) > max(SKIPPED_COUNT, SKIPPED_SHARE * total) or len(faults) == total:
        listed = "; ".join(f"{file.relative_to(path)}: {fault}" for file, fault in faults[:3])
        raise DataError(
            f"{path}: {len(faults)} of {total} images cannot be used; at most {SKIPPED_SHARE:.0%} (or {SKIPPED_COUNT}) "
            f"are skipped. {listed}"
        )


def _describe(headers: list[_Header], faults: list[tuple[Path, str]], side: int, uniform: bool) -> list[str]:
    notes = [f"skipped {file.name}: {fault}" for file, fault in faults]
    if not uniform:
        widths, heights = ([header.width for header in headers], [header.height for header in headers])
        notes.append(
            f"images from {min(widths)}x{min(heights)} to {max(widths)}x{max(heights)} were resized to {side}x{side}, "
            "aspect kept, then padded"
        )
    elif (headers[0].width, headers[0].height) != (side, side):
        notes.append(f"images of {headers[0].width}x{headers[0].height} were fitted into {side}x{side}")
    colored = sum(header.mode not in _GRAY_MODES for header in headers)
    if 0 < colored < len(headers):
        notes.append(f"{colored} of {len(headers)} images are in colour, so that all samples have three channels")
    if any(header.transparent for header in headers):
        notes.append(f"transparency of {sum(header.transparent for header in headers)} images was laid over white")
    deep = sum(header.mode.startswith("I") for header in headers)
    if deep:
        notes.append(f"{deep} images with 16-bit levels were reduced to 8-bit")
    return notes
