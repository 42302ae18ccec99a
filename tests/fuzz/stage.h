/*
 * stage: a worker of the data plane between agents and a gateway that are both
 * played by the fuzzer, in one thread, on a clock that stands still.  It is the
 * unit tests' rig without TLS: the gateway is reached over Unix sockets in
 * plain text, so that a turn is a few system calls and every run of the same
 * input is the same.  So is a host that is passed through, which has an address
 * that must never be dialled and one that may be.
 */
#ifndef FUZZ_STAGE_H
#define FUZZ_STAGE_H

#include "rig.h"

#define STAGE_AGENTS 6
#define STAGE_GATES 24
/* The pass-through host, and what callers must show where the local token is
 * asked for. */
#define STAGE_HOST "pass.test"
#define STAGE_PORT 80
#define STAGE_SECRET "stage-local-token"
/* What one end says in all; then it falls silent. */
#define STAGE_SAY_MAX (256 * 1024)

/* What had been said and heard when nothing moved any more. */
struct moment {
	size_t sent, heard;
	bool idle; /* the sidecar had it in its pool */
};
#define STAGE_MOMENTS 128

/* Our end of one of the sidecar's connections. */
struct side {
	int fd;     /* -1: closed */
	int theirs; /* the sidecar's descriptor, -1: it may be another's now */
	bool pass;  /* not of the gateway, but of the pass-through host */
	struct buf said, heard;
	size_t sent;  /* of what was said */
	bool deaf;    /* does not read for now */
	bool unheard; /* the sidecar takes no more */
	bool ending;  /* half-closes once all is sent, */
	bool ended;   /* which it has */
	bool eof;     /* the sidecar has ended, */
	bool reset;   /* by a reset */
	bool dropped; /* we closed it before the sidecar did, */
	bool cut;     /* with a reset */
	struct moment moment[STAGE_MOMENTS]; /* while it was not deaf */
	unsigned moments;
};

struct stage {
	struct rig rig;
	struct side agent[STAGE_AGENTS], gate[STAGE_GATES];
	unsigned agents, gates;
	unsigned heard;          /* the gate that heard something last */
	bool refusing;           /* the gateway takes no connection */
	bool republish;          /* token or configuration are not as before */
	bool guarded;            /* the local token was always asked for */
	struct config *conf[2];  /* without local-token-file, and with one */
	struct upstream *pass;   /* to the pass-through host */
	unsigned long moved;     /* counts whatever happens at our ends */
	uint64_t refused, stale; /* counters at stage_open() */
};

/* The one there is, made at the first call. */
struct stage *stage_get(void);

void stage_open(struct stage *);
struct side *stage_agent(struct stage *);
/* One turn of everything; settle: until nothing moves any more. */
void stage_turn(struct stage *);
void stage_settle(struct stage *);
void stage_advance(struct stage *, int64_t ms);
void stage_publish(struct stage *, int64_t life_s);
/* From now on callers must show the local token, or need not any more. */
void stage_guard(struct stage *, bool on);
/* Let all timers run out: everything must be closed and given back. */
void stage_close(struct stage *);
/* Forget what was said and heard. */
void stage_forget(struct stage *);

/* How many requests were refused before they ran since stage_open(), and how
 * many were sent again because the connection had ended, as the sidecar counts
 * them itself. */
uint64_t stage_refused(const struct stage *);
uint64_t stage_stale(const struct stage *);

void side_say(struct stage *, struct side *, struct span);
void side_end(struct stage *, struct side *);
void side_close(struct stage *, struct side *);
void side_reset(struct stage *, struct side *);

#endif
