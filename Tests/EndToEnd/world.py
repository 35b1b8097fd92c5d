"""Pictures and videos of the small drawn world that the default checkpoint knows."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "models/easyanimate-tiny"))

from train.world import SCENES, Scene, Shape, draw, free

SHAPE = Shape(112, 64, 17)
SCALE = 4
"""How much larger the files are than what the checkpoint renders."""


def scene(index: int) -> Scene:
    """A subject, a place and a motion."""
    return SCENES[index]


def drawn(index: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The frames of a scene and the outline of its subject in each, both (frames, height, width, 3)."""
    random = np.random.default_rng(seed)
    frames, mask = draw(SCENES[index], SHAPE, free(SCENES[index], SHAPE, random))
    return _bytes(frames), _bytes(np.repeat(mask, 3, -1))


def _bytes(frames: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (np.asarray(frames) * 255).round().astype(np.uint8)


def png(frame: NDArray[np.uint8]) -> bytes:
    """A frame as a PNG."""
    file = io.BytesIO()
    Image.fromarray(frame).resize((frame.shape[1] * SCALE, frame.shape[0] * SCALE), Image.Resampling.BICUBIC).save(
        file, "PNG"
    )
    return file.getvalue()


def mp4(frames: NDArray[np.uint8], fps: int = 8) -> bytes:
    """Frames as an MP4."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "14", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = frames.shape[2] * SCALE, frames.shape[1] * SCALE, "yuv420p"
        for pixels in frames:
            large = np.ascontiguousarray(pixels.repeat(SCALE, 0).repeat(SCALE, 1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(large, format="rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()


def frames_of(video: bytes) -> NDArray[np.float64]:
    """The frames of an MP4 at the size that the checkpoint renders, 0 to 1."""
    with av.open(io.BytesIO(video)) as container:
        frames = [
            frame.reformat(width=SHAPE.width, height=SHAPE.height, format="rgb24").to_ndarray()
            for frame in container.decode(video=0)
        ]
    return np.stack(frames) / 255


def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The mean difference of two pictures or videos of one shape, 0 to 1."""
    return float(np.abs(one - other).mean())
