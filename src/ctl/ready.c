/*
 * ready: see ready.h.
 */
#include "ctl/ready.h"

#include "base/clock.h"
#include "ctl/status.h"
#include "proxy/exchange.h"

static void
missing(struct buf *b, const char *what, const char *cure)
{
	buf_printf(
	    b, "not ready: %s%s%s\n", what, cure ? ": " : "", cure ? cure : "");
}

static void
missing_identity(const struct server *s, struct buf *b)
{
	buf_printf(b,
	    "not ready: no identity: provide the files in %s; cullis-sidecar "
	    "check names what is missing\n",
	    s->config->identity_dir);
}

static void
judge_identity(const struct server *s, struct buf *b)
{
	if (!s->identity)
		missing_identity(s, b);
	else if (identity_not_after(s->identity) <= gateway_wall_s(&s->gateway))
		missing(b, "the certificate has expired",
		    "install the certificate that was issued last");
}

static void
judge_session(const struct server *s, struct buf *b)
{
	const char *trouble;

	if (!s->session || session_mode(s->session) != AUTH_TOKEN ||
	    token_usable(session_token(s->session), clock_now_ms()))
		return;
	trouble = session_trouble(s->session);
	missing(b, "no session token",
	    trouble ? trouble : "the login is under way");
}

static void
judge_gateway(const struct server *s, struct buf *b)
{
	struct gateway_reach reach = gateway_reach(&s->gateway);
	const struct end_row *row = end_row(end_of_lease(reach.why));
	struct verdict_words words;

	if (s->identity && !reach.reached && reach.at_ms)
		missing(b, row->meaning, row->cure);
	else if (s->identity && !reach.reached)
		missing(b, "the gateway has not been reached yet",
		    "the first attempt is under way");
	if (status_refused(s, &words))
		missing(b, words.message, words.suggestion);
}

void
ready_look(struct server *s)
{
	if (s->identity && s->config->route.origin && !drain_asked(s))
		reach_look(s->reach, s->config, s->identity);
}

unsigned
ready_page(struct server *s, struct buf *b)
{
	size_t before = b->len;

	ready_look(s);
	if (drain_asked(s))
		missing(b, "draining", "the sidecar is about to end");
	judge_identity(s, b);
	judge_session(s, b);
	judge_gateway(s, b);
	if (b->len != before)
		return 503;
	buf_add_str(b, "ok\n");
	if (reload_trouble(s->reload))
		buf_printf(b, "the newest files are not used: %s\n",
		    reload_trouble(s->reload));
	return 200;
}
