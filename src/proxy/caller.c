/*
 * caller: see caller.h.
 */
#include "proxy/caller.h"

#include "proxy/client.h"

#include <stdio.h>

static const struct config *
conf_of(const struct exchange *x)
{
	return x->view->bundle->config;
}

enum end
caller_check_uid(struct exchange *x)
{
	const struct peer *peer = &x->c->peer;
	const struct user_list *allowed = &conf_of(x)->allow_uid;

	if (!allowed->set || (peer->known && users_have(allowed, peer->uid)))
		return END_OK;
	if (peer->known)
		snprintf(x->detail, sizeof(x->detail), "it has uid %u",
		    (unsigned)peer->uid);
	else
		snprintf(x->detail, sizeof(x->detail),
		    "the kernel does not say whose it is");
	return END_CALLER_REFUSED;
}

/* Where proxies look for it, and where clients without a proxy put the API key
 * that they must have. */
static bool
shows_token(const struct exchange *x)
{
	const struct localtoken *token = conf_of(x)->local_token;
	struct span proxy = head_value(&x->req, FIELD_PROXY_AUTHORIZATION);

	return localtoken_in_basic(token, proxy) ||
	       localtoken_in_bearer(token, proxy) ||
	       localtoken_in_bearer(
		   token, head_value(&x->req, FIELD_AUTHORIZATION)) ||
	       localtoken_is(token, head_value(&x->req, FIELD_X_API_KEY));
}

enum end
caller_check_token(struct exchange *x)
{
	const struct config *conf = conf_of(x);
	struct client *c = x->c;
	bool shown;

	if (!conf->local_token_file || (c->tunnel && c->showed_token))
		return END_OK;
	shown = conf->local_token && shows_token(x);
	c->showed_token = shown;
	return shown ? END_OK : END_LOCAL_TOKEN;
}

static bool
is_opened(const struct exchange *x, struct span name)
{
	const struct str_list *list = &conf_of(x)->allow_header;

	for (size_t i = 0; i < list->n; i++)
		if (span_ieq(name, span_of(list->v[i])))
			return true;
	return false;
}

static bool
is_local_token(const struct exchange *x, struct span credentials)
{
	const struct localtoken *token = conf_of(x)->local_token;

	return token && (localtoken_is(token, credentials) ||
			    localtoken_in_bearer(token, credentials) ||
			    localtoken_in_basic(token, credentials));
}

/*
 * The gateway judges `Bearer culk_...` before anything else and takes the
 * request for that user's (protocol 5.1).  Our token cannot stand beside it,
 * as there is one Authorization; nor may our proof: it is bound to our token,
 * and where the gateway does not know the user's it goes on to the client
 * certificate, would judge the proof by that path's rules (another htu, a
 * nonce) and refuse it for reasons that are none of the agent's.
 */
bool
caller_brings_token(const struct exchange *x)
{
	struct span value = head_value(&x->req, FIELD_AUTHORIZATION);

	return span_istarts(value, SPAN("Bearer ")) &&
	       span_starts(span_new(value.p + 7, value.n - 7), SPAN("culk_")) &&
	       is_opened(x, field_name(FIELD_AUTHORIZATION)) &&
	       !is_local_token(x, value);
}

bool
caller_shows_token(const struct exchange *x, const struct field *f)
{
	return is_local_token(x, f->value);
}

bool
caller_may_send(const struct exchange *x, const struct field *f)
{
	if (f->id == FIELD_AUTHORIZATION)
		return x->auth == ROUTE_AUTH_CALLER;
	return is_opened(x, f->name);
}
