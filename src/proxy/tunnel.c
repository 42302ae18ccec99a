/*
 * tunnel: see tunnel.h.
 */
#include "proxy/tunnel.h"

#include "net/peer.h"
#include "proxy/admit.h"
#include "proxy/client.h"

/* Where the local token is missing a client may ask once more; what does not
 * show that is refused too. */
bool
tunnel_refused(const struct exchange *x)
{
	return admit_is_connect(x) && x->end != END_LOCAL_TOKEN;
}

void
tunnel_begin(struct exchange *x)
{
	static const struct framing to_the_end = {.kind = FRAMING_CLOSE};
	size_t high = (size_t)x->view->bundle->config->relay_buffer;

	relay_init(&x->up, to_the_end, false, high);
	relay_init(&x->down, to_the_end, false, high);
	x->streaming = true;
	metric_add(&x->w->metrics->streams_open, 1);
}

/* One direction.  False: its source broke off. */
static bool
pump(struct relay *r, struct conn *from, struct conn *to)
{
	if (relay_run(r, from, to, NULL) == RELAY_TRUNCATED)
		return false;
	if (r->done)
		conn_shutdown_write(to);
	return true;
}

/* Nothing is left to be written, or it never will be. */
static bool
is_written(const struct conn *c)
{
	return c->write_broken || c->write_ended;
}

enum end
tunnel_run(struct exchange *x)
{
	struct conn *client = &x->c->conn, *upstream = &x->lease.uc->conn;

	if (!pump(&x->up, client, upstream))
		return END_CLIENT_GONE;
	if (!pump(&x->down, upstream, client))
		return END_UPSTREAM_TRUNCATED;
	if (client->write_broken)
		return END_CLIENT_GONE;
	/* One that takes no more may still have something to say. */
	if (upstream->write_broken && upstream->eof)
		return x->down.done ? END_OK : END_UPSTREAM_TRUNCATED;
	if (x->up.done && x->down.done && is_written(client) &&
	    is_written(upstream))
		return END_OK;
	/* Both directions of a client that closed its socket are over. */
	if (x->up.done && is_written(upstream) && !x->c->half_closed) {
		if (peer_look(client->fd) == PEER_GONE)
			return END_OK;
		x->c->half_closed = true;
	}
	return END_COUNT;
}
