/*
 * conn: see conn.h.  One turn reads one record, lets the exchange work, writes
 * what came of it, and does so again until nothing moves.
 */
#include "mastio/conn.h"

#include "mastio/exchange.h"
#include "mastio/pki.h"
#include "mastio/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>

#define RECORD 16384
#define IN_HIGH (64 * 1024) /* pipelined input read ahead */
#define TURNS_MAX 128
#define HANDSHAKE_MS 60000
#define LINGER_MS 5000
#define DRAIN_STEP_MS 2
#define DRAIN_TRIES 1000

void
peer_unref(struct peer *p)
{
	if (!p || --p->refs)
		return;
	X509_free(p->cert);
	free(p->sha256);
	free(p->subject);
	free(p);
}

static void
set_timer(struct conn *c, int64_t ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	evtimer_add(c->timer, &tv);
}

static void
on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	event_free(c->rd);
	event_free(c->wr);
	event_free(c->timer);
	evbuffer_free(c->in);
	evbuffer_free(c->out);
	SSL_free(c->ssl);
	peer_unref(c->peer);
	free(c);
}

/* The one way out: off the list, freed when the loop turn is over. */
static void
conn_bury(struct conn *c)
{
	struct timeval now = {0, 0};

	if (c->state == CONN_DEAD)
		return;
	c->state = CONN_DEAD;
	if (c->x)
		exchange_abort(c);
	event_del(c->rd);
	event_del(c->wr);
	event_del(c->timer);
	close(c->fd);
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->srv->stats.connections_open--;
	if (event_base_once(c->srv->base, -1, EV_TIMEOUT, on_reap, c, &now) < 0)
		abort();
}

void
conn_close(struct conn *c)
{
	/* Without this a session is never resumed. */
	SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	conn_bury(c);
}

void
conn_reset(struct conn *c)
{
	struct linger now = {1, 0};

	if (c->state == CONN_DEAD)
		return;
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	conn_bury(c);
}

/* close_notify (unless a fault forbids it) and FIN; what the peer still sends
 * is read and dropped, so that our last bytes are not lost to a RST. */
static void
conn_linger(struct conn *c)
{
	if (c->x)
		exchange_abort(c);
	if (!c->bare_close)
		SSL_shutdown(c->ssl);
	ERR_clear_error();
	shutdown(c->fd, SHUT_WR);
	c->state = CONN_LINGER;
	event_add(c->rd, NULL);
	event_del(c->wr);
	set_timer(c, LINGER_MS);
}

void
conn_finish(struct conn *c)
{
	c->close_flushed = true;
	conn_turn(c);
}

void
conn_finish_reset(struct conn *c)
{
	c->reset_flushed = true;
	conn_turn(c);
}

static void
discard(struct conn *c)
{
	char junk[RECORD];
	ssize_t n;

	for (int i = 0; i < TURNS_MAX; i++) {
		n = recv(c->fd, junk, sizeof(junk), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			conn_close(c);
		if (n <= 0)
			return;
	}
}

static void
see_peer(struct conn *c)
{
	struct peer *p = c->peer;

	p->version = SSL_get_version(c->ssl);
	p->resumed = SSL_session_reused(c->ssl);
	p->cert = SSL_get1_peer_certificate(c->ssl);
	p->verify = SSL_get_verify_result(c->ssl);
	if (p->cert) {
		p->sha256 = xcalloc(1, SHA256_HEX_SIZE);
		pki_sha256_hex(p->cert, p->sha256);
		p->subject = pki_subject(p->cert);
	}
	if (p->resumed)
		c->srv->stats.handshakes_resumed++;
	else
		c->srv->stats.handshakes_full++;
}

/* What an OpenSSL call that returned ret waits for: true if just for I/O. */
static bool
only_waits(struct conn *c, int ret)
{
	int why = SSL_get_error(c->ssl, ret);

	ERR_clear_error();
	if (why == SSL_ERROR_WANT_WRITE)
		c->want_write = true;
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static void
handshake(struct conn *c)
{
	int ret = SSL_accept(c->ssl);

	c->want_write = false;
	if (ret == 1) {
		/* A certificate that did not verify has left its reasons. */
		ERR_clear_error();
		c->state = CONN_OPEN;
		see_peer(c);
		set_timer(c, c->srv->set.keepalive_ms);
	} else if (!only_waits(c, ret)) {
		c->srv->stats.handshakes_failed++;
		conn_bury(c);
	}
}

/* May more input come in?  Else the kernel's window closes: back-pressure. */
static bool
wants_input(const struct conn *c)
{
	if (c->eof)
		return false;
	if (c->x && exchange_holds_input(c->x))
		return false;
	return evbuffer_get_length(c->in) < IN_HIGH;
}

static bool
fill(struct conn *c)
{
	char record[RECORD];
	int n = SSL_read(c->ssl, record, sizeof(record));

	if (n > 0) {
		evbuffer_add(c->in, record, (size_t)n);
		return true;
	}
	if (only_waits(c, n))
		return false;
	c->eof = true;
	return true;
}

static bool
flush(struct conn *c)
{
	char record[RECORD];
	bool moved = false;

	c->want_write = false;
	while (evbuffer_get_length(c->out)) {
		ev_ssize_t n = evbuffer_copyout(c->out, record, RECORD);
		int ret = SSL_write(c->ssl, record, (int)n);

		if (ret <= 0) {
			if (!only_waits(c, ret))
				conn_bury(c);
			return moved;
		}
		evbuffer_drain(c->out, (size_t)ret);
		moved = true;
	}
	return moved;
}

/* All bytes are with the kernel: a RST now would drop those not yet acked. */
static void
reset_when_sent(struct conn *c)
{
	int unsent = 0;

	if (ioctl(c->fd, SIOCOUTQ, &unsent) < 0 || unsent == 0 ||
	    ++c->drain_tries > DRAIN_TRIES)
		conn_reset(c);
	else
		set_timer(c, DRAIN_STEP_MS);
}

/* After the work of a turn: what to wait for, or the end. */
static void
rearm(struct conn *c)
{
	bool empty = evbuffer_get_length(c->out) == 0;

	if (empty && c->reset_flushed) {
		event_del(c->rd);
		reset_when_sent(c);
		return;
	}
	if (empty && c->close_flushed) {
		conn_linger(c);
		return;
	}
	if (c->eof) {
		conn_close(c);
		return;
	}
	if (wants_input(c))
		event_add(c->rd, NULL);
	else
		event_del(c->rd);
	if (!empty || c->want_write)
		event_add(c->wr, NULL);
}

void
conn_turn(struct conn *c)
{
	for (int i = 0; i < TURNS_MAX; i++) {
		bool moved = false;

		if (c->state == CONN_HANDSHAKE)
			handshake(c);
		if (c->state != CONN_OPEN)
			break;
		if (!c->close_flushed && !c->reset_flushed) {
			moved = wants_input(c) && fill(c);
			moved |= exchange_run(c);
		}
		if (c->state != CONN_OPEN)
			return;
		moved |= flush(c);
		if (c->state != CONN_OPEN)
			return;
		if (!moved || c->eof) {
			rearm(c);
			return;
		}
	}
	if (c->state == CONN_OPEN) {
		/* Others want to work too; go on in the next loop turn. */
		rearm(c);
		if (c->state == CONN_OPEN)
			event_active(c->wr, EV_WRITE, 1);
	} else if (c->state == CONN_HANDSHAKE && c->want_write) {
		event_add(c->wr, NULL);
	}
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_LINGER)
		discard(c);
	else if (c->state != CONN_DEAD)
		conn_turn(c);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_DEAD)
		return;
	if (c->state == CONN_OPEN && c->reset_flushed)
		reset_when_sent(c);
	else if (c->state == CONN_OPEN && !c->x)
		conn_finish(c);
	else if (c->state != CONN_OPEN)
		conn_close(c);
}

void
conn_open(struct server *srv, int fd)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->srv = srv;
	c->fd = fd;
	c->id = ++srv->next_conn;
	c->in = evbuffer_new();
	c->out = evbuffer_new();
	c->peer = xcalloc(1, sizeof(*c->peer));
	c->peer->refs = 1;
	c->peer->conn_id = c->id;
	c->ssl = SSL_new(srv->tls);
	c->rd = event_new(srv->base, fd, EV_READ | EV_PERSIST, on_io, c);
	c->wr = event_new(srv->base, fd, EV_WRITE, on_io, c);
	c->timer = evtimer_new(srv->base, on_timer, c);
	if (!c->in || !c->out || !c->ssl || !c->rd || !c->wr || !c->timer)
		abort();
	SSL_set_fd(c->ssl, fd);
	if (srv->clock_shift)
		X509_VERIFY_PARAM_set_time(
		    SSL_get0_param(c->ssl), server_now(srv));
	c->next = srv->conns;
	c->prev = &srv->conns;
	if (c->next)
		c->next->prev = &c->next;
	srv->conns = c;
	srv->stats.connections_accepted++;
	srv->stats.connections_open++;
	event_add(c->rd, NULL);
	set_timer(c, HANDSHAKE_MS);
}
