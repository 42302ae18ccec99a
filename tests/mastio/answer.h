/*
 * answer: building and pacing one response.  A body is either bytes or a
 * source that is pulled while there is room in the connection's output.
 *
 * Owner: its exchange.
 */
#ifndef MASTIO_ANSWER_H
#define MASTIO_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/buffer.h>
#include <jansson.h>

struct exchange;

enum producer {
	FROM_NGINX, /* no application header */
	FROM_OUTER, /* outer middleware: 413 and the like, unhandled 500 */
	FROM_APP,   /* x-cullis-mode, DPoP-Nonce, security headers */
	FROM_COURT, /* the same, x-cullis-role, and the Court's nonce */
};

enum answer_framing { ANSWER_LENGTH, ANSWER_CHUNKED, ANSWER_CLOSE };

enum pulled {
	PULL_MORE, /* something was added to the buffer */
	PULL_WAIT, /* nothing now; whoever has more calls conn_turn() */
	PULL_DONE, /* nothing more, ever */
};

enum cut { CUT_NONE, CUT_FIN, CUT_RST };

struct answer {
	bool begun, ended;
	int status;
	enum producer producer;
	enum answer_framing framing;
	bool no_body;
	bool close;
	bool expected; /* nginx's timer was set */
	uint64_t length, sent;
	struct evbuffer *head;
	struct evbuffer *body;
	enum pulled (*pull)(struct exchange *, struct evbuffer *to);
	void *source;
	void (*source_free)(void *);
	bool swallow; /* a fault sends not even the head */
	enum cut cut; /* a fault ends it after cut_after bytes of body */
	uint64_t cut_after;
};

/* The parts of a response, in this order: begin, headers, one of the bodies. */
void answer_begin(struct exchange *, int status, enum producer);
void answer_header(struct exchange *, const char *name, const char *value);
void answer_headerf(struct exchange *, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void answer_body(struct exchange *, const void *, size_t n);
/* length counts with ANSWER_LENGTH only.  source_free(source) is called. */
void answer_stream(struct exchange *, enum answer_framing, uint64_t length,
    enum pulled (*pull)(struct exchange *, struct evbuffer *to), void *source,
    void (*source_free)(void *));

/* Whole responses of the application. */
void answer_json(struct exchange *, int status, json_t *); /* steals it */
void answer_detail(struct exchange *, int status, const char *detail);
/* The same with one more header. */
void answer_detail_with(struct exchange *, int status, const char *detail,
    const char *name, const char *value);
void answer_empty(struct exchange *, int status);
/* Unhandled exception: 500, outside the inner middleware. */
void answer_crash(struct exchange *);
/* 422 in FastAPI's shape. */
void answer_unprocessable(
    struct exchange *, const char *type, const char *where, const char *msg);

/* Fills the output up to its high watermark; true if anything moved. */
bool answer_pump(struct exchange *);
void answer_fini(struct exchange *);

#endif
