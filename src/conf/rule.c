/*
 * rule: see rule.h.
 */
#include "conf/rule.h"

#include "base/mem.h"
#include "http/url.h"

#include <stdlib.h>

static bool
method_ok(struct span method)
{
	if (span_eq(method, SPAN("*")))
		return true;
	for (size_t i = 0; i < method.n; i++)
		if ((method.p[i] < 'A' || method.p[i] > 'Z') &&
		    method.p[i] != '-')
			return false;
	return method.n > 0;
}

static bool
prefix_ok(struct span prefix)
{
	struct path path = {0};
	bool ok = prefix.n && prefix.p[0] == '/';

	for (size_t i = 0; ok && i < prefix.n; i++)
		ok = !memchr(" \t%?#*", prefix.p[i], 6);
	ok = ok && path_read(prefix, &path) == PATH_OK &&
	     span_eq(buf_span(&path.policy), prefix);
	path_free(&path);
	return ok;
}

bool
rule_parse(struct span text, struct rule *out)
{
	struct span prefix = text, method = span_cut(&prefix, ' ');

	prefix = span_trim(prefix);
	if (!method_ok(method) || !prefix_ok(prefix))
		return false;
	if (span_ends(prefix, SPAN("/")))
		prefix.n--;
	*out = (struct rule){.method = span_dup(method),
	    .prefix = span_dup(prefix),
	    .text = span_dup(text)};
	return true;
}

/* Whoever reads the raw path splits it at its slashes first and decodes each
 * segment then (RFC 3986 section 2.4): an encoded slash divides nothing. */
static bool
is_sent_under(struct span raw, const char *prefix)
{
	size_t i = 0;

	for (; *prefix; prefix++, i++) {
		char c;

		if (i == raw.n)
			return false;
		c = raw.p[i];
		if (c == '%') {
			c = (char)(ascii_hex(raw.p[i + 1]) << 4 |
				   ascii_hex(raw.p[i + 2]));
			i += 2;
			if (c == '/')
				return false;
		}
		if (c != *prefix)
			return false;
	}
	return i == raw.n || raw.p[i] == '/';
}

const struct rule *
rule_allowing(const struct rule_list *list, struct span method, struct span raw)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct rule *r = &list->v[i];

		if ((*r->method == '*' ||
			span_eq(method, span_of(r->method))) &&
		    is_sent_under(raw, r->prefix))
			return r;
	}
	return NULL;
}

static bool
may_mean(struct span policy, struct span prefix)
{
	return span_istarts(policy, prefix) &&
	       (policy.n == prefix.n || policy.p[prefix.n] == '/');
}

const struct rule *
rule_denying(
    const struct rule_list *list, struct span method, struct span policy)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct rule *r = &list->v[i];

		if ((*r->method == '*' ||
			span_ieq(method, span_of(r->method))) &&
		    may_mean(policy, span_of(r->prefix)))
			return r;
	}
	return NULL;
}

void
rule_list_add(struct rule_list *list, struct rule rule)
{
	list->v = mem_realloc(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = rule;
}

void
rule_list_fini(struct rule_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].method);
		free(list->v[i].prefix);
		free(list->v[i].text);
	}
	free(list->v);
	*list = (struct rule_list){0};
}
