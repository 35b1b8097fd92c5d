"""Writes the dashboards of this folder: `python dashboards.py`, or with `--check` says which of them are out of date.

The JSON in `dashboards/` is what Grafana reads; this is what people change.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import devices
import machines
import service
import tenants
import work
from panels import Dashboard
from queries import OURS

FOLDER = Path(__file__).parent / "dashboards"
INSTANCE = ("instance", "Server", 'label_values(up{job="animato"}, instance)')
DEVICE = ("device", "Device", f"label_values(animato_device_state{{{OURS}}}, device)")
TENANT = ("tenant", "Tenant", f"label_values(animato_tenant_running_tasks{{{OURS}}}, tenant)")


DASHBOARDS = {
    "overview": Dashboard(
        "animato-overview",
        "Animato: overview",
        "Whether videos are made, how long they take, and what goes wrong.",
        [*work.rows(), *service.rows()],
        [INSTANCE],
    ),
    "devices": Dashboard(
        "animato-devices",
        "Animato: devices",
        "What each device and its engines do.",
        devices.rows(),
        [INSTANCE, DEVICE],
    ),
    "machines": Dashboard(
        "animato-machines",
        "Animato: many machines",
        "Processes that share a Redis, what they ask of it, and the bridge to Celery.",
        machines.rows(),
        [INSTANCE],
    ),
    "tenants": Dashboard(
        "animato-tenants",
        "Animato: tenants",
        "Who uses the devices, and who is at a limit.",
        tenants.rows(),
        [INSTANCE, TENANT],
    ),
}


def texts() -> dict[Path, str]:
    """The files, as they should be."""
    return {
        FOLDER / f"{name}.json": json.dumps(dashboard.as_json(), indent=2, ensure_ascii=False) + "\n"
        for name, dashboard in DASHBOARDS.items()
    }


def main() -> int:
    """Writes the files, or compares them."""
    files = texts()
    if "--check" in sys.argv[1:]:
        stale = [path.name for path, text in files.items() if not path.exists() or path.read_text() != text]
        for name in stale:
            print(f"{name} is not what dashboards.py makes; run it again", file=sys.stderr)
        return 1 if stale else 0
    for path, text in files.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
