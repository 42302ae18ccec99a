"""One chat by the OpenAI client: chat_openai.py URL plain|streamed GATE"""
import sys

from openai import OpenAI

url, kind, gate = sys.argv[1:]
client = OpenAI(base_url=url, api_key="not-used", timeout=60)
answer = client.chat.completions.create(
    model="mastio-dev-echo", stream=kind == "streamed",
    messages=[{"role": "user", "content": "one two three"}],
    extra_headers={"X-Mastio-Gate": gate})
for part in answer if kind == "streamed" else [answer]:
    print(part.model_dump_json(), flush=True)
