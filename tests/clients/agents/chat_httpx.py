"""One chat by httpx: chat_httpx.py URL plain|streamed GATE"""
import sys

import httpx

url, kind, gate = sys.argv[1:]
body = {"model": "mastio-dev-echo", "stream": kind == "streamed",
        "messages": [{"role": "user", "content": "one two three"}]}

with httpx.Client(timeout=60) as client:
    with client.stream("POST", url + "/chat/completions", json=body,
                       headers={"X-Mastio-Gate": gate}) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            print(line, flush=True)
