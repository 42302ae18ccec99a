"""One chat by the asynchronous OpenAI client:
chat_openai_async.py URL plain|streamed GATE"""
import asyncio
import sys

from openai import AsyncOpenAI


async def chat(url, kind, gate):
    client = AsyncOpenAI(base_url=url, api_key="not-used", timeout=60)
    answer = await client.chat.completions.create(
        model="mastio-dev-echo", stream=kind == "streamed",
        messages=[{"role": "user", "content": "one two three"}],
        extra_headers={"X-Mastio-Gate": gate})
    if kind == "plain":
        print(answer.model_dump_json())
        return
    async for part in answer:
        print(part.model_dump_json(), flush=True)


asyncio.run(chat(*sys.argv[1:]))
