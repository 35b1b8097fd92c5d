"""The rows of the overview that tell of requests and generations."""

from __future__ import annotations

from panels import BLUE, GREEN, GREY, ORANGE, RED, YELLOW, Panel, Query, Row
from queries import ENDED, FAILED, OUTCOMES, WITHOUT_WORK, increase, mean, quantiles, rate, some, total


def now() -> Row:
    """What one looks at first."""
    return Row(
        "Now",
        [
            Panel(
                "Servers that answer",
                "Servers whose metrics Prometheus gets.",
                [Query(f"sum({some('up')})")],
                kind="stat",
                width=4,
                height=4,
                steps=[(None, RED), (1, GREEN)],
            ),
            Panel(
                "Tasks at work",
                "Tasks whose generation runs on a device.",
                [Query(total("active_tasks"))],
                kind="stat",
                width=4,
                height=4,
                steps=[(None, BLUE)],
            ),
            Panel(
                "Tasks that wait",
                "Tasks whose generation waits for a device.",
                [Query(total("waiting_tasks"))],
                kind="stat",
                width=4,
                height=4,
                steps=[(None, GREEN), (100, YELLOW), (1000, RED)],
            ),
            Panel(
                "Predicted wait",
                "How long a new request of normal priority would wait, on the server where that is longest.",
                [Query(f"max({some('animato_predicted_wait_seconds')})")],
                unit="s",
                kind="stat",
                width=4,
                height=4,
                steps=[(None, GREEN), (300, YELLOW), (900, ORANGE), (3600, RED)],
            ),
            Panel(
                "Devices that can work",
                "Devices that are ready or at work.",
                [Query(total("animato_device_state", extra='state=~"ready|busy"'))],
                kind="stat",
                width=4,
                height=4,
                steps=[(None, RED), (1, GREEN)],
            ),
            Panel(
                "Failed, of the last hour",
                "Failed generations of all that ended by themselves within the last hour.",
                [
                    Query(
                        f"(sum(increase({some('animato_generations_total', FAILED)}[1h])) or vector(0))"
                        f" / (sum(increase({some('animato_generations_total', ENDED)}[1h])) > 0)"
                    )
                ],
                unit="percentunit",
                kind="stat",
                width=4,
                height=4,
                decimals=1,
                steps=[(None, GREEN), (0.01, YELLOW), (0.05, RED)],
            ),
        ],
    )


def requests_for_videos() -> Row:
    """What comes in, and what becomes of it."""
    return Row(
        "Requests for videos",
        [
            Panel(
                "Accepted, by outcome",
                "queued: a new generation. joined: shares one that is under way. cached: the video was there. "
                "replayed: the same Idempotency-Key again. Only queued costs device time.",
                [Query(rate("animato_submissions_total", "outcome"), "{{outcome}}")],
                unit="reqps",
                stacked=True,
                colours=OUTCOMES,
            ),
            Panel(
                "Refused, by code",
                "By the code of the first reason; docs/troubleshooting.md explains each.",
                [Query(rate("animato_rejections_total", "code"), "{{code}}")],
                unit="reqps",
                stacked=True,
            ),
            Panel(
                "Answered without work",
                "The share of accepted requests that cost no device time: joined, cached or replayed.",
                [
                    Query(
                        f"({rate('animato_submissions_total', extra=WITHOUT_WORK)} or vector(0))"
                        f" / {rate('animato_submissions_total')}",
                        "share",
                    )
                ],
                unit="percentunit",
                most=1,
            ),
            Panel(
                "Waiting generations",
                "By priority. Equal requests share a generation, so there may be more waiting tasks.",
                [Query(total("animato_waiting_generations", "priority"), "{{priority}}")],
                stacked=True,
                colours={"interactive": ORANGE, "normal": BLUE, "batch": GREY},
            ),
            Panel(
                "Time in the queue",
                "From acceptance to the first start: the median, and what 95 % stay below.",
                quantiles("animato_queue_seconds", "priority"),
                unit="s",
            ),
            Panel(
                "Predictions",
                "Real time over predicted time, from acceptance to the end. 1 is right; above 1 it took longer.",
                quantiles("animato_eta_ratio", shares=(0.1, 0.5, 0.9)),
                steps=[(None, "transparent"), (1.6, ORANGE)],
            ),
        ],
    )


def generations() -> Row:
    """What the devices make of it."""
    return Row(
        "Generations",
        [
            Panel(
                "Ended, by outcome",
                "Generations that ended within the time of one point.",
                [Query(increase("animato_generations_total", "outcome"), "{{outcome}}")],
                stacked=True,
                colours=OUTCOMES,
            ),
            Panel(
                "Failures by code",
                "Generations that failed for good; docs/troubleshooting.md explains each code.",
                [Query(increase("animato_generations_total", "code", FAILED), "{{code}}")],
                stacked=True,
            ),
            Panel(
                "Tried again, by code",
                "Attempts that ended with the generation back in the queue, and those that went on from a checkpoint.",
                [
                    Query(increase("animato_requeues_total", "code"), "{{code}}"),
                    Query(increase("animato_resumes_total"), "went on from a checkpoint"),
                ],
            ),
            Panel(
                "Time of a generation",
                "Of an attempt that made a video, from its start to the kept file.",
                quantiles("animato_generation_duration_seconds", "model"),
                unit="s",
            ),
            Panel(
                "Time by stage",
                "The mean of the parts of such an attempt, one on top of the other.",
                [Query(mean("animato_stage_duration_seconds", "stage"), "{{stage}}")],
                unit="s",
                stacked=True,
            ),
            Panel(
                "Time of a step",
                "Of a denoising step, as the mean over an attempt. A change without a new model or setting is a device "
                "that slows down.",
                quantiles("animato_step_duration_seconds", "model"),
                unit="s",
            ),
            Panel(
                "Generations in a pass",
                "How many generations share a pass of the model, in the mean.",
                [Query(mean("animato_pass_generations"), "mean")],
                decimals=1,
            ),
            Panel(
                "Made with less",
                "Generations that made less than was asked for, as the request allowed.",
                [Query(increase("animato_degraded_total", "reason"), "{{reason}}")],
                stacked=True,
            ),
            Panel(
                "At work",
                "Tasks that are being worked on, and the generations that they share.",
                [
                    Query(total("active_tasks"), "tasks"),
                    Query(total("animato_running_generations"), "generations"),
                ],
            ),
        ],
    )


def rows() -> list[Row]:
    """Them all, from top to bottom."""
    return [now(), requests_for_videos(), generations()]
