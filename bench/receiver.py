"""A receiver of webhooks in a process of its own, which notes when each came.

with receiving() as receiver:
    receiver.url
    receiver.created_at()    {incident id: seconds since 1970}
"""

import asyncio
import contextlib
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

from bench.http_client import HOST

fork = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Receiver:
    port: int
    pipe: Connection

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"

    def created_at(self) -> dict[int, float]:
        """Return when the receiver was first told of each incident's creation, since the last call."""
        self.pipe.send(None)
        found: dict[int, float] = self.pipe.recv()
        return found


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    ours, theirs = fork.Pipe()
    process = fork.Process(target=lambda: asyncio.run(serve(theirs)), daemon=True)
    process.start()
    try:
        yield Receiver(ours.recv(), ours)
    finally:
        process.kill()
        process.join()


async def serve(pipe: Connection) -> None:
    os.nice(10)  # It stands for another machine.
    received: list[tuple[float, bytes]] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                [length] = [
                    line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                ]
                body = await reader.readexactly(int(length.split(b":")[1]))
                received.append((time.time(), body))
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        writer.close()

    def report() -> None:
        pipe.recv()
        found: dict[int, float] = {}
        for at, body in received:
            message = json.loads(body)
            if message["type"] == "incident.created":
                found.setdefault(message["data"]["incident"]["id"], at)
        received.clear()
        pipe.send(found)

    server = await asyncio.start_server(accept, HOST, 0, backlog=512)
    asyncio.get_running_loop().add_reader(pipe.fileno(), report)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
