/*
 * relay: see relay.h.
 */
#include "net/relay.h"

#include "http/write.h"

void
relay_init(struct relay *r, struct framing in, bool chunk_out, size_t high)
{
	*r = (struct relay){
	    .in = in, .chunk_out = chunk_out, .left = in.length, .high = high};
	r->done = in.kind == FRAMING_NONE ||
		  (in.kind == FRAMING_LENGTH && in.length == 0);
	chunked_init(&r->chunked);
}

static void
put(struct relay *r, struct conn *to, struct replay *keep, struct span data)
{
	r->bytes += data.n;
	if (r->sse)
		sse_look(r->sse, data);
	if (keep)
		replay_add(keep, data);
	if (!to)
		return;
	if (r->chunk_out)
		write_chunk(&to->out, data);
	else
		buf_add_span(&to->out, data);
}

static enum relay_status
finish(struct relay *r, struct conn *to)
{
	r->done = true;
	if (to && r->chunk_out)
		write_last_chunk(&to->out);
	return RELAY_DONE;
}

/* One piece out of the source's buffer; RELAY_MORE when it is empty. */
static enum relay_status
step(struct relay *r, struct conn *from, struct conn *to, struct replay *keep)
{
	struct span all = buf_span(&from->in), in = all, data = SPAN_NONE;
	enum chunked_status cs;

	/* No more than fits, for both buffers are held until it is moved. */
	if (to && in.n > r->high - to->out.len)
		in.n = r->high - to->out.len;
	if (r->in.kind == FRAMING_CHUNKED) {
		cs = chunked_read(&r->chunked, &in, &data);
		if (cs == CHUNKED_BAD)
			return RELAY_BAD;
		if (data.n)
			put(r, to, keep, data);
		buf_consume(&from->in, (size_t)(in.p - all.p));
		return cs == CHUNKED_DONE ? finish(r, to) : RELAY_MORE;
	}
	if (r->in.kind == FRAMING_LENGTH && in.n > r->left)
		in.n = (size_t)r->left;
	put(r, to, keep, in);
	r->left -= r->in.kind == FRAMING_LENGTH ? in.n : 0;
	buf_consume(&from->in, in.n);
	if (r->in.kind == FRAMING_LENGTH && r->left == 0)
		return finish(r, to);
	return RELAY_MORE;
}

/* With so much in it the sink is full; while memory is short, with anything. */
static size_t
high_of(const struct relay *r, const struct conn *to)
{
	return conn_tight(to) ? 1 : r->high;
}

/* Full no more? */
static bool
has_drained(const struct relay *r, const struct conn *to)
{
	return to->out.len <= high_of(r, to) / 4;
}

/* Until the source is empty or the sink is full. */
static enum relay_status
pump(struct relay *r, struct conn *from, struct conn *to, struct replay *keep)
{
	enum relay_status s = RELAY_MORE;

	while (s == RELAY_MORE && from->in.len && !r->full) {
		s = step(r, from, to, keep);
		r->full = to && to->out.len >= high_of(r, to);
	}
	if (s != RELAY_MORE || from->in.len || !from->eof)
		return s;
	if (r->in.kind == FRAMING_CLOSE && from->eof_clean)
		return finish(r, to);
	return RELAY_TRUNCATED;
}

enum relay_status
relay_run(
    struct relay *r, struct conn *from, struct conn *to, struct replay *keep)
{
	enum relay_status s = RELAY_DONE;

	do {
		if (r->full && has_drained(r, to))
			r->full = false;
		if (!r->done && !r->full)
			s = pump(r, from, to, keep);
		else if (!r->done)
			s = RELAY_MORE;
		if (to && !conn_flush(to))
			return s;
	} while (s == RELAY_MORE && r->full && has_drained(r, to));
	/* What follows a body is for later. */
	if (r->full)
		conn_hold(from);
	else if (!r->done || from->in.len == 0)
		conn_resume(from);
	return s;
}
