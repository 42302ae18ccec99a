/*
 * settings: what the command line and POST /set decide, one table for both:
 * --read-timeout-ms 500 and {"read_timeout_ms": 500} are the same thing.
 *
 * Owner: the server; read by everybody in its one thread.
 */
#ifndef MASTIO_SETTINGS_H
#define MASTIO_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define PROCESSES_MAX 64

enum front { FRONT_A, FRONT_B, FRONT_C, FRONT_L };
enum dpop_mode { DPOP_OFF, DPOP_OPTIONAL, DPOP_REQUIRED };
enum local_auth { LOCAL_AUTO, LOCAL_ON, LOCAL_OFF };
enum court_state { COURT_UP, COURT_UNREACHABLE, COURT_SILENT };
enum court_ca { CA_ANY, CA_ROOT, CA_INTERMEDIATE };
enum shed { SHED_NONE, SHED_RATE, SHED_DB };

/* The unsigned ones hold an enum; see the table for what each means. */
struct settings {
	unsigned front;
	unsigned dpop_mode;
	bool require_bound;
	bool production;
	char *public_url; /* NULL: Host-htu on the certificate path too */
	int64_t processes;
	int64_t token_ttl;
	int64_t body_limit; /* -1 lifts nginx's as well */
	int64_t keepalive_ms;
	int64_t keepalive_requests;
	int64_t mcp_loss;
	int64_t mcp_loss_ms;
	unsigned shed;
	int64_t shed_rps;        /* 0: shed all */
	int64_t read_timeout_ms; /* -1: as the location table says */
	char *provider_error;    /* NULL: the provider answers */
	bool signer_halted;
	unsigned local_auth;
	bool federated;
	char *court_public_url; /* NULL: the Host that the Mastio received */
	unsigned court;
	unsigned court_ca;
	bool court_binding;
	bool court_gzip;
	int64_t court_rate;
	int64_t court_token_ttl;
	int64_t court_timeout_ms;
	char *court_internal;
	bool ws_echo;
	int64_t ws_auth_ms;
	int64_t ws_silence_ms;
	int64_t ws_ping_ms;
	bool legacy;
};

/* The reference's defaults. */
void settings_init(struct settings *);
void settings_fini(struct settings *);
/* The nginx in front; a legacy runtime has its own. */
enum front settings_front(const struct settings *);
/* Does the Mastio issue tokens of its own? */
bool settings_local_auth(const struct settings *);
/* One setting from the command line, dashes or underscores in its name; value
 * is NULL for a flag.  NULL, or what is wrong with the value. */
const char *settings_set_text(
    struct settings *, const char *name, const char *value);
/* The members of an object; NULL, or what is wrong with the first bad one. */
const char *settings_set_json(struct settings *, const json_t *);
json_t *settings_json(const struct settings *);
/* The nth name (from 0), with dashes, and whether it is a flag; caller frees;
 * NULL behind the last. */
char *settings_option(size_t n, bool *flag);
/* All of them with a line of explanation each; caller frees. */
char *settings_help(void);

#endif
