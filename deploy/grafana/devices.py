"""The rows of the dashboard of the devices."""

from __future__ import annotations

from panels import BLUE, GREEN, GREY, ORANGE, RED, YELLOW, Panel, Query, Row
from queries import RATE, increase, some, total

DEVICE_STATES = {
    1: ("ready", GREEN),
    2: ("busy", BLUE),
    3: ("asleep", GREY),
    4: ("starting", YELLOW),
    5: ("draining", ORANGE),
    6: ("down", RED),
    7: ("lost", "dark-red"),
}


def device_states() -> str:
    """One number for the state of each device, as in `DEVICE_STATES`."""
    chosen = 'device=~"$device"'
    each = (
        f"{value} * " + some("animato_device_state", f'{chosen},state="{state}"')
        for value, (state, _) in DEVICE_STATES.items()
    )
    # The state label tells the parts apart until they are summed.
    return f"sum by (instance, device) ({' or '.join(each)})"


def rows() -> list[Row]:
    """Each device, and the engines on it."""
    chosen = 'device=~"$device"'
    each = "{{instance}} {{device}}"
    at = "instance, device"
    return [
        Row(
            "Devices",
            [
                Panel(
                    "State",
                    "What each device does. down: no engine starts. lost: the driver does not list it any more.",
                    [Query(device_states(), each)],
                    kind="state-timeline",
                    width=24,
                    least=None,
                    words=DEVICE_STATES,
                ),
                Panel(
                    "Utilisation",
                    "How busy each device is, by all that use it.",
                    [Query(some("gpu_util", 'gpu_id=~"$device"'), "{{instance}} {{gpu_id}}")],
                    unit="percent",
                    most=100,
                    width=12,
                ),
                Panel(
                    "Used memory",
                    "The share of a device's memory that is used, by whatever program.",
                    [
                        Query(
                            f"1 - {some('animato_device_memory_free_bytes', chosen)}"
                            f" / {some('animato_device_memory_bytes', chosen)}",
                            each,
                        )
                    ],
                    unit="percentunit",
                    most=1,
                    steps=[(None, "transparent"), (0.97, ORANGE)],
                    width=12,
                ),
                Panel(
                    "Free memory",
                    "What is left for models and generations.",
                    [Query(some("animato_device_memory_free_bytes", chosen), each)],
                    unit="bytes",
                    width=8,
                ),
                Panel(
                    "Temperature",
                    "Most cards slow down at about 90 °C. Empty where nothing tells it, as on a processor.",
                    [Query(some("animato_device_temperature_celsius", chosen), each)],
                    unit="celsius",
                    steps=[(None, "transparent"), (87, RED)],
                    width=8,
                ),
                Panel(
                    "Idle while work waits",
                    "The share of time for which a device had nothing to do although what it took next was waiting.",
                    [
                        Query(
                            f"sum by ({at}) (rate({some('animato_device_idle_seconds_total', chosen)}[{RATE}]))",
                            each,
                        )
                    ],
                    unit="percentunit",
                    most=1,
                    steps=[(None, "transparent"), (0.3, ORANGE)],
                    width=8,
                ),
            ],
        ),
        Row(
            "Engines",
            [
                Panel(
                    "Engines by state",
                    "Engine processes that the devices may have, by what they do.",
                    [Query(total("animato_engines", "state", chosen), "{{state}}")],
                    stacked=True,
                    colours={state: colour for state, colour in DEVICE_STATES.values()},
                ),
                Panel(
                    "Engine restarts by code",
                    "Engine processes that ended without being told to.",
                    [Query(increase("animato_engine_restarts_total", "device, code", chosen), "{{device}} {{code}}")],
                    stacked=True,
                ),
                Panel(
                    "Model loads",
                    "Models that were loaded into an engine. Many mean that models push each other out.",
                    [Query(increase("animato_engine_loads_total", at, chosen), each)],
                    stacked=True,
                ),
                Panel(
                    "Out of memory, by stage",
                    "Attempts that ended for lack of device memory; they are tried again in a lower memory mode.",
                    [Query(increase("animato_out_of_memory_total", "stage"), "{{stage}}")],
                    stacked=True,
                ),
                Panel(
                    "Generations in a pass",
                    "Passes by how many generations shared them, of the last hour.",
                    [
                        Query(
                            f"sum by (le) (increase({some('animato_pass_generations_bucket')}[1h]))",
                            "at most {{le}}",
                        )
                    ],
                    kind="bargauge",
                ),
                Panel(
                    "Leases that ran out",
                    "Generations that were taken back because their worker was gone.",
                    [Query(increase("animato_leases_expired_total", "instance"), "{{instance}}")],
                ),
            ],
        ),
    ]
