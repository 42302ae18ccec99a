"""Raw bytes: the request line."""

from harness import case
from harness.raw import HOST, Row, numbered, refused, run_table

ROWS = numbered([
    Row("get", "RFC 9112 3", f"GET $P HTTP/1.1\r\n{HOST}\r\n",
        [200], ["GET $P"], upkeep=True),
    Row("two_spaces", "RFC 9112 3", f"GET  $P HTTP/1.1\r\n{HOST}\r\n",
        **refused()),
])


@case(rows=ROWS)
def request_line(t):
    """Method, target and version."""
    run_table(t)
