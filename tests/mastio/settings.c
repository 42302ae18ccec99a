/*
 * settings: see settings.h.
 */
#include "mastio/settings.h"

#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS (86400 * 1000LL)
#define AT(member) offsetof(struct settings, member)
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

enum kind { FLAG, NUMBER, WORD, TEXT };

static const struct row {
	const char *name;
	enum kind kind;
	size_t at;
	int64_t low, high, start;
	const char *const *words;
	const char *help;
} rows[] = {
    {"front", WORD, AT(front), 0, 0, FRONT_B, WORDS("A", "B", "C", "L"),
	"which nginx: A repository, B bundle, C Helm chart, L legacy"},
    {"dpop_mode", WORD, AT(dpop_mode), 0, 0, DPOP_OPTIONAL,
	WORDS("off", "optional", "required"), "proofs on the certificate path"},
    {"require_bound", FLAG, AT(require_bound), 0, 1, 0, NULL,
	"unbound tokens are refused at mint and at use"},
    {"production", FLAG, AT(production), 0, 1, 0, NULL,
	"an htu mismatch does not tell what was expected"},
    {"public_url", TEXT, AT(public_url), 0, 0, 0, NULL,
	"base of the htu on the certificate path; unset: the Host"},
    {"processes", NUMBER, AT(processes), 1, PROCESSES_MAX, 1, NULL,
	"worker processes that do not know each other's nonces"},
    {"token_ttl", NUMBER, AT(token_ttl), 1, 1 << 30, 900, NULL,
	"life of a LOCAL_TOKEN in seconds"},
    {"body_limit", NUMBER, AT(body_limit), -1, INT64_MAX, 2 << 20, NULL,
	"bytes the application takes; -1 or none: no limit anywhere"},
    {"keepalive_ms", NUMBER, AT(keepalive_ms), 0, 1 << 30, 65000, NULL,
	"an idle client connection closes"},
    {"keepalive_requests", NUMBER, AT(keepalive_requests), 1, 1 << 30, 1000,
	NULL, "the last request of a client connection"},
    {"mcp_loss", NUMBER, AT(mcp_loss), 0, 100, 100, NULL,
	"front B: percent of POSTs lost behind a 204 of /v1/mcp"},
    {"mcp_loss_ms", NUMBER, AT(mcp_loss_ms), 0, 1 << 30, 5, NULL,
	"how long behind that 204"},
    {"shed", WORD, AT(shed), 0, 0, SHED_NONE,
	WORDS("none", "global_rate_limit", "db_latency_circuit_breaker"),
	"503 for everything but /health"},
    {"shed_rps", NUMBER, AT(shed_rps), 0, 1 << 30, 0, NULL,
	"shed only what comes beyond so many requests a second"},
    {"read_timeout_ms", NUMBER, AT(read_timeout_ms), -1, DAY_MS, -1, NULL,
	"nginx gives up on a silent application; -1: 60 s where it wants a "
	"certificate, 600 s on B's /v1/llm and /v1/mcp, else a day"},
    {"provider_error", TEXT, AT(provider_error), 0, 0, 0, NULL,
	"the provider refuses every chat for this reason"},
    {"signer_halted", FLAG, AT(signer_halted), 0, 1, 0, NULL,
	"no token is minted, none recognised"},
    {"local_auth", WORD, AT(local_auth), 0, 0, LOCAL_AUTO,
	WORDS("auto", "on", "off"),
	"does the Mastio issue tokens; auto: unless federated"},
    {"federated", FLAG, AT(federated), 0, 1, 0, NULL,
	"there is a Court behind the Mastio"},
    {"court_public_url", TEXT, AT(court_public_url), 0, 0, 0, NULL,
	"base of the htu at the Court; unset: the Host"},
    {"court", WORD, AT(court), 0, 0, COURT_UP,
	WORDS("up", "unreachable", "silent"), "how the Court is"},
    {"court_ca", WORD, AT(court_ca), 0, 0, CA_ANY,
	WORDS("any", "root", "intermediate"),
	"who has to have signed an agent that the Court knows"},
    {"court_binding", FLAG, AT(court_binding), 0, 1, 1, NULL,
	"the agents' bindings are approved"},
    {"court_gzip", FLAG, AT(court_gzip), 0, 1, 1, NULL,
	"the Court compresses, so that the Mastio leaves Content-Encoding"},
    {"court_rate", NUMBER, AT(court_rate), 1, 1 << 30, 10, NULL,
	"logins a minute at the Court"},
    {"court_token_ttl", NUMBER, AT(court_token_ttl), 1, 1 << 30, 1800, NULL,
	"life of a Court token in seconds"},
    {"court_timeout_ms", NUMBER, AT(court_timeout_ms), 1, DAY_MS, 30000, NULL,
	"the Mastio gives up on a silent Court"},
    {"court_internal", TEXT, AT(court_internal), 0, 0, 0, NULL,
	"host and port of the WebSocket's htu without court_public_url; "
	"unset: broker:8000"},
    {"ws_echo", FLAG, AT(ws_echo), 0, 1, 1, NULL,
	"without a Court, /v1/broker/ws sends frames back instead of a 403"},
    {"ws_auth_ms", NUMBER, AT(ws_auth_ms), 1, DAY_MS, 10000, NULL,
	"time for the first frame of a Court socket"},
    {"ws_silence_ms", NUMBER, AT(ws_silence_ms), 1, DAY_MS, 30000, NULL,
	"after this silence the Court asks {\"type\":\"ping\"}"},
    {"ws_ping_ms", NUMBER, AT(ws_ping_ms), 1, DAY_MS, 20000, NULL,
	"protocol pings of the Mastio, to be answered before the next"},
    {"legacy", FLAG, AT(legacy), 0, 1, 0, NULL,
	"X-API-Key in the place of the certificate, behind front L"},
};

static void *
field(struct settings *s, const struct row *r)
{
	return (char *)s + r->at;
}

void
settings_init(struct settings *s)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		if (r->kind == NUMBER)
			*(int64_t *)field(s, r) = r->start;
		else if (r->kind == WORD)
			*(unsigned *)field(s, r) = (unsigned)r->start;
		else if (r->kind == FLAG)
			*(bool *)field(s, r) = r->start != 0;
	}
}

void
settings_fini(struct settings *s)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].kind == TEXT)
			free(*(char **)field(s, &rows[i]));
}

enum front
settings_front(const struct settings *s)
{
	return s->legacy ? FRONT_L : (enum front)s->front;
}

bool
settings_local_auth(const struct settings *s)
{
	return s->local_auth == LOCAL_ON ||
	       (s->local_auth == LOCAL_AUTO && !s->federated);
}

static bool
same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(*a == '_' && *b == '-'))
			return false;
	return *a == *b;
}

static const struct row *
find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (same_name(rows[i].name, name))
			return &rows[i];
	return NULL;
}

static bool
set_word(struct settings *s, const struct row *r, const char *value)
{
	for (unsigned i = 0; r->words[i]; i++) {
		if (strcmp(r->words[i], value) != 0)
			continue;
		*(unsigned *)field(s, r) = i;
		return true;
	}
	return false;
}

static bool
set_number(struct settings *s, const struct row *r, int64_t n)
{
	if (n < r->low || n > r->high)
		return false;
	*(int64_t *)field(s, r) = n;
	return true;
}

static void
set_string(struct settings *s, const struct row *r, const char *value)
{
	char **at = field(s, r);

	free(*at);
	*at = value ? xstrdup(value) : NULL;
}

/* The number; below every limit if it is none. */
static int64_t
read_number(const struct row *r, const char *value)
{
	int64_t n = parse_number(value, r->high);

	if (n >= 0)
		return n;
	if (r->low == -1 && (!strcmp(value, "-1") || !strcmp(value, "none")))
		return -1;
	return INT64_MIN;
}

const char *
settings_set_text(struct settings *s, const char *name, const char *value)
{
	const struct row *r = find(name);
	bool good = r != NULL;

	if (r && r->kind == FLAG)
		*(bool *)field(s, r) = true;
	else if (r && r->kind == TEXT)
		set_string(s, r, value);
	else if (r && r->kind == WORD)
		good = set_word(s, r, value);
	else if (r)
		good = set_number(s, r, read_number(r, value));
	return good ? NULL : "unknown word, or a number out of range";
}

static bool
set_value(struct settings *s, const struct row *r, const json_t *v)
{
	switch (r->kind) {
	case FLAG:
		*(bool *)field(s, r) = json_is_true(v);
		return json_is_boolean(v);
	case NUMBER:
		return json_is_integer(v) &&
		       set_number(s, r, json_integer_value(v));
	case WORD:
		return json_is_string(v) &&
		       set_word(s, r, json_string_value(v));
	case TEXT:
		set_string(s, r, json_string_value(v));
		return json_is_string(v) || json_is_null(v);
	}
	return false;
}

const char *
settings_set_json(struct settings *s, const json_t *o)
{
	static char bad[128];
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)o, name, value)
	{
		const struct row *r = find(name);

		if (r && set_value(s, r, value))
			continue;
		snprintf(bad, sizeof(bad), "%.64s: %s", name,
		    r ? "no such word, or out of range" : "no such setting");
		return bad;
	}
	return NULL;
}

json_t *
settings_json(const struct settings *set)
{
	struct settings *s = (struct settings *)(uintptr_t)set;
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		const char *text = NULL;
		json_t *v;

		if (r->kind == WORD)
			text = r->words[*(unsigned *)field(s, r)];
		else if (r->kind == TEXT)
			text = *(char **)field(s, r);
		if (r->kind == NUMBER)
			v = json_integer(*(int64_t *)field(s, r));
		else if (r->kind == FLAG)
			v = json_boolean(*(bool *)field(s, r));
		else
			v = text ? json_string(text) : json_null();
		json_object_set_new(o, r->name, v);
	}
	return o;
}

static char *
dashed(const char *name)
{
	char *copy = xstrdup(name);

	for (char *p = copy; *p; p++)
		if (*p == '_')
			*p = '-';
	return copy;
}

char *
settings_option(size_t n, bool *flag)
{
	if (n >= ARRAY_LEN(rows))
		return NULL;
	*flag = rows[n].kind == FLAG;
	return dashed(rows[n].name);
}

/* What may stand behind an option, and its default. */
static char *
values_of(const struct row *r)
{
	char *all, *more;

	if (r->kind == FLAG)
		return xstrdup(r->start ? " (on; off by /set alone)" : "");
	if (r->kind == TEXT)
		return xstrdup(" TEXT");
	if (r->kind == NUMBER)
		return xasprintf(" N (%lld)", (long long)r->start);
	all = xstrdup(" ");
	for (size_t i = 0; r->words[i]; i++) {
		more = xasprintf("%s%s%s", all, i ? "|" : "", r->words[i]);
		free(all);
		all = more;
	}
	more = xasprintf("%s (%s)", all, r->words[r->start]);
	free(all);
	return more;
}

char *
settings_help(void)
{
	char *all = xstrdup("");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *name = dashed(rows[i].name);
		char *values = values_of(&rows[i]);
		char *more = xasprintf("%s  --%s%s\n        %s\n", all, name,
		    values, rows[i].help);

		free(all);
		free(name);
		free(values);
		all = more;
	}
	return all;
}
