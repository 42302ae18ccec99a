"""A session of the MCP client that calls the tool echo: tools_mcp.py URL"""
import asyncio
import sys

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def call(url):
    async with streamable_http_client(url + "/mcp") as (read, write, *_):
        async with ClientSession(read, write) as session:
            await session.initialize()
            tools = await session.list_tools()
            assert [t.name for t in tools.tools] == ["echo"], tools
            result = await session.call_tool("echo", {"text": "one two three"})
            print(result.content[0].text)


asyncio.run(call(sys.argv[1]))
