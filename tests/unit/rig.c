/*
 * rig: see rig.h.
 */
#include "rig.h"

#include "base/b64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "conf/idsource.h"
#include "proxy/via.h"

#include "conf_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void
on_refused(void *arg, uint64_t generation, unsigned wait_s)
{
	struct rig *r = arg;

	r->refused++;
	r->refused_generation = generation;
	r->refused_wait_s = wait_s;
}

static void
on_wants_files(void *arg)
{
	struct rig *r = arg;

	r->files_wanted++;
}

static void
on_court_nonce(void *arg, const char *nonce)
{
	struct rig *r = arg;

	snprintf(r->court_nonce, sizeof(r->court_nonce), "%s", nonce);
}

static void
on_closed(void *arg, struct worker *w, unsigned epoch)
{
	(void)w;
	(void)epoch;
	((struct rig *)arg)->closed++;
}

unsigned
rig_clients(const struct rig *r)
{
	const struct client *c;
	unsigned n = 0;

	TAILQ_FOREACH(c, &r->w->clients, link)
		n++;
	return n;
}

struct config *
rig_load_config(struct rig *r, const char *more)
{
	/* A gateway or address in `more` stands for ours. */
	char *text = strstr(more, "gateway")
			 ? mem_printf("identity-dir = %s\n%s", r->dir, more)
			 : mem_printf("identity-dir = %s\n"
				      "gateway = https://" PKI_SERVER ":9443\n"
				      "gateway-address = 127.0.0.1:%u\n%s",
			       r->dir, r->gate.port, more);
	struct config *conf = fixture_config(text);
	struct findings found = {0};
	struct err err = ERR_INIT;

	ck_assert_int_eq(config_read_secrets(conf, &found, &err), 0);
	ck_assert_uint_eq(found.count, 0);
	free(text);
	return conf;
}

void
rig_init_bare(struct rig *r, const char *more)
{
	const struct listen_addr addr = {
	    .kind = LISTEN_TCP, .host = (char *)"127.0.0.1"};
	const struct worker_events events = {
	    on_refused, on_court_nonce, on_wants_files, on_closed, r};
	const struct log_config log = {
	    LOG_ERROR, LOG_TEXT, open("/dev/null", O_WRONLY | O_CLOEXEC)};
	struct identity_source source;
	struct err err = ERR_INIT;

	memset(r, 0, sizeof(*r));
	ck_assert_int_eq(log_open(&log, &err), 0);
	r->log_fd = log.access_fd;
	r->now_ms = RIG_START_MS;
	clock_fake(r->now_ms, time(NULL));
	pki_init(&r->pki);
	r->dir = dir_identity(&r->pki);
	gate_init(&r->gate, &r->pki);
	r->conf = rig_load_config(r, more);
	r->mode = r->conf->auth == AUTH_AUTO ? AUTH_TOKEN : r->conf->auth;
	source = idsource_of(r->conf);
	source.dir = r->dir;
	r->identity = identity_load(&source, NULL, &err);
	ck_assert_msg(r->identity != NULL, "%s", err.text);
	identity_set_generation(r->identity, 1);
	loop_init(&r->main);
	r->resolver = resolver_new();
	r->listener =
	    listener_open(&r->main, &addr, &(struct listener_options){0}, &err);
	ck_assert_msg(r->listener != NULL, "%s", err.text);
	r->w =
	    worker_new(0, r->conf, r->resolver, &r->gateway, &r->main, &events);
}

void
rig_init(struct rig *r, const char *more)
{
	rig_init_bare(r, more);
	gate_open(&r->gate);
	rig_publish(r, 900, NULL);
	rig_turn(r);
}

void
rig_fini(struct rig *r)
{
	struct err err = ERR_INIT;

	/* Its thread is only there to end. */
	worker_stop(r->w);
	ck_assert_int_eq(worker_start(r->w, &err), 0);
	worker_join_free(r->w);
	for (unsigned i = 0; i < r->nagents; i++) {
		agent_close(&r->agent[i]);
		buf_free(&r->agent[i].in);
	}
	resolver_free(r->resolver);
	listener_free(r->listener);
	loop_fini(&r->main);
	gate_fini(&r->gate);
	identity_unref(r->identity);
	config_unref(r->conf);
	dir_free(r->dir);
	pki_fini(&r->pki);
	log_close();
	close(r->log_fd);
}

static struct token *
make_token(struct rig *r, int64_t life_s)
{
	struct buf jwt = BUF_INIT;
	struct err err = ERR_INIT;
	struct token *t;
	char *claims, *json, *text;

	claims = mem_printf("{\"iss\":\"cullis-mastio:orga\",\"n\":%llu,"
			    "\"cnf\":{\"jkt\":\"%s\"}}",
	    (unsigned long long)++r->token_generation,
	    identity_jkt(r->identity));
	buf_add_str(&jwt, "eyJhbGciOiJFUzI1NiJ9.");
	buf_add_b64url(&jwt, claims, strlen(claims));
	buf_add_str(&jwt, ".c2ln");
	text = buf_steal_str(&jwt);
	json = mem_printf("{\"access_token\":\"%s\",\"token_type\":\"Bearer\","
			  "\"expires_in\":%lld}",
	    text, (long long)life_s);
	t = token_from_response(span_of(json), identity_jkt(r->identity),
	    "https://" PKI_SERVER, r->now_ms, &err);
	ck_assert_msg(t != NULL, "%s", err.text);
	t->generation = r->token_generation;
	t->kind = r->token_kind;
	t->nonce = mem_strdup(r->token_nonce);
	free(claims);
	free(text);
	free(json);
	return t;
}

void
rig_publish(struct rig *r, int64_t life_s, const char *trouble)
{
	struct token *t = life_s ? make_token(r, life_s) : NULL;

	worker_publish(
	    r->w, bundle_new(r->conf, r->identity, t, r->mode, trouble));
	token_unref(t);
}

/* ---- turning ---- */

static void
agent_turn(struct agent *a)
{
	while (!a->eof && a->fd >= 0 && !a->deaf) {
		ssize_t n = recv(a->fd, buf_reserve(&a->in, 65536), 65536, 0);

		if (n < 0 && errno == EAGAIN)
			return;
		a->eof = n <= 0;
		a->reset = n < 0;
		if (n > 0)
			buf_commit(&a->in, (size_t)n);
	}
}

void
rig_turn(struct rig *r)
{
	loop_turn(&r->w->loop, EVLOOP_NONBLOCK);
	loop_turn(&r->main, EVLOOP_NONBLOCK);
	gate_turn(&r->gate);
	for (unsigned i = 0; i < r->nagents; i++)
		agent_turn(&r->agent[i]);
}

/* The kernel and the resolver's thread may need a moment. */
void
rig_rest(unsigned turns)
{
	if (turns > 30)
		poll(NULL, 0, turns > 300 ? 10 : 1);
}

void
rig_settle(struct rig *r)
{
	for (unsigned i = 0; i < 12; i++)
		rig_turn(r);
}

void
rig_advance(struct rig *r, int64_t ms)
{
	r->now_ms += ms;
	clock_fake(r->now_ms, clock_wall_s() + ms / 1000);
	timers_run(&r->w->loop.timers, r->now_ms);
	rig_turn(r);
}

/* ---- agents ---- */

struct agent *
agent_open(struct rig *r, bool overloaded)
{
	struct agent *a = &r->agent[r->nagents++];
	int fds[2];

	ck_assert_uint_le(r->nagents, RIG_AGENTS);
	ck_assert_int_eq(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	    0);
	*a = (struct agent){.fd = fds[0]};
	worker_accept(r->w, &(struct arrival){.listener = r->listener,
				.fd = fds[1],
				.peer = r->peer,
				.overloaded = overloaded});
	rig_turn(r);
	return a;
}

void
agent_say_span(struct agent *a, struct span s)
{
	ck_assert_int_eq(send(a->fd, s.p, s.n, MSG_NOSIGNAL), (ssize_t)s.n);
}

void
agent_say(struct agent *a, const char *text)
{
	agent_say_span(a, span_of(text));
}

void
agent_close(struct agent *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
}

void
agent_half_close(struct agent *a)
{
	shutdown(a->fd, SHUT_WR);
}

/* ---- looking ---- */

unsigned
rig_ended(struct rig *r, enum end end)
{
	unsigned n = 0;

	for (unsigned i = 0; i < REQUEST_SLOTS; i++) {
		const struct request_count *c = &r->w->metrics->requests[i];

		if (c->key && (c->key >> 16 & 0xff) == (unsigned)end)
			n += (unsigned)metric_get(&c->count);
	}
	return n;
}

bool
rig_has(const struct buf *b, const char *text)
{
	return b->len && memmem(buf_span(b).p, b->len, text, strlen(text));
}

bool
rig_has_head(const struct buf *b)
{
	return rig_has(b, "\r\n\r\n");
}

void
rig_forget(struct buf *b)
{
	buf_clear(b);
}

void
rig_drop_via(struct buf *b)
{
	char *line = mem_printf("Via: 1.1 %s\r\n", via_pseudonym());
	struct span mark = span_of(line);
	struct buf out = BUF_INIT;
	struct span in = buf_span(b);

	while (in.n) {
		bool ours = span_istarts(in, mark);
		size_t n = ours ? mark.n : 1;

		if (!ours)
			buf_add(&out, in.p, 1);
		in.p += n;
		in.n -= n;
	}
	buf_clear(b);
	buf_add_span(b, buf_span(&out));
	buf_free(&out);
	free(line);
}
