/*
 * stage: see stage.h.
 */
#include "stage.h"

#include "base/clock.h"
#include "base/mem.h"
#include "proxy/passthrough.h"

#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Sun, 06 Nov 1994 08:49:37 GMT, the Date of RFC 9110's examples. */
#define WALL_S INT64_C(784111777)
#define TOKEN_LIFE_S 7200
/* Small, so that a slow reader is felt soon; the kernel doubles it. */
#define SOCKET_BYTES 4096
#define QUIET_TURNS 3
#define TURNS_MAX 2000
/* After so many advances in stage_close() agents leave; at the latest after so
 * many all is closed. */
#define PATIENCE 10
#define ADVANCES_MAX 20

/* Limits that a short input can cross. */
static const char limits[] = "max-head = 4k\n"
			     "max-headers = 20\n"
			     "relay-buffer = 4k\n"
			     "replay-limit = 2k\n"
			     "replay-total = 3k\n"
			     "upstream-max-uses = 6\n"
			     "max-upstream-connections = 3\n"
			     "pass-through = " STAGE_HOST ":80\n";

static struct stage stage;
static bool made;
static unsigned descriptors;

/* Where the gateway listens. */
static int listen_fd;
static struct sockaddr_un address;
static socklen_t address_len = sizeof(address);
static struct addrinfo info;

/* Where the pass-through host says that it is: here, which is denied, and at
 * an address for documentation (RFC 5737). */
static struct sockaddr_in denied, allowed;
static struct addrinfo pass_info[2];

/* ---- seams (see local.mk) ---- */

SSL_CTX *__wrap_identity_ssl_ctx(const struct identity *);
int __wrap_conn_init_connect(struct conn *, struct loop *,
    const struct sockaddr *, socklen_t, SSL *, size_t, const struct conn_ops *,
    void *);
int __real_conn_init_connect(struct conn *, struct loop *,
    const struct sockaddr *, socklen_t, SSL *, size_t, const struct conn_ops *,
    void *);

/* Without one, an upstream speaks plain text. */
SSL_CTX *
__wrap_identity_ssl_ctx(const struct identity *id)
{
	(void)id;
	return NULL;
}

/* Its number is the sidecar's again: who had it has lost it. */
static void
claim(int theirs)
{
	for (unsigned i = 0; i < stage.agents; i++)
		if (stage.agent[i].theirs == theirs)
			stage.agent[i].theirs = -1;
	for (unsigned i = 0; i < stage.gates; i++)
		if (stage.gate[i].theirs == theirs)
			stage.gate[i].theirs = -1;
}

static void
side_init(struct side *s, int fd, int theirs)
{
	int bytes = SOCKET_BYTES;

	claim(theirs);
	*s = (struct side){.fd = fd, .theirs = theirs};
	assert(setsockopt(
		   theirs, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) == 0);
	stage.moved++;
}

/* Take the other end at once, to know which is which. */
int
__wrap_conn_init_connect(struct conn *c, struct loop *loop,
    const struct sockaddr *sa, socklen_t len, SSL *ssl, size_t in_limit,
    const struct conn_ops *ops, void *owner)
{
	bool pass = sa->sa_family == AF_INET;
	int fd;

	assert(!ssl);
	if (pass) {
		assert(len == sizeof(allowed) &&
		       memcmp(sa, &allowed, sizeof(allowed)) == 0);
		sa = (struct sockaddr *)&address;
		len = address_len;
	}
	if (stage.refusing || stage.gates == STAGE_GATES) {
		*c = (struct conn){.fd = -1, .errnum = ECONNREFUSED};
		return -1;
	}
	if (__real_conn_init_connect(
		c, loop, sa, len, ssl, in_limit, ops, owner) != 0)
		return -1;
	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert(fd >= 0);
	side_init(&stage.gate[stage.gates], fd, c->fd);
	stage.gate[stage.gates].pass = pass;
	stage.heard = stage.gates++;
	return 0;
}

/* ---- making it ---- */

static void
unmake(void)
{
	stage.rig.w->upstream->addresses = NULL;
	stage.pass->addresses = NULL;
	config_unref(stage.conf[stage.rig.conf == stage.conf[0]]);
	rig_fini(&stage.rig);
	close(listen_fd);
}

static void
listen_here(void)
{
	listen_fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert(listen_fd >= 0);
	address.sun_family = AF_UNIX; /* the kernel finds a name */
	assert(bind(listen_fd, (struct sockaddr *)&address,
		   sizeof(sa_family_t)) == 0);
	assert(getsockname(
		   listen_fd, (struct sockaddr *)&address, &address_len) == 0);
	assert(listen(listen_fd, STAGE_GATES) == 0);
	info = (struct addrinfo){.ai_family = AF_UNIX,
	    .ai_socktype = SOCK_STREAM,
	    .ai_addr = (struct sockaddr *)&address,
	    .ai_addrlen = address_len};
}

static void
address_init(struct sockaddr_in *in, const char *host)
{
	*in = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons(STAGE_PORT)};
	assert(inet_pton(AF_INET, host, &in->sin_addr) == 1);
}

/* In this order again, whichever was preferred since. */
static void
address_pass(struct stage *s)
{
	const struct sockaddr_in *at[] = {&denied, &allowed};

	for (size_t i = 0; i < COUNT(pass_info); i++)
		pass_info[i] = (struct addrinfo){.ai_family = AF_INET,
		    .ai_socktype = SOCK_STREAM,
		    .ai_addr = (struct sockaddr *)at[i],
		    .ai_addrlen = sizeof(*at[i])};
	pass_info[0].ai_next = &pass_info[1];
	s->pass->addresses = pass_info;
}

static void
load_guarded(struct stage *s)
{
	char *file, *text;

	dir_write(s->rig.dir, "local-token", 0600, STAGE_SECRET "\n");
	file = mem_printf("%s/local-token", s->rig.dir);
	text = mem_printf("%slocal-token-file = %s\n", limits, file);
	s->conf[0] = s->rig.conf;
	s->conf[1] = rig_load_config(&s->rig, text);
	free(text);
	free(file);
}

struct stage *
stage_get(void)
{
	if (made)
		return &stage;
	made = true;
	rig_init_bare(&stage.rig, limits);
	load_guarded(&stage);
	listen_here();
	address_init(&denied, "127.0.0.1");
	address_init(&allowed, "192.0.2.7");
	stage_publish(&stage, TOKEN_LIFE_S);
	stage_turn(&stage);
	stage.rig.w->upstream->addresses = &info;
	stage.rig.w->upstream->resolved_ms = stage.rig.now_ms;
	stage.pass =
	    passthrough_upstream(stage.rig.w, &stage.conf[0]->pass_routes[0]);
	atexit(unmake);
	return &stage;
}

static unsigned
count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static uint64_t
count_stale(const struct stage *s)
{
	return metric_get(&s->rig.w->metrics->stale_retries);
}

static uint64_t
count_refused(const struct stage *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < METRIC_REFUSALS; i++)
		n += metric_get(&s->rig.w->metrics->refusals[i]);
	return n;
}

uint64_t
stage_refused(const struct stage *s)
{
	return count_refused(s) - s->refused;
}

uint64_t
stage_stale(const struct stage *s)
{
	return count_stale(s) - s->stale;
}

static void
set_clock(struct stage *s, int64_t now_ms)
{
	s->rig.now_ms = now_ms;
	clock_fake(now_ms, WALL_S + (now_ms - RIG_START_MS) / 1000);
	/* Its name was looked up just now. */
	if (s->rig.w->upstream)
		s->rig.w->upstream->resolved_ms = now_ms;
	if (s->pass)
		s->pass->resolved_ms = now_ms;
}

void
stage_publish(struct stage *s, int64_t life_s)
{
	rig_publish(&s->rig, life_s, life_s ? NULL : "the gateway is away");
	s->republish = true;
}

static bool
nothing_said(const struct stage *s)
{
	for (unsigned i = 0; i < s->agents; i++)
		if (s->agent[i].said.len)
			return false;
	return true;
}

void
stage_guard(struct stage *s, bool on)
{
	s->rig.conf = s->conf[on];
	s->guarded = on && (s->guarded || nothing_said(s));
	stage_publish(s, TOKEN_LIFE_S);
}

void
stage_open(struct stage *s)
{
	struct worker *w = s->rig.w;

	set_clock(s, RIG_START_MS);
	address_pass(s);
	if (s->republish)
		stage_guard(s, false);
	s->republish = false;
	s->refusing = false;
	w->draining = false;
	atomic_store(&s->rig.gateway.clock_delta_ms, 0);
	stage_settle(s);
	s->refused = count_refused(s);
	s->stale = count_stale(s);
	descriptors = count_descriptors();
}

struct side *
stage_agent(struct stage *s)
{
	struct side *a;
	int fds[2];

	if (s->agents == STAGE_AGENTS)
		return &s->agent[s->agents - 1];
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		   0, fds) == 0);
	a = &s->agent[s->agents];
	side_init(a, fds[0], fds[1]);
	s->agents++;
	worker_accept(s->rig.w,
	    &(struct arrival){.listener = s->rig.listener, .fd = fds[1]});
	return a;
}

/* ---- our ends ---- */

static void
side_lost(struct stage *s, struct side *e, bool reset)
{
	e->eof = true;
	e->reset |= reset;
	s->moved++;
}

static void
side_write(struct stage *s, struct side *e)
{
	while (e->fd >= 0 && !e->unheard && e->sent < e->said.len) {
		ssize_t n = send(e->fd, buf_span(&e->said).p + e->sent,
		    e->said.len - e->sent, MSG_NOSIGNAL);

		e->unheard = n < 0 && errno != EAGAIN;
		if (n < 0)
			return;
		e->sent += (size_t)n;
		s->moved++;
	}
	if (e->fd >= 0 && e->ending && !e->ended) {
		shutdown(e->fd, SHUT_WR);
		e->ended = true;
		s->moved++;
	}
}

static void
side_read(struct stage *s, struct side *e)
{
	while (e->fd >= 0 && !e->deaf && !e->eof) {
		char *to = buf_reserve(&e->heard, 16384);
		ssize_t n = recv(e->fd, to, 16384, 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n > 0) {
			buf_commit(&e->heard, (size_t)n);
			s->moved++;
			if (e >= s->gate && e < s->gate + s->gates)
				s->heard = (unsigned)(e - s->gate);
		} else {
			side_lost(s, e, n < 0);
		}
	}
}

void
side_say(struct stage *s, struct side *e, struct span text)
{
	if (e->fd < 0 || e->ending || e->said.len + text.n > STAGE_SAY_MAX)
		return;
	buf_add_span(&e->said, text);
	side_write(s, e);
}

void
side_end(struct stage *s, struct side *e)
{
	e->ending = true;
	side_write(s, e);
}

/* What has come, but is left unread: closing then resets the connection. */
static void
side_peek(struct side *e)
{
	size_t room = 4 * SOCKET_BYTES;
	ssize_t n;

	do {
		room *= 2;
		n = recv(e->fd, buf_reserve(&e->heard, room), room, MSG_PEEK);
	} while (n == (ssize_t)room);
	if (n > 0)
		buf_commit(&e->heard, (size_t)n);
}

static void
side_leave(struct stage *s, struct side *e)
{
	e->dropped = !e->eof;
	close(e->fd);
	e->fd = -1;
	s->moved++;
}

void
side_close(struct stage *s, struct side *e)
{
	if (e->fd < 0)
		return;
	side_peek(e);
	side_leave(s, e);
}

/* Closing a Unix socket that was not read to its end resets the connection:
 * let there be a byte. */
void
side_reset(struct stage *s, struct side *e)
{
	if (e->fd < 0)
		return;
	side_peek(e);
	if (e->theirs >= 0 && !e->eof)
		(void)!send(e->theirs, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	e->cut = true;
	side_leave(s, e);
}

/* ---- turning ---- */

void
stage_turn(struct stage *s)
{
	loop_turn(&s->rig.w->loop, EVLOOP_NONBLOCK);
	loop_turn(&s->rig.main, EVLOOP_NONBLOCK);
	for (unsigned i = 0; i < s->gates; i++) {
		side_write(s, &s->gate[i]);
		side_read(s, &s->gate[i]);
	}
	for (unsigned i = 0; i < s->agents; i++) {
		side_write(s, &s->agent[i]);
		side_read(s, &s->agent[i]);
	}
}

static bool
is_idle(const struct stage *s, const struct side *e)
{
	const struct upstream *u = e->pass ? s->pass : s->rig.w->upstream;
	const struct upconn *uc;

	TAILQ_FOREACH(uc, &u->idle, link)
		if (uc->conn.fd == e->theirs)
			return true;
	return false;
}

static void
remember(struct stage *s, struct side *e)
{
	struct moment *last = e->moments ? &e->moment[e->moments - 1] : NULL;
	struct moment now = {e->sent, e->heard.len, is_idle(s, e)};

	if (e->fd < 0 || e->deaf || e->moments == STAGE_MOMENTS)
		return;
	if (last && last->sent == now.sent && last->heard == now.heard &&
	    last->idle == now.idle)
		return;
	e->moment[e->moments++] = now;
}

void
stage_settle(struct stage *s)
{
	unsigned quiet = 0;

	for (unsigned n = 0; quiet < QUIET_TURNS; n++) {
		unsigned long before = s->moved;

		assert(n < TURNS_MAX);
		stage_turn(s);
		quiet = s->moved == before ? quiet + 1 : 0;
	}
	for (unsigned i = 0; i < s->gates; i++)
		remember(s, &s->gate[i]);
}

void
stage_advance(struct stage *s, int64_t ms)
{
	set_clock(s, s->rig.now_ms + ms);
	timers_run(&s->rig.w->loop.timers, s->rig.now_ms);
	stage_settle(s);
}

/* ---- ending ---- */

static void
check_given_back(const struct stage *s)
{
	const struct worker *w = s->rig.w;
	const struct metrics *m = w->metrics;
	const struct upstream *us[] = {w->upstream, s->pass};

	assert(TAILQ_EMPTY(&w->clients) && TAILQ_EMPTY(&w->token_waiters));
	for (size_t i = 0; i < COUNT(us); i++) {
		const struct upstream *u = us[i];

		assert(u->connections == 0 && u->connecting == 0);
		assert(TAILQ_EMPTY(&u->waiters) && TAILQ_EMPTY(&u->idle));
		assert(u->waiting == 0);
	}
	assert(w->replay_left == w->replay_total);
	assert(w->loop.timers.count == 0 && !w->loop.corpses);
	assert(metric_get(&m->streams_open) == 0);
	assert(metric_get(&m->replay_held) == 0);
	assert(metric_get(&m->upconns_idle) == 0);
	assert(metric_get(&m->upconns_busy) == 0);
	assert(metric_get(&m->upconns_connecting) == 0);
	assert(
	    metric_get(&m->clients_opened) == metric_get(&m->clients_closed));
}

void
stage_close(struct stage *s)
{
	const struct worker *w = s->rig.w;

	/* stream-idle-timeout and first-byte-timeout are 10 minutes, for each
	 * of the requests that an agent has pipelined, until it leaves. */
	for (unsigned n = 0; !TAILQ_EMPTY(&w->clients) ||
			     w->upstream->connections || s->pass->connections;
	     n++) {
		assert(n < ADVANCES_MAX);
		for (unsigned i = 0; n == PATIENCE && i < s->agents; i++)
			side_close(s, &s->agent[i]);
		stage_advance(s, 601 * 1000);
	}
	stage_advance(s, 1000); /* the log's own timer */
	for (unsigned i = 0; i < s->agents; i++) {
		s->agent[i].deaf = false;
		side_read(s, &s->agent[i]);
		side_close(s, &s->agent[i]);
	}
	for (unsigned i = 0; i < s->gates; i++) {
		s->gate[i].deaf = false;
		side_read(s, &s->gate[i]);
		side_close(s, &s->gate[i]);
	}
	check_given_back(s);
	assert(count_descriptors() == descriptors);
}

void
stage_forget(struct stage *s)
{
	for (unsigned i = 0; i < s->agents; i++) {
		buf_free(&s->agent[i].said);
		buf_free(&s->agent[i].heard);
	}
	for (unsigned i = 0; i < s->gates; i++) {
		buf_free(&s->gate[i].said);
		buf_free(&s->gate[i].heard);
	}
	s->agents = s->gates = s->heard = 0;
}
