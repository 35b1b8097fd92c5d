"""Slow clients by the thousand, in a process of their own: `slow_crowd.py PORT PATH COUNT`.

Prints `ready` once all of them are connected, and goes on until it is ended. A quarter of them dribbles a head, another
a body, another takes a video a little at a time, and the last says nothing after a first request.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import sys

PAUSE = 2.0
"""Seconds between two bytes of a client."""


async def connect(port: int, receive_buffer: int | None = None) -> socket.socket:
    """A connection that the loop does not read from by itself."""
    client = socket.socket()
    client.setblocking(False)
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    return client


async def dribble(client: socket.socket, start: bytes, byte: bytes) -> None:
    """Sends a start and then a byte now and then."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, start)
    while True:
        await asyncio.sleep(PAUSE)
        await loop.sock_sendall(client, byte)


async def sip(client: socket.socket, request: bytes) -> None:
    """Takes a little of an answer now and then."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, request)
    while await loop.sock_recv(client, 100):
        await asyncio.sleep(PAUSE)


async def idle(client: socket.socket, request: bytes) -> None:
    """Asks once."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, request)
    while await loop.sock_recv(client, 1000):
        pass


async def crowd(port: int, path: str, count: int) -> None:
    """Connects all, and keeps them."""
    host = b"Host: localhost\r\n"
    post = (
        b"POST /api/v1/generate HTTP/1.1\r\n" + host + b"Content-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
    )
    tasks = []
    for number in range(count):
        match number % 4:
            case 0:
                tasks.append(asyncio.create_task(dribble(await connect(port), b"GET /healthz HTTP/1.1\r\nX: ", b"x")))
            case 1:
                tasks.append(asyncio.create_task(dribble(await connect(port), post, b" ")))
            case 2:
                request = f"GET {path} HTTP/1.1\r\n".encode() + host + b"\r\n"
                tasks.append(asyncio.create_task(sip(await connect(port, receive_buffer=2048), request)))
            case _:
                request = b"GET /healthz HTTP/1.1\r\n" + host + b"\r\n"
                tasks.append(asyncio.create_task(idle(await connect(port), request)))
    # The first bytes of everybody are on their way.
    await asyncio.sleep(PAUSE)
    print("ready", flush=True)
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 16_384), most))
    asyncio.run(crowd(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
