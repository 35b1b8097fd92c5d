"""The world that the tiny checkpoint is trained on, and its captions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_tokenizer import build_tokenizer
from train.captions import LANGUAGES, UNSAID, caption, corpus, plain, without_subject
from train.spoil import spoilt
from train.template import best_template
from train.world import HELD_OUT, MOTIONS, SCENES, TRAINED, Scene, Shape, draw, draw_any, free, grid, track

SHAPE = Shape(112, 64, 17)
SHAPES = (SHAPE, Shape(64, 64, 49), Shape(64, 112, 49))


def test_a_clip_is_the_same_whenever_it_is_drawn() -> None:
    first, second = (draw_any(SCENES[17], SHAPE, np.random.default_rng(4), 0.5) for _ in range(2))
    assert np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1])


def test_a_short_clip_is_the_beginning_of_a_long_one() -> None:
    for motion in range(len(MOTIONS)):
        scene = Scene(2, 1, motion)
        choice = grid(scene, SHAPE)[0]
        long = draw(scene, Shape(112, 64, 49), choice)[0]
        assert np.array_equal(draw(scene, SHAPE, choice)[0], long[:17])
        assert np.array_equal(draw(scene, SHAPE, choice, count=5)[0], long[:17:4])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_sprite_starts_on_the_grid_and_can_be_seen(shape: Shape) -> None:
    for scene in SCENES[:35]:
        for choice in grid(scene, shape, starts=3):
            assert choice.left % 16 == choice.top % 16 == choice.horizon % 8 == 0
            for left, top, side in track(scene.motion, choice, shape):
                assert -side / 2 < left < shape.width - side / 2 and -side / 2 < top < shape.height - side / 2


def test_more_starts_contain_fewer() -> None:
    for scene in SCENES[:35]:
        assert set(grid(scene, SHAPE)) < set(grid(scene, SHAPE, starts=3))


def test_the_free_world_keeps_sprites_in_sight() -> None:
    random = np.random.default_rng(0)
    for scene in SCENES[::7]:
        assert draw(scene, SHAPE, free(scene, SHAPE, random))[1][-1].sum() > 100


def test_held_out_scenes_are_apart_and_leave_every_word_in_training() -> None:
    assert not set(TRAINED) & set(HELD_OUT) and len(TRAINED) + len(HELD_OUT) == len(SCENES)
    assert {scene.held_out for scene in HELD_OUT} == {"pair", "triple"}
    for name, count in (("subject", 10), ("place", 5), ("motion", 7)):
        assert {getattr(scene, name) for scene in TRAINED} == set(range(count))


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_say_what_their_labels_say(language: str) -> None:
    random = np.random.default_rng(1)
    for scene in SCENES[::11]:
        full = caption(scene, random, "en" if language == "en" else "zh", loose=0)
        assert full.labels == (scene.subject, scene.place, scene.motion) and full.text.isascii() == (language == "en")
        loose = caption(scene, random, "en" if language == "en" else "zh", loose=1)
        assert loose.labels[0] == scene.subject and loose.labels[1:].count(UNSAID) == 1
        elsewhere = [Scene(subject, scene.place, scene.motion) for subject in range(10)]
        said = {without_subject(at, np.random.default_rng(2), "en" if language == "en" else "zh") for at in elsewhere}
        assert [one.labels[0] for one in said] == [UNSAID] and next(iter(said)).labels[1] == scene.place
    assert plain(Scene(0, 0, 4), "zh") == "一只猫在草地上上下跳动"


def test_no_token_joins_chinese_characters() -> None:
    tokenizer = build_tokenizer(corpus(), 1000)
    text = "一只猫在草地上玩耍"
    ids = tokenizer(text).input_ids
    assert tokenizer.decode(ids) == text and len(ids) >= len(text)


def test_the_template_test_knows_the_truth_and_doubts_the_spoilt() -> None:
    random = np.random.default_rng(2)
    scenes = [Scene(subject, subject % 5, subject % 7) for subject in range(10)]
    clips = [draw_any(scene, SHAPE, random) for scene in scenes]
    assert [best_template(video, count=2) for video, _ in clips] == list(range(10))
    video, mask = clips[0]
    bad = spoilt(video, mask, random)
    assert np.abs(bad - video).max() > 0.1
    near = torch.nn.functional.max_pool2d(torch.from_numpy(mask)[..., 0], 17, 1, 8).numpy() > 0
    assert np.abs(bad - video)[~near].max() < 1e-5
