/*
 * conn: one non-blocking connection, plain or TLS.  Reads when readable, keeps
 * what came in `in`; writes `out` in as few pieces as possible, one flush per
 * turn.  Registrations are persistent: an exchange that never blocks costs no
 * epoll_ctl.
 *
 * Threads: one loop.  Owner: the struct that embeds it, which is told through
 * ops and may close the conn from inside any of them.  After conn_close() no
 * op is called any more; the embedding memory must live until the end of the
 * loop's turn (loop_reap).
 *
 * The OpenSSL error queue is empty whenever a function here returns.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"

#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

/* What a TLS connection costs beside `in` and `out`, and a record of which
 * OpenSSL holds a part.  Measured with OpenSSL 3.0 on Debian 12. */
#define CONN_TLS_STATE 20480
#define CONN_TLS_RECORD 17408

enum conn_state { CONN_CLOSED, CONN_CONNECTING, CONN_HANDSHAKE, CONN_OPEN };

enum conn_failure {
	CONN_FAIL_CONNECT, /* TCP: conn_error() is errno's text */
	CONN_FAIL_TLS,     /* handshake: ask tls_explain() before closing */
	CONN_FAIL_WRITE,   /* the peer takes no more; reading may still work */
};

struct conn_ops {
	void (*on_open)(void *owner);
	/* `in` grew, or `eof` has become true. */
	void (*on_readable)(void *owner);
	/* `out` has become shorter by writing in the background. */
	void (*on_writable)(void *owner);
	void (*on_failed)(void *owner, enum conn_failure);
};

struct conn {
	struct loop *loop;
	const struct conn_ops *ops;
	void *owner;
	SSL *ssl; /* owned; NULL for plain */
	struct event rd, wr;
	int fd;
	int errnum; /* of the last failed system call */
	enum conn_state state;
	bool rd_on, wr_on; /* registered */
	bool eof;          /* nothing more will come after what is in `in` */
	bool eof_clean;    /* FIN (plain) or close_notify (TLS), no reset */
	bool write_broken;
	bool write_end;   /* half-close once `out` is written, */
	bool write_ended; /* which has happened */
	size_t in_limit;  /* reading pauses at this many bytes in `in`, */
	size_t in_tight;  /* or at these while the loop's budget is tight */
	size_t charged;   /* to that budget */
	bool held;        /* not read until conn_resume() */
	size_t fragment;  /* largest TLS record that is written */
	bool record_held; /* OpenSSL holds bytes that were not asked for yet */
	struct buf in, out;
	uint64_t received, sent; /* payload bytes */
};

/* Take over an accepted plain socket (non-blocking, close-on-exec). */
void conn_init_accepted(struct conn *, struct loop *, int fd, size_t in_limit,
    const struct conn_ops *, void *owner);
/* Begin to connect.  ssl (owned from now on) or NULL for plain.  Failure at
 * once is told through on_failed in the next turn.  0, or -1 with errnum. */
int conn_init_connect(struct conn *, struct loop *, const struct sockaddr *,
    socklen_t, SSL *ssl, size_t in_limit, const struct conn_ops *, void *owner);

/* More is wanted than what is left in `in`: give an empty buffer's memory back
 * and read again if reading had paused. */
void conn_resume(struct conn *);
/* Nothing more is wanted: read no further until conn_resume(). */
void conn_hold(struct conn *);
/* Is the memory of this connection's loop short? */
bool conn_tight(const struct conn *);
/* Write what is in `out` as far as it goes; the rest follows by itself.
 * False: the peer takes no more (write_broken), `out` has been dropped. */
bool conn_flush(struct conn *);
/* Half-close after everything in `out` was written: FIN, or over TLS the
 * close_notify (RFC 8446 section 6.1); reading goes on. */
void conn_shutdown_write(struct conn *);
/* From now on it is TLS: an open plain connection begins the handshake.  ssl is
 * owned from now on.  on_open is called once more. */
void conn_start_tls(struct conn *, SSL *ssl);
/* Close from any state.  abort: with RST and without close_notify, so that the
 * peer sees a broken transfer and not an end. */
void conn_close(struct conn *, bool abort);

/* Let a blocked flush or a paused read be looked at again in the next turn. */
void conn_poke(struct conn *);

#endif
