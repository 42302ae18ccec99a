/*
 * gate: see gate.h.
 */
#include "gate.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX *
make_ctx(const struct pki *pki)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);

	ck_assert_int_eq(SSL_CTX_use_certificate(ctx, pki->server), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, pki->server_key), 1);
	ck_assert_int_eq(SSL_CTX_add1_chain_cert(ctx, pki->inter), 1);
	X509_STORE_add_cert(store, pki->root);
	X509_STORE_add_cert(store, pki->inter);
	SSL_CTX_set_verify(
	    ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"gate", 4);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return ctx;
}

/* To g->port, or to one that the kernel picks. */
static void
bind_port(struct gate *g)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	int on = 1;

	g->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(g->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons(g->port);
	ck_assert_int_eq(bind(g->fd, (struct sockaddr *)&in, len), 0);
	ck_assert_int_eq(getsockname(g->fd, (struct sockaddr *)&in, &len), 0);
	g->port = ntohs(in.sin_port);
}

void
gate_init(struct gate *g, const struct pki *pki)
{
	signal(SIGPIPE, SIG_IGN);
	*g = (struct gate){.ctx = make_ctx(pki)};
	bind_port(g);
}

void
gate_close(struct gate *g)
{
	close(g->fd);
	bind_port(g);
}

void
gate_open(struct gate *g)
{
	ck_assert_int_eq(listen(g->fd, 64), 0);
}

static void
close_conn(struct gate_conn *c)
{
	if (c->fd < 0)
		return;
	SSL_free(c->ssl);
	close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	c->ssl = NULL;
	c->fd = -1;
	c->open = false;
}

void
gate_fini(struct gate *g)
{
	for (unsigned i = 0; i < g->n; i++)
		close_conn(&g->conn[i]);
	close(g->fd);
	SSL_CTX_free(g->ctx);
}

static void
shake_hands(struct gate_conn *c)
{
	int r = SSL_accept(c->ssl), e = SSL_get_error(c->ssl, r);

	if (r == 1) {
		c->open = true;
		c->resumed = SSL_session_reused(c->ssl);
	} else if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
		c->failed = true;
	}
	ERR_clear_error();
}

static void
write_out(struct gate_conn *c)
{
	size_t n;

	while (c->out.len &&
	       SSL_write_ex(c->ssl, buf_span(&c->out).p, c->out.len, &n) == 1)
		buf_consume(&c->out, n);
	ERR_clear_error();
}

static void
read_in(struct gate_conn *c)
{
	size_t n;
	int e;

	while (!c->eof) {
		if (SSL_read_ex(
			c->ssl, buf_reserve(&c->in, 16384), 16384, &n) == 1) {
			buf_commit(&c->in, n);
			continue;
		}
		e = SSL_get_error(c->ssl, 0);
		ERR_clear_error();
		if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
			return;
		c->eof = true;
		c->clean = e == SSL_ERROR_ZERO_RETURN;
	}
}

static void
conn_turn(struct gate *g, struct gate_conn *c)
{
	if (c->fd < 0 || c->failed || g->mute)
		return;
	if (!c->open)
		shake_hands(c);
	if (!c->open)
		return;
	write_out(c);
	if (!c->deaf)
		read_in(c);
}

void
gate_turn(struct gate *g)
{
	int fd, on = 1;

	while ((fd = accept4(
		    g->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct gate_conn *c = &g->conn[g->n++];

		ck_assert_uint_lt(g->n, GATE_MAX);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c->fd = fd;
		c->ssl = SSL_new(g->ctx);
		SSL_set_fd(c->ssl, fd);
	}
	for (unsigned i = 0; i < g->n; i++)
		conn_turn(g, &g->conn[i]);
}

void
gate_say(struct gate_conn *c, struct span s)
{
	buf_add_span(&c->out, s);
	write_out(c);
}

void
gate_end(struct gate_conn *c, enum gate_end how)
{
	static const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	if (how == GATE_RESET)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (how == GATE_CLEAN)
		SSL_shutdown(c->ssl);
	else
		SSL_set_quiet_shutdown(c->ssl, 1);
	ERR_clear_error();
	close_conn(c);
}
