"""A server of known latency: it answers after a pause, stalls once, refuses, lies, or ends, as it is told.

Started as a program, so that it does not share an interpreter with the load. It prints its port.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys

_MODEL = {
    "kind": "regressor",
    "features": [{"name": "size", "type": "number", "nullable": False, "required": True}],
    "example": "/prediction?size=2",
}


class Known:
    """The behaviour: options, and what has been answered so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.numbers = itertools.count(1)
        self.stalled_until = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        while line := await reader.readline():
            length = 0
            while (header := await reader.readline()) not in (b"\r\n", b""):
                if header.lower().startswith(b"content-length:"):
                    length = int(header.partition(b":")[2])
            body = await reader.readexactly(length)
            if line.startswith(b"GET"):
                _write(writer, 200, _MODEL)
                continue
            status, answer = await self.answer(body)
            if self.options.chunked:
                _write_chunks(writer, answer)
            else:
                _write(writer, status, answer)
            await writer.drain()
            if self.options.close:
                break
        writer.close()

    async def answer(self, body: bytes) -> tuple[int, object]:
        """Give the answer to one prediction, when it is time."""
        number, options = next(self.numbers), self.options
        loop = asyncio.get_running_loop()
        if number == options.stall_at:
            self.stalled_until = loop.time() + options.stall_ms / 1000
        if number == options.end_at:
            os._exit(3)
        await asyncio.sleep(max(options.pause_ms / 1000, self.stalled_until - loop.time()))
        if options.status != 200 and number % options.every == 0:
            return options.status, {"error": {"code": "x", "message": "as it was told"}}
        sizes = [row["size"] for row in json.loads(body)["rows"]]
        is_lie = options.lie and number > 1 and number % options.every == 0
        return 200, {"predictions": [size + 1 if is_lie else size for size in sizes]}


def _write(writer: asyncio.StreamWriter, status: int, answer: object) -> None:
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)


def _write_chunks(writer: asyncio.StreamWriter, answer: object) -> None:
    body = json.dumps(answer).encode()
    parts = (body[:5], body[5:], b"")
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for part in parts:
        writer.write(b"%x\r\n%b\r\n" % (len(part), part))


async def _main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("pause_ms", "stall_at", "stall_ms", "end_at"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--status", type=int, default=200)
    parser.add_argument("--every", type=int, default=1)
    for name in ("lie", "chunked", "close"):
        parser.add_argument(f"--{name}", action="store_true")
    server = await asyncio.start_server(Known(parser.parse_args()).serve, "127.0.0.1", 0, backlog=1000)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
