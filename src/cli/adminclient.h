/*
 * adminclient: one question to a running sidecar's admin listener, for the
 * subcommands that talk to it: images have neither shell nor curl.
 *
 * Threads: main only; blocks, for timeout_ms at the most.
 */
#ifndef CLI_ADMINCLIENT_H
#define CLI_ADMINCLIENT_H

#include "conf/config.h"

struct adminclient_request {
	const char *method, *path;
	int64_t timeout_ms;
	bool acts;      /* Unix sockets first: only they are let do it */
	bool must_load; /* of no use with a configuration that is bad */
};

struct adminclient_answer {
	unsigned status;
	char *where; /* who answered */
	char *text;  /* the body as one line, nothing in it moves a terminal */
};

/* Ask at the addresses that are really bound if the sidecar has written them
 * down, else at those of the configuration: the first that lets us connect.
 * 0, or -1 with err filled in; what is in *out is the caller's to give back. */
int adminclient_ask(const struct config *, const struct adminclient_request *,
    struct adminclient_answer *out, struct err *) ATTR_MUST_USE;
void adminclient_answer_fini(struct adminclient_answer *);

#endif
