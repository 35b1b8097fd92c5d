"""What a file is, by its first bytes. Its name and its media type say nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A format that is read."""

    name: str
    demuxer: str = ""
    """libav's; empty for an image."""

    @property
    def is_image(self) -> bool:
        """Whether it is a still picture."""
        return not self.demuxer


_PNG, _JPEG, _WEBP = Kind("png"), Kind("jpeg"), Kind("webp")
_MP4, _QUICKTIME = Kind("mp4", "mov"), Kind("quicktime", "mov")
_WEBM, _MATROSKA = Kind("webm", "matroska"), Kind("matroska", "matroska")

# Brands of still pictures in the container of MP4 (HEIF, AVIF), which the demuxer would open as well.
_PICTURE_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"miaf", b"avif", b"avis"}
# What a QuickTime file of the time before brands begins with.
_UNBRANDED = {b"moov", b"mdat", b"wide", b"free", b"skip"}
# Element 0x4282 (DocType) of four bytes, in the EBML header that starts every Matroska file.
_WEBM_DOCTYPE = b"\x42\x82\x84webm"
_HEAD = 64


def kind_of(data: bytes) -> Kind | None:
    """The format of a file; None if it is none that is read. The rest of the file may still be anything."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    if data.startswith(b"\xff\xd8\xff"):
        return _JPEG
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _WEBP
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return _WEBM if _WEBM_DOCTYPE in data[:_HEAD] else _MATROSKA
    box, brand = data[4:8], data[8:12]
    if box == b"ftyp":
        if brand in _PICTURE_BRANDS:
            return None
        return _QUICKTIME if brand == b"qt  " else _MP4
    return _QUICKTIME if box in _UNBRANDED else None
