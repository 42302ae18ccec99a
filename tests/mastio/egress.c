/*
 * egress: /v1/egress/…: says back what arrived, or makes an answer to order.
 *
 * ?bytes=N, X-Mastio-Reply-Bytes: N      a body of N bytes; byte i is i % 251,
 *                                        its hash in X-Mastio-Reply-Sha256
 * X-Mastio-Reply-Chunked: yes            chunked instead of Content-Length
 * X-Mastio-Reply-Close: yes              delimited by the connection's end
 * X-Mastio-Status: N                     this status
 * X-Mastio-Reply-Header: Name: value     one more header; may be repeated
 */
#include "mastio/exchange.h"
#include "mastio/journal.h"
#include "mastio/process.h"
#include "mastio/routes.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

#define PERIOD 251
#define BLOCK (PERIOD * 256)
#define BYTES_MAX ((int64_t)1 << 40)

static uint8_t block[BLOCK];

static void
fill_block(void)
{
	if (block[1])
		return;
	for (size_t i = 0; i < BLOCK; i++)
		block[i] = (uint8_t)(i % PERIOD);
}

/* SHA-256 of the first n bytes; the last result is kept, a GiB takes time. */
static const char *
pattern_sha256(uint64_t n)
{
	static char hex[SHA256_HEX_SIZE];
	static uint64_t hex_n = UINT64_MAX;
	uint8_t digest[SHA256_LEN];
	EVP_MD_CTX *md;

	if (hex_n == n)
		return hex;
	hex_n = n;
	md = EVP_MD_CTX_new();
	if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL))
		abort();
	for (uint64_t left = n; left;) {
		size_t take = left < BLOCK ? (size_t)left : BLOCK;

		EVP_DigestUpdate(md, block, take);
		left -= take;
	}
	EVP_DigestFinal_ex(md, digest, NULL);
	EVP_MD_CTX_free(md);
	hex_encode(digest, sizeof(digest), hex);
	return hex;
}

struct pattern {
	uint64_t left;
};

static enum pulled
pull_pattern(struct exchange *x, struct evbuffer *to)
{
	struct pattern *p = x->answer.source;
	size_t take = p->left < BLOCK ? (size_t)p->left : BLOCK;

	if (!take)
		return PULL_DONE;
	evbuffer_add_reference(to, block, take, NULL, NULL);
	p->left -= take;
	return PULL_MORE;
}

static int64_t
reply_bytes(const struct exchange *x)
{
	const char *value = http_header(x->head, "X-Mastio-Reply-Bytes", 0);
	const char *q = x->query ? strstr(x->query, "bytes=") : NULL;
	char digits[24] = "";

	if (!value && q && (q == x->query || q[-1] == '&')) {
		size_t n = strspn(q + 6, "0123456789");

		if (n < sizeof(digits))
			memcpy(digits, q + 6, n);
		value = digits;
	}
	return value ? parse_number(value, BYTES_MAX) : -1;
}

static void
order_headers(struct exchange *x)
{
	const char *line;

	for (size_t i = 0;
	     (line = http_header(x->head, "X-Mastio-Reply-Header", i)); i++) {
		char *name = xstrndup(line, strcspn(line, ":"));
		const char *value = line + strlen(name);

		value += strspn(value, ": ");
		answer_header(x, name, value);
		free(name);
	}
}

static void
reply_pattern(struct exchange *x, int status, uint64_t n)
{
	struct pattern *p = xcalloc(1, sizeof(*p));
	enum answer_framing framing = ANSWER_LENGTH;

	fill_block();
	p->left = n;
	if (http_header_has(x->head, "X-Mastio-Reply-Chunked", "yes"))
		framing = ANSWER_CHUNKED;
	else if (http_header_has(x->head, "X-Mastio-Reply-Close", "yes"))
		framing = ANSWER_CLOSE;
	answer_begin(x, status, FROM_APP);
	order_headers(x);
	answer_header(x, "Content-Type", "application/octet-stream");
	answer_header(x, "X-Mastio-Reply-Sha256", pattern_sha256(n));
	answer_stream(x, framing, n, pull_pattern, p, free);
}

/* nginx drops header names with an underscore without a word. */
static json_t *
headers_seen(const struct exchange *x)
{
	json_t *list = json_array();

	for (size_t i = 0; i < x->head->nheaders; i++) {
		const struct header *h = &x->head->headers[i];
		json_t *value;

		if (strchr(h->name, '_'))
			continue;
		value = json_string(h->value);
		if (!value)
			value = json_string("(not UTF-8)");
		json_array_append_new(list, json_pack("[s,o]", h->name, value));
	}
	return list;
}

static void
reply_echo(struct exchange *x, int status)
{
	json_t *o = json_pack(
	    "{s:s, s:s, s:s, s:s?, s:s, s:o, s:I, s:s, s:i, s:s, s:s}",
	    "method", x->head->method, "target", x->head->target, "path",
	    x->path, "query", x->query, "host", x->app_host, "headers",
	    headers_seen(x), "body_bytes", (json_int_t)x->body.bytes,
	    "body_sha256", x->log->body_sha256, "process",
	    (int)process_index(x->process), "auth",
	    auth_kind_name(x->log->auth), "agent_id", x->agent_id);
	char *text = json_dumps(o, JSON_COMPACT);

	answer_begin(x, status, FROM_APP);
	order_headers(x);
	answer_header(x, "Content-Type", "application/json");
	answer_header(x, "Cache-Control", "no-store");
	answer_body(x, text ? text : "", text ? strlen(text) : 0);
	free(text);
	json_decref(o);
}

void
egress_echo(struct exchange *x)
{
	const char *value = http_header(x->head, "X-Mastio-Status", 0);
	int64_t status = value ? parse_number(value, 999) : 200;
	int64_t n = reply_bytes(x);

	/* No automatic HEAD in the reference; one made to order is. */
	if (!value && strcmp(x->head->method, "HEAD") == 0) {
		answer_detail_with(
		    x, 405, "Method Not Allowed", "Allow", "GET");
		return;
	}
	if (status < 200)
		status = 200;
	if (n >= 0)
		reply_pattern(x, (int)status, (uint64_t)n);
	else
		reply_echo(x, (int)status);
}
