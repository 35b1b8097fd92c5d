"""Requests: nothing that the pipeline would quietly change gets through."""

from __future__ import annotations

import math
from typing import Any

import pytest

from animato_engine.description import Defaults, Limits, ModelDescription
from animato_engine.errors import Failure
from animato_engine.request import MAX_METADATA_CHARACTERS, LoRA, VideoRequest, parse_metadata
from harness import request

LIMITS = Limits(min_width=64, min_height=64)
MODEL = ModelDescription("m", "f", "0" * 64, 0, LIMITS, Defaults(), step_cache=("off", "fast"))


def parse(**changes: Any) -> VideoRequest:
    """The request that `changes` make of a valid one."""
    return VideoRequest.parse(request(**changes), MODEL)


def test_a_request_is_taken_as_it_is() -> None:
    parsed = parse(prompt="一只猫在草地上玩耍", guidance_scale=5, seed=2**32 - 1, num_frames=1)
    assert parsed.prompt == "一只猫在草地上玩耍"
    assert parsed.guidance_scale == 5.0 and type(parsed.guidance_scale) is float
    assert parsed.seed == 2**32 - 1 and parsed.num_frames == 1
    parsed = parse(strength=0.05, step_cache="fast", loras=[{"name": "a", "scale": -4}, {"name": "b", "scale": 0.5}])
    assert (parsed.strength, parsed.step_cache) == (0.05, "fast")
    assert parsed.loras == (LoRA("a", -4.0), LoRA("b", 0.5))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("width", value) for value in (65, 72, 48, 0, -64, 1360, 64.0, "64", None, True)),
        *(("height", value) for value in (8, 100, 10**30)),
        *(("num_frames", value) for value in (0, 2, 4, 8, 10, 53, -3, 5.0)),
        *(("num_inference_steps", value) for value in (0, 101, None)),
        *(("guidance_scale", value) for value in (0.5, 20.1, math.nan, math.inf, "3", None, True, 10**400)),
        *(("fps", value) for value in (0, 61, 8.0)),
        *(("seed", value) for value in (-1, 2**32, 1.0, None)),
        *(("prompt", value) for value in (None, 1, "a" * 2001, "\ud83d")),
        *(("strength", value) for value in (0.04, 1.01, 0, None)),
        *(("step_cache", value) for value in ("balanced", "", None, 1)),
        *(("loras", value) for value in (None, {}, "a", [1], [{"name": "a", "scale": 1}] * 9)),
        *(("negative_prompt", value) for value in (None, ["bad"], "\udc00")),
    ],
)
def test_what_does_not_fit_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(Failure, match=field) as caught:
        parse(**{field: value})
    assert (caught.value.kind, caught.value.code) == ("invalid_input", "invalid_request")


@pytest.mark.parametrize(
    "lora",
    [{"name": 1, "scale": 1}, {"scale": 1}, {"name": "a"}, {"name": "a", "scale": 4.1}, {"name": "a", "scale": True}],
)
def test_a_lora_that_is_none_is_refused(lora: Any) -> None:
    with pytest.raises(Failure) as caught:
        parse(loras=[lora])
    assert caught.value.code == "invalid_request"


def test_a_missing_field_is_refused() -> None:
    raw = request()
    del raw["negative_prompt"]
    with pytest.raises(Failure, match="negative_prompt"):
        VideoRequest.parse(raw, MODEL)


def test_the_area_has_a_bound_of_its_own() -> None:
    parse(width=1344, height=768)
    with pytest.raises(Failure, match="1048576"):
        parse(width=1344, height=1344)


def test_equal_requests_have_equal_bytes_and_others_do_not() -> None:
    assert parse().canonical_bytes() == parse().canonical_bytes()
    assert parse().canonical_bytes() != parse(seed=8).canonical_bytes()


def test_metadata_is_taken_as_it_is_without_what_is_empty_or_unknown() -> None:
    assert parse_metadata(None) == {}
    raw = {"title": "猫", "description": "", "comment": "a\nb", "later": 1}
    assert parse_metadata(raw) == {"title": "猫", "comment": "a\nb"}


@pytest.mark.parametrize(
    "raw",
    [
        "text",
        [],
        1,
        {"title": 1},
        {"title": None},
        {"comment": "a\0b"},
        {"title": "\ud83d"},
        {"description": "a" * (MAX_METADATA_CHARACTERS + 1)},
    ],
)
def test_metadata_that_no_file_can_hold_is_an_invalid_request(raw: Any) -> None:
    with pytest.raises(Failure) as caught:
        parse_metadata(raw)
    assert (caught.value.kind, caught.value.code) == ("invalid_input", "invalid_request")
