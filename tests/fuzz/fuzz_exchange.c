/*
 * fuzz_exchange: whole exchanges between agents and a gateway that say what
 * the input says, piece by piece.
 *
 * The input is a play: pieces separated by the byte 0xff.  The first byte of a
 * piece says what happens, the rest is text:
 *
 * The gateway, that is also the pass-through host, if a connection leads there.
 *
 *   a g   the agent, the gateway says the text; then all goes as far as it can
 *   A G   the same, but nothing moves before the next piece
 *   b c   the agent, the gateway says it byte by byte
 *   m M   the first byte less '0', up to 64: so often the agent, the gateway
 *         says the rest
 *   n     another agent comes; it is the agent from now on
 *   s w   the agent, the gateway's connection with this number (a digit) is
 *         meant from now on; else it is the one that heard something last
 *   h f   the agent, the gateway half-closes
 *   x e   closes
 *   X E   resets the connection
 *   d q   stops reading
 *   D Q   reads again
 *   t     time passes: a digit, see `steps`
 *   p P   a newer token is there; there is none
 *   u U   the gateway takes no new connections; it does again
 *   l L   callers must show the local token; they need not
 *   z     the worker drains
 *
 * What is asserted is in witness.h, and in stage_close(): in the end everything
 * is closed and given back.
 */
#include "stage.h"
#include "witness.h"

#include <assert.h>

#define PIECES_MAX 200
#define BYTEWISE_MAX 400
#define SEPARATOR '\xff'
/* A request is sent at most so often, whatever the gateway answers. */
#define ATTEMPTS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t steps[] = {
    50, 100, 1000, 2500, 5000, 10000, 30000, 60000, 75000, 600000};

struct play {
	struct stage *s;
	struct side *agent;
	int gate;          /* meant by number, or -1 */
	unsigned gates;    /* there were so many then */
	unsigned bytewise; /* said so far */
};

/* ---- the play ---- */

static struct side *
gate_of(struct play *p)
{
	struct stage *s = p->s;

	if (p->gates != s->gates)
		p->gate = -1;
	p->gates = s->gates;
	if (s->gates == 0)
		return NULL;
	return &s->gate[p->gate >= 0 ? (unsigned)p->gate : s->heard];
}

static void
say_bytes(struct play *p, struct side *e, struct span text)
{
	for (size_t i = 0; i < text.n && p->bytewise < BYTEWISE_MAX; i++) {
		side_say(p->s, e, span_new(text.p + i, 1));
		stage_turn(p->s);
		p->bytewise++;
	}
}

static void
say_often(struct play *p, struct side *e, struct span text)
{
	unsigned times = text.n ? (unsigned char)text.p[0] - '0' : 0;

	if (times == 0 || times > 64)
		return;
	for (unsigned i = 0; i < times; i++)
		side_say(p->s, e, span_new(text.p + 1, text.n - 1));
}

/* What one of the two ends does.  False: no such thing. */
static bool
act(struct play *p, struct side *e, char what, struct span text)
{
	switch (what) {
	case 'a':
	case 'A':
		side_say(p->s, e, text);
		return true;
	case 'b':
		say_bytes(p, e, text);
		return true;
	case 'm':
		say_often(p, e, text);
		return true;
	case 'h':
		side_end(p->s, e);
		return true;
	case 'x':
		side_close(p->s, e);
		return true;
	case 'X':
		side_reset(p->s, e);
		return true;
	case 'd':
	case 'D':
		e->deaf = what == 'd';
		return true;
	default:
		return false;
	}
}

static void
act_all(struct play *p, char what, struct span text)
{
	unsigned digit =
	    text.n && ascii_digit(text.p[0]) ? (unsigned)(text.p[0] - '0') : 0;

	switch (what) {
	case 'n':
		p->agent = stage_agent(p->s);
		break;
	case 's':
		p->agent = &p->s->agent[digit % p->s->agents];
		break;
	case 'w':
		if (gate_of(p))
			p->gate = (int)(digit % p->s->gates);
		break;
	case 't':
		stage_advance(p->s, steps[digit]);
		break;
	case 'p':
	case 'P':
		stage_publish(p->s, what == 'p' ? 900 : 0);
		break;
	case 'l':
	case 'L':
		stage_guard(p->s, what == 'l');
		break;
	case 'u':
	case 'U':
		p->s->refusing = what == 'u';
		break;
	case 'z':
		worker_drain(p->s->rig.w);
		break;
	}
}

static void
play_piece(struct play *p, char what, struct span text)
{
	static const char gates[] = "gGcMfeEqQ", like[] = "aAbmhxXdD";
	const char *of_gate = what ? strchr(gates, what) : NULL;
	struct side *gate = gate_of(p);

	if (of_gate && gate)
		act(p, gate, like[of_gate - gates], text);
	else if (!of_gate && !act(p, p->agent, what, text))
		act_all(p, what, text);
	if (what != 'A' && what != 'G')
		stage_settle(p->s);
}

static void
play(struct stage *s, struct span script)
{
	struct play p = {.s = s, .gate = -1};

	p.agent = stage_agent(s);
	stage_settle(s);
	for (unsigned n = 0; script.p && n < PIECES_MAX; n++) {
		struct span piece = span_cut(&script, SEPARATOR);

		if (piece.n)
			play_piece(
			    &p, piece.p[0], span_new(piece.p + 1, piece.n - 1));
	}
	stage_settle(s);
}

/* ---- the judgement ---- */

struct trial {
	struct talk agent[STAGE_AGENTS], gate[STAGE_GATES];
	unsigned agents, gates;
	const struct localtoken *asked; /* it always was, or NULL */
	bool tunnel[STAGE_GATES]; /* what it heard is what went into one */
};

static void
read_talks(struct trial *t, const struct stage *s)
{
	t->agents = s->agents;
	t->gates = s->gates;
	t->asked = s->guarded ? s->conf[1]->local_token : NULL;
	/* A close is no clean end of an answer to an agent: on a Unix socket
	 * there is no other. */
	for (unsigned i = 0; i < s->agents; i++)
		talk_read(&t->agent[i], buf_span(&s->agent[i].said),
		    buf_span(&s->agent[i].heard), false);
	for (unsigned i = 0; i < s->gates; i++)
		talk_read(&t->gate[i], buf_span(&s->gate[i].heard),
		    buf_span(&s->gate[i].said),
		    s->gate[i].ended ||
			(s->gate[i].dropped && !s->gate[i].cut));
	for (unsigned i = 0; i < s->gates; i++)
		t->gate[i].pass = s->gate[i].pass;
}

static bool
may_ask(const struct trial *t, const struct talk *agent, size_t turn)
{
	return !t->asked || witness_shows(agent, turn, t->asked);
}

/* How often did all of this agent's request reach the gateway? */
static unsigned
count_attempts(const struct trial *t, const struct message *request)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->gates; i++)
		for (size_t k = 0; k < t->gate[i].n; k++) {
			const struct message *m = &t->gate[i].turns[k]->request;

			n += m->whole && !t->tunnel[i] &&
			     witness_same_request(m, request);
		}
	return n;
}

/* How often did agents make this request of the gateway's, and one of them. */
static unsigned
count_made(const struct trial *t, const struct message *request,
    const struct message **made)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->agents; i++)
		for (size_t k = 0; k < t->agent[i].n; k++) {
			const struct message *m =
			    &t->agent[i].turns[k]->request;

			if (!witness_same_request(request, m) ||
			    !may_ask(t, &t->agent[i], k))
				continue;
			*made = m;
			n++;
		}
	return n;
}

static bool
starts_like(struct span begin, struct span whole)
{
	return begin.n <= whole.n && memcmp(begin.p, whole.p, begin.n) == 0;
}

/* The turn that asked for a tunnel to the pass-through host, or NULL. */
static const struct turn *
tunnel_of(const struct talk *agent)
{
	const struct turn *last = agent->turns[agent->n - 1];

	return agent->raw && witness_tunnels(&last->request) ? last : NULL;
}

/* What comes out of a tunnel is what went into it, both ways; and who has none
 * reaches nobody by one. */
static void
find_tunnels(struct trial *t, const struct stage *s)
{
	unsigned agents = 0, gates = 0;

	for (unsigned i = 0; i < t->agents; i++) {
		const struct talk *a = &t->agent[i];
		const struct turn *turn = tunnel_of(a);
		bool found = false;

		if (!turn || !may_ask(t, a, a->n - 1)) {
			assert(!turn || !turn->answer.read);
			continue;
		}
		agents++;
		for (unsigned k = 0; k < t->gates; k++) {
			const struct side *g = &s->gate[k];

			if (!g->pass ||
			    !starts_like(buf_span(&g->heard), a->raw_up))
				continue;
			t->tunnel[k] |= g->heard.len > 0;
			found |= starts_like(a->raw_down, buf_span(&g->said));
		}
		assert(found || !turn->answer.read);
	}
	for (unsigned k = 0; k < t->gates; k++)
		gates += t->tunnel[k];
	assert(gates <= agents);
}

/* RFC 9112 section 9.2: what comes unasked answers no later request; who saw
 * it, and was waiting for nothing, does not use the connection again. */
static void
check_unasked(const struct side *gate, const struct turn *turn)
{
	size_t asked = (size_t)(turn->up - buf_span(&gate->heard).p);
	size_t begun = (size_t)(turn->down - buf_span(&gate->said).p);

	for (unsigned i = 0; i < gate->moments; i++)
		assert(gate->moment[i].heard > asked ||
		       gate->moment[i].sent <= begun);
}

/* A connection in the pool waits for a request, and nothing else. */
static void
check_idle(const struct side *gate, const struct talk *talk)
{
	for (unsigned i = 0; i < gate->moments; i++) {
		const char *at =
		    buf_span(&gate->heard).p + gate->moment[i].heard;
		bool between = false;

		for (size_t k = 0; k < talk->n; k++)
			between |= talk->turns[k]->up == at;
		assert(between || !gate->moment[i].idle);
	}
}

/* RFC 9110 section 9.2.2: what may not run twice is sent again only if it was
 * refused before it ran. */
static bool
may_run_twice(const struct message *m)
{
	static const char *const methods[] = {
	    "GET", "HEAD", "OPTIONS", "PUT", "DELETE"};

	for (size_t i = 0; i < COUNT(methods); i++)
		if (span_eq(m->head.method, span_of(methods[i])))
			return true;
	return false;
}

/* Every request was made by an agent, and no more often than that and what was
 * refused before it ran explain. */
static void
check_requests(const struct trial *t, const struct stage *s)
{
	uint64_t refused = stage_refused(s);
	uint64_t sent = 0, made = refused + stage_stale(s);

	for (unsigned i = 0; i < t->gates; i++) {
		const struct talk *talk = &t->gate[i];

		if (t->tunnel[i])
			continue;
		witness_upstream(talk);
		if (t->asked)
			witness_keeps(talk, t->asked);
		check_idle(&s->gate[i], talk);
		for (size_t k = 0; k < talk->n; k++) {
			const struct message *m = &talk->turns[k]->request;
			const struct message *by = NULL;
			unsigned n, attempts;

			if (!m->read)
				continue;
			check_unasked(&s->gate[i], talk->turns[k]);
			n = count_made(t, m, &by);
			assert(n > 0);
			attempts = count_attempts(t, by);
			assert(attempts <= n * ATTEMPTS_MAX);
			assert(attempts <= n + refused || may_run_twice(m));
			sent++;
		}
	}
	for (unsigned i = 0; i < t->agents; i++)
		for (size_t k = 0; k < t->agent[i].n; k++)
			made += t->agent[i].turns[k]->request.framed;
	assert(sent <= made);
}

/* Did the gateway give this answer to this very request? */
static bool
was_given(
    const struct trial *t, const struct talk *talk, const struct turn *turn)
{
	for (unsigned i = 0; i < t->gates; i++) {
		const struct talk *g = &t->gate[i];

		for (size_t k = 0; k < g->n; k++) {
			if (!g->turns[k]->request.read ||
			    !witness_same_request(
				&g->turns[k]->request, &turn->request) ||
			    !witness_same_answer(&turn->answer,
				&g->turns[k]->answer, &turn->request.head))
				continue;
			if (turn->answer.head.status != 101)
				return true;
			/* What went through the tunnel is what came out. */
			if (starts_like(talk->raw_down, g->raw_down) &&
			    starts_like(g->raw_up, talk->raw_up))
				return true;
		}
	}
	return false;
}

static void
check_answers(const struct trial *t)
{
	for (unsigned i = 0; i < t->agents; i++) {
		const struct talk *talk = &t->agent[i];

		witness_answers(talk);
		for (size_t k = 0; k < talk->n; k++) {
			const struct turn *turn = talk->turns[k];

			assert(!turn->answer.read || witness_own_answer(turn) ||
			       was_given(t, talk, turn));
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stage *s = stage_get();
	struct trial t = {0};

	stage_open(s);
	play(s, span_new((const char *)data, size));
	stage_close(s);
	read_talks(&t, s);
	find_tunnels(&t, s);
	check_requests(&t, s);
	check_answers(&t);
	for (unsigned i = 0; i < t.agents; i++)
		talk_free(&t.agent[i]);
	for (unsigned i = 0; i < t.gates; i++)
		talk_free(&t.gate[i]);
	stage_forget(s);
	return 0;
}
