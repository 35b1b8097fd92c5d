"""The command line: `serve`, `derive` and `inspect` for the server, `devices` and `describe` for people."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__, devices, process, protocol
from .errors import EX_FAILURE, EX_OK, EX_REFUSED, Failure, Refused, traceback_text

if TYPE_CHECKING:
    from .lora import LoRAFile
    from .models.house import House

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
        case "inspect":
            return _inspect(arguments.input)
        case _:
            print(json.dumps(devices.report(), indent=2), flush=True)
            return EX_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="animato_engine", description="The engine process of Animato.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)

    serve = commands.add_parser("serve", help="serve one model to the server at the other end of standard input")
    what = serve.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--model",
        action="append",
        dest="models",
        help="a checkpoint directory, or the id of one on the hub; repeatable",
    )
    what.add_argument("--timed", type=_step_seconds, metavar="SECONDS", help="no model, SECONDS per step; for tests")
    serve.add_argument("--device", default="auto", help="auto, cpu, cuda:N or two (with --timed any name)")
    serve.add_argument("--dtype", choices=DTYPES, default="auto", help="auto is float32 on a processor")

    serve.add_argument(
        "--loras", type=Path, metavar="DIRECTORY", help="the folder of LoRA files that requests may name"
    )
    serve.add_argument("--compile", metavar="BACKEND", help="compile the denoisers with this backend of torch.compile")

    describe = commands.add_parser("describe", help="print what a model can make, as JSON")
    describe.add_argument("--model", required=True, help="a checkpoint directory, or the id of one on the hub")

    derive = commands.add_parser("derive", help="make a still or a small moving picture of a finished video")
    derive.add_argument("--input", type=Path, required=True, metavar="MP4")
    derive.add_argument("--output", type=Path, required=True, metavar="FILE")
    derive.add_argument("--variant", required=True, help="such as poster.jpg or preview.gif")

    inspect = commands.add_parser("inspect", help="judge an uploaded picture or video, as JSON")
    inspect.add_argument("--input", type=Path, required=True, metavar="FILE")

    commands.add_parser("devices", help="print what is here, as JSON")
    return parser


def _step_seconds(text: str) -> float:
    seconds = float(text)
    if not math.isfinite(seconds) or seconds < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return seconds


def _describe(model: str) -> int:
    from .models.opening import open_checkpoint

    try:
        checkpoint = open_checkpoint(model, devices.resolve_device("auto"))
    except Refused as error:
        _say(error)
        return EX_REFUSED
    print(json.dumps(checkpoint.description.wire(), indent=2), flush=True)
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


def _inspect(path: Path) -> int:
    process.die_with_parent()
    process.limit_resources()
    try:
        devices.require(devices.MEDIA_PACKAGES)
        # Late, as above.
        from .inputs import inspect

        print(json.dumps(inspect(path).wire()), flush=True)
    except (Refused, Failure) as error:
        # Of a file that is only read there is no failure that another try would not meet.
        _say(error)
        return EX_REFUSED
    return EX_OK


def _say(error: Refused | Failure) -> None:
    """Say what went wrong, on one line that the server reads."""
    print(json.dumps({"code": error.code, "message": error.message}), file=sys.stderr, flush=True)


def _serve(arguments: argparse.Namespace) -> int:
    process.die_with_parent()
    channel = protocol.Channel(process.take_channel())
    # Late: only what `hello` needs may be imported before it.
    from .server import Server
    from .session import Studio

    studio: Studio
    try:
        if arguments.timed is not None:
            from .timed import TimedStudio

            devices.require(devices.TIMED_PACKAGES)
            device = "cpu" if arguments.device == "auto" else arguments.device
            memory = devices.memory_bytes("cpu")
            studio = TimedStudio(arguments.timed, channel.send_raw, memory, _loras(arguments.loras))
        else:
            devices.require(devices.MODEL_PACKAGES)
            used = devices.resolve_devices(arguments.device)
            device = "+".join(used)
            memory = devices.memory_bytes(device)
            studio = _house(arguments, used)
    except Refused as error:
        process.log(f"refused: {error.code}: {error.message}")
        channel.send(protocol.refused(error.code, error.message))
        return EX_REFUSED
    models = [model.wire() for model in studio.models.values()]
    loras = [lora.wire() for lora in studio.loras.values()]
    hello = protocol.hello(__version__, os.getpid(), device, memory, models, loras)
    return Server(channel, studio).run(hello)


def _house(arguments: argparse.Namespace, used: tuple[str, ...]) -> House:
    """What makes videos with the models that the command line names."""
    from .models.house import House
    from .models.opening import open_checkpoints

    checkpoints = open_checkpoints(arguments.models, used)
    second = used[1] if len(used) > 1 else None
    return House(checkpoints, _loras(arguments.loras), used[0], arguments.dtype, arguments.compile, second)


def _loras(directory: Path | None) -> list[LoRAFile]:
    from .lora import scan

    if directory is None:
        return []
    try:
        return scan(directory)
    except OSError as error:
        # A folder that is not there yet has no files; the engine can work.
        process.log(f"there are no LoRAs: {error.strerror}")
        return []


if __name__ == "__main__":
    status = EX_FAILURE
    try:
        status = main()
    except Exception as error:
        # Prompts are known in the session only, and it lets none out.
        process.log(traceback_text(error, []))
    # Not by way of the interpreter's own end: tearing torch down can take longer than the server waits.
    process.leave(status)
