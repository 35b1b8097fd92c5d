"""Load on a whole deployment while its processes are killed and cut off at random; at the end nothing is lost.

`python Tests/EndToEnd/chaos.py --seconds 600` is the long version of `test_chaos.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import requests

sys.path.insert(0, str(Path(__file__).parent))

from deployment import Deployment, Proxy
from receiver import Receiver
from server import ENDED, Server, wait_for

CLIENTS = 4
WORKERS = 4
SETTLING = 120
"""Seconds within which one more task ends, once the harm is over, or one more callback comes."""


@dataclass
class Accepted:
    """A task that a client was promised."""

    task_id: str
    prompt: str


@dataclass
class Chaos:
    """A deployment under load and under attack."""

    directory: Path
    seed: int
    random: random.Random = field(init=False)
    accepted: list[Accepted] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    disturbances: Counter[str] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.receiver = Receiver()
        self.deployment = Deployment(
            self.directory,
            timed=0.05,
            queue_maxFailures=100,
            callbacks_allowHTTP="true",
            callbacks_allowedNetworks="127.0.0.0/8",
            engine_checkpointSteps=2,
        )
        port = self.deployment.redis.port
        self.networks = [Proxy(lambda: [port]) for _ in range(WORKERS)]
        self.workers = [self._worker(place) for place in range(WORKERS)]
        self.apis = [self.deployment.api() for _ in range(2)]
        self.front = Proxy(lambda: [int(api.url.rsplit(":", 1)[1]) for api in self.apis])

    def _worker(self, place: int) -> Server:
        address = f"redis://127.0.0.1:{self.networks[place].port}"
        return self.deployment.worker(f"worker{place}", store_url=address)

    # What clients do

    def client(self, number: int) -> None:
        """Submits one small request after the other, some of them equal to earlier ones."""
        chance = random.Random(self.seed * 1_000 + number)
        count = 0
        while not self.over.is_set():
            count += 1
            again = chance.random() < 0.2
            prompt = f"client {number} wants {chance.randrange(1, count + 1) if again else count}"
            body: dict[str, Any] = {"prompt": prompt, "width": 64, "height": 64, "num_frames": 5, "seed": 1}
            body |= {"num_inference_steps": chance.randrange(3, 12), "callback_url": self.receiver.url}
            try:
                # A key of its own, so that a request whose answer was lost is not another task when it comes again.
                headers = {"Idempotency-Key": f"{number}-{count}"}
                response = requests.post(self.url + "/api/v1/generate", json=body, headers=headers, timeout=30)
            except requests.RequestException as error:
                self.refused[type(error).__name__] += 1
                self.over.wait(0.2)
                continue
            if response.status_code in {200, 202}:
                self.accepted.append(Accepted(response.json()["task_id"], prompt))
            else:
                self.refused[response.json()["code"]] += 1
            self.over.wait(0.3 + chance.random() * 0.7)

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self.front.port}"

    # What goes wrong

    def disturb(self) -> None:
        """Does one harm, and lets it last for a while."""
        kinds = {
            "api killed": self.kill_api,
            "worker killed": self.kill_worker,
            "engine killed": self.kill_engine,
            "worker stopped": self.stop_worker,
            "worker cut off": self.cut_worker_off,
            "redis killed": self.kill_redis,
        }
        name = self.random.choice(list(kinds))
        self.disturbances[name] += 1
        kinds[name]()

    def kill_api(self) -> None:
        """An API server dies and is started again."""
        place = self.random.randrange(len(self.apis))
        self.apis[place].kill()
        self.apis[place] = self.deployment.api()

    def kill_worker(self) -> None:
        """A worker dies; another takes its place some time later."""
        place = self.random.randrange(WORKERS)
        self.workers[place].kill()
        time.sleep(self.random.uniform(0, 3))
        self.workers[place] = self._worker(place)

    def stop_worker(self) -> None:
        """A worker is told to stop, as for an upgrade."""
        place = self.random.randrange(WORKERS)
        assert self.workers[place].stop() == 0
        self.workers[place] = self._worker(place)

    def kill_engine(self) -> None:
        """An engine dies in the middle."""
        for pid in self.random.choice(self.workers).engines()[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def cut_worker_off(self) -> None:
        """The network between a worker and Redis is gone for longer than a lease, or for a moment."""
        network = self.random.choice(self.networks)
        network.cut()
        time.sleep(self.random.choice([0.2, 3, 14]))
        network.mend()

    def kill_redis(self) -> None:
        """Redis dies as in a power cut and comes back with what it had confirmed."""
        self.deployment.redis.kill()
        time.sleep(self.random.uniform(0, 2))
        self.deployment.redis.start_again()

    # What must hold

    def run(self, seconds: float) -> dict[str, Any]:
        """Load and harm for so long; then everything must have ended, once."""
        for member in (*self.workers, *self.apis):
            member.wait_until_ready(120)
        clients = [threading.Thread(target=self.client, args=(number,)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(self.random.uniform(0.5, 3))
                self.disturb()
        finally:
            self.over.set()
            for client in clients:
                client.join()
        return self.judge()

    def judge(self) -> dict[str, Any]:
        """Looks at every task that was accepted, and at every callback."""
        assert self.accepted, f"nothing was accepted: {self.refused}"
        ends = self._settled({accepted.task_id for accepted in self.accepted})
        failed = {task_id: task["error"] for task_id, task in ends.items() if task["status"] != "SUCCESS"}
        assert not failed, failed
        self._check_videos(ends)
        callbacks = self._check_callbacks(ends)
        return {
            "accepted": len(self.accepted),
            "tasks": len(ends),
            "refused": dict(self.refused),
            "disturbances": dict(self.disturbances),
            "attempts": max(task["attempts"] for task in ends.values()),
            "callbacks": callbacks,
        }

    def _settled(self, waiting: set[str]) -> dict[str, dict[str, Any]]:
        """How every task has ended; as long as one after the other does, it is waited for."""
        ends: dict[str, dict[str, Any]] = {}
        last = time.monotonic()
        while waiting:
            tasks = {task_id: task for task_id in waiting if (task := self._task(task_id)) is not None}
            ended = {task_id: task for task_id, task in tasks.items() if task["status"] in ENDED}
            if ended:
                ends |= ended
                waiting = waiting - set(ended)
                last = time.monotonic()
            elif time.monotonic() - last > SETTLING:
                devices = requests.get(f"{self.url}/api/v1/devices", timeout=30).text
                raise AssertionError(f"{len(waiting)} tasks do not end: {json.dumps(tasks)}; {devices}")
            time.sleep(0.5)
        return ends

    def _task(self, task_id: str) -> dict[str, Any] | None:
        """A task as it is now; nothing while no server can say."""
        with contextlib.suppress(requests.RequestException):
            response = requests.get(f"{self.url}/api/v1/tasks/{task_id}", timeout=30)
            assert response.status_code in {200, 503}, f"{task_id} is lost: {response.text}"
            return response.json() if response.status_code == 200 else None
        return None

    def _check_videos(self, ends: dict[str, dict[str, Any]]) -> None:
        """Each video says in itself what it was made from: it must be what was asked for."""
        seen: set[str] = set()
        for accepted in self.accepted:
            task = ends[accepted.task_id]
            if task["video"]["sha256"] in seen:
                continue
            seen.add(task["video"]["sha256"])
            video = requests.get(f"{self.url}/api/v1/videos/{task['video']['sha256']}.mp4", timeout=30)
            assert video.status_code == 200, video.text
            with av.open(io.BytesIO(video.content)) as container:
                tags = json.dumps(container.metadata, ensure_ascii=False)
                frames = sum(1 for _ in container.decode(video=0))
            assert json.dumps(accepted.prompt)[1:-1] in tags, (accepted, tags)
            assert frames == 5, accepted

    def _check_callbacks(self, ends: dict[str, dict[str, Any]]) -> int:
        """Every end was told, none with another status, and what was told twice has the same id."""

        def told() -> dict[str, set[tuple[str, str]]]:
            found: dict[str, set[tuple[str, str]]] = {}
            for callback in list(self.receiver.received):
                entry = (callback.headers["webhook-id"], callback.event["type"])
                found.setdefault(callback.task_id, set()).add(entry)
            return found

        wait_for(lambda: set(ends) <= set(told()), 2 * SETTLING, "a callback is missing")
        for task_id, entries in told().items():
            assert len(entries) == 1, (task_id, entries)
            assert next(iter(entries))[1] == "task.succeeded", (task_id, entries)
        return len(self.receiver.received)

    def close(self) -> None:
        """Ends everything."""
        self.over.set()
        self.front.close()
        self.deployment.close()
        for network in self.networks:
            network.close()
        self.receiver.close()


def main() -> None:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        chaos = Chaos(Path(directory), options.seed)
        try:
            print(f"seed {options.seed}", flush=True)
            print(json.dumps(chaos.run(options.seconds), indent=2))
        finally:
            chaos.close()


if __name__ == "__main__":
    main()
