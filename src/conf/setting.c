/*
 * setting: see setting.h.
 */
#include "conf/setting.h"

#include "base/mem.h"
#include "conf/access.h"
#include "conf/cpus.h"
#include "conf/parse.h"
#include "http/field.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WORKERS_AUTO_MAX 4
#define MAX_BUFFER_MIB 64 /* unless it is set */

static void *
member(struct config *conf, enum option_id id)
{
	return (char *)conf + option_row(id)->offset;
}

void
setting_clear(struct config *conf, enum option_id id)
{
	switch (option_row(id)->type) {
	case OPTION_TYPE_STRING:
	case OPTION_TYPE_PATH:
		free(*(char **)member(conf, id));
		*(char **)member(conf, id) = NULL;
		break;
	case OPTION_TYPE_ORIGIN:
	case OPTION_TYPE_HOSTPORT:
	case OPTION_TYPE_PROXY:
		origin_fini(member(conf, id));
		break;
	case OPTION_TYPE_HOSTPORTS:
		origin_list_fini(member(conf, id));
		break;
	case OPTION_TYPE_HOSTS:
	case OPTION_TYPE_URLPATHS:
	case OPTION_TYPE_FIELDS:
		str_list_fini(member(conf, id));
		break;
	case OPTION_TYPE_RULES:
		rule_list_fini(member(conf, id));
		break;
	case OPTION_TYPE_USERS:
		users_fini(member(conf, id));
		break;
	case OPTION_TYPE_LISTEN:
		listen_list_fini(member(conf, id));
		break;
	case OPTION_TYPE_ENUM:
	case OPTION_TYPE_BOOL:
	case OPTION_TYPE_MS:
	case OPTION_TYPE_SIZE:
	case OPTION_TYPE_UINT:
	case OPTION_TYPE_MODE:
	case OPTION_TYPE_WORKERS:
		break; /* overwritten */
	}
}

static bool
read_uint(struct span text, const char *range, unsigned *out)
{
	struct span most = span_of(range), least = option_range(&most);
	uint64_t v, lo = 0, hi = 0;

	if (!span_u64(least, &lo) || !span_u64(most, &hi) ||
	    !span_u64(text, &v) || v < lo || v > hi)
		return false;
	*out = (unsigned)v;
	return true;
}

static bool
read_size(struct span text, const char *range, uint64_t *out)
{
	struct span most = span_of(range), least = option_range(&most);
	uint64_t v, lo = 0, hi = 0;

	if (!value_size(least, &lo) || !value_size(most, &hi) ||
	    !value_size(text, &v) || v < lo || v > hi)
		return false;
	*out = v;
	return true;
}

static bool
read_duration(struct span text, const char *range, int64_t *out)
{
	struct span most = span_of(range), least = option_range(&most);
	int64_t v, lo = 0, hi = 0;

	if (!value_duration(least, &lo) || !value_duration(most, &hi) ||
	    !value_duration(text, &v) || v < lo || v > hi)
		return false;
	*out = v;
	return true;
}

static bool
read_workers(struct span text, const char *range, unsigned *out)
{
	unsigned cpus;

	if (!span_eq(text, SPAN("auto")))
		return read_uint(text, range, out);
	cpus = cpus_allowed("");
	*out = cpus < WORKERS_AUTO_MAX ? cpus : WORKERS_AUTO_MAX;
	return true;
}

static bool
read_host(struct span text, struct str_list *list)
{
	char *host;

	if (!value_host(text, &host))
		return false;
	str_list_add(list, host);
	return true;
}

static bool
read_hostport(struct span text, struct origin_list *list)
{
	struct origin o;

	if (!value_hostport(text, &o))
		return false;
	origin_list_add(list, o);
	return true;
}

static bool
read_url_path(struct span text, struct str_list *list)
{
	if (!access_is_reserved(text))
		return false;
	str_list_add(list, span_dup(text));
	return true;
}

static bool
read_field(struct span text, struct str_list *list)
{
	if (!field_openable(text))
		return false;
	str_list_add(list, span_dup(text));
	return true;
}

static bool
read_rule(struct span text, struct rule_list *list)
{
	struct rule rule;

	if (!rule_parse(text, &rule))
		return false;
	rule_list_add(list, rule);
	return true;
}

/* `none` stands alone. */
static bool
read_listen(
    enum option_id id, struct span text, bool more, struct listen_list *list)
{
	struct listen_addr a;

	if ((id == OPTION_admin_listen || id == OPTION_metrics_listen) &&
	    span_eq(text, SPAN("none")))
		return !more;
	if ((more && list->n == 0) || !value_listen(text, &a))
		return false;
	listen_list_add(list, a);
	return true;
}

/* Put a value into its member; more: behind those that are there. */
static bool
read_member(struct config *conf, enum option_id id, struct span text, bool more)
{
	const struct option_row *row = option_row(id);
	void *at = member(conf, id);

	switch (row->type) {
	case OPTION_TYPE_STRING:
	case OPTION_TYPE_PATH:
		*(char **)at = span_dup(text);
		return true;
	case OPTION_TYPE_ORIGIN:
		return value_origin(text, at);
	case OPTION_TYPE_HOSTPORT:
		return value_hostport(text, at);
	case OPTION_TYPE_HOSTPORTS:
		return read_hostport(text, at);
	case OPTION_TYPE_PROXY:
		return value_proxy(text, at);
	case OPTION_TYPE_HOSTS:
		return read_host(text, at);
	case OPTION_TYPE_URLPATHS:
		return read_url_path(text, at);
	case OPTION_TYPE_FIELDS:
		return read_field(text, at);
	case OPTION_TYPE_RULES:
		return read_rule(text, at);
	case OPTION_TYPE_USERS:
		return users_add(at, text);
	case OPTION_TYPE_LISTEN:
		return read_listen(id, text, more, at);
	case OPTION_TYPE_ENUM:
		return value_enum(text, row->arg, at);
	case OPTION_TYPE_BOOL:
		return value_bool(text, at);
	case OPTION_TYPE_MS:
		return read_duration(text, row->arg, at);
	case OPTION_TYPE_SIZE:
		return read_size(text, row->arg, at);
	case OPTION_TYPE_UINT:
		return read_uint(text, row->arg, at);
	case OPTION_TYPE_MODE:
		return value_mode(text, at);
	case OPTION_TYPE_WORKERS:
		return read_workers(text, row->arg, at);
	}
	return false;
}

static void
note_bad_value(enum option_id id, struct span text, const struct setting *s,
    struct findings *found)
{
	struct buf wants = BUF_INIT;
	char *want;

	option_add_wants(id, &wants);
	want = buf_steal_str(&wants);
	findings_error(found, s->exit, "%s: %s wants %s, not \"%.*s\"",
	    s->where, option_row(id)->key, want, SPAN_ARG(text));
	free(want);
}

void
setting_apply(struct config *conf, enum option_id id, struct span text,
    const struct setting *s, struct findings *found)
{
	const struct option_row *row = option_row(id);
	struct config_source *src = &conf->source[id];
	bool more = src->rank == s->rank && (row->flags & OPTION_LIST);
	char *joined;

	if (src->rank == s->rank && !more) {
		src->doubtful = true;
		findings_error(found, s->exit,
		    "%s: %s stands there twice, first at %s; remove one",
		    s->where, row->key, src->where);
		return;
	}
	if (!parse_printable(text)) {
		src->doubtful = true;
		findings_error(found, s->exit,
		    "%s: the value of %s holds a control character; remove it",
		    s->where, row->key);
		return;
	}
	if (!more)
		setting_clear(conf, id);
	if (!read_member(conf, id, text, more)) {
		src->doubtful = true;
		note_bad_value(id, text, s, found);
		return;
	}
	joined = more ? mem_printf("%s, %.*s", src->text, SPAN_ARG(text))
		      : span_dup(text);
	free(src->text);
	free(src->where);
	*src = (struct config_source){.rank = s->rank,
	    .text = joined,
	    .where = mem_strdup(s->where),
	    .doubtful = more && src->doubtful};
}

void
setting_apply_list(struct config *conf, enum option_id id, struct span text,
    const struct setting *s, struct findings *found)
{
	if (!(option_row(id)->flags & OPTION_LIST)) {
		setting_apply(conf, id, text, s, found);
		return;
	}
	while (text.p) {
		struct span item = span_trim(span_cut(&text, ','));

		setting_apply(conf, id, item, s, found);
	}
}

void
setting_copy(struct config *conf, const struct config *from, enum option_id id)
{
	const struct config_source *with = &from->source[id];
	struct config_source *src = &conf->source[id];
	struct setting as = {with->rank, with->where, EXIT_CONFIG};
	struct findings found = {0};

	setting_clear(conf, id);
	free(src->text);
	free(src->where);
	*src = (struct config_source){0};
	/* It has been read before: nothing is found. */
	if (with->text)
		setting_apply_list(conf, id, span_of(with->text), &as, &found);
	findings_free(&found);
}

void
setting_apply_max_buffer(
    struct config *conf, uint64_t cgroup_limit, struct findings *found)
{
	uint64_t mib = cgroup_limit / 2 >> 20;
	char where[64] = "default", text[16];

	if (mib < MAX_BUFFER_MIB)
		snprintf(where, sizeof(where),
		    "default, half of the cgroup's %" PRIu64 "m",
		    cgroup_limit >> 20);
	else
		mib = MAX_BUFFER_MIB;
	snprintf(text, sizeof(text), "%" PRIu64 "m", mib ? mib : 1);
	setting_apply(conf, OPTION_max_buffer, span_of(text),
	    &(struct setting){CONFIG_DEFAULT, where, EXIT_CONFIG}, found);
}
