"""The operator page in a real browser, against a real server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from browser import DESKTOP, PHONE, Visit, barriers, overflow
from playwright.sync_api import Page, expect
from receiver import Receiver
from server import Server

ADMIN = "the operator's own key of the settings"

Visits = Callable[..., Visit]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that need no key."""
    settings = {"timed": 0.2, "callbacks_allowHTTP": "true", "callbacks_allowedNetworks": "127.0.0.0/8"}
    server = Server(tmp_path_factory.mktemp("operator") / "data", settings)
    try:
        server.wait_until_live()
        server.wait_until_ready()
        yield server
    finally:
        server.kill()


def confirm(page: Page, button: str) -> None:
    """Says yes in the dialog."""
    page.get_by_role("dialog").get_by_role("button", name=button, exact=True).click()


def row(page: Page, section: str, text: str) -> object:
    """The row of a table that has a text."""
    return page.locator(f"#{section} tbody tr").filter(has_text=text)


def test_a_device_is_shown_drained_and_resumed(served: Server, visit: Visits) -> None:
    (device,) = served.get("/api/v1/devices").json()["devices"]
    page = visit(served).open("/admin")
    card = page.locator(f"#devices [data-device='{device['id']}']")
    expect(card.locator("progress").first).to_be_visible()
    expect(card).to_contain_text("in use")
    expect(page.locator("#readiness")).to_have_text("Ready")
    card.get_by_role("button", name="Drain", exact=True).click()
    confirm(page, "Drain")
    expect(page.locator("#toasts")).to_contain_text("starts no more work")
    expect(card).to_contain_text("Drained")
    assert served.get("/api/v1/devices").json()["devices"][0]["state"] == "draining"
    card.get_by_role("button", name="Resume", exact=True).click()
    expect(card.get_by_role("button", name="Drain", exact=True)).to_be_visible()
    assert served.get("/api/v1/devices").json()["devices"][0]["state"] != "draining"
    page.get_by_role("button", name="Drain the server").click()
    confirm(page, "Drain the server")
    expect(page.locator("#obstacles")).to_contain_text("The server is drained")
    assert served.get("/api/v1/queue").json()["draining"]
    page.get_by_role("button", name="Resume the server").click()
    expect(page.get_by_role("button", name="Drain the server")).to_be_visible()
    assert not served.get("/api/v1/queue").json()["draining"]


def test_tasks_are_watched_made_urgent_and_cancelled(served: Server, visit: Visits) -> None:
    running = served.submit("a cat", num_inference_steps=100)["task_id"]
    waiting = served.submit("a dog", num_inference_steps=100)["task_id"]
    failed = served.submit("@oom a bird", priority="interactive")["task_id"]
    page = visit(served).open("/admin")
    expect(row(page, "tasks", running[-4:])).to_contain_text(re.compile(r"Step \d+ of 100"))
    entry = row(page, "tasks", waiting[-4:])
    expect(entry).to_contain_text("Waiting")
    entry.get_by_role("combobox").select_option("batch")
    expect(page.locator("#toasts")).to_contain_text("Batch")
    assert served.task(waiting)["priority"] == "batch"
    entry.get_by_role("button", name=re.compile("^Cancel")).click()
    confirm(page, "Cancel the task")
    expect(entry).to_have_count(0)
    assert served.task(waiting)["status"] == "CANCELLED"
    served.cancel(running)
    expect(row(page, "failures", failed[-4:])).to_contain_text("out_of_memory")
    expect(row(page, "tasks", running[-4:])).to_have_count(0)
    # What they show is nobody's business here.
    assert "a bird" not in page.content()


def test_a_callback_is_sent_again(served: Server, visit: Visits) -> None:
    receiver = Receiver()
    try:
        task = served.submit("a fish", num_inference_steps=1, callback_url=receiver.url + "/hook")["task_id"]
        receiver.wait_for(1)
        page = visit(served).open("/admin")
        entry = row(page, "deliveries", task[-4:])
        expect(entry).to_contain_text("Delivered")
        entry.get_by_role("button", name=re.compile("^Send the callback")).click()
        expect(page.locator("#toasts")).to_contain_text("sent again")
        receiver.wait_for(2)
        page.get_by_label("Show", exact=True).select_option("DEAD")
        expect(page.locator("#deliveries")).to_contain_text("No callbacks.")
    finally:
        receiver.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_bars_the_way(served: Server, visit: Visits, scheme: str) -> None:
    task = served.submit(f"a {scheme} horse", num_inference_steps=100)["task_id"]
    page = visit(served, color_scheme=scheme).open("/admin")
    expect(row(page, "tasks", task[-4:])).to_be_visible()
    assert barriers(page) == []
    page.locator("#new-key").click()
    assert barriers(page) == []
    page.keyboard.press("Escape")
    served.cancel(task)


def test_it_fits_a_phone_and_speaks_chinese(served: Server, visit: Visits) -> None:
    task = served.submit("a cow", num_inference_steps=100)["task_id"]
    page = visit(served, viewport=PHONE, locale="zh-CN").open("/admin")
    expect(row(page, "tasks", task[-4:])).to_be_visible()
    assert overflow(page) <= 0
    expect(page.get_by_role("heading", name="设备")).to_be_visible()
    assert barriers(page) == []
    page.locator("#language").click()
    expect(page.get_by_role("heading", name="Devices")).to_be_visible()
    page.set_viewport_size(DESKTOP)
    assert overflow(page) <= 0
    served.cancel(task)


def test_keys_are_made_shown_once_and_revoked(start: Callable[..., Server], visit: Visits) -> None:
    server = start(access_adminKey=ADMIN)
    one = visit(server)
    one.expect("401", "503")
    page = one.open("/admin")
    page.get_by_label("Your key").fill(ADMIN)
    page.get_by_role("button", name="Use it").click()
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name", exact=True).fill("shop")
    page.get_by_label("Tasks that may wait").fill("5")
    page.get_by_role("button", name="Create").click()
    secret = page.locator("#secret").inner_text()
    assert re.fullmatch(r"animato_[0-9A-Za-z]{50}", secret)
    page.keyboard.press("Escape")
    expect(page.locator("#secret")).to_have_count(0)
    assert secret not in page.content()
    entry = row(page, "keys", "shop")
    expect(entry).to_contain_text("5 waiting")
    mine = {"Authorization": f"Bearer {secret}"}
    assert server.get("/api/v1/me", headers=mine).json()["scopes"] == ["read", "generate"]
    other = visit(server)
    other.expect("401", "403", "503")
    lacking = other.open("/admin")
    lacking.get_by_label("Your key").fill(secret)
    lacking.get_by_role("button", name="Use it").click()
    expect(lacking.locator("#obstacles")).to_contain_text("needs a key with the scope admin")
    expect(lacking.locator("#sections")).to_be_hidden()
    entry.get_by_role("button", name="Revoke shop").click()
    confirm(page, "Revoke")
    expect(entry).to_contain_text("Revoked")
    assert server.get("/api/v1/me", headers=mine).json()["code"] == "key_revoked"
