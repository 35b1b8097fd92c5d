"""Still pictures by Pillow: PNG, JPEG, WebP, each by its own class, since `Image.open` would try others as well."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ..description import Size
from .geometry import Turn, exif_turn, fit
from .limits import MAX_PICTURE_PIXELS, Budget, Reader, too_large, unreadable

# A file could fill the log with them, a line for each tag that is not sound.
warnings.filterwarnings("ignore", module=r"PIL\.")

_ORIENTATION = 0x0112
# A progressive JPEG has about ten. Each costs a pass over the whole picture for a few bytes, in one call that nothing
# can interrupt.
_MAX_SCANS = 64
# A byte 0xFF that is no fill and, within a scan, neither data (0) nor a restart (0xD0 to 0xD7).
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA

_OPEN: dict[str, Callable[[Reader], ImageFile.ImageFile]] = {
    "png": PngImageFile,
    "jpeg": JpegImageFile,
    "webp": WebPImageFile,
}


def measure(data: bytes, name: str, budget: Budget) -> Size:
    """Decode a picture; gives its width and height as it is to be seen.

    Raises:
        Failure: `media_unreadable`, `media_too_large`; besides whatever Pillow raises.
    """
    with _loaded(data, name, budget) as picture:
        return _turn(picture).size(picture.size)


def read(data: bytes, name: str, size: Size, budget: Budget) -> NDArray[np.uint8]:
    """Decode a picture and fit it into `size`: (height, width, 3), RGB. Raises as `measure`."""
    with _loaded(data, name, budget) as picture:
        turn = _turn(picture)
        plain = _rgb(picture)
    return fit(plain, turn, size)


def _loaded(data: bytes, name: str, budget: Budget) -> ImageFile.ImageFile:
    """The picture, within the limits and decoded."""
    if name == "jpeg" and _scans(data, budget) > _MAX_SCANS:
        raise too_large(f"The JPEG has more than {_MAX_SCANS} scans.")
    picture = _OPEN[name](Reader(data, budget))
    try:
        # Nothing is decoded yet: this is what the header says, and the decoders keep to it.
        if picture.width * picture.height > MAX_PICTURE_PIXELS:
            raise too_large(f"The picture has more than {MAX_PICTURE_PIXELS} pixels.")
        if getattr(picture, "is_animated", False):
            raise unreadable("The picture moves; a still one or a video is needed.")
        picture.load()
    except BaseException:
        picture.close()
        raise
    return picture


def _scans(data: bytes, budget: Budget) -> int:
    """How many scans the first picture in a JPEG has. Thumbnails lie in segments, which are skipped."""
    scans, position = 0, 0
    while found := _MARKER.search(data, position):
        budget.spend()
        marker, position = data[found.start(1)], found.end()
        if marker == _END_OF_IMAGE or scans > _MAX_SCANS:
            break
        if marker == _START_OF_IMAGE:
            continue
        scans += marker == _START_OF_SCAN
        position += int.from_bytes(data[position : position + 2], "big")
    return scans


def _turn(picture: ImageFile.ImageFile) -> Turn:
    try:
        return exif_turn(picture.getexif().get(_ORIENTATION))
    except (OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError):
        # What else a picture says of itself may be damaged without harm to the picture.
        return Turn()


def _rgb(picture: Image.Image) -> Image.Image:
    """The picture in RGB of 8 bits, over white where it is transparent."""
    if picture.mode.startswith("I;16"):
        # Pillow's own conversion may cut off what is above 255 instead of scaling.
        return Image.fromarray((np.asarray(picture, np.uint16) >> 8).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        white.alpha_composite(picture.convert("RGBA"))
        return white.convert("RGB")
    return picture.convert("RGB")
