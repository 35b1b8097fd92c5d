"""Several processes on one Redis, as on several machines, and what can happen between them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from redis_server import RedisServer, free_port
from server import Server, wait_for


class Proxy:
    """Carries connections to the first of some ports that takes them, in turn; can be cut, and mended again."""

    def __init__(self, ports: Callable[[], list[int]]) -> None:
        self.ports = ports
        self.turn = 0
        self.is_cut = False
        self.lock = threading.Lock()
        self.open: set[socket.socket] = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def cut(self) -> None:
        """Ends every connection, and takes no new one."""
        with self.lock:
            self.is_cut = True
            connections, self.open = self.open, set()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Takes connections again."""
        with self.lock:
            self.is_cut = False

    def close(self) -> None:
        """Ends it."""
        self.cut()
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        server = None if self.is_cut else self._connect()
        if server is None:
            client.close()
            return
        with self.lock:
            if self.is_cut:
                client.close()
                server.close()
                return
            self.open |= {client, server}
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        self._pump(client, server)
        back.join()
        with self.lock:
            self.open -= {client, server}
        client.close()
        server.close()

    def _connect(self) -> socket.socket | None:
        ports = self.ports()
        self.turn += 1
        for offset in range(len(ports)):
            with contextlib.suppress(OSError):
                server = socket.create_connection(("127.0.0.1", ports[(self.turn + offset) % len(ports)]), timeout=5)
                server.settimeout(None)
                return server
        return None

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65_536):
                target.sendall(part)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Deployment:
    """Some API servers and some workers that share a Redis and a folder."""

    def __init__(self, directory: Path, fsync: str = "always", **settings: object) -> None:
        self.directory = directory
        self.settings = settings
        directory.mkdir(parents=True, exist_ok=True)
        self.redis = RedisServer(directory / "redis", fsync)
        self.members: list[Server] = []
        (directory / "shared").mkdir()

    def api(self, **settings: object) -> Server:
        """Starts an API server, and waits until it answers."""
        server = self._start("api", ("serve", "--role", "api"), settings)
        server.wait_until_live()
        return server

    def worker(self, name: str, **settings: object) -> Server:
        """Starts a worker; its address is that of its metrics."""
        port = free_port()
        server = self._start(name, ("worker",), {"worker_name": name, "metrics_port": port} | settings)
        assert server.process.stdout is not None
        assert "makes videos" in server.process.stdout.readline(), server.logged()
        server.url = f"http://127.0.0.1:{port}"
        wait_for(lambda: self._is_open(port), 30, f"the worker does not listen: {server.logged()}")
        return server

    @staticmethod
    def _is_open(port: int) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    def _start(self, name: str, command: tuple[str, ...], settings: dict[str, object]) -> Server:
        values = {
            "store_url": self.redis.url,
            "storage_directory": self.directory / "shared",
        }
        data = self.directory / f"{name}-{len(self.members)}"
        server = Server(data, values | self.settings | settings, command=command)
        self.members.append(server)
        return server

    def close(self) -> None:
        """Ends everything."""
        for member in self.members:
            member.kill()
        self.redis.close()
