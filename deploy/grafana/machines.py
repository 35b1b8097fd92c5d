"""The dashboard of several processes on one Redis. With one process that has its own database, it is empty."""

from __future__ import annotations

from panels import BLUE, GREEN, GREY, ORANGE, RED, YELLOW, Panel, Query, Row
from queries import increase, rate, some, total

STATES = {
    "accepted": GREEN,
    "delayed": BLUE,
    "duplicate": GREY,
    "expired": ORANGE,
    "refused": RED,
    "revoked": YELLOW,
    "unreadable": RED,
}


def members() -> Row:
    """Who is there."""
    return Row(
        "Processes",
        [
            Panel(
                "Members",
                "Processes that share the Redis, by what they do, as each of them sees it: all should see the same.",
                [Query(f"max by (role) ({some('animato_members')})", "{{role}}")],
                decimals=0,
            ),
            Panel(
                "Connected",
                "1 while a process has its connection to Redis.",
                [Query(f"min by (instance) ({some('animato_redis_connected')})", "{{instance}}")],
                most=1,
                steps=[(None, RED), (1, GREEN)],
            ),
            Panel(
                "Lost connections",
                "Connections to Redis that were lost, by what they were for.",
                [Query(increase("animato_redis_reconnects_total", "client"), "{{client}}")],
                stacked=True,
            ),
        ],
    )


def store() -> Row:
    """How Redis answers."""
    return Row(
        "Redis",
        [
            Panel(
                "Commands without a good reply",
                "By what was wrong: no connection, no reply in time, refused by Redis, or too many that wait.",
                [Query(increase("animato_redis_errors_total", "kind"), "{{kind}}")],
                stacked=True,
                steps=[(None, "transparent"), (1, RED)],
            ),
            Panel(
                "Commands in flight",
                "That wait for a reply. It rises where Redis, or the way to it, is too slow.",
                [Query(total("animato_redis_commands_in_flight", "instance"), "{{instance}}")],
            ),
            Panel(
                "Decided anew",
                "Operations of the task store that began again, as another process had changed what they read.",
                [Query(rate("animato_store_conflicts_total", "operation"), "{{operation}}")],
                unit="ops",
                stacked=True,
            ),
        ],
    )


def celery() -> Row:
    """The bridge to Celery."""
    return Row(
        "Celery",
        [
            Panel(
                "Messages",
                "Taken from the broker, by what was decided.",
                [Query(increase("animato_celery_messages_total", "outcome"), "{{outcome}}")],
                stacked=True,
                colours=STATES,
            ),
            Panel(
                "Open tasks",
                "Of Celery applications, whose end their backend is still to be given.",
                [Query(total("animato_celery_open_tasks", "instance"), "{{instance}}")],
                stacked=True,
            ),
            Panel(
                "Records",
                "Given to the backend, by Celery's name of the state.",
                [Query(rate("animato_celery_records_total", "state"), "{{state}}")],
                unit="ops",
                stacked=True,
            ),
        ],
    )


def rows() -> list[Row]:
    """Them all, from top to bottom."""
    return [members(), store(), celery()]
