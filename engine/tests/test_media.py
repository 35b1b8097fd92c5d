"""MP4 files: whole or not at all, exact in size and count, and repeatable."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from animato_engine import media
from animato_engine.errors import Cancelled, Failure
from animato_engine.media import publish, write_mp4, write_tagged
from video import probe, tags


def noise(count: int, width: int = 64, height: int = 64) -> list[NDArray[np.uint8]]:
    """Frames that do not compress."""
    return list(np.random.default_rng(1).integers(0, 256, (count, height, width, 3), np.uint8))


@pytest.mark.parametrize("count", [1, 5, 49])
def test_the_file_has_the_size_the_frames_and_the_rate_that_were_asked_for(output: Path, count: int) -> None:
    write_mp4(noise(count), output, (96, 64), 12)
    video = probe(output)
    assert (video.codec, video.pixel_format, video.size) == ("h264", "yuv420p", (96, 64))
    assert (video.frames, video.fps, video.index_first) == (count, 12, True)
    assert os.listdir(output.parent) == [output.name]


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for name in ("a", "b"):
        write_mp4(noise(9), tmp_path / name, (112, 64), 8)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).digest())
    assert len(digests) == 1


@pytest.mark.parametrize("width", [64, 112, 144])
def test_the_same_frames_give_the_same_bytes_whatever_was_in_the_memory_before(tmp_path: Path, width: int) -> None:
    random = np.random.default_rng(0)
    blocks = random.integers(0, 256, (10, width // 8 + 2, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    moving = [np.roll(blocks, (index, 2 * index), (0, 1))[:64, :width].copy() for index in range(17)]
    digests = set()
    for number in range(10):
        # Given back at once, and handed out again to whoever asks next.
        dirt = [np.full(int(size), number, np.uint8) for size in random.integers(1, 60_000, 100)]
        del dirt
        write_mp4(moving, tmp_path / str(number), (width, 64), 8)
        digests.add(hashlib.sha256((tmp_path / str(number)).read_bytes()).digest())
    assert len(digests) == 1


@pytest.mark.parametrize(
    "colour", [(255, 0, 0), (0, 255, 0), (20, 40, 220), (255, 255, 255), (0, 0, 0), (128, 128, 128)]
)
def test_colours_are_kept_also_when_scaled(output: Path, colour: tuple[int, int, int]) -> None:
    write_mp4([np.full((64, 64, 3), colour, np.uint8)] * 3, output, (384, 224), 8)
    with av.open(str(output)) as container:
        frame = next(container.decode(video=0))
        assert frame.colorspace == 1 and frame.color_range == 1
        seen = frame.to_ndarray(format="rgb24", src_colorspace="ITU709", dst_color_range="JPEG")
    assert np.abs(seen.astype(int) - colour).max() <= 3


def test_scaling_is_smooth(output: Path) -> None:
    steps = np.zeros((64, 64, 3), np.uint8)
    steps[:, 32:] = 255
    write_mp4([steps], output, (512, 512), 8)
    with av.open(str(output)) as container:
        row = next(container.decode(video=0)).to_ndarray(format="gray")[256].astype(int)
    # Eight pixels lie between two of the source; a repeated pixel would jump from black to white between two.
    assert np.abs(np.diff(row)).max() < 100


def test_metadata_is_in_the_tags_that_players_show_and_changes_no_frame(output: Path) -> None:
    metadata = {"title": "猫 on the grass", "description": "a cat; " * 1000, "comment": "seed=7\nmodel=x"}
    write_mp4(noise(9), output, (64, 64), 8, metadata=metadata)
    plain = output.with_name("plain.mp4")
    write_mp4(noise(9), plain, (64, 64), 8)
    assert tags(output) == metadata and tags(plain) == {}
    assert probe(output) == probe(plain)
    retagged = output.with_name("retagged.mp4")
    write_tagged(plain.read_bytes(), retagged, metadata)
    assert tags(retagged) == metadata and probe(retagged) == probe(plain)
    assert packets(output) == packets(plain) == packets(retagged)


def packets(file: Path) -> list[tuple[int | None, bytes]]:
    """The compressed frames and their times."""
    with av.open(str(file)) as container:
        return [(packet.pts, bytes(packet)) for packet in container.demux(video=0)]


def test_a_cancel_leaves_nothing(output: Path) -> None:
    calls = iter(range(100))

    def check() -> None:
        if next(calls) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_mp4(noise(9), output, (64, 64), 8, check)
    assert os.listdir(output.parent) == []


def test_a_fault_while_rendering_stays_what_it_is_and_leaves_nothing(output: Path) -> None:
    def frames() -> Iterator[NDArray[np.uint8]]:
        yield from noise(2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_mp4(frames(), output, (64, 64), 8)
    assert os.listdir(output.parent) == []


def test_a_missing_directory_is_a_storage_failure(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        write_mp4(noise(1), tmp_path / "missing" / "video.mp4", (64, 64), 8)
    assert (caught.value.kind, caught.value.code) == ("storage", "write_failed")


def test_a_name_that_cannot_be_taken_leaves_nothing(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(Failure, match="Permission denied"):
        publish(output, lambda part: part.write_bytes(b"x") and None)
    assert os.listdir(output.parent) == []


def test_the_file_is_synced_before_it_gets_its_name(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    monkeypatch.setattr(media, "_sync", lambda path: events.append(f"sync {path.name} {output.exists()}"))
    publish(output, lambda part: part.write_bytes(b"x") and None)
    assert len(events) == 2 and re.fullmatch(r"sync video\.mp4\.[0-9a-f]{8}\.part False", events[0])
    assert events[1] == "sync videos True"


def test_what_may_be_lost_waits_for_no_disk(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    monkeypatch.setattr(media, "_sync", lambda path: events.append(path.name))
    publish(output, lambda part: part.write_bytes(b"x") and None, synced=False)
    assert events == [] and output.read_bytes() == b"x"


def test_a_fault_leaves_the_file_that_was_to_be_replaced(output: Path) -> None:
    output.write_bytes(b"before")

    def fill(part: Path) -> None:
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(Failure, match="no room"):
        publish(output, fill)
    assert output.read_bytes() == b"before" and os.listdir(output.parent) == [output.name]


def test_a_full_disk_is_told_apart_and_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system can only be mounted by root; the limit on file size is tested instead")
    try:
        with pytest.raises(Failure) as caught:
            write_mp4(noise(30, 256, 256), place / "video.mp4", (256, 256), 8)
        assert (caught.value.kind, caught.value.code) == ("storage", "disk_full")
        assert os.listdir(place) == []
        write_mp4(noise(1), place / "video.mp4", (64, 64), 8)
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_file_that_may_not_grow_is_a_storage_failure(output: Path) -> None:
    # In a process of its own: the limit cannot be raised again.
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "import resource, test_media, pathlib\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "try: test_media.write_mp4(test_media.noise(30), pathlib.Path(sys.argv[1]), (256, 256), 8)\n"
        "except test_media.Failure as failure: print(failure.kind, failure.code)\n"
    )
    arguments = [sys.executable, "-c", code, str(output), str(Path(__file__).parent)]
    assert subprocess.run(arguments, capture_output=True, check=True, text=True).stdout == "storage write_failed\n"
    assert os.listdir(output.parent) == []
