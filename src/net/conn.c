/*
 * conn: see conn.h.  Order of this file: making, opening, reading, writing,
 * closing.
 */
#include "net/conn.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <unistd.h>

#define READ_STEP BUDGET_STEP_TLS

static void on_rd(evutil_socket_t, short, void *);
static void on_wr(evutil_socket_t, short, void *);

static void
watch_read(struct conn *c, bool on)
{
	if (c->rd_on == on)
		return;
	c->rd_on = on;
	if (on)
		event_add(&c->rd, NULL);
	else
		event_del(&c->rd);
}

static void
watch_write(struct conn *c, bool on)
{
	if (c->wr_on == on)
		return;
	c->wr_on = on;
	if (on)
		event_add(&c->wr, NULL);
	else
		event_del(&c->wr);
}

/* The budget follows what is really held. */
static void
charge(struct conn *c)
{
	size_t now = c->in.cap + c->out.cap;

	if (c->ssl)
		now += CONN_TLS_STATE + (c->record_held ? CONN_TLS_RECORD : 0) +
		       (c->out.len ? c->fragment : 0);
	if (now != c->charged)
		budget_charge(&c->loop->budget, &c->charged, now);
}

bool
conn_tight(const struct conn *c)
{
	return budget_tight(&c->loop->budget);
}

/* What may be read at once while the budget is tight. */
static size_t
step_of(const struct conn *c)
{
	return c->ssl ? BUDGET_STEP_TLS : BUDGET_STEP;
}

/* How much more may be read into `in`. */
static size_t
room_of(const struct conn *c)
{
	size_t limit = c->in_limit;

	if (c->held)
		return 0;
	if (c->in_tight < limit && conn_tight(c))
		limit = c->in_tight;
	return c->in.len < limit ? limit - c->in.len : 0;
}

static void
conn_init(struct conn *c, struct loop *loop, int fd, size_t in_limit,
    const struct conn_ops *ops, void *owner)
{
	int on = 1;

	*c = (struct conn){.loop = loop,
	    .ops = ops,
	    .owner = owner,
	    .fd = fd,
	    .in_limit = in_limit,
	    .in_tight = BUDGET_STEP};
	/* Fails on a Unix socket, where it is not needed. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	event_assign(&c->rd, loop->base, fd, EV_READ | EV_PERSIST, on_rd, c);
	event_assign(&c->wr, loop->base, fd, EV_WRITE | EV_PERSIST, on_wr, c);
}

void
conn_init_accepted(struct conn *c, struct loop *loop, int fd, size_t in_limit,
    const struct conn_ops *ops, void *owner)
{
	conn_init(c, loop, fd, in_limit, ops, owner);
	c->state = CONN_OPEN;
	watch_read(c, true);
}

int
conn_init_connect(struct conn *c, struct loop *loop, const struct sockaddr *sa,
    socklen_t len, SSL *ssl, size_t in_limit, const struct conn_ops *ops,
    void *owner)
{
	int fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*c = (struct conn){.fd = -1, .errnum = errno};
	if (fd < 0) {
		SSL_free(ssl);
		return -1;
	}
	conn_init(c, loop, fd, in_limit, ops, owner);
	c->ssl = ssl;
	if (ssl)
		SSL_set_fd(ssl, fd);
	c->in_tight = step_of(c);
	charge(c);
	c->state = CONN_CONNECTING;
	if (connect(fd, sa, len) == 0 || errno == EINPROGRESS) {
		watch_write(c, true);
		return 0;
	}
	c->errnum = errno;
	conn_close(c, false);
	return -1;
}

static void
opened(struct conn *c)
{
	c->state = CONN_OPEN;
	watch_write(c, c->out.len > 0);
	watch_read(c, true);
	c->ops->on_open(c->owner);
}

static void
handshake(struct conn *c)
{
	int r = SSL_connect(c->ssl);

	if (r == 1) {
		opened(c);
		return;
	}
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		watch_write(c, false);
		watch_read(c, true);
		return;
	case SSL_ERROR_WANT_WRITE:
		watch_write(c, true);
		return;
	default:
		/* The error queue is read by tls_explain(), then cleared. */
		c->errnum = errno;
		c->ops->on_failed(c->owner, CONN_FAIL_TLS);
		ERR_clear_error();
	}
}

static void
connected(struct conn *c)
{
	socklen_t len = sizeof(c->errnum);

	c->errnum = 0;
	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &c->errnum, &len);
	if (c->errnum) {
		c->ops->on_failed(c->owner, CONN_FAIL_CONNECT);
	} else if (c->ssl) {
		c->state = CONN_HANDSHAKE;
		handshake(c);
	} else {
		opened(c);
	}
}

static void
ended(struct conn *c, bool clean)
{
	c->eof = true;
	c->eof_clean = clean;
	watch_read(c, false);
}

/* One SSL_read; false when there is nothing more to be had now. */
static bool
read_tls(struct conn *c, char *to, size_t room)
{
	size_t n = 0;
	int r = SSL_read_ex(c->ssl, to, room, &n);

	if (r == 1) {
		buf_commit(&c->in, n);
		c->received += n;
		return SSL_has_pending(c->ssl);
	}
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		break;
	case SSL_ERROR_ZERO_RETURN:
		ended(c, true);
		break;
	default:
		c->errnum = errno;
		ended(c, false);
	}
	ERR_clear_error();
	return false;
}

/* One read(); false when there is nothing more to be had now. */
static bool
read_plain(struct conn *c, char *to, size_t room)
{
	ssize_t n = recv(c->fd, to, room, 0);

	if (n > 0) {
		buf_commit(&c->in, (size_t)n);
		c->received += (uint64_t)n;
	} else if (n == 0) {
		ended(c, true);
	} else if (errno != EAGAIN && errno != EINTR) {
		c->errnum = errno;
		ended(c, false);
	}
	/* A short read has emptied the socket; a full one may not have, and
	 * then the loop says so again. */
	return false;
}

/* A record that waits inside OpenSSL costs its whole buffer, and so does the
 * one for writing that a session ticket has left there. */
static void
note_record(struct conn *c)
{
	c->record_held = SSL_has_pending(c->ssl);
	if (!c->record_held)
		SSL_free_buffers(c->ssl);
}

static void
fill(struct conn *c)
{
	bool more = true;
	size_t room;

	/* Record by record while memory is short: what is read ahead would
	 * have to be kept. */
	if (c->ssl)
		SSL_set_read_ahead(c->ssl, !conn_tight(c));
	while (more && !c->eof && (room = room_of(c)) > 0) {
		char *to;

		if (room > READ_STEP)
			room = READ_STEP;
		to = buf_reserve(&c->in, room);
		more = c->ssl ? read_tls(c, to, room) : read_plain(c, to, room);
	}
	if (room_of(c) == 0)
		watch_read(c, false);
	if (c->in.len == 0)
		buf_free(&c->in);
	if (c->ssl)
		note_record(c);
	charge(c);
}

static void
on_rd(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_HANDSHAKE) {
		handshake(c);
	} else if (c->state == CONN_OPEN && !c->eof) {
		size_t before = c->in.len;

		fill(c);
		if (c->in.len != before || c->eof)
			c->ops->on_readable(c->owner);
	}
}

void
conn_resume(struct conn *c)
{
	if (c->in.len == 0)
		buf_free(&c->in);
	charge(c);
	c->in_tight = c->in.len + step_of(c);
	c->held = false;
	if (c->state != CONN_OPEN || c->eof || c->rd_on || room_of(c) == 0)
		return;
	watch_read(c, true);
	/* Bytes inside OpenSSL do not make the socket readable. */
	if (c->ssl && SSL_has_pending(c->ssl))
		event_active(&c->rd, EV_READ, 0);
}

void
conn_hold(struct conn *c)
{
	if (c->in.len == 0)
		buf_free(&c->in);
	charge(c);
	c->held = true;
}

/* A record that the peer does not take is held by OpenSSL besides `out`. */
static void
fit_records(struct conn *c)
{
	size_t size = conn_tight(c) ? BUDGET_STEP : SSL3_RT_MAX_PLAIN_LENGTH;

	if (c->fragment != size)
		SSL_set_max_send_fragment(c->ssl, (long)size);
	c->fragment = size;
}

/* Bytes written, 0 to wait, -1 when the peer takes no more. */
static ssize_t
write_some(struct conn *c)
{
	struct span s = buf_span(&c->out);
	size_t n = 0;
	ssize_t r;
	int e;

	if (!c->ssl) {
		r = send(c->fd, s.p, s.n, MSG_NOSIGNAL);
		if (r < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		return r;
	}
	if (SSL_write_ex(c->ssl, s.p, s.n, &n) == 1)
		return (ssize_t)n;
	e = SSL_get_error(c->ssl, 0);
	ERR_clear_error();
	return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

/* False: it has to wait for room in the socket. */
static bool
end_writing(struct conn *c)
{
	int r, e;

	if (!c->ssl) {
		shutdown(c->fd, SHUT_WR);
		return true;
	}
	r = SSL_shutdown(c->ssl);
	e = r < 0 ? SSL_get_error(c->ssl, r) : SSL_ERROR_NONE;
	ERR_clear_error();
	return e != SSL_ERROR_WANT_WRITE;
}

bool
conn_flush(struct conn *c)
{
	if (c->write_broken)
		return false;
	if (c->state != CONN_OPEN)
		return true; /* opened() watches for writing */
	if (c->ssl && c->out.len)
		fit_records(c);
	while (c->out.len) {
		ssize_t n = write_some(c);

		if (n < 0) {
			c->errnum = errno;
			c->write_broken = true;
			buf_free(&c->out);
			charge(c);
			watch_write(c, false);
			return false;
		}
		if (n == 0)
			break;
		c->sent += (uint64_t)n;
		buf_consume(&c->out, (size_t)n);
	}
	if (c->out.len == 0 && c->write_end && !c->write_ended)
		c->write_ended = end_writing(c);
	watch_write(c, c->out.len > 0 || c->write_end != c->write_ended);
	if (c->out.len == 0)
		buf_free(&c->out);
	charge(c);
	return true;
}

static void
on_wr(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_CONNECTING)
		connected(c);
	else if (c->state == CONN_HANDSHAKE)
		handshake(c);
	else if (c->state != CONN_OPEN)
		return;
	else if (conn_flush(c))
		c->ops->on_writable(c->owner);
	else
		c->ops->on_failed(c->owner, CONN_FAIL_WRITE);
}

void
conn_poke(struct conn *c)
{
	if (c->state == CONN_OPEN)
		event_active(&c->wr, EV_WRITE, 0);
}

void
conn_shutdown_write(struct conn *c)
{
	if (c->write_end)
		return;
	c->write_end = true;
	conn_flush(c);
}

void
conn_start_tls(struct conn *c, SSL *ssl)
{
	c->ssl = ssl;
	SSL_set_fd(ssl, c->fd);
	c->state = CONN_HANDSHAKE;
	buf_free(&c->in);
	buf_free(&c->out);
	charge(c);
	watch_write(c, true); /* the handshake begins in the next turn */
}

void
conn_close(struct conn *c, bool abort)
{
	static const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	if (c->state == CONN_CLOSED)
		return;
	watch_read(c, false);
	watch_write(c, false);
	event_del(&c->rd); /* takes back an event_active() too */
	event_del(&c->wr);
	if (c->ssl) {
		/* A session is only resumable after a proper shutdown. */
		if (c->state == CONN_OPEN && !c->write_broken && !abort)
			SSL_shutdown(c->ssl);
		else
			SSL_set_shutdown(
			    c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(c->ssl);
		ERR_clear_error();
	}
	if (abort)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(c->fd);
	c->ssl = NULL;
	c->fd = -1;
	c->state = CONN_CLOSED;
	c->in.secret = c->out.secret = true; /* tokens and bodies passed here */
	buf_free(&c->in);
	buf_free(&c->out);
	charge(c);
}
