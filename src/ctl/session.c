/*
 * session: see session.h.
 */
#include "ctl/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"

#include <stdlib.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 60000
#define TERMINAL_PROBE_MS 300000
#define REFUSED_PAUSE_MS 1000 /* between logins that refusals ask for */
#define REFUSED_SOON_MS 60000 /* a token refused so young is no accident */
#define REFUSED_MAX_MS 5000   /* yet agents wait for no longer than this */

struct session {
	struct login_setup setup;
	void (*changed)(void *);
	void *arg;
	enum session_state state;
	struct login *login; /* while one is under way */
	struct token *token;
	char *trouble;
	struct timer due;  /* next login */
	struct timer ends; /* of the token */
	uint64_t generation;
	int64_t last_ms; /* when the last login ended */
	unsigned failures;
	unsigned refusals; /* of young tokens, in a row */
	bool no_issuer;    /* said the last login that knew; with auth = auto */
	char *last_base;   /* htu base of the newest token, or NULL */
	struct login_memory memory;
};

int64_t
session_backoff_ms(unsigned failures, uint32_t random)
{
	int64_t ms = BACKOFF_FIRST_MS;

	while (failures-- > 1 && ms < BACKOFF_MAX_MS)
		ms *= 2;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	return ms - (int64_t)((uint64_t)ms / 4 * random >> 32);
}

static struct timers *
timers_of(struct session *s)
{
	return &s->setup.upstream->loop->timers;
}

static void on_told(void *, const struct login_result *);

static void
log_in(struct session *s)
{
	if (s->login)
		return;
	timers_cancel(timers_of(s), &s->due);
	if (s->state != SESSION_WITHOUT)
		s->state = s->token ? SESSION_REFRESHING : SESSION_FETCHING;
	s->setup.last_base = s->last_base;
	s->login = login_start(&s->setup, on_told, s);
}

static void
on_due(void *arg)
{
	log_in(arg);
}

static void
drop_token(struct session *s)
{
	token_unref(s->token);
	s->token = NULL;
}

static void
on_ends(void *arg)
{
	struct session *s = arg;

	drop_token(s);
	if (s->no_issuer)
		s->state = SESSION_WITHOUT;
	else if (s->state == SESSION_REFRESHING)
		s->state = SESSION_FETCHING;
	s->changed(s->arg);
}

static void
adopt(struct session *s, struct token *t)
{
	int64_t now = clock_now_ms();
	int64_t due = t->refresh_ms;

	metric_add(&s->setup.upstream->metrics->logins_ok, 1);
	s->failures = 0;
	s->no_issuer = false;
	free(s->trouble);
	s->trouble = NULL;
	drop_token(s);
	free(s->last_base);
	s->last_base = mem_strdup(t->htu_base);
	t->generation = ++s->generation;
	s->token = t;
	s->state = SESSION_VALID;
	/* Up to a tenth of the wait earlier, so that sidecars started
	 * together do not refresh together. */
	due -= (int64_t)((uint64_t)(due > now ? (due - now) / 10 : 0) *
			     random_u32() >>
			 32);
	if (due < now + REFUSED_PAUSE_MS)
		due = now + REFUSED_PAUSE_MS;
	timers_set(timers_of(s), &s->due, due);
	timers_set(timers_of(s), &s->ends, t->expires_ms);
	log_info("session", "logged in",
	    L_STR("agent", identity_agent_id(s->setup.identity)),
	    L_STR("bound", t->bound ? "yes" : "no"),
	    L_STR("htu_base", t->htu_base),
	    L_INT("expires_s", (t->expires_ms - now) / 1000), L_END);
}

static const char *
mode_text(enum auth_mode mode)
{
	return mode == AUTH_API_KEY ? "the API key" : "the certificate alone";
}

static void
note_failure(struct session *s, const struct login_result *r)
{
	int64_t wait = session_backoff_ms(++s->failures, random_u32());
	int64_t asked = (int64_t)r->retry_after_s * 1000;

	metric_add(&s->setup.upstream->metrics->logins_failed, 1);
	free(s->trouble);
	s->trouble = mem_strdup(r->why);
	s->state = r->terminal ? SESSION_TERMINAL : SESSION_BACKOFF;
	/* A gateway without tokens that is away for a moment still has none. */
	s->no_issuer = s->setup.config->auth == AUTH_AUTO &&
		       (r->no_issuer || (s->no_issuer && !r->terminal));
	if (s->no_issuer && !s->token)
		s->state = SESSION_WITHOUT;
	if (r->terminal && wait < TERMINAL_PROBE_MS && s->failures > 3)
		wait =
		    TERMINAL_PROBE_MS -
		    (int64_t)((uint64_t)TERMINAL_PROBE_MS / 4 * random_u32() >>
			      32);
	/* Not before, and not all who were told the same at once. */
	if (wait < asked)
		wait = asked + (asked / 4 * random_u32() >> 32);
	timers_set(timers_of(s), &s->due, clock_now_ms() + wait);
	if (s->state == SESSION_WITHOUT && r->no_issuer)
		log_info("session", "the gateway has no tokens for us",
		    L_STR("requests_show", mode_text(session_mode(s))),
		    L_STR("err", r->why), L_INT("retry_ms", wait), L_END);
	else
		log_warn("session", "login failed", L_STR("err", r->why),
		    L_INT("retry_ms", wait), L_END);
}

static void
on_told(void *arg, const struct login_result *r)
{
	struct session *s = arg;

	s->login = NULL;
	s->last_ms = clock_now_ms();
	if (r->answered)
		gateway_found(s->setup.gateway);
	else if (r->missed != LEASE_OK)
		gateway_missed(s->setup.gateway, r->missed);
	if (r->token)
		adopt(s, r->token);
	else
		note_failure(s, r);
	s->changed(s->arg);
}

/* When may the next login be, after a refusal?  A gateway that refuses each
 * new token is asked for the next less and less often, but while agents wait
 * for a token it is not left alone for as long as one that cannot be reached:
 * that may be a gateway that restarts every few seconds. */
static int64_t
soonest_login(struct session *s, unsigned wait_s)
{
	int64_t now = clock_now_ms(), then = s->last_ms + REFUSED_PAUSE_MS;
	bool young = now - s->last_ms < REFUSED_SOON_MS;
	int64_t pause = 0;

	s->refusals = young ? s->refusals + 1 : 0;
	if (s->refusals > 1)
		pause = session_backoff_ms(s->refusals - 1, random_u32());
	then += pause < REFUSED_MAX_MS ? pause : REFUSED_MAX_MS;
	if (then < now + (int64_t)wait_s * 1000)
		then = now + (int64_t)wait_s * 1000;
	return then;
}

/* Is a login under way that may bring a good one?  Not if its second has to be
 * waited out: then it ends here. */
static bool
login_will_do(struct session *s, unsigned wait_s)
{
	if (!s->login || !wait_s)
		return s->login != NULL;
	login_cancel(s->login);
	s->login = NULL;
	return false;
}

void
session_token_refused(struct session *s, uint64_t generation, unsigned wait_s)
{
	int64_t soonest;

	/* Without a token a login is due: this one was refused before. */
	if (generation < s->generation || !s->token)
		return;
	soonest = soonest_login(s, wait_s);
	/* The refused token is of no use to anybody. */
	timers_cancel(timers_of(s), &s->ends);
	drop_token(s);
	if (s->no_issuer)
		s->state = SESSION_WITHOUT;
	else if (s->state == SESSION_VALID || s->state == SESSION_REFRESHING)
		s->state = SESSION_FETCHING;
	if (!login_will_do(s, wait_s)) {
		if (s->state == SESSION_FETCHING && clock_now_ms() >= soonest)
			log_in(s);
		else if (s->state == SESSION_FETCHING || !s->due.slot)
			timers_set(timers_of(s), &s->due, soonest);
	}
	s->changed(s->arg);
}

void
session_learn_nonce(struct session *s, const char *nonce)
{
	mem_wipe_free_str(s->memory.nonce);
	s->memory.nonce = mem_strdup(nonce);
}

void
session_set_config(struct session *s, struct config *config)
{
	s->setup.config = config;
}

void
session_set_gateway(struct session *s, struct gateway_state *gateway)
{
	s->setup.gateway = gateway;
}

struct session *
session_new(const struct login_setup *setup, void (*changed)(void *), void *arg)
{
	struct session *s = MEM_NEW(struct session);

	s->setup = *setup;
	s->setup.memory = &s->memory;
	s->generation = setup->account << 32;
	s->changed = changed;
	s->arg = arg;
	timer_init(&s->due, on_due, s);
	timer_init(&s->ends, on_ends, s);
	log_in(s);
	return s;
}

void
session_free(struct session *s)
{
	if (!s)
		return;
	if (s->login)
		login_cancel(s->login);
	timers_cancel(timers_of(s), &s->due);
	timers_cancel(timers_of(s), &s->ends);
	drop_token(s);
	free(s->trouble);
	free(s->last_base);
	login_memory_fini(&s->memory);
	free(s);
}

enum auth_mode
session_mode(const struct session *s)
{
	if (s->state != SESSION_WITHOUT)
		return AUTH_TOKEN;
	return identity_api_key(s->setup.identity) ? AUTH_API_KEY : AUTH_CERT;
}

enum session_state
session_state(const struct session *s)
{
	return s->state;
}

const char *
session_state_name(enum session_state state)
{
	static const char *const names[] = {"fetching", "valid", "refreshing",
	    "backoff", "terminal", "without-token"};

	return names[state];
}

struct token *
session_token(const struct session *s)
{
	return s->token;
}

const char *
session_trouble(const struct session *s)
{
	return s->trouble;
}
