/*
 * heal: the gateway has refused a request because of our credentials, before
 * anything ran.  Can it be sent again, and what has to be done before?  At most
 * a few times for each reason (tbl/verdict.h); then the agent is told why.
 *
 * Threads: the exchange's.
 */
#ifndef PROXY_HEAL_H
#define PROXY_HEAL_H

#include "proxy/exchange.h"

#define HEAL_BASES 3 /* guesses of the gateway's URL after the first */

enum heal {
	HEAL_PASS,  /* the answer is the agent's */
	HEAL_AGAIN, /* the same request, differently proven */
	HEAL_LOGIN, /* the same with a newer token */
	HEAL_END,   /* it ends with *end; the exchange says why */
	HEAL_MORE,  /* more has to come (courtsocket.h alone) */
};

/* Can the answer, by its head, be about our credentials?  Then the start of its
 * body must be read. */
bool heal_concerns(const struct exchange *);
/* Judges the answer by its head and x->judged.  Not before *due_ms, if that is
 * not 0, may it be sent again. */
enum heal heal_judge(struct exchange *, enum end *end, int64_t *due_ms);

/* The same for an error that the Court tells on its socket: HEAL_PASS if it is
 * none of those that are known. */
enum heal heal_judge_message(
    struct exchange *, struct span json, enum end *end, int64_t *due_ms);

#endif
