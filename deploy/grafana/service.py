"""The rows of the overview that tell of the service around the work."""

from __future__ import annotations

from panels import GREEN, GREY, RED, YELLOW, Panel, Query, Row
from queries import NOT_A_PROBE, OUTCOMES, SERVER_ERROR, increase, quantile, quantiles, rate, some, total


def http() -> Row:
    """How requests are answered."""
    return Row(
        "HTTP",
        [
            Panel(
                "Answers by status",
                "Answered requests a second.",
                [Query(rate("animato_http_requests_total", "status"), "{{status}}")],
                unit="reqps",
                stacked=True,
            ),
            Panel(
                "Time to answer",
                "From the head of a request to the head of its response, without waits that the client asked for.",
                quantiles("animato_http_request_duration_seconds", shares=(0.5, 0.95, 0.99)),
                unit="s",
            ),
            Panel(
                "Server errors",
                "The share of requests that ended with 5xx, /readyz left out: it says 503 on purpose.",
                [
                    Query(
                        f"({rate('animato_http_requests_total', extra=SERVER_ERROR)} or vector(0))"
                        f" / {rate('animato_http_requests_total', extra=NOT_A_PROBE)}",
                        "share",
                    )
                ],
                unit="percentunit",
                steps=[(None, "transparent"), (0.05, RED)],
            ),
            Panel(
                "Requests by route",
                "The ten busiest.",
                [Query(f"topk(10, {rate('animato_http_requests_total', 'method, route')})", "{{method}} {{route}}")],
                unit="reqps",
                width=12,
            ),
            Panel(
                "Slowest routes",
                "What 95 % of a route's requests stay below, for the ten slowest. Uploads depend on their senders.",
                [
                    Query(
                        f"topk(10, {quantile(0.95, 'animato_http_request_duration_seconds', 'route')})",
                        "{{route}}",
                    )
                ],
                unit="s",
                width=12,
            ),
        ],
    )


def videos_and_callbacks() -> Row:
    """What goes out."""
    return Row(
        "Videos and callbacks",
        [
            Panel(
                "Videos opened",
                "By where they were: memory, store (the disk or S3) or none.",
                [Query(rate("animato_video_reads_total", "level"), "{{level}}")],
                unit="reqps",
                stacked=True,
            ),
            Panel(
                "Kept videos",
                "Their size, with stills and previews. With results.maxBytes, those used longest ago make room.",
                [Query(total("animato_videos_bytes", "instance"), "{{instance}}")],
                unit="bytes",
            ),
            Panel(
                "Let go, damaged",
                "Kept videos that were let go for room or age, and those that did not match their checksum.",
                [
                    Query(increase("animato_videos_evicted_total"), "let go"),
                    Query(increase("animato_videos_damaged_total"), "damaged"),
                ],
                colours={"let go": GREY, "damaged": RED},
            ),
            Panel(
                "Uploads",
                "Files that clients brought: kept, or what was wrong with them.",
                [Query(increase("animato_uploads_total", "outcome"), "{{outcome}}")],
                stacked=True,
            ),
            Panel(
                "Callbacks",
                "Attempts to deliver one, by outcome.",
                [Query(rate("animato_callbacks_total", "outcome"), "{{outcome}}")],
                unit="ops",
                stacked=True,
                colours=OUTCOMES,
            ),
            Panel(
                "Time of callbacks",
                "What 95 % stay below: of an attempt, and from the event to its delivery.",
                [
                    Query(quantile(0.95, "animato_callback_duration_seconds"), "attempt"),
                    Query(quantile(0.95, "animato_callback_delay_seconds"), "event to delivery"),
                ],
                unit="s",
            ),
        ],
    )


def server() -> Row:
    """The process itself."""
    return Row(
        "Server",
        [
            Panel(
                "Task store",
                "What 99 % of the operations stay below, waiting for their turn included.",
                quantiles("animato_store_duration_seconds", "operation", shares=(0.99,)),
                unit="s",
            ),
            Panel(
                "Writes that wait",
                "For the task store. At store.waitingWrites (10,000 by default) requests are refused.",
                [Query(total("animato_store_waiting_writes", "instance"), "{{instance}}")],
                steps=[(None, "transparent"), (1000, RED)],
            ),
            Panel(
                "Log",
                "Messages of warning and above. Somebody must act on an error.",
                [Query(increase("animato_log_messages_total", "level"), "{{level}}")],
                stacked=True,
                colours={"warning": YELLOW, "error": RED, "critical": "dark-red"},
            ),
            Panel(
                "Processor",
                "Cores that the server uses, without its engines.",
                [Query(rate("process_cpu_seconds_total", "instance"), "{{instance}}")],
                decimals=2,
                width=6,
            ),
            Panel(
                "Memory",
                "Of the server, without its engines.",
                [Query(total("process_resident_memory_bytes", "instance"), "{{instance}}")],
                unit="bytes",
                width=6,
            ),
            Panel(
                "Connections",
                "Open connections of clients, and clients that follow a task or wait for its end.",
                [
                    Query(total("animato_http_connections"), "connections"),
                    Query(total("animato_http_streams"), "streams"),
                ],
                width=6,
            ),
            Panel(
                "File descriptors",
                "The share of those that the server may have which are open.",
                [Query(f"{some('process_open_fds')} / {some('process_max_fds')}", "{{instance}}")],
                unit="percentunit",
                most=1,
                steps=[(None, "transparent"), (0.8, RED)],
                width=6,
            ),
            Panel(
                "Free disk",
                "Of the file system of the data directory.",
                [Query(f"{some('animato_data_free_bytes')} / {some('animato_data_bytes')}", "{{instance}}")],
                unit="percentunit",
                most=1,
                steps=[(None, RED), (0.1, "transparent")],
                width=8,
                height=6,
            ),
            Panel(
                "Versions",
                "What each server runs.",
                [Query(f"sum by (instance, version) ({some('animato_build_info')})")],
                kind="table",
                width=8,
                height=6,
            ),
            Panel(
                "Parts that answer",
                "1 for each part of a server that said in time how it is; what the others tell is missing.",
                [Query(f"min by (collector) ({some('animato_collector_up')})", "{{collector}}")],
                kind="bargauge",
                most=1,
                steps=[(None, RED), (1, GREEN)],
                width=8,
                height=6,
            ),
        ],
    )


def rows() -> list[Row]:
    """Them all, from top to bottom."""
    return [http(), videos_and_callbacks(), server()]
