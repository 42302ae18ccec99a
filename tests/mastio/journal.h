/*
 * journal: what the gateway received and what it made of it, one entry per
 * request, from the moment its head was read.  A ring of the last 20000.
 *
 * Owner: the server; an entry also belongs to its exchange until that ends.
 */
#ifndef MASTIO_JOURNAL_H
#define MASTIO_JOURNAL_H

#include "mastio/conn.h"
#include "mastio/http.h"

#include <jansson.h>

enum auth_kind { AUTH_NONE, AUTH_TOKEN, AUTH_CERT, AUTH_COURT, AUTH_API_KEY };

/* none, token, cert, court, api-key */
const char *auth_kind_name(enum auth_kind);

struct entry {
	struct entry *next;
	unsigned refs;
	uint64_t seq;
	int64_t time_ms; /* unshifted wall clock */
	struct peer *peer;
	struct head head;
	int process; /* -1: did not get so far */
	char *path;  /* decoded */
	char *host;  /* as the application saw it */
	enum http_framing framing;
	uint64_t body_bytes;
	char body_sha256[65];
	int status;
	enum auth_kind auth;
	char *agent_id;
	json_t *token; /* NULL: none was recognised */
	json_t *proof; /* NULL: none was sent */
	bool complete; /* all of the request came, all of the answer went */
	bool aborted;
	bool cut;          /* by a fault, or by nginx's timer */
	bool executed;     /* the handler ran */
	bool lost;         /* by nginx, on a dead upstream connection */
	bool shed;         /* by the outer middleware */
	bool read_timeout; /* nginx gave up on a silent application */
	char *execution_id;
	json_int_t execution_count; /* of that id, this one included */
	uint64_t events_written;
	uint64_t response_bytes; /* of the body */
};

struct journal;

/* proofs_path: every proof goes there as one line of JSON; tokens_path: every
 * token that is issued, one a line.  NULL: nowhere. */
struct journal *journal_new(const char *proofs_path, const char *tokens_path);
void journal_free(struct journal *);
void journal_clear(struct journal *);
/* A new last entry with one reference for the caller. */
struct entry *journal_add(struct journal *, struct peer *);
void entry_unref(struct entry *);
/* Entries above since, as {"entries":[…]}. */
json_t *journal_json(const struct journal *, uint64_t since);
/* One line for dpopcheck; any of the last three may be NULL. */
void journal_proof(struct journal *, const char *proof, const char *htm,
    const char *htu, const char *ath, int64_t now);

void journal_token(struct journal *, const char *token);

#endif
