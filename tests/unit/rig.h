/*
 * rig: a worker of the data plane between an agent and a gateway that both say
 * what the test says, all in one thread and on a clock that stands still.
 */
#ifndef UNIT_RIG_H
#define UNIT_RIG_H

#include "proxy/client.h"

#include "gate.h"

#define RIG_START_MS 1000000
#define RIG_AGENTS 16

/* The agent's end of a client connection. */
struct agent {
	int fd;
	struct buf in;
	bool eof, reset, deaf;
};

struct rig {
	int log_fd;
	struct pki pki;
	char *dir;
	struct config *conf;
	struct identity *identity;
	struct gate gate;
	struct loop main;
	struct resolver *resolver;
	struct gateway_state gateway;
	struct listener *listener; /* 127.0.0.1, its port by the kernel */
	struct worker *w;
	struct peer peer; /* of agents that connect from now on */
	struct agent agent[RIG_AGENTS];
	unsigned nagents;
	int64_t now_ms;
	uint64_t token_generation;
	/* of what is published from now on */
	enum auth_mode mode;
	enum token_kind token_kind;
	const char *token_nonce; /* of the Court, or NULL */
	/* what the worker told main */
	unsigned refused, closed, files_wanted;
	uint64_t refused_generation;
	unsigned refused_wait_s;
	char court_nonce[64]; /* the newest that was told */
};

/* With an identity, a token and the gate open.  more: lines of configuration
 * that come on top, may be "". */
void rig_init(struct rig *, const char *more);
/* The same, but nothing is published and the gate is not open yet. */
void rig_init_bare(struct rig *, const char *more);
void rig_fini(struct rig *);
/* Another configuration beside r->conf, for the same identity and gate. */
struct config *rig_load_config(struct rig *, const char *more);

/* Publish; life_s 0: without a token. */
void rig_publish(struct rig *, int64_t life_s, const char *trouble);

/* Whatever can be done now, everywhere. */
void rig_turn(struct rig *);
void rig_advance(struct rig *, int64_t ms);
/* Turn until cond holds; it must before the patience is over. */
#define RIG_UNTIL(r, cond)                                               \
	do {                                                             \
		unsigned turns_ = 0;                                     \
		while (!(cond)) {                                        \
			ck_assert_msg(                                   \
			    turns_ < 3000, "waited in vain: %s", #cond); \
			rig_rest(turns_++);                              \
			rig_turn(r);                                     \
		}                                                        \
	} while (0)
void rig_rest(unsigned turns);
/* Turn until nothing is likely to move any more. */
void rig_settle(struct rig *);

struct agent *agent_open(struct rig *, bool overloaded);
void agent_say(struct agent *, const char *text);
void agent_say_span(struct agent *, struct span);
void agent_close(struct agent *);      /* goes away */
void agent_half_close(struct agent *); /* says no more, but listens */

/* How many exchanges ended like this. */
unsigned rig_ended(struct rig *, enum end);
/* Clients that the worker has open. */
unsigned rig_clients(const struct rig *);
/* Is a whole head there? */
bool rig_has_head(const struct buf *);
bool rig_has(const struct buf *, const char *text);
/* Forget what has come. */
void rig_forget(struct buf *);
/* Take out our Via lines, for tests that are about something else. */
void rig_drop_via(struct buf *);

#endif
