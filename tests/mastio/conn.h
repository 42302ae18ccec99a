/*
 * conn: one TLS connection from a client: handshake, reading, writing, closing.
 * Knows bytes; the exchange that it carries knows HTTP.
 *
 * Owner: the server's list.  conn_close() and its kin may be called from any
 * callback: the memory goes at the end of the loop turn.
 */
#ifndef MASTIO_CONN_H
#define MASTIO_CONN_H

#include "mastio/server.h"

#include <event2/buffer.h>

#define OUT_HIGH (256 * 1024)

/* Who is at the other end.  Shared with the journal, hence counted. */
struct peer {
	unsigned refs;
	uint64_t conn_id;
	const char *version;
	bool resumed;
	X509 *cert;  /* NULL: none was presented */
	long verify; /* X509_V_OK, or why nginx would answer 400 */
	char *sha256;
	char *subject;
};

void peer_unref(struct peer *);

enum conn_state { CONN_HANDSHAKE, CONN_OPEN, CONN_LINGER, CONN_DEAD };

struct exchange;

struct conn {
	struct conn *next, **prev;
	struct server *srv;
	uint64_t id;
	int fd;
	SSL *ssl;
	enum conn_state state;
	struct event *rd, *wr, *timer;
	struct evbuffer *in, *out;
	struct peer *peer;
	uint64_t served; /* requests begun */
	struct exchange *x;
	bool eof;
	bool want_write;    /* OpenSSL waits for room */
	bool close_flushed; /* close when out is empty… */
	bool reset_flushed; /* …with a RST once all is sent */
	bool bare_close;    /* a FIN without close_notify: truncation */
	int drain_tries;
};

/* Takes over an accepted descriptor. */
void conn_open(struct server *, int fd);
/* Works until nothing moves any more; call after putting bytes into out. */
void conn_turn(struct conn *);
/* Close at once: with a FIN, or with a RST. */
void conn_close(struct conn *);
void conn_reset(struct conn *);
/* Sends what is in out, then close_notify and FIN, then waits for the peer. */
void conn_finish(struct conn *);
void conn_finish_reset(struct conn *);

#endif
