"""A real browser for the pages: it notes what a page must not do, and looks for barriers with axe-core."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright
from server import ENDED, Server

PATIENCE = 30_000
"""Milliseconds until what a test waits for must be there; a loaded machine is slow, not wrong."""

expect.set_options(timeout=PATIENCE)

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}


class Visit:
    """One visit of a page: the tab, and what went wrong in it."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.server = server
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.expected: list[str] = []
        self.unseen: list[str] = []
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", self._left)

    def open(self, path: str = "/") -> Page:
        """Opens a page of the server."""
        self.page.goto(self.server.url + path)
        return self.page

    def expect(self, *parts: str) -> None:
        """Lets the browser report what a test brings about, such as an answer of 401."""
        self.expected += parts

    def check(self) -> None:
        """Fails if the page has left its origin, raised an error or run into the policy for its content."""
        faults = [fault for fault in self.faults if not any(part in fault for part in self.expected)]
        # The browser reports a preview that is asked for as its task ends, whatever the page does.
        faults += [f"no preview: {task}" for task in self.unseen if not self._has_ended(task)]
        assert not faults, faults

    def _heard(self, message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        if "404" in message.text and url.endswith("/preview"):
            self.unseen.append(url.removesuffix("/preview"))
        elif message.type in {"error", "warning"}:
            self.faults.append(f"{message.type}: {message.text} {url}")

    def _has_ended(self, task: str) -> bool:
        """Whether a task has ended, or was removed since."""
        answer = self.server.session.get(task, timeout=30)
        return answer.status_code == 404 or answer.json().get("status") in ENDED

    def _left(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"data", "blob"}:
            return
        if address.netloc != urlsplit(self.server.url).netloc:
            self.faults.append(f"left the origin: {request.url}")


def barriers(page: Page) -> list[str]:
    """What axe-core calls serious or critical, with where it is."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node.get('failureSummary', '')}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's browser, one for all tests."""
    program = shutil.which("chromium")
    assert program, "chromium is not installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens tabs with nothing remembered; at the end each must have behaved."""
    visits: list[tuple[BrowserContext, Visit]] = []

    def visit_one(server: Server, **options: object) -> Visit:
        settings: dict[str, object] = {"viewport": DESKTOP, "locale": "en-US", "color_scheme": "light"}
        context = chromium.new_context(**(settings | options))  # type: ignore[arg-type]
        one = Visit(context, server)
        visits.append((context, one))
        return one

    yield visit_one
    for context, _ in visits:
        context.close()
    for _, one in visits:
        one.check()
