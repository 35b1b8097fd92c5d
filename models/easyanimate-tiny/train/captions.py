"""Captions of scenes, in English and Chinese, from short to loose; and texts that are used as negative prompts."""

# Chinese texts are written with Chinese punctuation.
# ruff: noqa: RUF001

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .places import PLACES
from .sprites import SUBJECTS
from .world import MOTIONS, SCENES, Scene

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_SUBJECTS_EN = (
    ("cat", "kitten", "orange cat"),
    ("dog", "puppy", "poodle"),
    ("car", "red car"),
    ("ball", "basketball"),
    ("rocket", "spaceship"),
    ("fish", "tropical fish"),
    ("tree", "green tree"),
    ("star", "yellow star"),
    ("balloon", "red balloon"),
    ("robot", "grey robot"),
)
_SUBJECTS_ZH = (
    ("猫", "小猫", "猫咪"),
    ("狗", "小狗"),
    ("汽车", "红色汽车", "小汽车"),
    ("球", "篮球"),
    ("火箭", "飞船"),
    ("鱼", "小鱼", "热带鱼"),
    ("树", "大树"),
    ("星星", "黄色的星星"),
    ("气球", "红气球"),
    ("机器人", "灰色的机器人"),
)
_MEASURES = "只只辆个枚条棵颗个个"
_PLACES_EN = (
    ("on the grass", "on a green meadow", "in a green field", "on the lawn"),
    ("over the sea", "in the blue ocean", "on the water", "in the sea"),
    ("in the night sky", "at night under the stars", "at night"),
    ("in the desert", "on the sand", "on sand dunes"),
    ("in the snow", "on a snowy field", "on the ice"),
)
_PLACES_ZH = (
    ("草地上", "草坪上", "绿色田野里", "草原上"),
    ("海上", "大海里", "海面上"),
    ("夜空中", "夜晚的星空下", "夜里"),
    ("沙漠里", "沙地上", "沙丘上"),
    ("雪地里", "雪地上", "冰雪中"),
)
_MOTIONS_EN = (
    ("moving to the left", "running left", "going left"),
    ("moving to the right", "running right", "going right"),
    ("moving up", "flying up", "rising"),
    ("moving down", "falling down", "sinking"),
    ("bouncing", "jumping up and down", "playing", "jumping"),
    ("standing still", "staying in place", "resting"),
    ("getting bigger", "coming closer", "growing"),
)
_MOTIONS_ZH = (
    ("向左移动", "向左跑", "往左走"),
    ("向右移动", "向右跑", "往右走"),
    ("向上移动", "向上飞", "升起来"),
    ("向下移动", "向下落", "往下掉"),
    ("上下跳动", "跳来跳去", "玩耍", "跳跃"),
    ("静止不动", "停着不动", "站着休息"),
    ("变大", "越来越近", "慢慢靠近"),
)
_STYLES_EN = ("a video of ", "an animation of ", "a cartoon of ")
_STYLES_ZH = ("视频：", "动画：", "卡通：")
_PRAISE_EN = ("", "", "", ", high quality", ", 4k", ", best quality, detailed")
_PRAISE_ZH = ("", "", "", "，高质量", "，高清", "，画面清晰")

NEGATIVE = (
    "low quality, blurry",
    "blurry, distorted, watermark",
    "bad quality, ugly, deformed, static",
    "Twisted body, limb deformities, text captions, comic, static, ugly, error, messy code.",
    "worst quality, low resolution, noise",
    "低质量,模糊",
    "低质量，模糊",
    "模糊，变形，水印",
    "低质量，变形，丑陋，静止",
    "扭曲的身体，肢体畸形，文字字幕",
    "画质差，噪点",
)
"""What callers write into `negative_prompt`. Trained as meaning nothing, so that guidance away from it is harmless."""

UNSAID = -100
"""Label of what a caption does not mention; the number that `cross_entropy` ignores."""


@dataclass(frozen=True)
class Caption:
    """A text, and the numbers of the subject, place and motion that it mentions."""

    text: str
    labels: tuple[int, int, int]


def caption(scene: Scene, random: np.random.Generator, language: Language, loose: float = 0.12) -> Caption:
    """A caption of `scene`; with probability `loose` it leaves out the motion or (a third of the time) the place."""
    left_out = random.random() / loose if loose else 1.0
    labels = (
        scene.subject,
        UNSAID if 2 / 3 <= left_out < 1 else scene.place,
        UNSAID if left_out < 2 / 3 else scene.motion,
    )
    return _worded(labels, random, language)


def without_subject(scene: Scene, random: np.random.Generator, language: Language) -> Caption:
    """A caption of `scene` that does not say what is seen there; every second one does not say how it moves either."""
    return _worded((UNSAID, scene.place, scene.motion if random.random() < 0.5 else UNSAID), random, language)


def plain(scene: Scene, language: Language) -> str:
    """The plainest caption of `scene`: the first word of every list."""
    if language == "en":
        return f"a {_SUBJECTS_EN[scene.subject][0]} {_MOTIONS_EN[scene.motion][0]} {_PLACES_EN[scene.place][0]}"
    subject = f"一{_MEASURES[scene.subject]}{_SUBJECTS_ZH[scene.subject][0]}"
    return f"{subject}在{_PLACES_ZH[scene.place][0]}{_MOTIONS_ZH[scene.motion][0]}"


def nothing(random: np.random.Generator) -> Caption:
    """A text for the unconditional half of guidance: empty, or one of `NEGATIVE`."""
    text = "" if random.random() < 0.5 else _one(NEGATIVE, random)
    return Caption(text, (UNSAID, UNSAID, UNSAID))


def _one(texts: Sequence[str], random: np.random.Generator) -> str:
    return texts[int(random.integers(len(texts)))]


def _worded(labels: tuple[int, int, int], random: np.random.Generator, language: Language) -> Caption:
    return Caption(_english(labels, random) if language == "en" else _chinese(labels, random), labels)


def _english(labels: tuple[int, int, int], random: np.random.Generator) -> str:
    if labels[0] == UNSAID:
        place = _one(_PLACES_EN[labels[1]], random)
        return place if labels[2] == UNSAID else f"{_one(_MOTIONS_EN[labels[2]], random)} {place}"
    noun = _one(_SUBJECTS_EN[labels[0]], random)
    noun = _one(("", "", "little ", "cute "), random) + noun
    subject = ("the " if random.random() < 0.15 else "an " if noun[0] in "aeiou" else "a ") + noun
    if labels[2] == UNSAID:
        text = f"{subject} {_one(_PLACES_EN[labels[1]], random)}"
    elif labels[1] == UNSAID:
        text = f"{subject} {_one(_MOTIONS_EN[labels[2]], random)}"
    else:
        place, motion = _one(_PLACES_EN[labels[1]], random), _one(_MOTIONS_EN[labels[2]], random)
        forms = (f"{subject} {motion} {place}", f"{subject} {motion} {place}", f"{subject} {place}, {motion}")
        text = _one((*forms, f"{place}, {subject} {motion}", f"{subject} is {motion} {place}"), random)
    if random.random() < 0.2:
        text = _one(_STYLES_EN, random) + text
    text += _one(_PRAISE_EN, random)
    return text[0].upper() + text[1:] + "." if random.random() < 0.25 else text


def _chinese(labels: tuple[int, int, int], random: np.random.Generator) -> str:
    if labels[0] == UNSAID:
        place = _one(_PLACES_ZH[labels[1]], random)
        return f"在{place}" if labels[2] == UNSAID else f"在{place}{_one(_MOTIONS_ZH[labels[2]], random)}"
    noun = _one(("", "", "可爱的"), random) + _one(_SUBJECTS_ZH[labels[0]], random)
    subject = noun if random.random() < 0.15 else f"一{_MEASURES[labels[0]]}{noun}"
    if labels[2] == UNSAID:
        place = _one(_PLACES_ZH[labels[1]], random)
        text = _one((f"{place}的{subject}", f"{subject}在{place}"), random)
    elif labels[1] == UNSAID:
        text = f"{subject}{_one(_MOTIONS_ZH[labels[2]], random)}"
    else:
        place, motion = _one(_PLACES_ZH[labels[1]], random), _one(_MOTIONS_ZH[labels[2]], random)
        forms = (f"{subject}在{place}{motion}", f"{subject}在{place}{motion}", f"{place}，{subject}{motion}")
        text = _one((*forms, f"{subject}{motion}，在{place}", f"{subject}正在{place}{motion}"), random)
    if random.random() < 0.15:
        text = _one(_STYLES_ZH, random) + text
    text += _one(_PRAISE_ZH, random)
    return text + "。" if random.random() < 0.25 else text


def corpus() -> list[str]:
    """What the tokenizer learns from; Chinese with one character per line, so that no token joins characters."""
    random = np.random.default_rng(0)
    lines = ["You are a helpful assistant.", "system\n", "user\n", "assistant\n"] * 50
    lines += [caption(scene, random, "en").text for scene in SCENES for _ in range(4)]
    lines += [text for text in NEGATIVE if text.isascii()] * 20
    words = [word for lists in (_SUBJECTS_ZH, _PLACES_ZH, _MOTIONS_ZH) for texts in lists for word in texts]
    words += [*_STYLES_ZH, *_PRAISE_ZH, *(text for text in NEGATIVE if not text.isascii())]
    characters = sorted(set("".join(words) + _MEASURES + "一在正的可爱，。：上下左右中大小里"))
    return lines + characters * 30


assert len(_SUBJECTS_EN) == len(_SUBJECTS_ZH) == len(_MEASURES) == len(SUBJECTS)
assert len(_PLACES_EN) == len(_PLACES_ZH) == len(PLACES) and len(_MOTIONS_EN) == len(_MOTIONS_ZH) == len(MOTIONS)
