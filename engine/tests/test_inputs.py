"""Uploaded pictures and videos: what is read, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageOps

from animato_engine.errors import Failure
from animato_engine.inputs import inspect, read_image, read_video
from animato_engine.inputs.video import Shown, nearest
from uploads import BLUE, RED, WHITE, encoded, greys, halves, near, saved, told

FORMATS = {
    "mp4 h264": ("mp4", "libx264", "mp4"),
    "mp4 hevc": ("mp4", "libx265", "mp4"),
    "mp4 av1": ("mp4", "libsvtav1", "mp4"),
    "mov h264": ("mov", "libx264", "quicktime"),
    "webm vp8": ("webm", "libvpx", "webm"),
    "webm vp9": ("webm", "libvpx-vp9", "webm"),
    "mkv h264": ("matroska", "libx264", "matroska"),
}


@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("JPEG", {"quality": 95}), ("WEBP", {"lossless": True})])
def test_a_picture_is_measured_and_read_in_its_colours(tmp_path: Path, form: str, options: dict[str, object]) -> None:
    path = saved(tmp_path / "any.name", Image.fromarray(halves(96, 64)), form, **options)
    assert inspect(path).wire() == {
        "kind": "image", "format": form.lower(), "width": 96, "height": 64, "num_frames": 1, "fps": 0, "seconds": 0,
    }  # fmt: skip
    pixels = read_image(path, (48, 32))
    assert pixels.shape == (32, 48, 3) and pixels.dtype == np.uint8
    assert near(pixels[:, :20], RED) and near(pixels[:, 28:], BLUE)


@pytest.mark.parametrize("name", FORMATS)
def test_a_video_of_every_format_is_measured_and_read(tmp_path: Path, name: str) -> None:
    container, codec, told_format = FORMATS[name]
    path = encoded(tmp_path / "v", [halves(128, 64)] * 12, container, codec)
    info = inspect(path)
    assert (info.kind, info.format, info.width, info.height, info.num_frames) == ("video", told_format, 128, 64, 12)
    assert info.fps == pytest.approx(24, rel=0.01) and info.seconds == pytest.approx(0.5, abs=0.01)
    video = read_video(path, (64, 32), 8, 4, lambda: None)
    assert video.shape == (4, 32, 64, 3)
    assert near(video[:, :, :24], RED, 14) and near(video[:, :, 40:], BLUE, 14)


def test_the_same_bytes_give_the_same_pixels(tmp_path: Path) -> None:
    picture = saved(tmp_path / "p", Image.fromarray(halves(90, 61)), "JPEG")
    video = encoded(tmp_path / "v", greys(12))
    assert np.array_equal(read_image(picture, (48, 48)), read_image(picture, (48, 48)))
    assert np.array_equal(read_video(video, (48, 32), 8, 3), read_video(video, (48, 32), 8, 3))


def test_what_has_another_aspect_ratio_is_cropped_in_the_middle(tmp_path: Path) -> None:
    wide = np.full((64, 192, 3), BLUE, np.uint8)
    wide[:, 64:128] = RED
    assert near(read_image(saved(tmp_path / "w", Image.fromarray(wide), "PNG"), (64, 64))[:, 4:60], RED, 2)
    tall = np.ascontiguousarray(wide.transpose(1, 0, 2))
    assert near(read_image(saved(tmp_path / "t", Image.fromarray(tall), "PNG"), (64, 64))[4:60], RED, 2)


def test_a_picture_of_16_bits_keeps_its_brightness(tmp_path: Path) -> None:
    grey = Image.fromarray(np.full((32, 32), 0x8040, np.uint16))
    assert near(read_image(saved(tmp_path / "p", grey, "PNG"), (32, 32)), (128, 128, 128), 0)


def test_a_jpeg_in_cmyk_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "p", Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", quality=95)
    assert near(read_image(path, (32, 32)), (255, 0, 0))


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_what_is_transparent_is_white(tmp_path: Path, form: str) -> None:
    picture = Image.fromarray(halves(64, 64, (*RED, 255), (*BLUE, 0)))
    pixels = read_image(saved(tmp_path / "p", picture, form, lossless=True), (64, 64))
    assert near(pixels[:, :28], RED) and near(pixels[:, 36:], WHITE)


def test_a_palette_with_a_transparent_colour_is_white_there(tmp_path: Path) -> None:
    picture = Image.fromarray(halves(64, 64)).quantize(2)
    clear = int(np.asarray(picture)[0, 63])
    pixels = read_image(saved(tmp_path / "p", picture, "PNG", transparency=clear), (64, 64))
    assert near(pixels[:, :28], RED) and near(pixels[:, 36:], WHITE)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_exif_says(tmp_path: Path, orientation: int) -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (24, 40, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "p", picture, "PNG", exif=exif)
    with Image.open(path) as opened:
        expected = ImageOps.exif_transpose(opened)
    info = inspect(path)
    assert (info.width, info.height) == expected.size
    assert np.array_equal(read_image(path, expected.size), np.asarray(expected))


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_video_is_turned_as_its_matrix_says(tmp_path: Path, degrees: int) -> None:
    def turn(stream: av.VideoStream) -> None:
        stream.set_display_rotation(degrees)

    path = encoded(tmp_path / "v", [halves(128, 64)] * 3, prepare=turn)
    info = inspect(path)
    assert (info.width, info.height) == ((128, 64) if degrees == 180 else (64, 128))
    with av.open(str(path)) as container:
        assert round(next(container.decode(video=0)).rotation) in (degrees, -180)
    # libav's angle is against the clock, as numpy's.
    expected = np.rot90(halves(128, 64), degrees // 90)
    seen = read_video(path, (info.width, info.height), 24, 1)[0]
    assert np.abs(seen.astype(int) - expected).mean() < 8


def test_pixels_that_are_not_square_are_stretched(tmp_path: Path) -> None:
    def stretch(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(2)

    info = inspect(encoded(tmp_path / "v", greys(3), prepare=stretch))
    assert (info.width, info.height) == (128, 64)


@pytest.mark.parametrize(("matrix", "coefficients"), [(1, (0.2126, 0.0722)), (5, (0.299, 0.114))])
@pytest.mark.parametrize("wide", [False, True])
def test_colours_are_read_by_the_matrix_and_range_that_the_file_names(
    tmp_path: Path, matrix: int, coefficients: tuple[float, float], wide: bool
) -> None:
    red, blue = coefficients
    luma, cb, cr = 100, 120, 170
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=24, options={"qp": "0"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, 2 if wide else 1
        planes = np.concatenate([np.full(4096, luma), np.full(1024, cb), np.full(1024, cr)]).astype(np.uint8)
        frame = av.VideoFrame.from_ndarray(planes.reshape(96, 64), format="yuv420p")
        frame.colorspace, frame.color_range = matrix, 2 if wide else 1
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    light = luma if wide else (luma - 16) * 255 / 219
    scale = 1 if wide else 255 / 224
    r = light + 2 * (1 - red) * (cr - 128) * scale
    b = light + 2 * (1 - blue) * (cb - 128) * scale
    g = (light - red * r - blue * b) / (1 - red - blue)
    assert near(read_video(path, (64, 64), 24, 1)[0], (round(r), round(g), round(b)), 2)


# Which frames are taken.


def test_a_video_is_resampled_by_time(tmp_path: Path) -> None:
    path = encoded(tmp_path / "v", greys(25))
    assert told(read_video(path, (64, 64), 8, 9)) == [0, 3, 6, 9, 12, 15, 18, 21, 24]
    assert told(read_video(path, (64, 64), 48, 6)) == [0, 0, 1, 1, 2, 2]


def test_a_video_of_changing_rate_is_resampled_by_time(tmp_path: Path) -> None:
    # At 0, 1/24, 1/2, 1 and 25/24 s.
    path = encoded(tmp_path / "v", greys(5, 30), times=[0, 10, 120, 240, 250])
    assert told(read_video(path, (64, 64), 4, 5), 30) == [0, 1, 2, 2, 3]


def test_a_video_that_starts_late_is_read_from_its_first_frame(tmp_path: Path) -> None:
    path = encoded(tmp_path / "v", greys(6), "matroska", times=[2400 + 10 * index for index in range(6)])
    assert inspect(path).seconds == pytest.approx(0.25, abs=0.01)
    assert told(read_video(path, (64, 64), 24, 6)) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_a_video_of_exactly_the_frames_is_long_enough_and_one_less_is_not(tmp_path: Path, container: str) -> None:
    path = encoded(tmp_path / "v", greys(13), container)
    assert told(read_video(path, (64, 64), 24, 13)) == list(range(13))
    with pytest.raises(Failure, match=r"has 13 frames at 24 frames a second; 14 are needed") as caught:
        read_video(path, (64, 64), 24, 14)
    assert caught.value.code == "media_too_short"


def test_no_more_of_a_video_is_decoded_than_is_needed() -> None:
    asked: list[int] = []

    def frames() -> Iterator[Shown[int]]:
        for index in range(100):
            asked.append(index)
            yield Shown(index, Fraction(index, 10), Fraction(index + 1, 10))

    assert list(nearest(frames(), 5, 3)) == [(0, 1), (2, 1), (4, 1)]
    assert max(asked) == 5
