"""JPEG, WebP and GIF of frames in RGB; the same bytes for the same frames."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import cast

import av
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.reformatter import ColorRange, Colorspace

_FASTEST_GIF = 50
"""Frames per second. Browsers show a GIF frame that lasts less than two hundredths of a second for a tenth."""
# A pattern that stands still: other dithering flickers, and makes files larger.
_DITHER = "dither=bayer:bayer_scale=3:diff_mode=rectangle"


def jpeg(frame: av.VideoFrame) -> bytes:
    """A still, in the colours that a JPEG is always understood in."""
    frame = frame.reformat(format="yuvj420p", dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.JPEG)
    return _still(frame, "mjpeg", {"qmin": "2", "qmax": "4", "flags": "+bitexact", "huffman": "optimal"})


def webp(frame: av.VideoFrame) -> bytes:
    """A still."""
    return _still(frame.reformat(format="bgra"), "libwebp", {"quality": "82", "compression_level": "4"})


def moving_webp(frames: Iterable[av.VideoFrame], rate: Fraction) -> bytes:
    """An endless loop of `frames`."""
    pictures = (frame.reformat(format="bgra") for frame in frames)
    return _moving(pictures, rate, "webp", "libwebp_anim", {"quality": "70", "compression_level": "2"})


def palette(frames: Iterable[av.VideoFrame]) -> av.VideoFrame:
    """The 256 colours that fit `frames` best."""
    graph = Graph()
    entry = sink = None
    for index, frame in enumerate(frames):
        if entry is None:
            entry, choose, sink = _entry(graph, frame), graph.add("palettegen"), graph.add("buffersink")
            entry.link_to(choose)
            choose.link_to(sink)
            graph.configure()
        frame.pts, frame.time_base = index, Fraction(1)
        entry.push(frame)
    if entry is None or sink is None:
        raise ValueError("there are no frames")
    entry.push(None)
    return cast(av.VideoFrame, sink.pull())


def gif(frames: Iterable[av.VideoFrame], rate: Fraction, colours: av.VideoFrame) -> bytes:
    """An endless loop of `frames` in the colours of a palette; of fast ones, as many as a GIF can show."""
    step = -(-rate // _FASTEST_GIF)
    shown = (frame for index, frame in enumerate(frames) if index % step == 0)
    return _moving(_painted(shown, colours), rate / step, "gif", "gif", {})


def _painted(frames: Iterable[av.VideoFrame], colours: av.VideoFrame) -> Iterator[av.VideoFrame]:
    graph = Graph()
    entry = sink = None
    for index, frame in enumerate(frames):
        if entry is None:
            entry, second = _entry(graph, frame), _entry(graph, colours)
            paint, sink = graph.add("paletteuse", _DITHER), graph.add("buffersink")
            entry.link_to(paint, 0, 0)
            second.link_to(paint, 0, 1)
            paint.link_to(sink)
            graph.configure()
            colours.pts, colours.time_base = 0, Fraction(1)
            second.push(colours)
            second.push(None)
        frame.pts, frame.time_base = index, Fraction(1)
        entry.push(frame)
        yield from _ready(sink)
    if entry is not None:
        entry.push(None)
        yield from _ready(sink)


def _entry(graph: Graph, frame: av.VideoFrame) -> FilterContext:
    return graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1))


def _ready(sink: FilterContext | None) -> Iterator[av.VideoFrame]:
    """What has come through a filter."""
    while sink is not None:
        try:
            yield cast(av.VideoFrame, sink.pull())
        except (av.BlockingIOError, av.EOFError):
            return


def _still(frame: av.VideoFrame, encoder: str, options: dict[str, str]) -> bytes:
    context = cast(av.VideoCodecContext, av.CodecContext.create(encoder, "w"))
    context.width, context.height, context.pix_fmt = frame.width, frame.height, frame.format.name
    context.time_base, context.options = Fraction(1), {**options, "threads": "1"}
    frame.pts, frame.time_base = 0, Fraction(1)
    return b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None)))


def _moving(
    frames: Iterable[av.VideoFrame], rate: Fraction, container: str, encoder: str, options: dict[str, str]
) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options={"loop": "0", "fflags": "+bitexact"}) as output:
        stream = None
        for index, frame in enumerate(frames):
            if stream is None:
                stream = cast(
                    av.VideoStream, output.add_stream(encoder, rate=rate, options={**options, "threads": "1"})
                )
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, frame.format.name
            frame.pts, frame.time_base, frame.duration = index, 1 / rate, 1
            output.mux(stream.encode(frame))
        if stream is not None:
            output.mux(stream.encode(None))
    return buffer.getvalue()
