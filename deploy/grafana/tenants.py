"""The rows of the dashboard of the tenants."""

from __future__ import annotations

from panels import BLUE, GREY, ORANGE, Panel, Query, Row
from queries import rate, some, total


def rows() -> list[Row]:
    """Who uses the devices. Servers name the busiest tenants; the rest are one, called other."""
    chosen = 'tenant=~"$tenant"'
    limits = 'code=~"rate_limited|waiting_limit|device_seconds_limit|upload_quota_exceeded"'
    return [
        Row(
            "Tenants",
            [
                Panel(
                    "Tasks at work",
                    "Of the busiest tenants; those of the rest together are other.",
                    [Query(total("animato_tenant_running_tasks", "tenant", chosen), "{{tenant}}")],
                    stacked=True,
                    width=12,
                ),
                Panel(
                    "Tasks that wait",
                    "Of the same tenants.",
                    [Query(total("animato_tenant_waiting_tasks", "tenant", chosen), "{{tenant}}")],
                    stacked=True,
                    width=12,
                ),
                Panel(
                    "Device time today",
                    "Since midnight (UTC), of the same tenants.",
                    [Query(f"sort_desc({total('animato_tenant_device_seconds', 'tenant', chosen)})", "{{tenant}}")],
                    unit="s",
                    kind="bargauge",
                    width=12,
                    steps=[(None, BLUE)],
                ),
                Panel(
                    "Share of the device time",
                    "Of what was used within the last minutes. Within a priority it follows the weights of the keys, "
                    "as long as all of them wait.",
                    [
                        Query(
                            f"sum by (tenant) (increase({some('animato_tenant_device_seconds', chosen)}[15m]))"
                            f" / scalar(sum(increase({some('animato_tenant_device_seconds')}[15m])) > 0)",
                            "{{tenant}}",
                        )
                    ],
                    unit="percentunit",
                    most=1,
                    stacked=True,
                    width=12,
                ),
            ],
        ),
        Row(
            "Limits",
            [
                Panel(
                    "Refused for a limit of the tenant",
                    "Requests a second: too many requests, too many waiting tasks, no device time left for today, or "
                    "no room for uploads.",
                    [Query(rate("animato_rejections_total", "code", limits), "{{code}}")],
                    unit="reqps",
                    stacked=True,
                    width=12,
                ),
                Panel(
                    "Accepted, by priority",
                    "Whether batch work is sent as batch.",
                    [Query(rate("animato_submissions_total", "priority"), "{{priority}}")],
                    unit="reqps",
                    stacked=True,
                    colours={"interactive": ORANGE, "normal": BLUE, "batch": GREY},
                    width=12,
                ),
            ],
        ),
    ]
