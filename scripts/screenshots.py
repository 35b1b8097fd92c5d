"""Makes every picture in docs/pictures from the real thing: a server with the tiny checkpoint, and its videos.

python scripts/screenshots.py             all of them
python scripts/screenshots.py run admin   those whose names begin so
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs/pictures"
BINARY = Path(os.environ.pop("ANIMATO_BINARY", ROOT / ".build/debug/animato"))
FIRST_SIGHT = 8
"""The step from which on a preview is there that shows something."""
MOST_BYTES, MOST_ANIMATION_BYTES = 200_000, 1_500_000
DESKTOP, PHONE = (1280, 860), (390, 844)
SECONDS = 300
"""That nothing here takes longer than."""

PROMPTS = (
    "一只狗在雪地上静止不动",
    "A rocket moving up in the night sky",
    "A fish moving to the right in the sea",
    "A car moving to the left in the desert",
    "A star in the night sky, coming closer",
    "A balloon moving up over the sea",
)
"""What the videos show that are there before the first picture is taken; the tiny checkpoint knows all of it."""
WATCHED = "A cat playing on the grass"
"""The one that is made before the reader's eyes."""


IN_SIGHT_IS_THERE = """() => [...document.querySelectorAll('img, video')].every(media => {
  const box = media.getBoundingClientRect()
  const inSight = box.width > 0 && box.bottom > 0 && box.top < innerHeight
  return !inSight || (media.tagName === 'IMG' ? media.complete : media.preload === 'none' || media.readyState >= 2)
})"""
"""What is out of sight may be loaded later."""


@dataclass(frozen=True)
class Shot:
    """One picture of a page."""

    name: str
    path: str
    size: tuple[int, int] = DESKTOP
    theme: str = "light"
    language: str = "en-US"
    prepare: Callable[[Page], None] = lambda _: None


class Server:
    """A server of this script's own, on a folder that is thrown away."""

    def __init__(self, folder: Path) -> None:
        self.log = (folder / "server.log").open("w+")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--port", "0", "--data", folder / "data", "--set", "engine.previewSteps=2"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self.process.stdout is not None
        address = re.search(r"http://\S+", self.process.stdout.readline())
        if not address:
            raise SystemExit(f"The server does not start: {Path(self.log.name).read_text()}")
        self.url = address[0]

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call of the API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def submit(self, prompt: str, **fields: Any) -> str:
        """The id of a task."""
        body = {"prompt": prompt, "width": 768, "height": 448, "num_frames": 49} | fields
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return str(self.ask("/api/v1/generate", body)["task_id"])
            except urllib.error.HTTPError as error:
                # The engine has not said yet what it can make.
                if error.code != 503 or time.monotonic() > deadline:
                    raise SystemExit(f"{error}: {error.read().decode()}") from error
                time.sleep(0.5)

    def wait(self, task: str) -> None:
        """Returns when a task has made its video."""
        deadline = time.monotonic() + SECONDS
        while (found := self.ask(f"/api/v1/tasks/{task}?wait=30"))["status"] in {"PENDING", "RUNNING"}:
            if time.monotonic() > deadline:
                raise SystemExit(f"Task {task} takes too long")
        if found["status"] != "SUCCESS":
            raise SystemExit(f"A video was not made: {found['error']}")

    def stop(self) -> None:
        """Ends it."""
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


@contextmanager
def page_of(browser: Browser, server: Server, shot: Shot) -> Iterator[Page]:
    """The page of a shot, with everything on it that there is to see."""
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=1.5 if shot.size == DESKTOP else 2,
        color_scheme=shot.theme,  # type: ignore[arg-type]
        locale=shot.language,
        has_touch=shot.size == PHONE,
        is_mobile=shot.size == PHONE,
    )
    page = context.new_page()
    try:
        answer = page.goto(server.url + shot.path)
        if answer is None or not answer.ok:
            raise SystemExit(f"{shot.path} cannot be shown: {answer and answer.status}")
        settle(page)
        yield page
    finally:
        context.close()


def settle(page: Page) -> None:
    """Waits until the fonts, the pictures that are in sight, and the first answers of the server are there."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready")
    page.wait_for_function(IN_SIGHT_IS_THERE, timeout=60_000)
    # What polls has asked once, and what moves has come to rest.
    page.wait_for_timeout(1500)


def save(name: str, picture: Image.Image) -> None:
    """Writes a picture as small as it must be, as good as it can be."""
    file = PICTURES / f"{name}.webp"
    for quality in (90, 80, 70, 60, 50, 40):
        picture.save(file, "WEBP", quality=quality, method=6)
        if file.stat().st_size <= MOST_BYTES:
            break
    else:
        raise SystemExit(f"{file.name} has {file.stat().st_size} bytes")
    print(f"{file.relative_to(ROOT)}: {picture.width} x {picture.height}, {file.stat().st_size} bytes")


def take(browser: Browser, server: Server, shot: Shot) -> None:
    """Makes the picture of a shot."""
    with page_of(browser, server, shot) as page:
        shot.prepare(page)
        save(shot.name, Image.open(io.BytesIO(page.screenshot())).convert("RGB"))


def film(browser: Browser, server: Server, name: str) -> None:
    """Makes an animation of the studio at work: a prompt, its progress, its video."""
    with page_of(browser, server, Shot(name, "/", (1120, 700))) as page:
        frames: list[tuple[Image.Image, int]] = []

        def look(shown: int, real: float = 0.0) -> None:
            """Takes a picture that is shown for so many milliseconds; the next is taken after so many seconds."""
            picture = Image.open(io.BytesIO(page.screenshot(scale="css"))).convert("RGB").resize((840, 525))
            if frames and frames[-1][0].tobytes() == picture.tobytes():
                frames[-1] = picture, frames[-1][1] + shown
            else:
                frames.append((picture, shown))
            page.wait_for_timeout(real * 1000)

        before = page.locator("#gallery > li").count()
        look(800)
        for end in range(4, len(WATCHED) + 4, 4):
            page.locator("#prompt").fill(WATCHED[:end])
            look(120)
        look(700)
        page.locator("#generate").click()
        deadline = time.monotonic() + SECONDS
        while page.locator("#gallery > li").count() == before:
            if time.monotonic() > deadline:
                raise SystemExit("The studio shows no new video")
            look(200, 0.7)
        settle(page)
        look(500)
        page.locator("#gallery > li").first.hover()
        for _ in range(24):
            look(150, 0.1)
        write(name, thinned(frames))


def thinned(frames: list[tuple[Image.Image, int]], most: int = 70) -> list[tuple[Image.Image, int]]:
    """So many frames at most, with the time of those that are left out given to the ones before."""
    step = -(-len(frames) // most)
    return [
        (frames[at][0], min(sum(shown for _, shown in frames[at : at + step]), 1000))
        for at in range(0, len(frames), step)
    ]


def write(name: str, frames: list[tuple[Image.Image, int]]) -> None:
    """Writes an animation that is shown again and again."""
    file = PICTURES / f"{name}.webp"
    pictures, times = [picture for picture, _ in frames], [shown for _, shown in frames]
    for quality in (70, 55, 40, 25):
        pictures[0].save(
            file, "WEBP", save_all=True, append_images=pictures[1:], duration=times, loop=0, quality=quality, method=4
        )
        if file.stat().st_size <= MOST_ANIMATION_BYTES:
            break
    else:
        raise SystemExit(f"{file.name} has {file.stat().st_size} bytes")
    print(f"{file.relative_to(ROOT)}: {len(frames)} frames, {sum(times) / 1000:.0f} s, {file.stat().st_size} bytes")


SHOTS = (
    Shot("studio-desktop-light-en", "/"),
    Shot("studio-desktop-dark-zh", "/", theme="dark", language="zh-CN"),
    Shot("studio-phone-light-zh", "/", PHONE, language="zh-CN"),
    Shot("studio-phone-dark-en", "/", PHONE, "dark"),
    Shot("admin-desktop-light-en", "/admin"),
    Shot("admin-desktop-dark-zh", "/admin", theme="dark", language="zh-CN"),
    Shot("admin-phone-light-en", "/admin", PHONE),
    Shot("docs-desktop-light", "/docs"),
)
FILM = "run"


def keep_busy(server: Server, count: int) -> None:
    """Sees to it that so many videos are being made or wait, and that something is to be seen of the first."""
    queue = server.ask("/api/v1/queue")
    for _ in range(count - queue["waiting"] - queue["running"]):
        server.submit(random.choice(PROMPTS), seed=random.randrange(1 << 31), num_inference_steps=60)
    deadline = time.monotonic() + SECONDS
    while not any(
        (task["progress"] or {}).get("step", 0) >= FIRST_SIGHT
        for task in server.ask("/api/v1/tasks?status=RUNNING")["tasks"]
    ):
        if time.monotonic() > deadline:
            raise SystemExit("Nothing is being made")
        time.sleep(0.2)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="beginnings of the names of pictures; none: all")
    names = parser.parse_args().names
    wanted = [name for name in [FILM, *(shot.name for shot in SHOTS)] if not names or name.startswith(tuple(names))]
    if not wanted:
        parser.error("there is no picture of that name")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        try:
            for prompt in PROMPTS:
                server.wait(server.submit(prompt))
            if FILM in wanted:
                film(browser, server, FILM)
            for shot in SHOTS:
                if shot.name in wanted:
                    keep_busy(server, 1 if shot.path == "/" else 8)
                    take(browser, server, shot)
        finally:
            browser.close()
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
