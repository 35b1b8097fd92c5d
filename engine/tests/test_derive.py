"""Stills and previews: what they show, and what becomes of videos that are none."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from animato_engine import derive as derivation
from animato_engine.derive import VARIANTS, derive
from animato_engine.errors import Refused
from animato_engine.media import write_mp4

RED, BLUE = (220, 30, 30), (30, 60, 220)


def run(source: Path, output: Path, variant: str) -> tuple[int, str]:
    """Run the command as the server does; gives its status and the code that it reports."""
    arguments = ["--input", str(source), "--output", str(output), "--variant", variant]
    ended = subprocess.run(
        [sys.executable, "-m", "animato_engine", "derive", *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    said = ended.stderr.strip().splitlines()
    return ended.returncode, json.loads(said[-1])["code"] if said else ""


def plain(colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A frame of one colour."""
    return np.full((64, 64, 3), colour, np.uint8)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve red frames and twelve blue ones, 448 by 256, eight a second."""
    path = tmp_path_factory.mktemp("video") / "video.mp4"
    write_mp4([plain(RED)] * 12 + [plain(BLUE)] * 12, path, (448, 256), 8)
    return path


def encoded(path: Path, codec: str, frames: int, size: tuple[int, int], container: str = "mp4") -> Path:
    """A video of black frames in any codec."""
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((size[1], size[0], 3), np.uint8), format="rgb24")
        for index in range(frames):
            frame.pts, frame.time_base = index, Fraction(1, 30)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def shown(path: Path) -> NDArray[np.int64]:
    """The first picture in a file, in RGB."""
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int)


def test_every_variant_is_made_by_the_command_and_nothing_else_is_left(video: Path, tmp_path: Path) -> None:
    heads = {"jpg": b"\xff\xd8\xff", "webp": b"RIFF", "gif": b"GIF89a"}
    for variant in VARIANTS:
        assert run(video, tmp_path / variant, variant) == (0, "")
        assert (tmp_path / variant).read_bytes().startswith(heads[variant.rpartition(".")[2]])
    assert sorted(os.listdir(tmp_path)) == sorted(VARIANTS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_video_gives_the_same_bytes(video: Path, tmp_path: Path, variant: str) -> None:
    for name in ("a", "b"):
        derive(video, tmp_path / name, variant)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("variant", ["poster.jpg", "poster.webp"])
def test_a_poster_is_the_first_frame_in_its_size_and_colours(video: Path, tmp_path: Path, variant: str) -> None:
    derive(video, tmp_path / "poster", variant)
    picture = shown(tmp_path / "poster")
    assert picture.shape == (256, 448, 3)
    assert np.abs(picture - RED).max() <= 6


def test_sprites_are_ten_small_frames_at_even_distances(video: Path, tmp_path: Path) -> None:
    derive(video, tmp_path / "sprites", "sprites.jpg")
    picture = shown(tmp_path / "sprites")
    assert picture.shape == (91, 1600, 3)
    for index, colour in enumerate([RED] * 5 + [BLUE] * 5):
        assert np.abs(picture[20:70, index * 160 + 20 : index * 160 + 140] - colour).max() <= 8


@pytest.mark.parametrize("count", [1, 3])
def test_a_short_video_has_as_many_sprites_as_frames(tmp_path: Path, count: int) -> None:
    write_mp4([plain(RED)] * count, tmp_path / "v.mp4", (64, 64), 8)
    derive(tmp_path / "v.mp4", tmp_path / "sprites", "sprites.jpg")
    assert shown(tmp_path / "sprites").shape == (64, 64 * count, 3)


def test_a_gif_is_the_whole_video_small_in_time_and_in_a_loop(video: Path, tmp_path: Path) -> None:
    derive(video, tmp_path / "preview.gif", "preview.gif")
    with av.open(str(tmp_path / "preview.gif")) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(frames) == 24 and frames[0].shape == (183, 320, 3)
    assert np.abs(frames[0] - RED).max() <= 12 and np.abs(frames[23] - BLUE).max() <= 12
    assert b"NETSCAPE2.0\x03\x01\x00\x00" in (tmp_path / "preview.gif").read_bytes()
    # In hundredths of a second an eighth is now twelve, now thirteen.
    assert abs(sum(gif_delays(tmp_path / "preview.gif")) - 300) <= 1


def test_a_gif_is_never_faster_than_browsers_show(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    write_mp4(list(chance.integers(0, 256, (13, 64, 64, 3), np.uint8)), tmp_path / "v.mp4", (64, 64), 60)
    derive(tmp_path / "v.mp4", tmp_path / "g", "preview.gif")
    delays = gif_delays(tmp_path / "g")
    assert len(delays) == 7 and min(delays) >= 3


def gif_delays(path: Path) -> list[int]:
    """How long each picture of a GIF stands, in hundredths of a second."""
    data = path.read_bytes()
    delays, start = [], 0
    while (start := data.find(b"\x21\xf9\x04", start)) >= 0:
        delays.append(struct.unpack_from("<H", data, start + 4)[0])
        start += 8
    return delays


def test_a_webp_is_the_whole_video_small_in_time_and_in_a_loop(video: Path, tmp_path: Path) -> None:
    derive(video, tmp_path / "preview.webp", "preview.webp")
    data = (tmp_path / "preview.webp").read_bytes()
    position, chunks = 12, []
    while position < len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        chunks.append((name, data[position + 8 : position + 8 + length]))
        position += 8 + length + length % 2
    header = dict(chunks)
    assert int.from_bytes(header[b"VP8X"][4:7], "little") == 319
    assert int.from_bytes(header[b"ANIM"][4:6], "little") == 0
    # Equal frames in a row may be one that stands longer.
    assert sum(int.from_bytes(body[12:15], "little") for name, body in chunks if name == b"ANMF") == 3000


def test_a_still_takes_well_under_a_second_of_work_and_no_torch(video: Path, tmp_path: Path) -> None:
    code = (
        "import sys, resource; from animato_engine.__main__ import main\n"
        f"sys.argv = ['x', 'derive', '--input', {str(video)!r}, '--output', {str(tmp_path / 'p')!r},"
        " '--variant', 'poster.jpg']\n"
        "assert main() == 0 and 'torch' not in sys.modules\n"
        "used = resource.getrusage(resource.RUSAGE_SELF); print(used.ru_utime + used.ru_stime)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert float(ended.stdout) < 2


# What is no video.


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("cut", [0, 1, 8, 100, 0.5])
def test_garbage_and_ends_of_files_are_unreadable_or_make_less(
    video: Path, tmp_path: Path, variant: str, cut: float
) -> None:
    data = video.read_bytes()
    source, output = tmp_path / "v.mp4", tmp_path / "out"
    source.write_bytes(data[: int(len(data) * cut) if cut == 0.5 else int(cut)])
    try:
        derive(source, output, variant)
    except Refused as refused:
        assert refused.code == "video_unreadable"
        assert not output.exists()
    assert set(os.listdir(tmp_path)) <= {"v.mp4", "out"}


def test_flipped_bytes_never_do_worse_than_a_refusal(video: Path, tmp_path: Path) -> None:
    data = video.read_bytes()
    chance = np.random.default_rng(2)
    for round_number in range(60):
        broken = bytearray(data)
        for place in chance.integers(0, len(data), 12):
            broken[place] = chance.integers(256)
        (tmp_path / "v.mp4").write_bytes(broken)
        variant = list(VARIANTS)[round_number % len(VARIANTS)]
        try:
            derive(tmp_path / "v.mp4", tmp_path / "out", variant)
        except Refused as refused:
            assert refused.code in ("video_unreadable", "video_too_large")


@pytest.mark.parametrize(("codec", "container"), [("mpeg4", "mp4"), ("libvpx-vp9", "webm"), ("mpeg2video", "mpegts")])
def test_only_mp4_with_h264_is_opened(tmp_path: Path, codec: str, container: str) -> None:
    source = encoded(tmp_path / "v.mp4", codec, 3, (64, 64), container)
    assert run(source, tmp_path / "out", "poster.jpg") == (78, "video_unreadable")


def test_a_playlist_that_names_another_file_is_not_followed(video: Path, tmp_path: Path) -> None:
    playlist = tmp_path / "v.mp4"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile://{video}\n#EXT-X-ENDLIST\n")
    assert run(playlist, tmp_path / "out", "poster.jpg") == (78, "video_unreadable")


def test_a_bomb_of_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    source = encoded(tmp_path / "v.mp4", "libx264", 2, (8192, 8192))
    assert source.stat().st_size < 200_000
    for variant in VARIANTS:
        status, code = run(source, tmp_path / "out", variant)
        assert status == 78 and code in ("video_too_large", "video_unreadable")


@pytest.mark.parametrize("variant", ["sprites.jpg", "preview.gif", "preview.webp"])
def test_a_bomb_of_frames_is_refused(tmp_path: Path, variant: str) -> None:
    source = encoded(tmp_path / "v.mp4", "libx264", derivation.MAX_FRAMES + 1, (64, 64))
    assert run(source, tmp_path / "out", variant) == (78, "video_too_large")


def test_a_file_over_the_bound_is_refused_unread(tmp_path: Path) -> None:
    source = tmp_path / "v.mp4"
    with source.open("wb") as file:
        file.truncate(derivation.MAX_INPUT_BYTES + 1)
    assert run(source, tmp_path / "out", "poster.jpg") == (78, "video_too_large")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ".", "missing"):
        assert run(tmp_path / name, tmp_path / "out", "poster.jpg") == (78, "video_unreadable")


def test_an_unknown_variant_is_refused(video: Path, tmp_path: Path) -> None:
    for variant in ("poster.png", "", "../x"):
        assert run(video, tmp_path / "out", variant) == (78, "variant_unknown")


def test_a_place_that_cannot_be_written_is_a_storage_failure(video: Path, tmp_path: Path) -> None:
    assert run(video, tmp_path / "missing" / "out", "poster.jpg") == (1, "write_failed")


def test_the_process_has_bounds_of_its_own() -> None:
    code = (
        "import resource; from animato_engine.process import limit_resources; limit_resources()\n"
        "print([resource.getrlimit(k)[0] for k in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)])\n"
        "try: bytearray(3 << 30)\n"
        "except MemoryError: print('refused')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert ended.stdout.split("\n")[:2] == ["[2147483648, 50, 67108864]", "refused"]
