/*
 * credentials: see credentials.h.
 *
 *                  Authorization   htu base          nonce
 *   local token    DPoP token      of the login      not needed
 *   Court token    DPoP token      public            Mastio's
 *     on its paths DPoP token      of the login      Court's
 *   certificate    -               public            Mastio's
 *   API key        (X-API-Key)     public            Mastio's
 *
 * Which of them, is the bundle's to say (ctl/session.h); but with auth = auto a
 * path that has no use for the Court's token goes by the API key, if the
 * gateway knows that; and the Court is never shown our key.
 */
#include "proxy/credentials.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/message.h"
#include "proxy/pathclass.h"

#include <stdio.h>
#include <stdlib.h>

/* How long requests go without a proof after all of one were refused. */
#define PROOFLESS_MS 60000

void
learned_forget_bases(struct learned *l)
{
	free(l->public_base);
	free(l->host_base);
	l->public_base = NULL;
	l->host_base = NULL;
}

void
learned_fini(struct learned *l)
{
	for (unsigned i = 0; i < REALMS; i++)
		mem_wipe_free_str(l->nonce[i]);
	learned_forget_bases(l);
}

/* ---- what is shown ---- */

static enum auth_mode
mode_of(const struct exchange *x)
{
	enum auth_mode mode = x->by_key ? AUTH_API_KEY : x->view->bundle->mode;

	return mode == AUTH_API_KEY && pathclass_wants(x->class) == WANTS_COURT
		   ? AUTH_CERT
		   : mode;
}

/* May the key take the place of the token?  Of a local one only where tokens
 * are ignored: elsewhere that counts wherever anything does. */
static bool
may_go_by_key(const struct exchange *x)
{
	const struct bundle *b = x->view->bundle;
	enum path_wants wants = pathclass_wants(x->class);
	bool local = b->token && b->token->kind == TOKEN_LOCAL;

	if (b->config->auth != AUTH_AUTO || b->mode != AUTH_TOKEN ||
	    !identity_api_key(b->identity))
		return false;
	return wants == WANTS_CERT || (wants == WANTS_AGENT && !local);
}

bool
credentials_turn_to_key(struct exchange *x)
{
	if (x->by_key || !may_go_by_key(x))
		return false;
	x->by_key = true;
	return true;
}

void
credentials_key_refused(const struct exchange *x)
{
	if (x->by_key && exchange_gateway_is_live(x))
		gateway_note_key(x->w->gateway, x->class, false);
}

static const struct token *
token_of(const struct exchange *x)
{
	return mode_of(x) == AUTH_TOKEN ? x->view->bundle->token : NULL;
}

bool
credentials_need_token(struct exchange *x)
{
	if (x->auth != ROUTE_AUTH_MASTIO)
		return false;
	if (gateway_takes_key(x->w->gateway, x->class))
		credentials_turn_to_key(x);
	return mode_of(x) == AUTH_TOKEN;
}

const struct token *
credentials_court_token(const struct exchange *x)
{
	const struct token *t = token_of(x);

	return t && t->kind == TOKEN_COURT ? t : NULL;
}

bool
credentials_show_token(const struct exchange *x)
{
	return x->auth == ROUTE_AUTH_MASTIO && token_of(x);
}

bool
credentials_show_key(const struct exchange *x)
{
	return x->auth == ROUTE_AUTH_MASTIO && mode_of(x) == AUTH_API_KEY;
}

const char *
credentials_name(const struct exchange *x)
{
	if (x->attempts == 0 || x->route->auth == ROUTE_AUTH_NONE)
		return "none";
	if (credentials_show_token(x))
		return "token";
	return credentials_show_key(x) ? "api-key" : "cert";
}

static enum realm
realm_of(const struct exchange *x)
{
	const struct token *t = token_of(x);

	return t && t->kind == TOKEN_COURT &&
		       pathclass_wants(x->class) == WANTS_COURT
		   ? REALM_COURT
		   : REALM_MASTIO;
}

/* Is the proof judged by the gateway's public URL, and not by the Host that it
 * hears (protocol 4.3)? */
static bool
by_public_url(const struct exchange *x)
{
	const struct token *t = token_of(x);

	return !t || (t->kind == TOKEN_COURT && realm_of(x) == REALM_MASTIO);
}

/* ---- the base of htu ---- */

/* The setting of what the proof is judged by, if it is set; else NULL. */
static const struct origin *
configured_base(const struct exchange *x)
{
	const struct config *conf = x->view->bundle->config;
	const struct origin *o =
	    by_public_url(x) ? &conf->public_htu_base : &conf->htu_base;

	return o->host ? o : NULL;
}

/* What the public URL may be, best guess first; false: no further one. */
static bool
public_base(const struct exchange *x, unsigned n, struct buf *b)
{
	const struct origin *own = configured_base(x);
	const struct origin *o =
	    own ? own : x->view->bundle->config->route.origin;
	const char *learned = x->w->learned.public_base;

	if (learned && n-- == 0)
		buf_add_str(b, learned);
	else if (n == 0)
		message_add_base(b, o, o->port_explicit);
	else if (n == 1 && o->port_explicit && !own)
		message_add_base(b, o, false);
	return b->len > 0;
}

void
credentials_base_settings(
    const struct exchange *x, const char **here, const char **there)
{
	const struct token *t = token_of(x);

	if (!t || by_public_url(x)) {
		*here = "public-htu-base";
		*there = "MCP_PROXY_PROXY_PUBLIC_URL";
	} else if (t->kind == TOKEN_COURT) {
		*here = "court-htu-base";
		*there = "BROKER_PUBLIC_URL (of the Court)";
	} else {
		*here = "htu-base";
		*there = "the Host that the gateway's front end passes on";
	}
}

void
credentials_add_base(const struct exchange *x, struct buf *b)
{
	const struct token *t = token_of(x);

	if (*x->htu_base)
		buf_add_str(b, x->htu_base);
	else if (!t || by_public_url(x))
		public_base(x, 0, b);
	else if (t->kind == TOKEN_LOCAL && x->w->learned.host_base)
		buf_add_str(b, x->w->learned.host_base);
	else
		buf_add_str(b, t->htu_base);
}

/* The operator has decided otherwise, and ought to know. */
static void
tell_override(const struct exchange *x)
{
	const struct origin *own = configured_base(x);
	struct buf set = BUF_INIT;
	const char *here, *there;

	if (!own)
		return;
	message_add_base(&set, own, own->port_explicit);
	credentials_base_settings(x, &here, &there);
	if (!span_eq(buf_span(&set), span_of(x->htu_base)))
		log_warn("auth",
		    "the gateway refuses proofs for the URL that is set, and "
		    "names another, which is used; set the one that is right",
		    L_STR("setting", here), L_SPAN("set", buf_span(&set)),
		    L_STR("expected", x->htu_base),
		    L_STR("request_id", x->request_id), L_END);
	buf_free(&set);
}

void
credentials_keep_base(struct exchange *x)
{
	const struct token *t = token_of(x);
	char **kept = by_public_url(x)         ? &x->w->learned.public_base
		      : t->kind == TOKEN_LOCAL ? &x->w->learned.host_base
					       : NULL;

	if (!*x->htu_base || !kept || !exchange_gateway_is_live(x) ||
	    x->view->bundle->config != x->w->view->bundle->config ||
	    (*kept && strcmp(*kept, x->htu_base) == 0))
		return;
	free(*kept);
	*kept = mem_strdup(x->htu_base);
	tell_override(x);
}

/* The base that was named for another token is not right any more: that of the
 * login is as good a guess. */
static bool
forget_host_base(struct exchange *x, struct buf *b)
{
	const struct token *t = token_of(x);
	char **kept = &x->w->learned.host_base;

	if (!t || t->kind != TOKEN_LOCAL || *x->htu_base || !*kept ||
	    !exchange_gateway_is_live(x))
		return false;
	free(*kept);
	*kept = NULL;
	buf_add_str(b, t->htu_base);
	return true;
}

bool
credentials_next_base(struct exchange *x, const char *named)
{
	struct buf b = BUF_INIT;
	bool found;

	if (*named) {
		found = strcmp(x->htu_base, named) != 0;
		buf_add_str(&b, named);
	} else {
		found = by_public_url(x) ? public_base(x, ++x->bases, &b)
					 : forget_host_base(x, &b);
	}
	if (found)
		snprintf(x->htu_base, sizeof(x->htu_base), "%.*s",
		    SPAN_ARG(buf_span(&b)));
	/* Over what is configured only if it is taken. */
	if (found && *named && by_public_url(x) && !configured_base(x))
		credentials_keep_base(x);
	buf_free(&b);
	return found;
}

/* ---- nonces ---- */

static struct span
nonce_of(const struct exchange *x)
{
	enum realm realm = realm_of(x);
	const char *own = x->lease.uc->nonce;

	/* The Mastio's processes do not know each other's nonces, and a kept
	 * connection often leads to the same one; the Court has one. */
	return span_of(
	    realm == REALM_MASTIO && own ? own : x->w->learned.nonce[realm]);
}

/* False: it is the one that was known. */
static bool
keep_nonce(struct learned *l, enum realm realm, struct span nonce)
{
	l->nonce_ms[realm] = clock_now_ms();
	if (span_eq(nonce, span_of(l->nonce[realm])))
		return false;
	mem_wipe_free_str(l->nonce[realm]);
	l->nonce[realm] = span_dup(nonce);
	return true;
}

void
learned_from_token(struct learned *l, const struct token *t)
{
	if (t->nonce)
		keep_nonce(l, REALM_COURT, span_of(t->nonce));
}

static void
take_nonce(struct exchange *x, const struct head *answer)
{
	struct span nonce = head_value(answer, FIELD_DPOP_NONCE);
	enum realm realm =
	    head_find(answer, FIELD_X_CULLIS_ROLE) ? REALM_COURT : realm_of(x);
	bool live = exchange_gateway_is_live(x);

	if (!dpop_nonce_ok(nonce))
		return;
	if (realm == REALM_MASTIO)
		upconn_set_nonce(x->lease.uc, nonce);
	/* The Court's stands nowhere else, and this request may need it. */
	if (!live && realm == REALM_MASTIO)
		return;
	if (keep_nonce(&x->w->learned, realm, nonce) && live &&
	    realm == REALM_COURT)
		worker_court_nonce(x->w, x->w->learned.nonce[realm]);
}

void
credentials_learn(struct exchange *x, const struct head *answer)
{
	take_nonce(x, answer);
	/* Who wanted a nonce did not know the local token, and spoke of the
	 * certificate's base (protocol 5.2). */
	if (x->proof && answer->status < 400 &&
	    (by_public_url(x) || !x->nonce_retries))
		credentials_keep_base(x);
	if (x->by_key && answer->status < 400 && exchange_gateway_is_live(x))
		gateway_note_key(x->w->gateway, x->class, true);
}

/* ---- the proof ---- */

/* Is the token nothing without a proof? */
static bool
needs_proof(const struct exchange *x)
{
	const struct token *t = token_of(x);

	return t && (t->kind == TOKEN_LOCAL || realm_of(x) == REALM_COURT ||
			pathclass_wants(x->class) == WANTS_TOKEN);
}

bool
credentials_drop_proof(struct exchange *x)
{
	if (x->proofless || needs_proof(x))
		return false;
	x->proofless = true;
	/* Nobody has said that it was the proof's fault. */
	if (!span_eq(x->req.method, SPAN("HEAD")) &&
	    exchange_gateway_is_live(x))
		x->w->learned.proofless_until_ms =
		    clock_now_ms() + PROOFLESS_MS;
	return true;
}

static bool
shows_proof(const struct exchange *x)
{
	if (needs_proof(x) || x->proof_wanted)
		return true;
	return !x->proofless &&
	       clock_now_ms() >= x->w->learned.proofless_until_ms;
}

static int
add_proof(
    struct exchange *x, struct span base, struct span ath, struct buf *out)
{
	struct dpop_claims claims = {.htm = x->req.method,
	    .htu_base = base,
	    .path = buf_span(&x->box->path.decoded),
	    .ath = ath,
	    .nonce = nonce_of(x),
	    .iat = gateway_wall_s(x->w->gateway)};

	metric_add(&x->w->metrics->proofs, 1);
	return dpop_mint(x->view->signer, &claims, out, x->jti);
}

static int
add_proof_field(struct exchange *x, struct span ath, struct buf *out)
{
	struct buf base = BUF_INIT;
	int r;

	credentials_add_base(x, &base);
	buf_add_str(out, "DPoP: ");
	r = add_proof(x, buf_span(&base), ath, out);
	buf_add_str(out, "\r\n");
	buf_free(&base);
	return r;
}

int
credentials_add_message(struct exchange *x, struct buf *out)
{
	const struct origin *own = &x->view->bundle->config->court_htu_base;
	const struct token *t = credentials_court_token(x);
	struct buf base = BUF_INIT;
	int r;

	if (!t)
		return -1;
	/* A Court without a public URL is logged in to by another base than
	 * its socket's, so what is configured counts here (protocol 4.3). */
	if (own->host)
		message_add_base(&base, own, own->port_explicit);
	else
		credentials_add_base(x, &base);
	buf_add_str(out, "{\"type\":\"auth\",\"token\":\"");
	buf_add_span(out, token_span(t)); /* b64token needs no escapes */
	buf_add_str(out, "\",\"dpop_proof\":\"");
	r = add_proof(x, buf_span(&base), span_of(t->ath), out);
	buf_add_str(out, "\"}");
	buf_free(&base);
	return r;
}

int
credentials_add(struct exchange *x, struct buf *out)
{
	const struct token *t = token_of(x);
	const struct identity *id = x->view->bundle->identity;
	char key_ath[TOKEN_ATH_LEN + 1];
	struct span ath = SPAN_NONE;

	if (t) {
		buf_add_str(out, "Authorization: DPoP ");
		buf_add_span(out, token_span(t));
		buf_add_str(out, "\r\n");
		ath = span_of(t->ath);
	} else if (mode_of(x) == AUTH_API_KEY) {
		buf_add_str(out, "X-API-Key: ");
		buf_add_str(out, identity_api_key(id));
		buf_add_str(out, "\r\n");
		token_ath(span_of(identity_api_key(id)), key_ath);
		ath = span_of(key_ath);
	}
	*x->jti = '\0';
	x->proof = shows_proof(x);
	return x->proof ? add_proof_field(x, ath, out) : 0;
}
