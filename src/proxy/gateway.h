/*
 * gateway: what any thread may learn about the gateway while it works:
 * independent scalars, the later value wins.  All zero is the beginning.
 *
 * Threads: any; relaxed atomics, written only when something changes.  Those
 * of the POSTs are sequentially consistent: of a POST that begins and a
 * notification that closes the door, one sees the other.
 */
#ifndef PROXY_GATEWAY_H
#define PROXY_GATEWAY_H

#include "base/attr.h"
#include "conf/config.h"
#include "http/head.h"
#include "net/upstream.h"
#include "proxy/circuit.h"
#include "proxy/pathclass.h"

#include <stdatomic.h>

enum gateway_mode {
	GATEWAY_UNKNOWN,
	GATEWAY_STANDALONE, /* there is no Court behind it */
	GATEWAY_FEDERATION,
};

struct gateway_state {
	_Atomic int64_t clock_delta_ms; /* auth/clockoff.h */
	_Atomic int64_t clock_warn_ms;  /* no warning before that */
	_Atomic int64_t answered_ms;    /* when it last answered, to about a
					 * second; 0 = never */
	_Atomic int64_t found_ms;  /* when a login or a look last found it */
	_Atomic int64_t missed_ms; /* when it last could not be reached */
	_Atomic int missed_why;    /* enum lease_failure of that, LEASE_OK once
				    * it has been reached again */
	/* Until when POSTs wait << 16 | notifications under way: one value,
	 * so that a door that one worker opens is not another's. */
	_Atomic uint64_t posts_held;
	_Atomic unsigned posts_waiting; /* for that */
	_Atomic unsigned posts_open;    /* sent and not answered */
	_Atomic int64_t posts_begun_ms; /* when the latest of them was */
	struct circuit shed;            /* it sheds load */
	struct circuit refusal;         /* it refuses the agent as a whole, */
	_Atomic int refused_row;        /* enum verdict_row says why */
	_Atomic int mode;               /* enum gateway_mode, as last said */
	_Atomic unsigned keyed;         /* 1 << enum path_class: there our API
					 * key counted, and no token does */
	_Atomic bool court_socket;      /* the agent has one (courtsocket.h) */
};

/* Forget it, take what was found out about another one.  The agent is news to
 * that. */
void gateway_become(struct gateway_state *, const struct gateway_state *);
/* The agent has another identity: what was held against it is void. */
void gateway_forgive(struct gateway_state *);

/* It has just answered. */
void gateway_answered(struct gateway_state *);
/* Did it, within the last minute?  Then a connection that it refuses is likely
 * to be refused for a moment only. */
bool gateway_was_there(const struct gateway_state *);
/* It is there: it answered a login, or took a connection. */
void gateway_found(struct gateway_state *);
/* There was no connection to be had. */
void gateway_missed(struct gateway_state *, enum lease_failure);
/* How did the last attempt to reach it end, and when (0: nobody has tried)? */
struct gateway_reach {
	bool reached;
	enum lease_failure why; /* not reached: LEASE_OK if nobody has tried */
	int64_t at_ms;
};
struct gateway_reach gateway_reach(const struct gateway_state *);

/* Until when POSTs have to wait at `now`, 0 = they need not; under_way: perhaps
 * shorter, look again. */
int64_t gateway_posts_held(
    struct gateway_state *, int64_t now_ms, bool *under_way);
/* A POST that is no notification begins to wait, or waits no longer. */
void gateway_post_waits(struct gateway_state *, bool waits);
/* Do some still wait although they need not, since `patience_ms` at most? */
bool gateway_posts_first(
    struct gateway_state *, int64_t now_ms, int64_t patience_ms);
/* A notification begins: POSTs wait for its end, but not beyond until_ms.
 * False: they wait already, so must this one. */
bool gateway_hold_posts(
    struct gateway_state *, int64_t now_ms, int64_t until_ms) ATTR_MUST_USE;
/* It has ended: they wait until then. */
void gateway_release_posts(struct gateway_state *, int64_t until_ms);
/* POSTs wait until then, if not longer. */
void gateway_hold_posts_until(struct gateway_state *, int64_t until_ms);
/* A POST is about to be sent, unless gateway_posts_held() says, after this,
 * that it has to wait. */
void gateway_post_begins(struct gateway_state *, int64_t now_ms);
/* It waits, was answered, or never will be. */
void gateway_post_ends(struct gateway_state *);
/* Is no POST without an answer younger than `patience_ms`? */
bool gateway_posts_settled(
    struct gateway_state *, int64_t now_ms, int64_t patience_ms);

/* Unix seconds by the gateway's clock, as far as it is known. */
int64_t gateway_wall_s(const struct gateway_state *);
/* The gateway's clock minus ours; 0 while nothing is known. */
int64_t gateway_clock_offset_ms(const struct gateway_state *);
bool gateway_clock_known(const struct gateway_state *);
/* Look at the Date of a final answer, which must have come over a connection
 * on which the gateway proved who it is; sent_ms: clock_now_ms() when the
 * request was sent, or before.  What is not believed is logged, once a minute
 * at most; so is a move of more than 2 s. */
void gateway_learn_clock(
    struct gateway_state *, const struct head *answer, int64_t sent_ms);

/* What X-Cullis-Mode of any answer says; logged when it is news. */
void gateway_note_mode(struct gateway_state *, const struct head *answer);
enum gateway_mode gateway_mode(const struct gateway_state *);

/* Does it take our API key on these paths, where it takes no token?  As a
 * request has found out. */
void gateway_note_key(struct gateway_state *, enum path_class, bool takes);
bool gateway_takes_key(const struct gateway_state *, enum path_class);

/* Name and place of the gateway, how it is reached, as the config has it, and
 * whose clock judges its certificates; borrowed from both. */
void gateway_upstream_options(const struct gateway_state *,
    const struct config *, struct upstream_options *);

#endif
