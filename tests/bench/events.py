#!/usr/bin/env python3
"""The stream source behind the bench's gateway: plain HTTP on a Unix socket.

GET /events?n=COUNT&ms=INTERVAL answers with COUNT server-sent events, each of
which says when it was written, in nanoseconds of CLOCK_MONOTONIC.  The stream
ends behind the last one; with hold=1 it stays open until the client leaves.

usage: events.py SOCKET
"""
import asyncio
import sys
import time
import urllib.parse

HEAD = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        b"Connection: close\r\n\r\n")


async def serve(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    query = urllib.parse.urlparse(head.split(b" ")[1].decode()).query
    asked = dict(urllib.parse.parse_qsl(query))
    writer.write(HEAD)
    for _ in range(int(asked.get("n", 1))):
        await asyncio.sleep(int(asked.get("ms", 0)) / 1000)
        writer.write(b"data: %d\n\n" % time.monotonic_ns())
    if asked.get("hold"):
        await reader.read()
    writer.close()


async def main(path):
    server = await asyncio.start_unix_server(serve, path, backlog=4096)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main(sys.argv[1]))
