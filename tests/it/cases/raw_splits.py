"""Raw bytes in pieces: however they are cut, the same comes of them."""

import itertools
import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from harness import case
from harness.raw import HOST, each_row, open_files, recorded
from harness.recorder import CLOSE, PATH

SPLITS = 100  # random ones, besides one byte at a time
THREADS = 16
FIRST = 100000  # of the numbers of the exchanges, all of one length
PAUSE = 0.0003  # lets a piece be read before the next; costs nothing if not
SAID = re.compile(rb'"request_id":"[^"]*"')
CHUNKED = "Transfer-Encoding: chunked\r\n"


@dataclass
class Piece:
    """What is cut: the upstream's answer if there is one, else the client's
    bytes.  answers: to which method, and with what status."""
    name: str
    source: str
    send: str
    answers: list
    reply: str = ""
    close: bool = False


def request(line, fields="", body=""):
    return f"{line} HTTP/1.1\r\n{HOST}{fields}\r\n{body}"


def length(line, body, more=""):
    return request(line, f"Content-Length: {len(body)}\r\n{more}", body)


GET = request("GET $P")
BODY = "5;a=\"b\";c\r\nhello\r\n3\r\n yo\r\n0;z\r\n"
MIXED = (GET + length("POST $P/1", "hello")
         + request("POST $P/2", CHUNKED, BODY + "X-T: t\r\nX-U: u\r\n\r\n")
         + request("HEAD $P/3") + "\r\n" + request("DELETE $P/4"))
OK = "HTTP/1.1 200 OK\r\n"

ROWS = [
    # ---- from the client ----
    Piece("one_request", "RFC 9112 2.2", GET, ["GET 200"]),
    Piece("pipelined_of_all_kinds", "RFC 9112 9.3.2", MIXED,
          ["GET 200", "POST 200", "POST 200", "HEAD 200", "DELETE 200"]),
    Piece("chunks_with_trailers", "RFC 9112 7.1",
          request("POST $P", CHUNKED, BODY + "X-T: t\r\n\r\n") + GET,
          ["POST 200", "GET 200"]),
    Piece("connect_and_requests", "RFC 9110 9.3.6",
          request("CONNECT mastio.test:443") + GET + GET,
          ["CONNECT 200", "GET 200", "GET 200"]),
    Piece("malformed_field_behind_a_request", "RFC 9112 5.1",
          GET + request("GET $P/2", "X-A : a\r\n") + GET,
          ["GET 200", "GET 400"]),
    Piece("two_lengths", "RFC 9112 6.3",
          length("POST $P", "hello", "Content-Length: 6\r\n") + GET,
          ["POST 400"]),
    Piece("length_and_chunked", "RFC 9112 6.3",
          length("POST $P", "0\r\n\r\n", CHUNKED) + GET, ["POST 400"]),
    Piece("chunk_without_end", "CVE-2025-43859",
          request("POST $P", CHUNKED, "5\r\nhelloXX0\r\n\r\n") + GET,
          ["POST 400"]),
    Piece("chunk_extension_with_line_feed", "CVE-2025-58056",
          request("POST $P", CHUNKED, "5;a\nhello\r\n0\r\n\r\n") + GET,
          ["POST 400"]),
    Piece("refused_then_served", "RFC 9112 9.3",
          request("TRACE $P") + request("GET $P/../x") + GET,
          ["TRACE 501", "GET 400", "GET 200"]),

    # ---- from the upstream ----
    Piece("answer_with_length", "RFC 9112 6.3", GET, ["GET 200"],
          f"{OK}X-A: a\r\nContent-Length: 5\r\n\r\nhello"),
    Piece("answer_in_chunks", "RFC 9112 7.1", GET, ["GET 200"],
          f"{OK}{CHUNKED}X-A: a\r\n\r\n{BODY}X-T: t\r\n\r\n"),
    Piece("answer_behind_interim_ones", "RFC 9110 15.2", GET, ["GET 200"],
          "HTTP/1.1 100 Continue\r\n\r\n"
          "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
          f"{OK}Content-Length: 5\r\n\r\nhello"),
    Piece("answer_until_closed", "RFC 9112 6.3", GET, ["GET 200"],
          f"{OK}X-A: a\r\n\r\nhello", close=True),
    Piece("answer_malformed", "RFC 9112 5.1", GET, ["GET 502"],
          f"{OK}X-A : a\r\nContent-Length: 5\r\n\r\nhello"),
    Piece("answer_with_two_lengths", "RFC 9112 6.3", GET, ["GET 502"],
          f"{OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
]


def cuts(n, seed):
    """Where n bytes are cut: nowhere, everywhere, at random."""
    yield []
    yield range(1, n)
    rng = random.Random(seed)
    for _ in range(SPLITS):
        yield sorted(rng.sample(range(1, n), rng.randint(1, 12)))


def cut(data, at):
    return [data[a:b] for a, b in zip([0, *at], [*at, len(data)])]


def said(client, method):
    """An answer without what differs each time."""
    answer = client.answer(method)
    fields = [f for f in answer.fields if f[0] != "Content-Length"
              or not answer.code]
    return (answer.status, fields, SAID.sub(b"", answer.body),
            [(i.status, i.fields) for i in answer.interim])


def exchange(s, recorder, row, number, at):
    """What the client got and what the upstream got."""
    path = f"{PATH}{number}".encode()
    pieces = [row.send.encode().replace(b"$P", path)]
    if row.reply:
        steps = cut(row.reply.encode(), at)
        with recorder.lock:
            recorder.replies[number] = [steps + [CLOSE] * row.close]
    else:
        pieces = cut(pieces[0], at)
    with s.connect() as client:
        sender = threading.Thread(target=send, args=(client, pieces))
        sender.start()
        got = [said(client, answer.split()[0]) for answer in row.answers]
        sender.join()
    status = [answer[0] for answer in got]
    assert status == [int(a.split()[1]) for a in row.answers], got
    arrived = [(r.line, [f for f in r.fields if f[0] not in
                         ("Authorization", "DPoP")], r.body)
               for r in recorder.of(number) if r.complete]
    return [repr(x).replace(path.decode(), "$P") for x in (got, arrived)]


def send(client, pieces):
    try:
        for piece in pieces:
            client.send(piece)
            if len(pieces) > 1:
                time.sleep(PAUSE)
    except OSError:
        pass  # it was refused before its end


@case(rows=ROWS, seconds=120)
def splits(t):
    """One byte at a time or in random pieces, from the client or from the
    gateway: answers and forwarded requests are those of the whole."""
    recorder, s = recorded(t, body_timeout="60s", max_clients=4096)
    before = open_files(s)
    recorder.pause = PAUSE
    numbers = itertools.count(FIRST)
    with ThreadPoolExecutor(THREADS) as pool:
        def run(row):
            path = f"{PATH}{FIRST}"
            n = len(row.reply or row.send.replace("$P", path))
            runs = [pool.submit(exchange, s, recorder, row, next(numbers), at)
                    for at in cuts(n, row.name)]
            whole, *others = [r.result() for r in runs]
            for result in others:
                assert result == whole, f"{result}, whole: {whole}"
        each_row(t, run)
    assert not recorder.failures, recorder.failures
    recorder.close()
    t.wait_until(lambda: open_files(s) <= before,
                 what=lambda: f"{open_files(s)} files are {before} again")
