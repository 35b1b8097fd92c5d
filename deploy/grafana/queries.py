"""Expressions of which the dashboards are made, over the servers that are chosen."""

from __future__ import annotations

from panels import BLUE, GREEN, GREY, ORANGE, RED, YELLOW, Query

OURS = 'job="animato",instance=~"$instance"'
RATE = "$__rate_interval"

FAILED = 'outcome="failed"'
ENDED = 'outcome=~"succeeded|failed"'
WITHOUT_WORK = 'outcome=~"joined|cached|replayed"'
NOT_A_PROBE = 'route!="/readyz"'
SERVER_ERROR = f'status=~"5..",{NOT_A_PROBE}'

OUTCOMES = {
    "queued": BLUE,
    "joined": YELLOW,
    "cached": GREEN,
    "replayed": GREY,
    "succeeded": GREEN,
    "failed": RED,
    "cancelled": GREY,
    "delivered": GREEN,
    "retried": ORANGE,
    "abandoned": RED,
}


def some(metric: str, extra: str = "") -> str:
    """A metric of the chosen servers."""
    return f"{metric}{{{OURS}{',' if extra else ''}{extra}}}"


def total(metric: str, by: str = "", extra: str = "") -> str:
    """A gauge, summed over the chosen servers."""
    return f"sum{f' by ({by})' if by else ''} ({some(metric, extra)})"


def rate(metric: str, by: str = "", extra: str = "") -> str:
    """How fast a counter rises, a second."""
    return f"sum{f' by ({by})' if by else ''} (rate({some(metric, extra)}[{RATE}]))"


def increase(metric: str, by: str = "", extra: str = "") -> str:
    """By how much a counter has risen within the time that one point of the graph stands for."""
    return f"sum{f' by ({by})' if by else ''} (increase({some(metric, extra)}[{RATE}]))"


def quantile(share: float, metric: str, by: str = "", extra: str = "") -> str:
    """The value that this share of the observations stays below."""
    return f"histogram_quantile({share:g}, {rate(metric + '_bucket', ', '.join(filter(None, [by, 'le'])), extra)})"


def mean(metric: str, by: str = "", extra: str = "") -> str:
    """The mean of the observations."""
    return f"{rate(metric + '_sum', by, extra)} / {rate(metric + '_count', by, extra)}"


def quantiles(metric: str, by: str = "", shares: tuple[float, ...] = (0.5, 0.95), extra: str = "") -> list[Query]:
    """One line for each share, or for each share and label."""
    label = "".join(f" {{{{{name.strip()}}}}}" for name in by.split(",")) if by else ""
    return [Query(quantile(share, metric, by, extra), f"{share:.0%}{label}") for share in shares]
