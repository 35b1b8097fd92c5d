"""What becomes of uploaded files that are no picture or video, are damaged, or are beyond the limits."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from animato_engine.errors import Cancelled, Failure
from animato_engine.inputs import inspect, limits, read_image, read_video
from uploads import encoded, greys, halves, png, refusal, saved

NO_MEDIA = {
    "empty": b"",
    "text": b"This is a picture, believe me.\n" * 40,
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(range(256)) * 20,
    "avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1" + bytes(range(256)) * 20,
    "playlist": b"#EXTM3U\n#EXTINF:3,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "concatenation": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "png head": b"\x89PNG\r\n\x1a\n",
    "jpeg head": b"\xff\xd8\xff\xe0",
    "webp head": b"RIFF\xff\0\0\0WEBPVP8 ",
    "mp4 head": b"\0\0\0\x18ftypisom\0\0\0\0isomavc1",
    "mp4 garbage": b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + bytes(range(256)) * 200,
    "matroska garbage": b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 200,
}


@pytest.mark.parametrize("name", NO_MEDIA)
def test_what_is_no_picture_or_video_is_unreadable_whatever_its_name(tmp_path: Path, name: str) -> None:
    for suffix in ("png", "mp4"):
        path = tmp_path / f"file.{suffix}"
        path.write_bytes(NO_MEDIA[name])
        assert refusal(lambda path=path: inspect(path)) == "media_unreadable"
        assert refusal(lambda path=path: read_image(path, (64, 64))) == "media_unreadable"
        assert refusal(lambda path=path: read_video(path, (64, 64), 8, 1)) == "media_unreadable"


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "JPEG2000", "AVIF"])
def test_other_pictures_are_unreadable(tmp_path: Path, form: str) -> None:
    path = saved(tmp_path / "p.png", Image.fromarray(halves(32, 32)), form)
    assert refusal(lambda: inspect(path)) == "media_unreadable"


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_a_picture_that_moves_is_unreadable(tmp_path: Path, form: str) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    path = saved(tmp_path / "p", frames[0], form, save_all=True, append_images=frames[1:])
    assert refusal(lambda: inspect(path)) == "media_unreadable"


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "mpeg4"), ("matroska", "mjpeg"), ("matroska", "ffv1"), ("mpegts", "libx264")]
)
def test_other_codecs_and_containers_are_unreadable(tmp_path: Path, container: str, codec: str) -> None:
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=24)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        frame = av.VideoFrame.from_ndarray(greys(1)[0], format="rgb24")
        output.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        output.mux(stream.encode(None))
    assert refusal(lambda: inspect(path)) == "media_unreadable"


def test_a_file_with_sound_only_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with pytest.raises(Failure, match="no video"):
        inspect(path)


def test_a_picture_is_no_video_and_a_video_no_picture(tmp_path: Path) -> None:
    picture = saved(tmp_path / "p", Image.fromarray(halves(32, 32)), "PNG")
    video = encoded(tmp_path / "v", greys(2))
    assert refusal(lambda: read_video(picture, (64, 64), 8, 1)) == "media_unreadable"
    assert refusal(lambda: read_image(video, (64, 64))) == "media_unreadable"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_picture_that_is_cut_off_is_unreadable(tmp_path: Path, form: str, kept: float) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (128, 128, 3), np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).save(data, form)
    path = tmp_path / "p"
    path.write_bytes(data.getvalue()[: int(len(data.getvalue()) * kept)])
    assert refusal(lambda: inspect(path)) == "media_unreadable"
    assert refusal(lambda: read_image(path, (64, 64))) == "media_unreadable"


def test_a_video_that_is_cut_off_is_unreadable_or_shorter(tmp_path: Path) -> None:
    chance = np.random.default_rng(4)
    path = encoded(tmp_path / "v", list(chance.integers(0, 256, (12, 64, 64, 3), np.uint8)), "matroska")
    data = path.read_bytes()
    for kept in (0.1, 0.5, 0.9):
        path.write_bytes(data[: int(len(data) * kept)])
        try:
            assert inspect(path).num_frames < 12
        except Failure as failure:
            assert failure.code == "media_unreadable"


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_flipped_bytes_never_do_worse_than_a_refusal(tmp_path: Path, container: str) -> None:
    video = encoded(tmp_path / "v", greys(12), container).read_bytes()
    files = [video]
    for form in ("PNG", "JPEG", "WEBP"):
        files.append(saved(tmp_path / "p", Image.fromarray(halves(64, 64)), form).read_bytes())
    chance = np.random.default_rng(5)
    path = tmp_path / "broken"
    for data in files:
        for _ in range(40):
            broken = bytearray(data)
            for place in chance.integers(16, len(data), 6):
                broken[place] = chance.integers(256)
            path.write_bytes(broken)
            try:
                inspect(path)
            except Failure as failure:
                assert failure.code in ("media_unreadable", "media_too_large")


# Bombs.


@pytest.mark.parametrize(("width", "height"), [(65_000, 65_000), (4097, 4096), (1 << 30, 1)])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(png(width, height, zlib.compress(bytes(1 << 20))))
    assert path.stat().st_size < 10_000
    assert refusal(lambda: inspect(path)) == "media_too_large"
    assert refusal(lambda: read_image(path, (64, 64))) == "media_too_large"


def test_a_webp_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "p", Image.new("RGB", (4200, 4200)), "WEBP")
    assert refusal(lambda: inspect(path)) == "media_too_large"
    # A canvas of 16777216 by 255 in the header only.
    canvas = b"VP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xfe\0\0"
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas)
    assert refusal(lambda: inspect(path)) in ("media_too_large", "media_unreadable")


def test_text_in_a_picture_that_inflates_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    text = (b"zTXt", b"k\0\0" + zlib.compress(bytes(64 << 20), 9))
    path.write_bytes(png(8, 8, zlib.compress(bytes(72)), text))
    assert refusal(lambda: inspect(path)) == "media_unreadable"


def test_a_jpeg_of_thousands_of_scans_is_refused_unread(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.fromarray(halves(2048, 2048)).save(data, "JPEG", progressive=True)
    whole = data.getvalue()
    last = whole.rindex(b"\xff\xda")
    path = tmp_path / "p"
    path.write_bytes(whole[:-2] + whole[last:-2] * 1000 + whole[-2:])
    assert refusal(lambda: inspect(path)) == "media_too_large"
    path.write_bytes(whole)
    assert inspect(path).width == 2048


def test_a_video_of_too_many_frames_is_refused(tmp_path: Path) -> None:
    path = encoded(tmp_path / "v", greys(1) * 5000, codec="libx264")
    assert refusal(lambda: inspect(path)) == "media_too_large"
    assert read_video(path, (64, 64), 24, 3).shape == (3, 64, 64, 3)


def test_a_video_that_lasts_too_long_is_refused(tmp_path: Path) -> None:
    path = encoded(tmp_path / "v", greys(3), times=[0, 10, 240 * 601])
    assert refusal(lambda: inspect(path)) == "media_too_large"


def test_frames_of_too_many_pixels_are_refused(tmp_path: Path) -> None:
    path = encoded(tmp_path / "v", [np.zeros((2160, 3840, 3), np.uint8)], codec="libx264")
    assert refusal(lambda: inspect(path)) == "media_too_large"
    assert refusal(lambda: read_video(path, (64, 64), 24, 1)) == "media_too_large"


@pytest.mark.parametrize("size", [(2160, 3840), (32, 32)])
def test_a_header_that_lies_about_the_size_does_not_help(tmp_path: Path, size: tuple[int, int]) -> None:
    height, width = size
    path = encoded(tmp_path / "v", [np.zeros((height, width, 3), np.uint8)] * 2)
    data = bytearray(path.read_bytes())
    # The sample entry: width and height lie 24 bytes behind the name of the format.
    place = data.rindex(b"avc1") + 28
    assert struct.unpack_from(">HH", data, place) == (width, height)
    struct.pack_into(">HH", data, place, 64, 64)
    path.write_bytes(data)
    if height > 64:
        assert refusal(lambda: inspect(path)) in ("media_too_large", "media_unreadable")
        assert refusal(lambda: read_video(path, (64, 64), 24, 1)) in ("media_too_large", "media_unreadable")
    else:
        assert (inspect(path).width, inspect(path).height) == (32, 32)


def test_a_header_that_lies_about_the_length_is_not_believed(tmp_path: Path) -> None:
    path = encoded(tmp_path / "v", greys(12))
    data = bytearray(path.read_bytes())
    for box, offset in ((b"mvhd", 20), (b"mdhd", 20)):
        struct.pack_into(">I", data, data.index(box) + offset, 0x7FFFFFFF)
    path.write_bytes(data)
    info = inspect(path)
    assert info.num_frames == 12 and info.seconds == pytest.approx(0.5)


def test_a_track_that_lies_in_another_file_is_not_followed(tmp_path: Path) -> None:
    other = encoded(tmp_path / "other.mp4", greys(12))
    data = other.read_bytes()
    # A data reference of the kind "alis" with an absolute path, in place of "in this file".
    inside = struct.pack(">I4sI", 12, b"url ", 1)
    name = str(other).encode()
    record = bytearray(150) + struct.pack(">HH", 2, len(name)) + name + bytes(len(name) % 2) + b"\xff\xff\0\0"
    outside = struct.pack(">I4sI", 12 + len(record), b"alis", 0) + bytes(record)
    grown = len(outside) - len(inside)
    start = data.index(inside)
    changed = bytearray(data[:start] + outside + data[start + len(inside) :])
    for box in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        place = changed.rindex(box, 0, start) - 4
        struct.pack_into(">I", changed, place, struct.unpack_from(">I", changed, place)[0] + grown)
    path = tmp_path / "v.mp4"
    path.write_bytes(changed)
    # libav itself would follow it if it were let.
    with av.open(str(path), options={"enable_drefs": "1", "use_absolute_path": "1"}) as container:
        assert len(list(container.decode(video=0))) == 12
    assert refusal(lambda: inspect(path)) == "media_unreadable"


def test_a_file_over_the_bound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p"
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(limits.MAX_BYTES + 1)
    assert refusal(lambda: inspect(path)) == "media_too_large"


def test_what_the_check_raises_ends_the_reading(tmp_path: Path) -> None:
    def stop() -> None:
        raise Cancelled

    video = encoded(tmp_path / "v", greys(12))
    picture = saved(tmp_path / "p", Image.fromarray(halves(32, 32)), "PNG")
    with pytest.raises(Cancelled):
        read_video(video, (64, 64), 24, 3, stop)
    with pytest.raises(Cancelled):
        read_image(picture, (64, 64), stop)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "video"])
def test_a_file_that_takes_too_long_is_refused(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if form == "video":
        path = encoded(tmp_path / "f", greys(12))
    else:
        path = saved(tmp_path / "f", Image.fromarray(halves(32, 32)), form)
    monkeypatch.setattr("animato_engine.inputs.INSPECT_SECONDS", -1.0)
    assert refusal(lambda: inspect(path)) == "media_too_large"
