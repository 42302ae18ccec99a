/*
 * account: see account.h.
 */
#include "ctl/account.h"

#include "auth/verdict.h"
#include "base/mem.h"
#include "net/fetch.h"
#include "proxy/message.h"

#include <stdlib.h>

#define PROBE_PATH "/v1/auth/login-challenge"
#define PROBE_MS 30000
#define CONNECTIONS_MAX 4

static void
on_session(void *arg)
{
	struct account *a = arg;

	/* While it is being made, who asked for it does not know it yet. */
	if (a->session)
		a->setup.changed(a->setup.arg, a);
}

static struct gateway_state *
gateway_of(struct account *a)
{
	return a->trial == ACCOUNT_NO_TRIAL ? a->setup.gateway : &a->own;
}

static struct upstream_options
options_of(const struct gateway_state *g, const struct config *conf)
{
	struct upstream_options o = {.connect_ms = conf->connect_timeout_ms,
	    .idle_ms = conf->upstream_idle_timeout_ms,
	    .max_uses = conf->upstream_max_uses,
	    .max_connections = CONNECTIONS_MAX,
	    .in_limit = 65536};

	gateway_upstream_options(g, conf, &o);
	return o;
}

static void
open_upstream(struct account *a)
{
	struct upstream_options o = options_of(gateway_of(a), a->config);

	a->upstream = upstream_new(
	    a->setup.loop, a->setup.resolver, a->setup.metrics, &o);
}

static void
open_session(struct account *a)
{
	struct login_setup login = {.config = a->config,
	    .identity = a->identity,
	    .gateway = gateway_of(a),
	    .account = a->setup.number,
	    .upstream = a->upstream,
	    .signer = a->signer};

	a->session = session_new(&login, on_session, a);
}

struct account *
account_new(const struct account_setup *setup, struct config *conf,
    struct identity *id, enum account_trial trial, struct err *err)
{
	struct signer *signer = signer_new(id, err);
	struct account *a;

	if (!signer)
		return NULL;
	a = MEM_NEW(struct account);
	a->setup = *setup;
	a->config = config_ref(conf);
	a->identity = identity_ref(id);
	a->signer = signer;
	a->trial = trial;
	if (trial == ACCOUNT_SAME_GATEWAY)
		gateway_become(&a->own, setup->gateway);
	open_upstream(a);
	if (conf->auth != AUTH_CERT && conf->auth != AUTH_API_KEY)
		open_session(a);
	return a;
}

void
account_free(struct account *a)
{
	if (!a)
		return;
	if (a->probe)
		fetch_cancel(a->probe);
	session_free(a->session);
	upstream_unref(a->upstream);
	signer_unref(a->signer);
	identity_unref(a->identity);
	config_unref(a->config);
	free(a->why);
	free(a);
}

/* ---- probing ---- */

static void
refuse(struct account *a, const char *why)
{
	a->probed = ACCOUNT_REFUSED;
	free(a->why);
	a->why = mem_strdup(why);
}

/* Any answer will do, but one that refuses the certificate.  A challenge is
 * asked for because that looks at the certificate alone, and changes nothing
 * (protocol 3.2, 5.1). */
static void
judge(struct account *a, const struct fetch_result *r)
{
	struct verdict_input in = {.body = r->body,
	    .route = VERDICT_ROUTE_LOGIN,
	    .path = SPAN(PROBE_PATH)};
	struct verdict v;

	verdict_read_head(&in, r->head);
	if (in.body.n > VERDICT_BODY_MAX)
		in.body.n = VERDICT_BODY_MAX;
	v = verdict_of(&in);
	if (v.reload)
		refuse(a, v.words.message);
	else
		a->probed = ACCOUNT_GOOD;
}

static void
on_probed(void *arg, const struct fetch_result *r)
{
	struct account *a = arg;

	a->probe = NULL;
	if (r->status)
		judge(a, r);
	else
		refuse(a, r->why);
	a->setup.changed(a->setup.arg, a);
}

void
account_probe(struct account *a)
{
	struct upstream_identity who = {
	    identity_ssl_ctx(a->identity), identity_generation(a->identity)};
	struct buf host = BUF_INIT;
	struct fetch_request r = {.method = "POST",
	    .path = PROBE_PATH,
	    .timeout_ms = PROBE_MS,
	    .fresh = true};

	if (a->session || a->probe)
		return;
	a->probed = ACCOUNT_TRYING;
	message_add_host(&host, a->config->route.origin);
	r.host = buf_span(&host);
	a->probe = fetch_start(a->upstream, who, &r, on_probed, a);
	buf_free(&host);
}

enum account_state
account_state(const struct account *a)
{
	if (!a->session)
		return a->probed;
	switch (session_state(a->session)) {
	case SESSION_VALID:
	case SESSION_REFRESHING:
	case SESSION_WITHOUT:
		return ACCOUNT_GOOD;
	case SESSION_BACKOFF:
	case SESSION_TERMINAL:
		return ACCOUNT_REFUSED;
	case SESSION_FETCHING:
		break;
	}
	return ACCOUNT_TRYING;
}

const char *
account_why(const struct account *a)
{
	return a->session ? session_trouble(a->session) : a->why;
}

/* ---- going live ---- */

enum auth_mode
account_mode(const struct account *a)
{
	return a->session ? session_mode(a->session) : a->config->auth;
}

struct token *
account_token(const struct account *a)
{
	return a->session ? session_token(a->session) : NULL;
}

static bool
same_base(const struct origin *a, const struct origin *b)
{
	return origin_same(a, b) && a->port_explicit == b->port_explicit;
}

/* Would it log in in the same way?  Else it has to show that it can, before
 * the token of the old way ends. */
static bool
same_login(const struct config *a, const struct config *b)
{
	return a->auth == b->auth && a->login == b->login &&
	       a->token_binding == b->token_binding &&
	       same_base(&a->htu_base, &b->htu_base) &&
	       same_base(&a->court_htu_base, &b->court_htu_base);
}

bool
account_fits(const struct account *a, const struct config *conf)
{
	const struct upstream_options o = options_of(a->setup.gateway, conf);

	return same_login(conf, a->config) && upstream_is(a->upstream, &o);
}

void
account_set_config(struct account *a, struct config *conf)
{
	config_ref(conf);
	config_unref(a->config);
	a->config = conf;
	if (a->session)
		session_set_config(a->session, conf);
}

void
account_goes_live(struct account *a)
{
	if (a->trial == ACCOUNT_NO_TRIAL)
		return;
	if (a->trial == ACCOUNT_OTHER_GATEWAY)
		gateway_become(a->setup.gateway, &a->own);
	else if (gateway_reach(&a->own).reached)
		gateway_found(a->setup.gateway);
	a->trial = ACCOUNT_NO_TRIAL;
	a->upstream->opt.trusted_arg = a->setup.gateway;
	if (a->session)
		session_set_gateway(a->session, a->setup.gateway);
}
