"""Checks that a file is an MP4 that browsers play: exit code 0 only if every check holds."""

import argparse
import sys
from pathlib import Path

import av


def problems(path: Path, width: int, height: int, frames: int) -> list[str]:
    """Everything that is wrong with the file, in words."""
    found: list[str] = []
    head = path.read_bytes()
    if head.find(b"moov") > head.find(b"mdat"):
        found.append("the index comes after the data, so that it cannot play before it has loaded (no faststart)")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.codec_context.name != "h264":
            found.append(f"the codec is {stream.codec_context.name}, not h264")
        if stream.codec_context.pix_fmt != "yuv420p":
            found.append(f"the pixel format is {stream.codec_context.pix_fmt}, not yuv420p")
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    if len(decoded) != frames:
        found.append(f"it has {len(decoded)} frames, not {frames}")
    if any(frame.shape != (height, width, 3) for frame in decoded):
        found.append(f"a frame is not {width}x{height}")
    elif len({frame.tobytes() for frame in decoded}) < 2:
        found.append("all frames are the same")
    elif max(int(frame.max()) - int(frame.min()) for frame in decoded) < 16:
        found.append("every frame is of one colour")
    return found


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--height", type=int, required=True)
    parser.add_argument("--frames", type=int, required=True)
    arguments = parser.parse_args()
    found = problems(arguments.path, arguments.width, arguments.height, arguments.frames)
    for problem in found:
        print(f"{arguments.path}: {problem}", file=sys.stderr)
    if not found:
        print(f"{arguments.path}: H.264, {arguments.width}x{arguments.height}, {arguments.frames} frames, plays")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
