/*
 * journal: see journal.h.
 */
#include "mastio/journal.h"

#include "mastio/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTRIES_MAX 20000

struct journal {
	struct entry *first, **last;
	size_t n;
	uint64_t seq;
	FILE *proofs, *tokens;
};

static bool
open_lines(FILE **out, const char *path)
{
	if (!path)
		return true;
	*out = fopen(path, "ae");
	if (*out)
		setvbuf(*out, NULL, _IOLBF, 0);
	else
		complain("cannot open %s: %s", path, strerror(errno));
	return *out != NULL;
}

struct journal *
journal_new(const char *proofs_path, const char *tokens_path)
{
	struct journal *j = xcalloc(1, sizeof(*j));

	j->last = &j->first;
	if (open_lines(&j->proofs, proofs_path) &&
	    open_lines(&j->tokens, tokens_path))
		return j;
	journal_free(j);
	return NULL;
}

static void
drop_first(struct journal *j)
{
	struct entry *e = j->first;

	j->first = e->next;
	if (!j->first)
		j->last = &j->first;
	j->n--;
	entry_unref(e);
}

void
journal_clear(struct journal *j)
{
	while (j->first)
		drop_first(j);
}

void
journal_free(struct journal *j)
{
	if (!j)
		return;
	journal_clear(j);
	if (j->proofs)
		fclose(j->proofs);
	if (j->tokens)
		fclose(j->tokens);
	free(j);
}

struct entry *
journal_add(struct journal *j, struct peer *peer)
{
	struct entry *e = xcalloc(1, sizeof(*e));
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	e->refs = 2;
	e->seq = ++j->seq;
	e->time_ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	e->peer = peer;
	e->process = -1;
	peer->refs++;
	*j->last = e;
	j->last = &e->next;
	if (++j->n > ENTRIES_MAX)
		drop_first(j);
	return e;
}

void
entry_unref(struct entry *e)
{
	if (--e->refs)
		return;
	http_head_fini(&e->head);
	peer_unref(e->peer);
	free(e->path);
	free(e->host);
	free(e->agent_id);
	free(e->execution_id);
	json_decref(e->token);
	json_decref(e->proof);
	free(e);
}

/* A string, or null; bytes that are no UTF-8 become U+FFFD. */
static json_t *
text(const char *s)
{
	json_t *j;
	char *clean, *o;

	if (!s)
		return json_null();
	j = json_string(s);
	if (j)
		return j;
	o = clean = xcalloc(3, strlen(s) + 1);
	for (; *s; s++) {
		if ((unsigned char)*s < 0x80) {
			*o++ = *s;
		} else {
			memcpy(o, "\xef\xbf\xbd", 3);
			o += 3;
		}
	}
	j = json_string(clean);
	free(clean);
	return j;
}

static json_t *
headers_json(const struct head *h)
{
	json_t *list = json_array();

	for (size_t i = 0; i < h->nheaders; i++)
		json_array_append_new(
		    list, json_pack("[o,o]", text(h->headers[i].name),
			      text(h->headers[i].value)));
	return list;
}

static void
set(json_t *o, const char *name, json_t *value)
{
	json_object_set_new(o, name, value);
}

const char *
auth_kind_name(enum auth_kind kind)
{
	static const char *const names[] = {
	    "none", "token", "cert", "court", "api-key"};

	return names[kind];
}

static json_t *
entry_json(const struct entry *e)
{
	static const char *const framings[] = {"none", "length", "chunked"};
	json_t *o = json_object();

	set(o, "seq", json_integer((json_int_t)e->seq));
	set(o, "time_ms", json_integer(e->time_ms));
	set(o, "conn", json_integer((json_int_t)e->peer->conn_id));
	set(o, "process", json_integer(e->process));
	set(o, "tls",
	    json_pack("{s:s, s:b, s:s?, s:o}", "version", e->peer->version,
		"resumed", e->peer->resumed, "client_sha256", e->peer->sha256,
		"client_subject", text(e->peer->subject)));
	set(o, "method", text(e->head.method));
	set(o, "target", text(e->head.target));
	set(o, "path", text(e->path));
	set(o, "host", text(e->host));
	set(o, "http_version",
	    json_string(e->head.minor ? "HTTP/1.1" : "HTTP/1.0"));
	set(o, "headers", headers_json(&e->head));
	set(o, "body_bytes", json_integer((json_int_t)e->body_bytes));
	set(o, "body_sha256", json_string(e->body_sha256));
	set(o, "framing", json_string(framings[e->framing]));
	set(o, "status", json_integer(e->status));
	set(o, "auth", json_string(auth_kind_name(e->auth)));
	set(o, "agent_id", text(e->agent_id));
	set(o, "token", e->token ? json_incref(e->token) : json_null());
	set(o, "proof", e->proof ? json_incref(e->proof) : json_null());
	set(o, "complete", json_boolean(e->complete));
	set(o, "aborted", json_boolean(e->aborted));
	set(o, "cut", json_boolean(e->cut));
	set(o, "executed", json_boolean(e->executed));
	set(o, "execution_id", text(e->execution_id));
	set(o, "execution_count", json_integer(e->execution_count));
	set(o, "lost", json_boolean(e->lost));
	set(o, "shed", json_boolean(e->shed));
	set(o, "read_timeout", json_boolean(e->read_timeout));
	set(o, "events_written", json_integer((json_int_t)e->events_written));
	set(o, "response_bytes", json_integer((json_int_t)e->response_bytes));
	return o;
}

json_t *
journal_json(const struct journal *j, uint64_t since)
{
	json_t *list = json_array();

	for (const struct entry *e = j->first; e; e = e->next)
		if (e->seq > since)
			json_array_append_new(list, entry_json(e));
	return json_pack("{s:o}", "entries", list);
}

void
journal_proof(struct journal *j, const char *proof, const char *htm,
    const char *htu, const char *ath, int64_t now)
{
	json_t *line;

	if (!j->proofs)
		return;
	line = json_pack("{s:o, s:o, s:o, s:I}", "proof", text(proof), "htm",
	    text(htm), "htu", text(htu), "now", (json_int_t)now);
	if (ath)
		set(line, "ath_token_sha256", json_string(ath));
	json_dumpf(line, j->proofs, JSON_COMPACT);
	fputc('\n', j->proofs);
	json_decref(line);
}

void
journal_token(struct journal *j, const char *token)
{
	if (j->tokens)
		fprintf(j->tokens, "%s\n", token);
}
