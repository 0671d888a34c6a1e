"""One picture: what its header says, and its pixels, upright, 8 bits a channel, gray or sRGB, of the side wanted."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from training.data.encoded import Content, Encoded
from training.data.folders.tree import Sought
from training.kinds.image.levels import Levels
from training.kinds.image.resize import fit

# Endings of what Pillow reads by itself; the content decides how.
FORMATS = ("PNG", "JPEG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM")
SUFFIXES = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pbm", ".pnm"}
)
# Endings of pictures that are not read; they make a folder a class whose pictures are missing.
UNREAD = frozenset(
    {".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".svg", ".pdf", ".eps", ".psd", ".xcf", ".tga", ".ico", ".exr"}
    | {".hdr", ".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".srw", ".pef", ".dcm", ".dicom"}
    | {".nii", ".mha", ".svs", ".ndpi", ".mp4", ".mov", ".avi", ".mkv", ".webm"}
)

_AROUND = frozenset({"images", "image", "imgs", "img", "pictures"})
_WORDS = ("image", "img", "picture", "photo")
PICTURES = Sought("picture", SUFFIXES, UNREAD, "Convert them to PNG or JPEG; PNG keeps 16-bit levels.", _AROUND, _WORDS)
_COLUMNS = ("image", "img", "images", "picture", "pixel_values", "jpg", "png", "bytes")
ENCODED = Encoded("Image", _COLUMNS, PICTURES, any_bytes=True)

# A header may claim any size. A baseline JPEG is shrunk while it is decoded, the others have to be decoded whole.
LARGEST_PIXELS = 2**26
LARGEST_JPEG_PIXELS = 2**28
# Above this a picture is shrunk by averages before anything else is done to it.
LARGE = 2**22
_GAP = 4  # times the side wanted, which the last, finer resampling begins with
LONGEST_ASPECT = 8
_MOST_LEVEL = 2**16 - 1

GRAY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself; width and height as stored, before it is turned upright.

    streamed: it can be shrunk while it is decoded, without being in memory whole.
    """

    width: int
    height: int
    mode: str
    transparent: bool
    animated: bool
    streamed: bool

    @property
    def pixels(self) -> int:
        """That are in memory while it is decoded; a large baseline JPEG is shrunk to an eighth of its sides before."""
        pixels = self.width * self.height
        return pixels // 64 if self.streamed and pixels > LARGE else pixels

    @property
    def colored(self) -> bool:
        return self.mode not in GRAY_MODES

    @property
    def deep(self) -> bool:
        """Whether levels have 16 bits."""
        return self.mode.startswith("I")


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """image: uint8 [side, side, 1 or 3]; low, high: least and greatest level as stored, of 255, or of 65535 if deep."""

    image: np.ndarray
    low: int
    high: int
    deep: bool


def header(content: Content) -> Header | str:
    """What a picture says of itself, or why it cannot be used."""
    try:
        with _open(content) as image:
            width, height = image.size
            transparent = "A" in image.mode or "transparency" in image.info
            streamed = image.format in ("JPEG", "MPO") and not image.info.get("progressive")
            animated = getattr(image, "is_animated", False)
            found = Header(width, height, _color_mode(image), transparent, animated, streamed)
    except Exception as error:  # Pillow's parsers answer damage with nearly any type
        return f"unreadable ({_brief(error)})"
    most = LARGEST_JPEG_PIXELS if streamed else LARGEST_PIXELS
    if width * height > most:
        return f"{width}x{height} pixels; at most {most} in all"
    if min(width, height) < 4 or max(width, height) > LONGEST_ASPECT * min(width, height):
        return f"{width}x{height} pixels; at least 4 a side and at most {LONGEST_ASPECT} times as long as wide"
    if found.mode == "F":
        return "floating-point levels; 8 or 16 bits are read"
    return found


def decode(
    content: Content, side: int, color: bool, *, enlarge: bool, levels: Callable[[bool], Levels | None]
) -> Pixels | str:
    """The pixels of a picture, three channels if color, or why it cannot be used.

    levels: black and full of pictures with 16 bits (True) or 8; None: 0 and 65535, or 0 and 255.
    """
    try:
        with _open(content) as opened:
            if opened.width * opened.height > LARGE:
                image = ImageOps.exif_transpose(_shrunk(opened, _GAP * side))
            else:
                image = ImageOps.exif_transpose(opened)
            deep = image.mode.startswith("I")
            ends = levels(deep)
            if deep:
                values = np.asarray(image).astype(np.int64)
                low, high = int(values.min()), int(values.max())
                if low < 0 or high > _MOST_LEVEL:
                    return f"levels from {low} to {high}; 8 or 16 bits are read"
                image = Image.fromarray((values >> 8).astype(np.uint8) if ends is None else _scaled(values, ends))
            elif "A" in image.mode or "transparency" in image.info:
                layer = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
            pixels = np.asarray(image.convert("RGB" if color else "L"))
            if not deep:
                low, high = int(pixels.min()), int(pixels.max())
                pixels = pixels if ends is None else _scaled(pixels, ends)
    except Exception as error:
        return f"unreadable ({_brief(error)})"
    return Pixels(fit(pixels if color else pixels[..., None], side, enlarge=enlarge), low, high, deep)


def _scaled(values: np.ndarray, levels: Levels) -> np.ndarray:
    low, high = levels
    return np.rint((values - low) * (255 / (high - low))).clip(0, 255).astype(np.uint8)


def _open(content: Content) -> Image.Image:
    return Image.open(io.BytesIO(content) if isinstance(content, bytes) else content, formats=FORMATS)


def _shrunk(opened: Image.Image, side: int) -> Image.Image:
    """The picture with its longer side at least `side`, where it is much larger; turned as it is stored."""
    factor = max(opened.size) / side
    if factor >= 2:
        opened.draft(None, (max(1, int(opened.width / factor)), max(1, int(opened.height / factor))))  # JPEG's only
    return _averaged(opened, side)


def _averaged(image: Image.Image, side: int) -> Image.Image:
    factor = max(image.size) // side
    if factor < 2:
        return image
    if image.mode.startswith("I"):
        return image.convert("I").reduce(factor)
    if "A" in image.mode or "transparency" in image.info:
        # Colours weighted by their opacity, else what is clear bleeds into its neighbours.
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        return layer.convert("RGBa").reduce(factor).convert("RGBA")
    if image.mode in ("1", "P"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    return image.reduce(factor)


def _color_mode(image: Image.Image) -> str:
    return image.palette.mode if image.mode == "P" and image.palette else image.mode


def _brief(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "empty, or no picture of a kind that is read"
    return (str(error).splitlines() or [""])[0][:120] or type(error).__name__
