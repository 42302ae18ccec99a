/*
 * heal: see heal.h.
 */
#include "proxy/heal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/breaker.h"
#include "proxy/client.h"
#include "proxy/courtsocket.h"
#include "proxy/credentials.h"
#include "proxy/mcp.h"

#include <stdio.h>

#define URL_SHOWN 200 /* of a path, in a sentence */

static struct verdict_input
input_of(const struct exchange *x)
{
	const struct token *t = x->view->bundle->token;
	enum path_wants wants = pathclass_wants(x->class);
	struct verdict_input in = {.token = VERDICT_TOKEN_NONE,
	    .route = VERDICT_ROUTE_MASTIO,
	    .proof = x->proof,
	    .key = credentials_show_key(x),
	    .head = span_eq(x->req.method, SPAN("HEAD")),
	    .path = buf_span(&x->box->path.decoded)};

	if (credentials_show_token(x))
		in.token = t->kind == TOKEN_COURT ? VERDICT_TOKEN_COURT
						  : VERDICT_TOKEN_LOCAL;
	if (wants == WANTS_CERT)
		in.route = VERDICT_ROUTE_CERT;
	else if (wants == WANTS_TOKEN)
		in.route = VERDICT_ROUTE_TOKEN;
	else if (wants == WANTS_COURT)
		in.route = VERDICT_ROUTE_COURT;
	verdict_read_head(&in, &x->res);
	return in;
}

bool
heal_concerns(const struct exchange *x)
{
	struct verdict_input in;

	if (mcp_lost(x))
		return true;
	if (x->auth != ROUTE_AUTH_MASTIO)
		return false;
	if (x->upgrade && !x->shakes)
		return true; /* it is there for its nonce alone */
	in = input_of(x);
	return verdict_wants_body(&in);
}

/* ---- remedies: false, it has been tried often enough ---- */

/* A local token needs no nonce.  If one is asked for, the gateway does not know
 * the token any more, as after a change of its signing key, and has looked at
 * the certificate instead (protocol 5.2).  Where that is enough the nonce heals
 * this request; a new token is for the next ones.  Not for two tokens in a row:
 * then this gateway asks everybody. */
static void
suspect_token(struct exchange *x)
{
	const struct token *t = x->view->bundle->token;
	uint64_t *suspected = &x->w->learned.suspected;

	/* The Court asks for its own nonce, and never takes a local token. */
	if (!credentials_show_token(x) || t->kind != TOKEN_LOCAL ||
	    head_find(&x->res, FIELD_X_CULLIS_ROLE) ||
	    (*suspected && t->generation <= *suspected + 1))
		return;
	*suspected = t->generation;
	worker_token_refused(x->w, t->generation, 0);
}

static bool
heal_nonce(struct exchange *x)
{
	suspect_token(x);
	x->nonce_retries++;
	metric_add(&x->w->metrics->nonce_retries, 1);
	return true;
}

static bool
heal_token(struct exchange *x, unsigned wait_s)
{
	if (!credentials_show_token(x))
		return false;
	x->refused_token = x->view->bundle->token->generation;
	worker_token_refused(x->w, x->refused_token, wait_s);
	return true;
}

/* Without the proof that it does not take?  Not if it has asked for one. */
static bool
heal_without_proof(struct exchange *x, const struct verdict *v)
{
	bool proof_is_at_fault =
	    v->action == VERDICT_NEW_NONCE || v->action == VERDICT_LEARN_HTU ||
	    v->row == VERDICT_ROW_KEY || v->row == VERDICT_ROW_KEY_NO_TOKEN;

	if (!proof_is_at_fault || x->proof_wanted || !credentials_drop_proof(x))
		return false;
	log_info("auth", "the gateway takes no proof, going on without one",
	    L_STR("code", v->words.code), L_STR("detail", v->detail),
	    L_STR("request_id", x->request_id), L_END);
	return true;
}

/* No answer to HEAD says that it is a nonce that is missed: that is a guess. */
static bool
is_guess(const struct verdict *v)
{
	return v->row == VERDICT_ROW_HEAD_NONCE ||
	       v->row == VERDICT_ROW_HEAD_MASTIO ||
	       v->row == VERDICT_ROW_HEAD_COURT;
}

/* If a nonce has not helped, no proof at all finds out soonest what else it is:
 * where proofs are optional that is enough, where they are required it is said,
 * and then it is a nonce after all. */
static bool
heal_guessed(struct exchange *x, const struct verdict *v, bool more)
{
	if (x->tries[v->action] > 1 && heal_without_proof(x, v))
		return true;
	return more && x->proof && heal_nonce(x);
}

/* Which URL is right is decided on both sides. */
static void
explain_base(struct exchange *x, const struct verdict *v)
{
	struct buf sent = BUF_INIT, path = BUF_INIT;
	const char *here, *there;

	if (x->words)
		return; /* what was sent first counts */
	credentials_add_base(x, &sent);
	credentials_base_settings(x, &here, &there);
	buf_add_span(&path, buf_span(&x->box->path.decoded));
	if (path.len > URL_SHOWN)
		path.len = URL_SHOWN;
	if (*v->base)
		x->words = mem_printf("The proof was made for %.*s%.*s, the "
				      "gateway expects %s%.*s; set %s here, "
				      "or %s there",
		    SPAN_ARG(buf_span(&sent)), SPAN_ARG(buf_span(&path)),
		    v->base, SPAN_ARG(buf_span(&path)), here, there);
	else
		x->words = mem_printf(
		    "The proof was made for %.*s%.*s, and the gateway expects "
		    "another URL, which it does not say; set %s here to what "
		    "is %s there",
		    SPAN_ARG(buf_span(&sent)), SPAN_ARG(buf_span(&path)), here,
		    there);
	buf_free(&sent);
	buf_free(&path);
}

static bool
apply(struct exchange *x, const struct verdict *v)
{
	bool more = x->tries[v->action]++ < v->tries;

	if (v->key && credentials_turn_to_key(x))
		return true;
	switch (v->action) {
	case VERDICT_NEW_NONCE:
		more = is_guess(v) ? heal_guessed(x, v, more)
				   : more && heal_nonce(x);
		break;
	case VERDICT_LEARN_HTU:
		explain_base(x, v);
		suspect_token(x);
		more = (*v->base ? more : x->tries[v->action] <= HEAL_BASES) &&
		       credentials_next_base(x, v->base);
		break;
	case VERDICT_FIX_CLOCK: /* its Date has been looked at */
		break;
	case VERDICT_LOGIN:
		more = more && heal_token(x, v->wait_s);
		break;
	case VERDICT_NEW_PROOF:
		x->proof_wanted |= v->row == VERDICT_ROW_PROOF_WANTED ||
				   v->row == VERDICT_ROW_HEAD_PROOF;
		break;
	default:
		more = false;
	}
	return more || (!v->agent && heal_without_proof(x, v));
}

/* ---- giving up ---- */

static char *
copy_if_any(const char *text)
{
	return *text ? mem_strdup(text) : NULL;
}

/* A login is wanted, and this request showed nothing that one gives. */
static void
explain_no_token(struct exchange *x)
{
	static const struct verdict_words none = {"token-needed",
	    "This route of the gateway wants a session token, and there is "
	    "none.",
	    "Let the gateway issue local tokens "
	    "(MCP_PROXY_LOCAL_AUTH_ENABLED=1), and set auth = auto or token."};

	/* With a key: the token was of no use, nor is this. */
	x->says =
	    x->by_key ? verdict_words(VERDICT_ROW_COURT_UNVERIFIED) : none;
}

static enum heal
give_up(struct exchange *x, const struct verdict *v, enum end *end)
{
	*end = END_AUTH_REFUSED;
	credentials_key_refused(x);
	log_warn("auth", "the gateway refused our credentials",
	    L_STR("code", v->words.code), L_STR("detail", v->detail),
	    L_STR("request_id", x->request_id), L_END);
	x->says = v->words;
	if (v->action == VERDICT_LOGIN && !credentials_show_token(x))
		explain_no_token(x);
	if (v->action == VERDICT_LEARN_HTU)
		x->says.message = x->words;
	else
		snprintf(x->detail, sizeof(x->detail), "%s", v->detail);
	x->gateway_reason = copy_if_any(v->detail);
	x->gateway_hint = copy_if_any(v->hint);
	if (v->agent)
		breaker_refused(x, v);
	if (v->reload)
		worker_wants_files(x->w);
	return HEAL_END;
}

/* It could be healed, but the request is not there any more. */
static enum heal
too_large(struct exchange *x, const struct verdict *v, enum end *end)
{
	*end = END_NOT_KEPT;
	if (v->action == VERDICT_LOGIN)
		heal_token(x, v->wait_s);
	else if (v->action == VERDICT_LEARN_HTU &&
		 credentials_next_base(x, v->base))
		credentials_keep_base(x);
	snprintf(x->detail, sizeof(x->detail), "%s", v->detail);
	return HEAL_END;
}

static enum heal
judge(struct exchange *x, struct verdict_input *in, enum end *end,
    int64_t *due_ms)
{
	struct verdict v;

	if (in->body.n > VERDICT_BODY_MAX)
		in->body.n = VERDICT_BODY_MAX;
	v = verdict_of(in);
	*due_ms = v.wait_s ? clock_now_ms() + (int64_t)v.wait_s * 1000 : 0;
	if (v.action != VERDICT_PASS)
		metric_add(&x->w->metrics->refusals[v.action], 1);
	if (v.action == VERDICT_PASS)
		return HEAL_PASS;
	if (v.action == VERDICT_BACKOFF)
		return breaker_shed(x, &v, due_ms) ? HEAL_AGAIN : HEAL_PASS;
	if (v.action != VERDICT_TERMINAL && x->kept.lost)
		return too_large(x, &v, end);
	if (!x->kept.lost && apply(x, &v)) {
		metric_add(&x->w->metrics->retries_refused, 1);
		return v.action == VERDICT_LOGIN && credentials_show_token(x)
			   ? HEAL_LOGIN
			   : HEAL_AGAIN;
	}
	return give_up(x, &v, end);
}

enum heal
heal_judge(struct exchange *x, enum end *end, int64_t *due_ms)
{
	bool asked_for_nonce = x->upgrade && !x->shakes;
	struct verdict_input in;
	enum heal heal;

	if (mcp_lost(x)) {
		metric_add(&x->w->metrics->retries_lost, 1);
		*due_ms = mcp_lost_until(x);
		return HEAL_AGAIN;
	}
	in = input_of(x);
	in.body = buf_span(&x->judged.body);
	heal = judge(x, &in, end, due_ms);
	if (heal == HEAL_PASS && asked_for_nonce && !courtsocket_wants_nonce(x))
		return HEAL_AGAIN;
	return heal;
}

enum heal
heal_judge_message(
    struct exchange *x, struct span json, enum end *end, int64_t *due_ms)
{
	struct verdict_input in = input_of(x);

	in.status = 401;
	in.content_type = SPAN("application/json");
	in.body = json;
	return judge(x, &in, end, due_ms);
}
