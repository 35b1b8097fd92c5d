"""The command line: `serve` for the server, `derive` for stills of videos, `devices` and `describe` for people."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path

from . import __version__, devices, process, protocol
from .errors import EX_FAILURE, EX_OK, EX_REFUSED, Failure, Refused, traceback_text

DTYPES = ("auto", "float32", "float16", "bfloat16")


def main() -> int:
    """Carry out the command line and give the exit status."""
    arguments = _parser().parse_args()
    # Read by the Hugging Face libraries when they are imported. Nobody watches bars in a log, and nobody is told what
    # is generated here.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    match arguments.command:
        case "serve":
            return _serve(arguments)
        case "describe":
            return _describe(arguments.model)
        case "derive":
            return _derive(arguments)
        case _:
            print(json.dumps(devices.report(), indent=2), flush=True)
            return EX_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="animato_engine", description="The engine process of Animato.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)

    serve = commands.add_parser("serve", help="serve one model to the server at the other end of standard input")
    what = serve.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", help="a checkpoint directory, or the id of one on the hub")
    what.add_argument("--timed", type=_step_seconds, metavar="SECONDS", help="no model, SECONDS per step; for tests")
    serve.add_argument("--device", default="auto", help="auto, cpu or cuda:N (with --timed any name)")
    serve.add_argument("--dtype", choices=DTYPES, default="auto", help="auto is float32 on a processor")

    describe = commands.add_parser("describe", help="print what a model can make, as JSON")
    describe.add_argument("--model", required=True, help="a checkpoint directory, or the id of one on the hub")

    derive = commands.add_parser("derive", help="make a still or a small moving picture of a finished video")
    derive.add_argument("--input", type=Path, required=True, metavar="MP4")
    derive.add_argument("--output", type=Path, required=True, metavar="FILE")
    derive.add_argument("--variant", required=True, help="such as poster.jpg or preview.gif")

    commands.add_parser("devices", help="print what is here, as JSON")
    return parser


def _step_seconds(text: str) -> float:
    seconds = float(text)
    if not math.isfinite(seconds) or seconds < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return seconds


def _describe(model: str) -> int:
    from .models import easyanimate

    try:
        print(json.dumps(easyanimate.open_checkpoint(model).description.wire(), indent=2), flush=True)
    except Refused as error:
        _say(error)
        return EX_REFUSED
    return EX_OK


def _derive(arguments: argparse.Namespace) -> int:
    process.die_with_parent()
    process.limit_resources()
    try:
        devices.require(devices.TIMED_PACKAGES)
        # Late: it brings libav, which counts against the limits.
        from .derive import derive

        derive(arguments.input, arguments.output, arguments.variant)
    except Refused as error:
        _say(error)
        return EX_REFUSED
    except Failure as error:
        _say(error)
        return EX_FAILURE
    return EX_OK


def _say(error: Refused | Failure) -> None:
    """Say what went wrong, on one line that the server reads."""
    print(json.dumps({"code": error.code, "message": error.message}), file=sys.stderr, flush=True)


def _serve(arguments: argparse.Namespace) -> int:
    process.die_with_parent()
    channel = protocol.Channel(process.take_channel())
    # Late: only what `hello` needs may be imported before it.
    from .server import Server
    from .session import Session, VideoModel

    model: VideoModel
    try:
        if arguments.timed is not None:
            from .timed import TimedModel

            devices.require(devices.TIMED_PACKAGES)
            device = "cpu" if arguments.device == "auto" else arguments.device
            model = TimedModel(arguments.timed, channel.send_raw)
        else:
            from .models import easyanimate

            devices.require(devices.MODEL_PACKAGES)
            device = devices.resolve_device(arguments.device)
            model = easyanimate.EasyAnimate(easyanimate.open_checkpoint(arguments.model), device, arguments.dtype)
    except Refused as error:
        process.log(f"refused: {error.code}: {error.message}")
        channel.send(protocol.refused(error.code, error.message))
        return EX_REFUSED
    hello = protocol.hello(device, model.description.wire(), __version__, os.getpid())
    return Server(channel, Session(model, channel.send)).run(hello)


if __name__ == "__main__":
    status = EX_FAILURE
    try:
        status = main()
    except Exception as error:
        # Prompts are known in the session only, and it lets none out.
        process.log(traceback_text(error, []))
    # Not by way of the interpreter's own end: tearing torch down can take longer than the server waits.
    process.leave(status)
