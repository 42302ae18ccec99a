/*
 * login: see login.h.  Reads in the order in which a login goes:
 *
 *   [challenge -> endorse ->] mint -> judge the answer -> done, or mint again
 */
#include "ctl/login.h"

#include "auth/assertion.h"
#include "auth/chain.h"
#include "auth/dpop.h"
#include "auth/verdict.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/fetch.h"
#include "proxy/message.h"

#include <jansson.h>
#include <stdlib.h>

#define MINT_PATH "/v1/auth/token"
#define CHALLENGE_PATH "/v1/auth/login-challenge"
#define ENDORSE_PATH "/v1/auth/sign-challenged-assertion"
#define ANSWER_MS 30000
#define MINT_MAX 8      /* requests to MINT_PATH in one login */
#define CHALLENGE_MAX 4 /* rounds of challenge and endorsement */
#define BASES_MAX 3
#define MISDATED_S 4 /* a proof may be dated 5 s ahead (protocol 4.6) */

struct login {
	struct login_setup s;
	void (*told)(void *, const struct login_result *);
	void *arg;
	struct timer begin;
	struct fetch *fetch;
	char *bases[BASES_MAX];
	unsigned nbases, base;
	char *challenge; /* nonce of the challenge, or NULL */
	char *assertion; /* endorsed, or NULL */
	char *mastio_signature;
	STACK_OF(X509) *presented; /* the gateway's chain, or NULL */
	struct token *unbound;     /* what we got instead of a bound one */
	unsigned mints, rounds;
	int64_t dated_s; /* iat of the last proof */
	bool answered;
	enum lease_failure missed;
	bool clock_fixed, chain_tried, challenged, renewed, no_issuer;
};

void
login_memory_fini(struct login_memory *m)
{
	mem_wipe_free_str(m->nonce);
}

static void mint(struct login *);
static void ask_challenge(struct login *);

/* ---- ending ---- */

static void
free_login(struct login *l)
{
	for (unsigned i = 0; i < l->nbases; i++)
		free(l->bases[i]);
	mem_wipe_free_str(l->challenge);
	mem_wipe_free_str(l->assertion);
	mem_wipe_free_str(l->mastio_signature);
	chain_stack_free(l->presented);
	token_unref(l->unbound);
	config_unref(l->s.config);
	free(l);
}

void
login_cancel(struct login *l)
{
	if (l->fetch)
		fetch_cancel(l->fetch);
	timers_cancel(&l->s.upstream->loop->timers, &l->begin);
	free_login(l);
}

static void
end(struct login *l, const struct login_result *r)
{
	l->told(l->arg, r);
	free_login(l);
}

static void
fail(struct login *l, const char *why, bool terminal, unsigned retry_after_s)
{
	end(l, &(struct login_result){.why = why,
		   .terminal = terminal,
		   .no_issuer = l->no_issuer,
		   .retry_after_s = retry_after_s,
		   .answered = l->answered,
		   .missed = l->missed});
}

static void
succeed(struct login *l, struct token *t)
{
	if (t->kind == TOKEN_COURT && l->s.memory->nonce)
		t->nonce = mem_strdup(l->s.memory->nonce);
	end(l, &(struct login_result){.token = t, .answered = true});
}

/* ---- what every answer tells ---- */

static void
learn(struct login *l, const struct fetch_result *r)
{
	struct span nonce = head_value(r->head, FIELD_DPOP_NONCE);
	struct login_memory *m = l->s.memory;

	gateway_answered(l->s.gateway);
	gateway_learn_clock(l->s.gateway, r->head, r->sent_ms);
	if (dpop_nonce_ok(nonce)) {
		mem_wipe_free_str(m->nonce);
		m->nonce = span_dup(nonce);
	}
	gateway_note_mode(l->s.gateway, r->head);
	if (!m->sunset && head_find(r->head, FIELD_SUNSET)) {
		m->sunset = true;
		log_info("login", "the token's issuer says when it will end",
		    L_SPAN("sunset", head_value(r->head, FIELD_SUNSET)),
		    L_SPAN(
			"deprecation", head_value(r->head, FIELD_DEPRECATION)),
		    L_END);
	}
	if (r->chain && !l->presented)
		l->presented = X509_chain_up_ref(r->chain);
}

static struct verdict
judge(const struct fetch_result *r, const char *path)
{
	struct verdict_input in = {.body = r->body,
	    .route = VERDICT_ROUTE_LOGIN,
	    .proof = true,
	    .path = span_of(path)};

	verdict_read_head(&in, r->head);
	if (in.body.n > VERDICT_BODY_MAX)
		in.body.n = VERDICT_BODY_MAX;
	return verdict_of(&in);
}

/* The login ends with this answer. */
static void
refused(struct login *l, const struct fetch_result *r, const char *path,
    const struct verdict *v)
{
	bool terminal = v->action == VERDICT_TERMINAL;
	bool older =
	    v->row == VERDICT_ROW_LOGIN_404 || v->row == VERDICT_ROW_LOGIN_405;
	struct buf b = BUF_INIT;
	char *why;

	older |= v->row == VERDICT_ROW_LOGIN_API_KEY;
	l->no_issuer |= v->row == VERDICT_ROW_LOGIN_NO_ISSUER ||
			(older && identity_api_key(l->s.identity));
	buf_printf(&b, "the gateway answered %u to %s", r->status, path);
	if (*v->detail)
		buf_printf(&b, " (%s)", v->detail);
	if (v->words.message)
		buf_printf(
		    &b, ". %s %s", v->words.message, v->words.suggestion);
	why = buf_steal_str(&b);
	fail(l, why, terminal, v->wait_s);
	free(why);
}

/* ---- sending ---- */

static void
post(struct login *l, const char *path, struct span fields, struct span body,
    bool fresh, void (*told)(void *, const struct fetch_result *))
{
	struct upstream_identity who = {identity_ssl_ctx(l->s.identity),
	    identity_generation(l->s.identity)};
	struct buf host = BUF_INIT;
	struct fetch_request r = {.method = "POST",
	    .path = path,
	    .fields = fields,
	    .body = body,
	    .timeout_ms = ANSWER_MS,
	    .fresh = fresh};

	message_add_host(&host, l->s.config->route.origin);
	r.host = buf_span(&host);
	l->fetch = fetch_start(l->s.upstream, who, &r, told, l);
	buf_free(&host);
}

/* True: nothing more to do with this answer, the login has ended. */
static bool
no_answer(struct login *l, const struct fetch_result *r)
{
	l->fetch = NULL;
	l->answered = r->status != 0;
	l->missed = r->failure;
	if (r->status) {
		learn(l, r);
		return false;
	}
	fail(l, r->why, r->failure == LEASE_TLS, 0);
	return true;
}

/* ---- challenge and endorsement (protocol 3.2, 3.3) ---- */

static char *
json_text(struct span body, const char *member)
{
	json_t *json = json_loadb(body.p, body.n, 0, NULL);
	char *text =
	    mem_strdup(json_string_value(json_object_get(json, member)));

	json_decref(json);
	return text;
}

static void
on_endorsed(void *arg, const struct fetch_result *r)
{
	struct login *l = arg;
	struct verdict v;

	if (no_answer(l, r))
		return;
	if (r->status == 200) {
		l->mastio_signature = json_text(r->body, "mastio_signature");
		mint(l);
		return;
	}
	/* Another server process may have made the nonce: try again. */
	if (r->status == 401 && ++l->rounds < CHALLENGE_MAX) {
		mem_wipe_free_str(l->assertion);
		l->assertion = NULL;
		ask_challenge(l);
		return;
	}
	v = judge(r, ENDORSE_PATH);
	refused(l, r, ENDORSE_PATH, &v);
}

static void
endorse(struct login *l)
{
	struct err err = ERR_INIT;
	struct buf body = {.secret = true};

	l->assertion = assertion_make(l->s.identity, l->presented,
	    gateway_wall_s(l->s.gateway), l->challenge, &err);
	if (!l->assertion) {
		fail(l, err.text, true, 0);
		return;
	}
	buf_printf(&body, "{\"client_assertion\":\"%s\",\"nonce\":\"%s\"}",
	    l->assertion, l->challenge);
	post(l, ENDORSE_PATH, SPAN_NONE, buf_span(&body), false, on_endorsed);
	buf_free(&body);
}

static void
on_challenge(void *arg, const struct fetch_result *r)
{
	struct login *l = arg;
	struct verdict v;

	if (no_answer(l, r))
		return;
	mem_wipe_free_str(l->challenge);
	l->challenge = r->status == 200 ? json_text(r->body, "nonce") : NULL;
	if (l->challenge && dpop_nonce_ok(span_of(l->challenge))) {
		endorse(l);
		return;
	}
	v = judge(r, CHALLENGE_PATH);
	refused(l, r, CHALLENGE_PATH, &v);
}

static void
ask_challenge(struct login *l)
{
	l->challenged = true;
	post(l, CHALLENGE_PATH, SPAN_NONE, SPAN_NONE, l->rounds == 0,
	    on_challenge);
}

/* ---- mint: assertion and proof for a token (protocol 3.4) ---- */

/* The gateway's clock turned out to be another than the last proof was dated
 * by: reason enough to silently refuse it, and to prove once more. */
static bool
was_misdated(struct login *l)
{
	int64_t off = l->dated_s - gateway_wall_s(l->s.gateway);

	if (l->clock_fixed || (off <= MISDATED_S && off >= -MISDATED_S))
		return false;
	l->clock_fixed = true;
	return true;
}

/* The token came unbound: our proof was silently refused. */
static void
unbound(struct login *l, struct token *t)
{
	token_unref(l->unbound);
	l->unbound = t;
	log_info("login", "the token is not bound to our key",
	    L_STR("htu_base", l->bases[l->base]), L_END);
	if (was_misdated(l) || ++l->base < l->nbases) {
		mint(l);
		return;
	}
	if (l->s.config->token_binding == TOKEN_BINDING_PREFER &&
	    !t->bound_to_other) {
		t = token_ref(l->unbound);
		succeed(l, t);
		return;
	}
	/* As gateways do that still know API keys. */
	l->no_issuer = identity_api_key(l->s.identity) != NULL;
	fail(l,
	    "the gateway issues tokens that are not bound to our DPoP key: "
	    "compare this machine's clock with the gateway's, set htu-base to "
	    "the origin that the gateway believes it has, or allow it with "
	    "token-binding = prefer",
	    false, 0);
}

static void
got_token(struct login *l, const struct fetch_result *r)
{
	struct err err = ERR_INIT;
	struct token *t = token_from_response(r->body,
	    identity_jkt(l->s.identity), l->bases[l->base], r->sent_ms, &err);

	if (!t)
		fail(l, err.text, false, 0);
	else if (t->bound)
		succeed(l, t);
	else
		unbound(l, t);
}

/* Direct login is refused because the assertion lacks the Mastio's
 * counter-signature (protocol 3.1): only then is a challenge of use. */
static bool
wants_challenge(const struct login *l, const struct verdict *v)
{
	return v->endorse && !l->challenged && l->s.config->login == LOGIN_AUTO;
}

/* Our chain has a gap, and the one that the gateway showed since may fill it
 * (protocol 1.4). */
static bool
wants_chain(struct login *l, const struct verdict *v)
{
	bool wants = (v->row == VERDICT_ROW_LOGIN_X509 ||
			 v->row == VERDICT_ROW_LOGIN_COURT_CHAIN) &&
		     l->presented && !l->chain_tried;

	l->chain_tried |= wants;
	return wants;
}

/* The endorsed assertion is of no use any more, while one that we make anew
 * each time may be: get the next one endorsed. */
static void
mint_anew(struct login *l)
{
	if (!l->assertion) {
		mint(l);
		return;
	}
	mem_wipe_free_str(l->assertion);
	l->assertion = NULL;
	mem_wipe_free_str(l->mastio_signature);
	l->mastio_signature = NULL;
	ask_challenge(l);
}

/* The clock has been learned from the answer. */
static bool
wants_time(struct login *l, const struct verdict *v)
{
	bool wants = v->action == VERDICT_FIX_CLOCK && !l->clock_fixed;

	l->clock_fixed |= wants;
	return wants;
}

/* Its jti has been seen: one more, with another. */
static bool
wants_assertion(struct login *l, const struct verdict *v)
{
	bool wants = v->row == VERDICT_ROW_LOGIN_REPLAY && !l->renewed;

	l->renewed |= wants;
	return wants;
}

static void
on_minted(void *arg, const struct fetch_result *r)
{
	struct login *l = arg;
	struct verdict v;

	if (no_answer(l, r))
		return;
	if (r->status == 200) {
		got_token(l, r);
		return;
	}
	v = judge(r, MINT_PATH);
	if (l->mints >= MINT_MAX) {
		refused(l, r, MINT_PATH, &v);
	} else if (wants_challenge(l, &v)) {
		ask_challenge(l);
	} else if (wants_chain(l, &v) || wants_time(l, &v) ||
		   wants_assertion(l, &v)) {
		mint_anew(l);
	} else if (v.action == VERDICT_NEW_NONCE ||
		   (v.action == VERDICT_NEW_PROOF &&
		       v.row != VERDICT_ROW_LOGIN_REPLAY)) {
		mint(l);
	} else if (v.action == VERDICT_LEARN_HTU && l->base + 1 < l->nbases) {
		l->base++;
		mint(l);
	} else {
		refused(l, r, MINT_PATH, &v);
	}
}

static int
add_proof(struct login *l, struct buf *fields)
{
	char jti[DPOP_JTI_LEN + 1];
	struct dpop_claims claims = {.htm = SPAN("POST"),
	    .htu_base = span_of(l->bases[l->base]),
	    .path = SPAN(MINT_PATH),
	    .nonce = span_of(l->s.memory->nonce),
	    .iat = gateway_wall_s(l->s.gateway)};

	l->dated_s = claims.iat;
	buf_add_str(fields, "DPoP: ");
	if (dpop_mint(l->s.signer, &claims, fields, jti) < 0)
		return -1;
	buf_add_str(fields, "\r\n");
	if (l->mastio_signature && dpop_nonce_ok(span_of(l->mastio_signature)))
		buf_printf(fields, "X-Cullis-Mastio-Signature: %s\r\n",
		    l->mastio_signature);
	return 0;
}

static void
mint(struct login *l)
{
	struct err err = ERR_INIT;
	struct buf body = {.secret = true}, fields = {.secret = true};
	char *assertion = l->assertion
			      ? mem_strdup(l->assertion)
			      : assertion_make(l->s.identity, l->presented,
				    gateway_wall_s(l->s.gateway), NULL, &err);

	l->mints++;
	if (!assertion) {
		fail(l, err.text, true, 0);
	} else if (add_proof(l, &fields) < 0) {
		fail(l, "OpenSSL could not sign a DPoP proof", false, 0);
	} else {
		buf_printf(&body, "{\"client_assertion\":\"%s\"}", assertion);
		/* A new connection at first: it shows the gateway's chain. */
		post(l, MINT_PATH, buf_span(&fields), buf_span(&body),
		    l->mints == 1, on_minted);
	}
	mem_wipe_free_str(assertion);
	buf_free(&body);
	buf_free(&fields);
}

/* ---- beginning ---- */

static char *
base_of(const struct origin *o, bool with_port)
{
	struct buf b = BUF_INIT;

	message_add_base(&b, o, with_port);
	return buf_steal_str(&b);
}

/* What was right the last time is tried first. */
static void
begin_with_last(struct login *l)
{
	for (unsigned i = 1; l->s.last_base && i < l->nbases; i++) {
		char *base = l->bases[i];

		if (strcmp(base, l->s.last_base) != 0)
			continue;
		l->bases[i] = l->bases[0];
		l->bases[0] = base;
	}
}

/* Which origin may the gateway believe it has (protocol 4.3)?  We call it by
 * its name without port, so that comes first. */
static void
list_bases(struct login *l)
{
	const struct config *conf = l->s.config;
	const struct origin *o = conf->route.origin;

	if (conf->htu_base.host) {
		l->bases[l->nbases++] =
		    base_of(&conf->htu_base, conf->htu_base.port_explicit);
	} else {
		l->bases[l->nbases++] = base_of(o, false);
		if (o->port_explicit)
			l->bases[l->nbases++] = base_of(o, true);
	}
	o = &conf->court_htu_base;
	if (o->host)
		l->bases[l->nbases++] = base_of(o, o->port_explicit);
	begin_with_last(l);
}

static void
on_begin(void *arg)
{
	struct login *l = arg;

	if (l->s.config->login == LOGIN_CHALLENGE)
		ask_challenge(l);
	else
		mint(l);
}

struct login *
login_start(const struct login_setup *setup,
    void (*told)(void *, const struct login_result *), void *arg)
{
	struct login *l = MEM_NEW(struct login);

	l->s = *setup;
	config_ref(l->s.config);
	l->told = told;
	l->arg = arg;
	list_bases(l);
	/* In a turn of its own, so that the caller knows us when told. */
	timer_init(&l->begin, on_begin, l);
	timers_set(&setup->upstream->loop->timers, &l->begin, clock_now_ms());
	return l;
}
