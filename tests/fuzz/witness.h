/*
 * witness: reads once more, with the strict readers alone, what went over a
 * connection in both directions, and says whether what came out of the sidecar
 * is what went in.  Everything here asserts.
 *
 * Spans borrow from the texts given to talk_read().
 */
#ifndef FUZZ_WITNESS_H
#define FUZZ_WITNESS_H

#include "auth/localtoken.h"
#include "http/framing.h"
#include "http/url.h"

#define WITNESS_FIELDS 200 /* more than anybody may send */

struct message {
	struct head head;
	struct span raw; /* its bytes */
	enum head_status status;
	struct field fields[WITNESS_FIELDS];
	struct framing framing;
	bool read;   /* its head is there and well-formed, */
	bool framed; /* one can tell where its body ends, */
	bool whole;  /* and the body is there to its end */
	struct buf body;
};

struct turn {
	struct message request, answer; /* the final one */
	const char *up, *down; /* where they begin, interim ones included */
};

/* Requests one way and answers the other. */
struct talk {
	struct turn **turns;
	size_t n;
	/* After 101, and after CONNECT to the pass-through host (answered,
	 * or not yet): what follows in each direction. */
	bool raw;
	struct span raw_up, raw_down;
	/* What was not read. */
	struct span rest_up, rest_down;
	unsigned interims;
	bool pass; /* of a gate: it is the pass-through host */
};

/* down_ended: the answers' end is a clean end. */
void talk_read(
    struct talk *, struct span up, struct span down, bool down_ended);
void talk_free(struct talk *);

/* What the gateway heard is well-formed, framed once and proven by us alone,
 * what the pass-through host heard is for that; no request follows one that is
 * not over. */
void witness_upstream(const struct talk *);
/* What an agent heard is well-formed, framed once, in order, and shows no
 * credential; only the last answer may lack its end. */
void witness_answers(const struct talk *);

/* Is this request of the gateway's the one that the agent made? */
bool witness_same_request(
    const struct message *gateway, const struct message *agent);
/* Is this the answer that the gateway gave? */
bool witness_same_answer(const struct message *agent,
    const struct message *gateway, const struct head *agents_request);
/* Is it a tunnel to the pass-through host that is asked for? */
bool witness_tunnels(const struct message *request);
/* Does this agent show the local token, here or with a CONNECT before? */
bool witness_shows(const struct talk *, size_t turn, const struct localtoken *);
/* No field of what was sent there shows it. */
void witness_keeps(const struct talk *gate, const struct localtoken *);
/* Is it one of the sidecar's own? */
bool witness_own_answer(const struct turn *);

#endif
