/*
 * records: what the gateway knows about each agent: pinned certificate, pinned
 * DPoP key, active or not.  DIR/agents.json holds what init and issue wrote;
 * a running gateway keeps its own copy, which the control port changes, and
 * takes up a row of the file that is new or has changed.
 *
 * Owner: the server.
 */
#ifndef MASTIO_RECORDS_H
#define MASTIO_RECORDS_H

#include <stdbool.h>

#include <jansson.h>

struct record {
	struct record *next;
	char *agent_id;
	char *pin;               /* SHA-256 of the certificate, hex */
	char *jkt;               /* NULL: no DPoP key registered */
	char *old_pin, *old_jkt; /* good until grace_end; NULL: none */
	int64_t grace_end;
	bool active;
	json_t *row; /* as in the file */
};

struct records;

struct records *records_open(const char *dir);
void records_free(struct records *);
/* The record, or NULL.  Looks at the file first if it has changed. */
struct record *records_find(struct records *, const char *agent_id);
/* The record whose API key this is, or NULL. */
struct record *records_find_key(struct records *, const char *api_key);
/* All of them; NULL ends the list. */
struct record *records_all(struct records *);
/* grace_end: until when what was there is good too, 0 for not at all. */
void record_set_pin(struct record *, const char *pin_hex, int64_t grace_end);
void record_set_jkt(struct record *, const char *jkt, int64_t grace_end);
bool record_has_pin(const struct record *, const char *pin_hex, int64_t now);
bool record_has_jkt(const struct record *, const char *jkt, int64_t now);
/* The pin of the file again. */
void record_restore_pin(struct record *);

/* Adds or replaces a row of DIR/agents.json; jkt and api_key may be NULL. */
int records_write(const char *dir, const char *agent_id, const char *pin_hex,
    const char *jkt, const char *api_key);

#endif
