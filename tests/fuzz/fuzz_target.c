/*
 * fuzz_target: a request target, the method told by the first byte; and the
 * same text as an authority.  What is understood is clean, inside the input,
 * and understood as the same again when it is put together.
 */
#include "http/chars.h"
#include "http/url.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_authority(const struct authority *a)
{
	struct buf text = BUF_INIT;
	struct authority again;

	assert(a->host.n > 0 && a->host.n <= 255);
	assert(a->port == -1 || (a->port >= 1 && a->port <= 65535));
	for (size_t i = 0; i < a->host.n; i++)
		assert(char_is(a->host.p[i], C_HOST) ||
		       (a->ipv6 && a->host.p[i] == ':'));
	buf_printf(&text, a->ipv6 ? "[%.*s]" : "%.*s", SPAN_ARG(a->host));
	if (a->port > 0)
		buf_printf(&text, ":%d", a->port);
	assert(authority_parse(buf_span(&text), &again));
	assert(span_eq(again.host, a->host));
	assert(again.port == a->port && again.ipv6 == a->ipv6);
	buf_free(&text);
}

static void
check_path_query(const struct target *t)
{
	struct target again;
	struct buf text = BUF_INIT;

	assert(t->path.n > 0 && t->path.p[0] == '/');
	assert(t->query.n == 0 || t->query.p[0] == '?');
	buf_add_span(&text, t->path);
	buf_add_span(&text, t->query);
	for (size_t i = 0; i < text.len; i++) {
		char c = buf_span(&text).p[i];

		assert(c > ' ' && c < 0x7f && c != '#' && c != '\\');
	}
	/* What goes to the gateway is origin form. */
	assert(target_parse(SPAN("GET"), buf_span(&text), &again));
	assert(again.form == TARGET_ORIGIN && !again.authority.host.p);
	assert(span_eq(again.path, t->path));
	assert(span_eq(again.query, t->query));
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const methods[] = {"GET", "CONNECT", "OPTIONS"};
	struct span text, method;
	struct authority a;
	struct target t;

	if (size == 0)
		return 0;
	method = span_of(methods[data[0] % COUNT(methods)]);
	text = span_new((const char *)data + 1, size - 1);
	if (authority_parse(text, &a))
		check_authority(&a);
	if (!target_parse(method, text, &t))
		return 0;
	assert((t.form == TARGET_AUTHORITY) ==
	       (method.n == 7 && method.p[0] == 'C'));
	assert(t.form != TARGET_ASTERISK || method.p[0] == 'O');
	assert(t.form != TARGET_ABSOLUTE || t.authority.host.n);
	if (t.authority.host.n)
		check_authority(&t.authority);
	if (t.form == TARGET_ORIGIN || t.form == TARGET_ABSOLUTE)
		check_path_query(&t);
	else if (t.form == TARGET_ASTERISK)
		assert(span_eq(t.path, SPAN("*")) && !t.query.p);
	else
		assert(!t.path.p && !t.query.p);
	return 0;
}
