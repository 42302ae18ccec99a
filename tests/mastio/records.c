/*
 * records: see records.h.
 */
#include "mastio/records.h"

#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "agents.json"

struct records {
	char *dir;
	char *path;
	struct stat seen;
	struct record *first;
};

struct records *
records_open(const char *dir)
{
	struct records *r = xcalloc(1, sizeof(*r));

	r->dir = xstrdup(dir);
	r->path = xasprintf("%s/%s", dir, FILE_NAME);
	return r;
}

static void
record_fini(struct record *rec)
{
	free(rec->agent_id);
	free(rec->pin);
	free(rec->jkt);
	free(rec->old_pin);
	free(rec->old_jkt);
	json_decref(rec->row);
}

void
records_free(struct records *r)
{
	while (r->first) {
		struct record *rec = r->first;

		r->first = rec->next;
		record_fini(rec);
		free(rec);
	}
	free(r->dir);
	free(r->path);
	free(r);
}

static const char *
text_of(const json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

static void
record_load(struct record *rec, json_t *row)
{
	const char *jkt = text_of(row, "jkt"), *pin = text_of(row, "pin");

	json_decref(rec->row);
	rec->row = json_incref(row);
	free(rec->pin);
	rec->pin = xstrdup(pin ? pin : "");
	free(rec->jkt);
	rec->jkt = jkt ? xstrdup(jkt) : NULL;
	rec->active = json_is_true(json_object_get(row, "active"));
}

static struct record *
find(struct records *r, const char *agent_id)
{
	for (struct record *rec = r->first; rec; rec = rec->next)
		if (strcmp(rec->agent_id, agent_id) == 0)
			return rec;
	return NULL;
}

static json_t *
load(const char *dir)
{
	char *text = file_read(dir, FILE_NAME, NULL);
	json_t *rows = text ? json_loads(text, 0, NULL) : NULL;

	if (text && !json_is_object(rows))
		complain("%s/%s holds no JSON object", dir, FILE_NAME);
	free(text);
	return rows;
}

static void
take_up(struct records *r)
{
	struct stat st;
	const char *id;
	json_t *rows, *row;

	if (stat(r->path, &st) < 0 ||
	    (st.st_ino == r->seen.st_ino && st.st_size == r->seen.st_size &&
		st.st_mtim.tv_sec == r->seen.st_mtim.tv_sec &&
		st.st_mtim.tv_nsec == r->seen.st_mtim.tv_nsec))
		return;
	rows = load(r->dir);
	if (!json_is_object(rows))
		return;
	r->seen = st;
	json_object_foreach(rows, id, row)
	{
		struct record *rec = find(r, id);

		if (!rec) {
			rec = xcalloc(1, sizeof(*rec));
			rec->agent_id = xstrdup(id);
			rec->next = r->first;
			r->first = rec;
		}
		if (!json_equal(rec->row, row))
			record_load(rec, row);
	}
	json_decref(rows);
}

struct record *
records_find(struct records *r, const char *agent_id)
{
	take_up(r);
	return find(r, agent_id);
}

static char *
key_hash(const char *api_key)
{
	uint8_t digest[SHA256_LEN];
	char *hex = xcalloc(1, SHA256_HEX_SIZE);

	sha256(api_key, strlen(api_key), digest);
	hex_encode(digest, sizeof(digest), hex);
	return hex;
}

struct record *
records_find_key(struct records *r, const char *api_key)
{
	char *want = key_hash(api_key);
	struct record *rec = records_all(r);

	while (rec) {
		const char *have = text_of(rec->row, "api_key_sha256");

		if (have && strcmp(have, want) == 0)
			break;
		rec = rec->next;
	}
	free(want);
	return rec;
}

struct record *
records_all(struct records *r)
{
	take_up(r);
	return r->first;
}

/* One expiry covers the previous certificate and the previous key. */
static void
replace(struct record *rec, char **now, char **old, const char *value,
    int64_t grace_end)
{
	free(*old);
	*old = grace_end ? *now : NULL;
	if (!*old)
		free(*now);
	*now = value ? xstrdup(value) : NULL;
	rec->grace_end = grace_end;
}

void
record_set_pin(struct record *rec, const char *pin_hex, int64_t grace_end)
{
	replace(rec, &rec->pin, &rec->old_pin, pin_hex, grace_end);
}

void
record_set_jkt(struct record *rec, const char *jkt, int64_t grace_end)
{
	replace(rec, &rec->jkt, &rec->old_jkt, jkt, grace_end);
}

bool
record_has_pin(const struct record *rec, const char *pin_hex, int64_t now)
{
	return strcmp(rec->pin, pin_hex) == 0 ||
	       (rec->old_pin && now < rec->grace_end &&
		   strcmp(rec->old_pin, pin_hex) == 0);
}

bool
record_has_jkt(const struct record *rec, const char *jkt, int64_t now)
{
	return (rec->jkt && strcmp(rec->jkt, jkt) == 0) ||
	       (rec->old_jkt && now < rec->grace_end &&
		   strcmp(rec->old_jkt, jkt) == 0);
}

void
record_restore_pin(struct record *rec)
{
	record_set_pin(rec, text_of(rec->row, "pin"), 0);
}

int
records_write(const char *dir, const char *agent_id, const char *pin_hex,
    const char *jkt, const char *api_key)
{
	char *path = xasprintf("%s/%s", dir, FILE_NAME);
	json_t *rows = access(path, F_OK) == 0 ? load(dir) : json_object();
	char *hash = api_key ? key_hash(api_key) : NULL, *text = NULL;
	int ret = -1;

	if (!json_is_object(rows))
		goto out;
	json_object_set_new(rows, agent_id,
	    json_pack("{s:s, s:s?, s:b, s:s?}", "pin", pin_hex, "jkt", jkt,
		"active", 1, "api_key_sha256", hash));
	text = json_dumps(rows, JSON_INDENT(2));
	ret = file_write(dir, FILE_NAME, text, strlen(text), 0644);
out:
	free(text);
	free(hash);
	json_decref(rows);
	free(path);
	return ret;
}
