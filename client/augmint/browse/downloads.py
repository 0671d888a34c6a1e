"""Samples as files to keep."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from urllib.parse import quote

from starlette.responses import Response

from augmint import kinds
from augmint.browse.asked import Asked
from augmint.errors import InvalidRequest
from augmint.formats import file_name, write_npz
from augmint.generators import Description
from augmint.samples import Samples
from augmint.sheet import contact_sheet

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "npy": "application/octet-stream",
    "npz": "application/octet-stream",
    "parquet": "application/vnd.apache.parquet",
    "png": "image/png",
    "wav": "audio/wav",
    "mid": "audio/midi",
    "zip": "application/zip",
}


def offers(description: Description) -> list[str]:
    """Suffixes of the files that a page of samples can be kept as."""
    kind = kinds.of(description)
    many = [one for one in kind.many if one != "parquet" or importlib.util.find_spec("pyarrow") is not None]
    sheet = ["png"] if kind.pictures else []
    files = ["zip"] if kind.media is not None else []
    return [*sheet, *many, *files, "npz"]


def of_sample(description: Description) -> list[str]:
    """Suffixes of the files that one sample can be kept as."""
    kind = kinds.of(description)
    heard = ["wav"] if kind.face.sounds is not None else []
    return list(dict.fromkeys([kind.suffix, *heard, "npz"]))


def of_page(samples: Samples, asked: Asked, suffix: str) -> Response:
    """All samples of a page in one file; InvalidRequest if their kind has no such file."""
    description, kind = samples.description, kinds.of(samples.description)
    if suffix not in offers(description):
        raise InvalidRequest(
            f"{description.kind} has no file .{suffix[:20]} of a page; there are {', '.join(offers(description))}"
        )
    content = io.BytesIO()
    if suffix in kind.many:
        encoder = kind.many[suffix](content, description)
        encoder.add(samples)
        encoder.finish()
    elif suffix == "npz":
        write_npz(content, samples)
    elif suffix == "zip":
        _write_zip(content, samples)
    else:
        rows = [samples.array[start : start + asked.each] for start in range(0, len(samples), asked.each)]
        caption = f"{description.name}/{description.version}   {description.digest[:12]}   seed {samples.seed}"
        contact_sheet(rows, asked.labels, caption=caption).save(content, "PNG")
    return _file(content.getvalue(), suffix, f"{description.name}-{description.version}-seed{samples.seed}")


def of_one(samples: Samples, suffix: str) -> Response:
    """One sample as a file; a WAV of what can be heard of it is played by the page too."""
    description, kind = samples.description, kinds.of(samples.description)
    name = f"{description.name}-{description.version}-seed{samples.seed}-{int(samples.indices[0])}"
    if suffix not in of_sample(description):
        there = ", ".join(of_sample(description))
        raise InvalidRequest(f"{description.kind} has no file .{suffix[:20]} of a sample; there are {there}")
    if suffix == "wav" and kind.face.sounds is not None:
        return _file(next(iter(kind.face.sounds(samples))), "wav", name)
    if suffix == "npz":
        content = io.BytesIO()
        write_npz(content, samples)
        return _file(content.getvalue(), suffix, name)
    return _file(next(iter(kind.files(samples))), suffix, name)


def _write_zip(content: io.BytesIO, samples: Samples) -> None:
    """LABEL/INDEX.suffix for every sample, as `augmint export --format folder` writes them."""
    kind = kinds.of(samples.description)
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for sample, one in zip(samples, kind.files(samples), strict=True):
            path = f"{file_name(sample.label)}/{sample.address.start_index:015d}.{kind.suffix}"
            file.writestr(zipfile.ZipInfo(path), one)  # of 1980: the same samples are the same bytes


def _file(content: bytes, suffix: str, name: str) -> Response:
    media_type = _TYPES.get(suffix.rpartition(".")[2], "application/octet-stream")
    # Never shown in the place of the page: to be kept, or played.
    told = f"attachment; filename*=UTF-8''{quote(f'{name}.{suffix}')}"
    return Response(content, media_type=media_type, headers={"content-disposition": told})
