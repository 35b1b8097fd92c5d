"""Checkpoints: bit for bit, in the place of the one before, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from animato_engine import checkpoint as module
from animato_engine.checkpoint import MAX_BYTES, Checkpoint, copied, load
from animato_engine.errors import Failure

IDENTITY = "a" * 64


def sample(step: int = 4) -> Checkpoint:
    """Some of what a generation keeps; small, so that every bit can be tried."""
    generator = torch.Generator().manual_seed(step)
    latents = torch.randn(1, 2, 3, 2, generator=generator)
    latents[0, 0, 0] = torch.tensor([torch.nan, -0.0])
    return Checkpoint(
        IDENTITY,
        step,
        10,
        {
            "latents": latents,
            "half": torch.randn(3, generator=generator).to(torch.float16),
            "brain": torch.randn(2, 2, generator=generator).to(torch.bfloat16).T,
            "timestep": torch.tensor(step),
            "view": latents[:, :, ::2],
            "none": torch.empty(0, 4),
            "flag": torch.tensor([True, False]),
            "generator": torch.arange(16, dtype=torch.uint8),
        },
    )


def save(file: Path, state: Checkpoint) -> int:
    """Keep it as the engine does."""
    return module.save(file, copied(state))


def bits(tensor: torch.Tensor) -> bytes:
    """The numbers of a tensor as they lie in memory."""
    return bytes(tensor.contiguous().flatten().view(torch.uint8).numpy())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A path in a directory of its own."""
    directory = tmp_path / "checkpoints"
    directory.mkdir()
    return directory / "g.safetensors"


def test_every_tensor_comes_back_bit_for_bit(file: Path) -> None:
    given = sample()
    assert save(file, given) == file.stat().st_size
    found = load(file, IDENTITY)
    assert found is not None
    assert (found.identity, found.step, found.total_steps) == (IDENTITY, 4, 10)
    assert found.tensors.keys() == given.tensors.keys()
    for name, tensor in given.tensors.items():
        kept = found.tensors[name]
        assert (kept.dtype, kept.shape, kept.device.type) == (tensor.dtype, tensor.shape, "cpu")
        assert bits(kept) == bits(tensor), name
    assert os.listdir(file.parent) == [file.name]


def test_the_tensors_are_nobody_elses(file: Path) -> None:
    save(file, sample())
    found = load(file, IDENTITY)
    assert found is not None
    found.tensors["latents"].zero_()
    again = load(file, IDENTITY)
    assert again is not None and bits(again.tensors["latents"]) == bits(sample().tensors["latents"])


def test_a_generator_goes_on_where_it_was(file: Path) -> None:
    generator = torch.Generator().manual_seed(7)
    torch.randn(100, generator=generator)
    save(file, replace(sample(), tensors={"generator": generator.get_state()}))
    wanted = torch.randn(100, generator=generator)
    found = load(file, IDENTITY)
    assert found is not None
    other = torch.Generator()
    other.set_state(found.tensors["generator"])
    assert torch.equal(torch.randn(100, generator=other), wanted)


def test_a_later_checkpoint_takes_the_place_of_an_earlier_one(file: Path) -> None:
    for step in (0, 4, 10):
        save(file, sample(step))
        found = load(file, IDENTITY)
        assert found is not None and found.step == step


def test_no_file_is_no_checkpoint_and_nothing_to_tell(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert load(file, IDENTITY) is None
    assert load(file / "below", IDENTITY) is None
    assert capfd.readouterr().err == ""


def test_a_checkpoint_of_another_generation_is_none(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    save(file, sample())
    assert load(file, "b" * 64) is None
    assert "of another generation" in capfd.readouterr().err


def test_a_checkpoint_of_another_version_is_none(
    file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, "_VERSION", "0")
        save(file, sample())
    assert load(file, IDENTITY) is None
    assert "of another version" in capfd.readouterr().err


@pytest.mark.parametrize("step", [-1, 11])
def test_a_step_outside_the_generation_is_not_written(file: Path, step: int) -> None:
    with pytest.raises(ValueError, match="none of 10"):
        save(file, replace(sample(), step=step))
    assert os.listdir(file.parent) == []


def test_a_checkpoint_that_nobody_would_read_is_not_written(file: Path) -> None:
    save(file, sample())
    # It takes no memory: one number, seen again and again.
    large = torch.zeros(1, dtype=torch.uint8).expand(MAX_BYTES)
    with pytest.raises(ValueError, match="at most"):
        save(file, replace(sample(6), tensors={"latents": large}))
    many = {"x" * 1000 + str(index): torch.zeros(1) for index in range(1100)}
    with pytest.raises(ValueError, match="header"):
        save(file, replace(sample(6), tensors=many))
    assert_first_is_whole(file)


def test_a_name_that_cannot_be_taken_leaves_the_checkpoint_before(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(file, sample())

    def rename(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises(Failure) as caught:
            save(file, sample(6))
    assert caught.value.kind == "storage"
    assert_first_is_whole(file)


def test_a_missing_directory_is_a_storage_failure(file: Path) -> None:
    with pytest.raises(Failure) as caught:
        save(file.parent / "missing" / "g", sample())
    assert (caught.value.kind, caught.value.code) == ("storage", "write_failed")


def test_a_file_that_may_not_grow_leaves_the_checkpoint_before(file: Path) -> None:
    save(file, sample())
    # In a process of its own: the limit cannot be raised again.
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "import resource, pathlib, test_checkpoint_file as test\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "large = test.replace(test.sample(6), tensors={'latents': test.torch.zeros(65536)})\n"
        "try: test.save(pathlib.Path(sys.argv[1]), large)\n"
        "except test.Failure as failure: print(failure.kind, failure.code)\n"
    )
    arguments = [sys.executable, "-c", code, str(file), str(Path(__file__).parent)]
    assert subprocess.run(arguments, capture_output=True, check=True, text=True).stdout == "storage write_failed\n"
    assert_first_is_whole(file)


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system can only be mounted by root; the limit on file size is tested instead")
    try:
        file = place / "g.safetensors"
        save(file, sample())
        with pytest.raises(Failure) as caught:
            save(file, replace(sample(6), tensors={"latents": torch.zeros(1 << 17)}))
        assert (caught.value.kind, caught.value.code) == ("storage", "disk_full")
        assert_first_is_whole(file)
    finally:
        subprocess.run(["umount", str(place)], check=True)


def assert_first_is_whole(file: Path) -> None:
    """The file is that of `sample()`, and alone."""
    found = load(file, IDENTITY)
    assert found is not None and found.step == 4
    assert os.listdir(file.parent) == [file.name]
