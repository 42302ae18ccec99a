/*
 * gate: a TLS server that says what the test says, the gateway's end in the
 * test's own thread.  Nothing blocks: gate_turn() does what can be done now.
 */
#ifndef UNIT_GATE_H
#define UNIT_GATE_H

#include "base/str.h"

#include "pki.h"

#include <openssl/ssl.h>

#define GATE_MAX 64

struct gate_conn {
	int fd;
	SSL *ssl;
	bool open;    /* the handshake is done */
	bool failed;  /* or will never be */
	bool resumed; /* by a session of an earlier connection */
	bool eof;     /* the other side has ended, */
	bool clean;   /* with close_notify */
	bool deaf;    /* do not read for now */
	struct buf in, out;
};

struct gate {
	int fd;
	uint16_t port;
	SSL_CTX *ctx;
	bool mute; /* accept, but never shake hands */
	struct gate_conn conn[GATE_MAX];
	unsigned n; /* accepted so far, in this order */
};

/* Bound to a port of 127.0.0.1 that the kernel picked; gate_open() listens, so
 * that before it connecting is refused. */
void gate_init(struct gate *, const struct pki *);
void gate_open(struct gate *);
/* No new connections until it is opened again. */
void gate_close(struct gate *);
void gate_fini(struct gate *);
void gate_turn(struct gate *);

void gate_say(struct gate_conn *, struct span);

enum gate_end {
	GATE_CLEAN, /* close_notify, then FIN */
	GATE_CUT,   /* FIN alone: in TLS a truncation (RFC 8446 section 6.1) */
	GATE_RESET, /* RST */
};
void gate_end(struct gate_conn *, enum gate_end);

#endif
