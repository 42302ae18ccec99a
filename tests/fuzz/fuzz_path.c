/*
 * fuzz_path: both readings of a path.  Neither holds what a rule or a server
 * could stumble over, and every other spelling of the same path is read as
 * the same.
 */
#include "http/url.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(struct span s)
{
	assert(s.n > 0 && s.p[0] == '/');
	assert(span_is_utf8(s));
	for (size_t i = 0; i < s.n; i++)
		assert((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f &&
		       s.p[i] != '\\');
}

static void
check_policy(struct span policy)
{
	struct span rest = span_new(policy.p + 1, policy.n - 1);

	assert(span_find(policy, ';') < 0);
	while (rest.p) {
		struct span segment = span_cut(&rest, '/');

		assert(segment.n > 0 || !rest.p);
		assert(!span_eq(segment, SPAN(".")));
		assert(!span_eq(segment, SPAN("..")));
	}
}

/* All bytes but the first escaped, or as few as possible. */
static void
check_spelling(const struct path *path, bool all)
{
	struct span decoded = buf_span(&path->decoded);
	struct path again = {0};
	struct buf raw = BUF_INIT;

	for (size_t i = 0; i < decoded.n; i++) {
		char c = decoded.p[i];

		if (i && (all || c == '%' || c == '/'))
			buf_printf(&raw, "%%%02x", (unsigned char)c);
		else
			buf_add_char(&raw, c);
	}
	assert(path_read(buf_span(&raw), &again) == PATH_OK);
	assert(span_eq(buf_span(&again.decoded), decoded));
	assert(span_eq(buf_span(&again.policy), buf_span(&path->policy)));
	path_free(&again);
	buf_free(&raw);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct path path = {0};
	struct buf raw = BUF_INIT;
	enum path_status st;

	buf_add_char(&raw, '/');
	buf_add(&raw, data, size);
	st = path_read(buf_span(&raw), &path);
	assert(path_status_text(st)[0] != '\0');
	if (st == PATH_OK) {
		assert(path.decoded.len <= raw.len);
		assert(path.policy.len <= path.decoded.len);
		check_text(buf_span(&path.decoded));
		check_text(buf_span(&path.policy));
		check_policy(buf_span(&path.policy));
		check_spelling(&path, true);
		check_spelling(&path, false);
	} else {
		assert(path.decoded.len == 0 && path.policy.len == 0);
	}
	path_free(&path);
	buf_free(&raw);
	return 0;
}
