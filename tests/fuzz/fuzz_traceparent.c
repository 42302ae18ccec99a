/*
 * fuzz_traceparent: the trace-id of a traceparent field.  What is taken is
 * what the grammar, written once more as a regular expression, takes; nothing
 * else gets into a log.
 */
#include "proxy/accesslog.h"

#include <assert.h>
#include <regex.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* W3C Trace Context sections 3.2.2 and 3.2.4.  POSIX knows no look-ahead, so
 * what may not be is an expression too. */
static const char grammar[] = "^(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}|"
			      "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-"
			      "[0-9a-f]{2}(-.*)?)$";
static const char forbidden[] = "^(ff-|00-.{52}-|..-0{32}-|.{36}0{16}-)";

/* Compiled once and kept. */
static bool
matches(regex_t *re, const char *expression, const char *text)
{
	if (!re->buffer)
		assert(regcomp(re, expression, REG_EXTENDED | REG_NOSUB) == 0);
	return regexec(re, text, 0, NULL, 0) == 0;
}

static bool
is_valid(const char *text)
{
	static regex_t good, bad;

	return matches(&good, grammar, text) && !matches(&bad, forbidden, text);
}

/* As 55 bytes of the input would have to be for a version 00. */
static void
check_made(const uint8_t *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char text[56] = "00-";
	bool id = false, parent = false;

	if (size < 52)
		return;
	for (int i = 3; i < 55; i++)
		text[i] = digits[data[i - 3] & 15];
	text[35] = text[52] = '-';
	for (int i = 3; i < 35; i++)
		id |= text[i] != '0';
	for (int i = 36; i < 52; i++)
		parent |= text[i] != '0';
	assert(span_eq(accesslog_trace_id(span_new(text, 55)),
	    id && parent ? span_new(text + 3, 32) : SPAN_NONE));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_new((const char *)data, size), id;
	char *text;

	id = accesslog_trace_id(in);
	if (id.p) {
		assert(id.n == 32 && id.p == in.p + 3);
		for (size_t i = 0; i < id.n; i++)
			assert(strchr("0123456789abcdef", id.p[i]) && id.p[i]);
	}
	/* A field value has no NUL. */
	if (!memchr(in.p, '\0', in.n)) {
		text = span_dup(in);
		assert((id.p != NULL) == is_valid(text));
		free(text);
	}
	check_made(data, size);
	return 0;
}
