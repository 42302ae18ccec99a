/*
 * websocket: an endpoint that sends every frame back (RFC 6455): the handshake
 * is judged, frames are unmasked as they stream in, a ping becomes a pong and
 * a close ends it.
 *
 * Owner: the exchange whose endless answer the frames are.
 */
#include "mastio/websocket.h"

#include "mastio/court.h"
#include "mastio/exchange.h"
#include "mastio/routes.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define HEADER_MAX 14

struct socket {
	bool inside; /* a frame */
	uint8_t opcode;
	uint8_t mask[4];
	unsigned at; /* position in the mask */
	uint64_t left;
};

size_t
websocket_header(const uint8_t *p, size_t n)
{
	size_t need = 2;

	if (n < 2)
		return 0;
	if ((p[1] & 0x7f) == 126)
		need += 2;
	else if ((p[1] & 0x7f) == 127)
		need += 8;
	if (p[1] & 0x80)
		need += 4;
	return n < need ? 0 : need;
}

/* False: no client may send this (sections 5.1 and 5.5). */
static bool
read_header(struct socket *s, const uint8_t *p, size_t n, struct evbuffer *to)
{
	bool control = p[0] & 8;
	uint8_t out[HEADER_MAX];

	if (!(p[1] & 0x80) || (p[0] & 0x70) ||
	    (control && (!(p[0] & 0x80) || (p[1] & 0x7f) > 125)))
		return false;
	s->inside = true;
	s->opcode = p[0] & 0x0f;
	s->at = 0;
	s->left = p[1] & 0x7f;
	if (s->left >= 126) {
		s->left = 0;
		for (size_t i = 2; i < n - 4; i++)
			s->left = s->left << 8 | p[i];
	}
	memcpy(s->mask, p + n - 4, 4);
	memcpy(out, p, n - 4);
	out[1] &= 0x7f;
	if (s->opcode == OP_PING)
		out[0] = (p[0] & 0xf0) | OP_PONG;
	evbuffer_add(to, out, n - 4);
	return true;
}

static size_t
copy_payload(struct socket *s, const uint8_t *p, size_t n, struct evbuffer *to)
{
	uint8_t plain[4096];

	if (n > s->left)
		n = (size_t)s->left;
	if (n > sizeof(plain))
		n = sizeof(plain);
	for (size_t i = 0; i < n; i++)
		plain[i] = p[i] ^ s->mask[s->at++ % 4];
	evbuffer_add(to, plain, n);
	s->left -= n;
	return n;
}

static enum pulled
echo_frames(struct exchange *x, struct evbuffer *to)
{
	struct socket *s = x->answer.source;
	struct evbuffer *in = x->conn->in;
	bool moved = false;

	for (;;) {
		size_t n = evbuffer_get_length(in), used;
		const uint8_t *p = evbuffer_pullup(in, (ev_ssize_t)n);

		if (s->inside && s->left == 0) {
			if (s->opcode == OP_CLOSE)
				return PULL_DONE;
			s->inside = false;
		}
		if (s->inside) {
			used = copy_payload(s, p, n, to);
		} else {
			used = websocket_header(p, n);
			if (used && !read_header(s, p, used, to))
				return PULL_DONE;
		}
		evbuffer_drain(in, used);
		moved |= used > 0;
		if (used == 0 || evbuffer_get_length(to) > OUT_HIGH)
			return moved ? PULL_MORE : PULL_WAIT;
	}
}

/* Section 4.2.2: base64 of SHA-1 of the key with a fixed text behind it. */
static char *
accept_of(const char *key)
{
	char *text = xasprintf("%s" GUID, key);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_Digest(text, strlen(text), digest, &n, EVP_sha1(), NULL))
		abort();
	free(text);
	return b64_encode(digest, n);
}

bool
websocket_asked(const struct exchange *x)
{
	const struct head *h = x->head;
	const char *version = http_header(h, "Sec-WebSocket-Version", 0);

	return h->minor >= 1 && http_header(h, "Sec-WebSocket-Key", 0) &&
	       version && strcmp(version, "13") == 0 &&
	       http_header_has(h, "Upgrade", "websocket") &&
	       http_header_has(h, "Connection", "upgrade");
}

void
websocket_refuse(struct exchange *x)
{
	static const char refusal[] = "Forbidden";

	answer_begin(x, 403, FROM_APP);
	answer_header(x, "Content-Type", "text/plain");
	answer_body(x, refusal, sizeof(refusal) - 1);
}

void
websocket_accept(struct exchange *x, bool with_protocol, websocket_pull *pull,
    void *source, void (*source_free)(void *))
{
	const char *protocol =
	    http_header(x->head, "Sec-WebSocket-Protocol", 0);
	char *accept = accept_of(http_header(x->head, "Sec-WebSocket-Key", 0));

	answer_begin(x, 101, FROM_NGINX);
	answer_header(x, "Upgrade", "websocket");
	answer_header(x, "Sec-WebSocket-Accept", accept);
	if (protocol && with_protocol)
		answer_header(x, "Sec-WebSocket-Protocol", protocol);
	answer_stream(x, ANSWER_CLOSE, 0, pull, source, source_free);
	free(accept);
}

void
websocket_put(struct evbuffer *to, uint8_t opcode, const void *data, size_t n)
{
	uint8_t head[10] = {(uint8_t)(0x80 | opcode)};
	size_t used = 2;

	if (n < 126) {
		head[1] = (uint8_t)n;
	} else {
		head[1] = n < 65536 ? 126 : 127;
		for (int shift = n < 65536 ? 8 : 56; shift >= 0; shift -= 8)
			head[used++] = (uint8_t)((uint64_t)n >> shift);
	}
	evbuffer_add(to, head, used);
	evbuffer_add(to, data, n);
}

void
websocket_echo(struct exchange *x)
{
	if (!websocket_asked(x)) {
		websocket_refuse(x);
		return;
	}
	websocket_accept(
	    x, true, echo_frames, xcalloc(1, sizeof(struct socket)), free);
}

void
websocket_broker(struct exchange *x)
{
	if (!x->srv->set.federated && x->srv->set.ws_echo)
		websocket_echo(x);
	else
		court_socket(x);
}
