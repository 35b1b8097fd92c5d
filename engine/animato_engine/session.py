"""One model and the generations it makes, one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from . import protocol
from .description import ModelDescription, Size
from .errors import Cancelled, Failure, classify, is_out_of_memory, traceback_text
from .process import log
from .protocol import Generate, Message
from .request import Metadata, VideoRequest, parse_metadata

STAGES = ("encode", "denoise", "decode", "write")


class Control:
    """What a running generation reports, and how it learns that it is to stop."""

    def __init__(self, total_steps: int, report: Callable[[str, int], None], cancelled: threading.Event) -> None:
        self.total_steps = total_steps
        self.seconds = dict.fromkeys(("load", *STAGES), 0.0)
        """Time spent in each stage so far."""
        self._report = report
        self._cancelled = cancelled
        self._stage = ""
        self._entered = 0.0
        self._step = 0

    def check(self) -> None:
        """Raise `Cancelled` if the generation is to stop. Cheap: to be called in every loop."""
        if self._cancelled.is_set():
            raise Cancelled

    def enter(self, stage: str) -> None:
        """A stage of `STAGES` begins; the one before is over."""
        self.check()
        self.close()
        self._stage, self._entered = stage, time.monotonic()
        self._report(stage, self._step)

    def step(self, finished: int) -> None:
        """`finished` denoising steps are done."""
        self._step = finished
        self._report(self._stage, finished)
        self.check()

    def close(self) -> None:
        """The last stage is over."""
        if self._stage:
            self.seconds[self._stage] += time.monotonic() - self._entered
            self._stage = ""


class VideoModel(Protocol):
    """What can make a video: EasyAnimate, or the timed stand-in. Used by one thread only."""

    @property
    def description(self) -> ModelDescription:
        """What it can make; known before `load`."""

    def load(self) -> None:
        """Bring the model onto its device. Called once, or again after it failed."""

    def make(self, request: VideoRequest, metadata: Metadata, output: Path, control: Control) -> Size:
        """Write the video of `request` to `output` and give the size it was rendered at.

        The file says `metadata` of itself; that shapes no pixel.

        Reports its stages through `control`, and calls `control.check` often. Whatever it raises, nothing is left at
        `output`.
        """

    def recover(self) -> None:
        """Make the model usable again after `load` or `make` raised.

        Raises:
            Exception: it cannot be; the process has to end.
        """


class Session:
    """Runs commands on one model and turns every outcome into the message that reports it."""

    def __init__(self, model: VideoModel, send: Callable[[Message], None]) -> None:
        self._model = model
        self._send = send
        self._loaded = False

    def run(self, command: Generate, cancelled: threading.Event) -> Message:
        """Carry out `command` and give its `done` or `failed`; everything before it has been sent.

        Setting `cancelled` from another thread stops it within one step.

        Raises:
            OSError: the server is gone.
            Exception: the model could not recover from a failure; the process has to end.
        """
        secrets = [
            text for text in (command.request.get(k) for k in ("prompt", "negative_prompt")) if type(text) is str
        ]
        try:
            return self._run(command, cancelled)
        except Exception as error:
            failure = classify(error, secrets)
            if failure.kind not in ("cancelled", "invalid_input"):
                log(traceback_text(error, secrets))
        # Only here, after the handler, is the traceback gone, and with it the tensors of the failed generation.
        self._model.recover()
        return protocol.failed(command.id, failure.kind, failure.code, failure.message)

    def _run(self, command: Generate, cancelled: threading.Event) -> Message:
        request = VideoRequest.parse(command.request, self._model.description.limits)
        metadata = parse_metadata(command.metadata)
        output = _checked_output(command.output)

        def report(stage: str, step: int) -> None:
            self._send(protocol.progress(command.id, stage, step, request.num_inference_steps))

        control = Control(request.num_inference_steps, report, cancelled)
        control.check()
        control.seconds["load"] = self._load()
        control.check()
        rendered = self._model.make(request, metadata, output, control)
        control.close()
        return {
            "type": "done",
            "id": command.id,
            "file": str(output),
            "bytes": output.stat().st_size,
            "width": request.width,
            "height": request.height,
            "rendered_width": rendered[0],
            "rendered_height": rendered[1],
            "num_frames": request.num_frames,
            "fps": request.fps,
            "seed": request.seed,
            "seconds": {stage: round(seconds, 4) for stage, seconds in control.seconds.items()},
        }

    def _load(self) -> float:
        """Load the model unless it is; give the seconds that took."""
        if self._loaded:
            return 0.0
        self._send({"type": "loading"})
        start = time.monotonic()
        try:
            self._model.load()
        except Failure:
            raise
        except ImportError as error:
            raise Failure("load_failed", "dependencies_missing", f"{type(error).__name__}: {error}") from error
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise Failure("load_failed", "model_load_failed", f"{type(error).__name__}: {error}") from error
        self._loaded = True
        seconds = time.monotonic() - start
        self._send({"type": "loaded", "seconds": round(seconds, 4)})
        return seconds


def _checked_output(raw: Any) -> Path:
    """The path to write to, once it is known that it can be written; costs no device time to find out."""
    if not isinstance(raw, str) or not raw.startswith("/") or "\0" in raw:
        raise Failure.invalid("output must be an absolute path.")
    output = Path(raw)
    if not output.parent.is_dir():
        raise Failure("storage", "write_failed", "The directory of the output does not exist.")
    if output.exists():
        raise Failure.invalid("output must not exist.")
    return output
