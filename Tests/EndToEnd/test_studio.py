"""The studio in a real browser, against a real server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, Visit, barriers, overflow
from media import picture
from playwright.sync_api import Page, expect
from server import Server, wait_for

STEP = 0.05
"""Seconds that a step takes."""
ADMIN = "the operator's own key of the settings"

Visits = Callable[..., Visit]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that do not stop it."""
    server = Server(tmp_path_factory.mktemp("studio") / "data", {"timed": STEP})
    try:
        server.wait_until_live()
        server.wait_until_ready()
        yield server
    finally:
        server.kill()


def ask(page: Page, prompt: str, steps: int | None = None) -> None:
    """Fills the form in and submits it with the keyboard."""
    expect(page.locator("#sizes input").first).to_be_attached()
    page.get_by_role("textbox", name=re.compile("^(Prompt|提示词)$")).fill(prompt)
    if steps is not None:
        page.evaluate("document.getElementById('more').open = true")
        page.locator("#steps").fill(str(steps))
    page.keyboard.press("Control+Enter")


def card(page: Page, place: str, prompt: str) -> object:
    """The card of a task."""
    return page.locator(f"#{place} > li").filter(has_text=prompt)


def tasks(server: Server, prompt: str) -> list[dict[str, object]]:
    """What the server has of a prompt, newest first."""
    return [
        task for task in server.get("/api/v1/tasks?limit=100").json()["tasks"] if task["request"]["prompt"] == prompt
    ]


def test_a_video_is_asked_for_watched_and_played(studio: Server, visit: Visits) -> None:
    page = visit(studio).open()
    expect(page.locator("#estimate strong")).to_contain_text("Ready in about")
    expect(page.locator("#sizes .time").first).to_contain_text("about")
    ask(page, "a cat on the grass", steps=40)
    running = card(page, "active", "a cat on the grass")
    expect(running).to_contain_text(re.compile(r"Step \d+ of 40"))
    expect(running.locator("progress")).to_be_visible()
    first = running.locator("progress").evaluate("bar => bar.value")
    page.wait_for_function("first => document.querySelector('#active progress').value > first", arg=first)
    expect(running.locator("img")).to_be_visible()
    made = card(page, "gallery", "a cat on the grass")
    expect(made).to_be_visible()
    expect(page.locator("#active-section")).to_be_hidden()
    expect(page.locator("#news")).to_have_text("Done: a cat on the grass")

    # It plays while the keyboard is on it.
    made.locator(".screen").focus()
    page.wait_for_function("() => document.querySelector('#gallery video').currentTime > 0")
    # And in full, where frames are really decoded.
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("a cat on the grass")
    page.wait_for_function(
        """() => {
            const video = document.querySelector('dialog video');
            return video.currentTime > 0.2 && video.getVideoPlaybackQuality().totalVideoFrames > 1;
        }"""
    )
    assert barriers(page) == []
    expect(dialog.locator(".facts")).to_contain_text("40")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_finished_video_is_used_again_and_removed(studio: Server, visit: Visits) -> None:
    one = visit(studio, permissions=["clipboard-read", "clipboard-write"])
    page = one.open()
    ask(page, "a dog's day")
    made = card(page, "gallery", "a dog's day")
    expect(made).to_have_count(1)
    seed = tasks(studio, "a dog's day")[0]["seed"]
    made.get_by_role("button", name="Again with another seed").click()
    expect(made).to_have_count(2)
    assert len({task["seed"] for task in tasks(studio, "a dog's day")}) == 2

    made.last.locator(".screen").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Copy as curl").click()
    expect(page.locator(".toast").filter(has_text="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl '{studio.url}/api/v1/generate'")
    assert "a dog'\\''s day" in copied
    with page.expect_download() as download:
        dialog.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes()[4:8] == b"ftyp"
    dialog.get_by_role("button", name="Use these settings").click()
    expect(page.locator("#prompt")).to_have_value("a dog's day")
    expect(page.locator("#seed")).to_have_value(str(seed))
    expect(page.locator("#lock")).to_have_attribute("aria-pressed", "true")
    # With the seed kept the same video is the answer, at once.
    expect(page.locator("#estimate")).to_contain_text("It is there already")

    made.last.locator(".screen").click()
    dialog.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog", name="Remove this video?").get_by_role("button", name="Remove").click()
    expect(made).to_have_count(1)
    assert len(tasks(studio, "a dog's day")) == 1


def test_older_videos_come_page_by_page(studio: Server, visit: Visits) -> None:
    # The first is made, the others are answered with it.
    studio.wait_for_end(studio.submit("one of many", num_inference_steps=1)["task_id"])
    for _ in range(14):
        assert studio.submit("one of many", num_inference_steps=1)["status"] == "SUCCESS"
    page = visit(studio).open()
    expect(page.locator("#gallery > li")).to_have_count(12)
    page.get_by_role("button", name="Older ones").click()
    expect(card(page, "gallery", "one of many")).to_have_count(15)
    expect(page.locator("#gallery > li").nth(12).locator(".screen")).to_be_focused()
    # What a program asks for meanwhile is there when somebody comes back to the tab.
    studio.submit("from elsewhere", num_inference_steps=1)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(card(page, "gallery", "from elsewhere")).to_be_visible()


def test_what_fails_says_why_and_can_be_tried_again(studio: Server, visit: Visits) -> None:
    page = visit(studio).open()
    ask(page, "@invalid")
    failed = card(page, "active", "@invalid")
    expect(failed).to_contain_text("It failed")
    expect(failed.locator(".wrong")).not_to_be_empty()
    page.reload()
    expect(failed).to_contain_text("It failed")
    failed.get_by_role("button", name="Try again").click()
    expect(failed).to_have_count(2)
    for _ in range(2):
        failed.first.get_by_role("button", name="Remove").click()
    expect(failed).to_have_count(0)
    wait_for(lambda: not tasks(studio, "@invalid"), 30, "it was not removed")


def test_several_run_are_cancelled_and_outlive_a_reload(studio: Server, visit: Visits) -> None:
    page = visit(studio).open()
    for prompt in ("a long one", "another long one"):
        ask(page, prompt, steps=100)
        expect(page.locator("#active > li").filter(has_text=prompt)).to_have_count(1)
    expect(card(page, "active", "another long one")).to_contain_text("Next in the queue")
    page.reload()
    expect(page.locator("#active > li")).to_have_count(2)
    expect(page.locator("#active")).to_contain_text("Step")
    for prompt in ("another long one", "a long one"):
        page.get_by_role("button", name=f"Cancel: {prompt}", exact=True).click()
        wait_for(lambda: tasks(studio, prompt)[0]["status"] == "CANCELLED", 30, "it was not cancelled")  # noqa: B023
    expect(page.locator("#active-section")).to_be_hidden()


def test_what_is_wrong_is_said_at_its_field(studio: Server, visit: Visits) -> None:
    one = visit(studio)
    one.expect("422")
    page = one.open()
    expect(page.locator("#sizes input").first).to_be_attached()
    page.locator("#sizes").get_by_role("radio", name="Custom").check()
    page.get_by_label("Width").fill("99999")
    page.evaluate("document.getElementById('more').open = true")
    page.locator("#steps").fill("0")
    page.evaluate("document.getElementById('more').open = false")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator("#prompt-wrong")).to_have_text("Write what should be seen.")
    expect(page.locator("#size-wrong")).to_contain_text("Width: From ")
    expect(page.get_by_label("Width")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#steps-wrong")).to_contain_text("From ")
    expect(page.locator("#steps")).to_be_visible()
    expect(page.locator("#prompt")).to_be_focused()
    expect(page.locator("#prompt")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#form-wrong")).not_to_be_empty()
    assert barriers(page) == []
    # Chinese words for it, without the page being loaded again.
    page.get_by_role("button", name="中文").click()
    page.locator("#steps").fill("20")
    page.get_by_role("button", name="生成").click()
    expect(page.locator("#prompt-wrong")).to_have_text("请描述画面内容。")
    expect(page.locator("#steps-wrong")).to_be_empty()


def test_pictures_are_chosen_dropped_pasted_and_refused(studio: Server, visit: Visits) -> None:
    one = visit(studio)
    one.expect("422")
    page = one.open()
    expect(page.locator("#start_image-pick")).to_be_visible()
    page.locator("#start_image-file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture()})
    expect(page.get_by_role("button", name="Remove: First picture")).to_be_visible()
    page.evaluate(
        """(bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], 'b.png', {type: 'image/png'}));
            const event = new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true});
            document.body.dispatchEvent(event);
        }""",
        list(picture(shade=1)),
    )
    expect(page.get_by_role("button", name="Remove: Last picture")).to_be_visible()
    ask(page, "from one to the other")
    expect(card(page, "gallery", "from one to the other")).to_be_visible()
    request = tasks(studio, "from one to the other")[0]["request"]
    assert request["start_image"] and request["end_image"] and request["start_image"] != request["end_image"]  # type: ignore[index]

    page.get_by_role("button", name="Remove: First picture").click()
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(['no picture'], 'c.png', {type: 'image/png'}));
            const event = new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
            document.querySelector('[data-field=start_image] .drop').dispatchEvent(event);
        }"""
    )
    expect(page.locator("#start_image-wrong")).to_contain_text("no picture that can be read")
    expect(page.locator("#start_image-pick")).to_be_visible()


@pytest.mark.parametrize(
    ("theme", "locale", "size"),
    [("light", "en-US", DESKTOP), ("dark", "zh-CN", DESKTOP), ("dark", "en-US", PHONE), ("light", "zh-CN", PHONE)],
)
def test_every_theme_language_and_width_is_without_barriers(
    studio: Server, visit: Visits, theme: str, locale: str, size: dict[str, int]
) -> None:
    page = visit(studio, color_scheme=theme, locale=locale, viewport=size).open()
    is_chinese = locale.startswith("zh")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if is_chinese else "en")
    expect(page.locator("#generate")).to_have_text("生成" if is_chinese else "Generate")
    expect(page.locator("#devices > li")).to_have_count(1)
    expect(page.locator("#estimate strong")).to_be_visible()
    page.evaluate("document.getElementById('more').open = true")
    assert overflow(page) <= 0
    assert barriers(page) == []
    # The other theme and language, by hand, are kept.
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").click()
    page.locator("#language").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    assert barriers(page) == []
    page.reload()
    expect(page.locator("#generate")).to_have_text("Generate" if is_chinese else "生成")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    assert overflow(page) <= 0


def test_the_keyboard_alone_is_enough(studio: Server, visit: Visits) -> None:
    page = visit(studio).open()
    expect(page.locator("#sizes input").first).to_be_attached()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    expect(page.locator("#stage")).to_be_focused()
    page.locator("#sizes input:checked").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#sizes input").nth(1)).to_be_checked()
    page.locator("#examples button").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#prompt")).to_be_focused()
    expect(page.locator("#prompt")).not_to_be_empty()


def test_a_key_is_asked_for_and_kept_in_the_tab(tmp_path: Path, visit: Visits) -> None:
    server = Server(tmp_path / "data", {"access_adminKey": ADMIN, "timed": STEP})
    try:
        server.wait_until_live()
        server.wait_until_ready()
        one = visit(server)
        one.expect("401")
        page = one.open()
        dialog = page.get_by_role("dialog", name="This server asks for a key")
        dialog.get_by_label("Your key").fill("animato_wrong")
        dialog.get_by_role("button", name="Use it").click()
        expect(dialog).to_contain_text("not known here")
        assert barriers(page) == []
        dialog.get_by_label("Your key").fill(ADMIN)
        dialog.get_by_role("button", name="Use it").click()
        expect(dialog).to_have_count(0)
        ask(page, "a cat with a key", steps=30)
        expect(card(page, "active", "a cat with a key").locator("img")).to_be_visible()
        made = card(page, "gallery", "a cat with a key")
        made.locator(".screen").focus()
        page.wait_for_function("() => document.querySelector('#gallery video').currentTime > 0")
        assert page.evaluate("sessionStorage.getItem('animato-key')") == ADMIN
        assert page.evaluate("Object.values(localStorage).join()").count(ADMIN) == 0
        page.reload()
        expect(made).to_be_visible()
        page.close()
    finally:
        server.kill()


def test_the_server_goes_and_comes_back(tmp_path: Path, visit: Visits) -> None:
    server = Server(tmp_path / "data", {"timed": STEP})
    again: Server | None = None
    try:
        server.wait_until_live()
        server.wait_until_ready()
        one = visit(server)
        one.expect("ERR_")
        page = one.open()
        ask(page, "a long way", steps=60)
        expect(page.locator("#active")).to_contain_text("Step")
        server.kill()
        expect(page.locator("#obstacles")).to_contain_text("cannot be reached")
        expect(page.locator("#readiness")).to_have_text("Not reachable")
        again = Server(tmp_path / "data", {"timed": STEP, "http_port": server.url.rpartition(":")[2]})
        again.wait_until_live()
        expect(page.locator("#readiness")).to_have_text(re.compile("eady"))
        # What was accepted is made, and the page finds its end by itself.
        expect(card(page, "gallery", "a long way")).to_be_visible()
    finally:
        server.kill()
        if again:
            again.kill()
