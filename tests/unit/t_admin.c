/*
 * t_admin: what the admin listener answers to whom, and that connections which
 * say nothing cost it neither descriptors nor its next visitor.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "ctl/admin.h"

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct loop loop;
static struct listener *listener;
static struct admin *admin;
static size_t page_size;
static int64_t now_ms;
static bool tcp_acts;
static unsigned quits, nasked;
static bool draining;

static unsigned
page_live(void *arg, struct buf *b)
{
	ck_assert_ptr_eq(arg, &loop);
	buf_add_str(b, "alive\n");
	return 200;
}

static unsigned
page_ready(void *arg, struct buf *b)
{
	(void)arg;
	buf_add_str(b, "not ready\n");
	return 503;
}

static unsigned
page_large(void *arg, struct buf *b)
{
	(void)arg;
	memset(buf_reserve(b, page_size), 'x', page_size);
	buf_commit(b, page_size);
	return 200;
}

static unsigned
ask_quit(void *arg, struct buf *b)
{
	ck_assert_ptr_eq(arg, &loop);
	quits++;
	buf_add_str(b, "going\n");
	return 200;
}

static struct visit *asker;
static unsigned forgotten;

static const char *
ask_reload(void *arg, struct visit *v)
{
	ck_assert_ptr_eq(arg, &loop);
	if (draining)
		return "draining\n";
	nasked++;
	asker = v;
	return NULL;
}

static void
forget_reload(void *arg, struct visit *v)
{
	ck_assert_ptr_eq(arg, &loop);
	ck_assert_ptr_nonnull(v);
	forgotten++;
}

static bool
tcp_may_act(void *arg)
{
	ck_assert_ptr_eq(arg, &loop);
	return tcp_acts;
}

static void
setup(void)
{
	const struct admin_pages pages = {page_live, page_live, page_ready,
	    page_large, page_live, ask_quit, ask_reload, forget_reload,
	    tcp_may_act, &loop};
	const struct listen_addr a = {
	    .kind = LISTEN_TCP, .host = (char *)"127.0.0.1"};
	struct err err = ERR_INIT;

	now_ms = 1000000;
	page_size = 100;
	tcp_acts = false;
	quits = nasked = forgotten = 0;
	draining = false;
	clock_fake(now_ms, 1779357600);
	loop_init(&loop);
	listener =
	    listener_open(&loop, &a, &(struct listener_options){0}, &err);
	ck_assert_msg(listener != NULL, "%s", err.text);
	admin = admin_new(&loop, &pages);
	admin_listen(admin, listener, ADMIN_ALL);
}

static void
teardown(void)
{
	admin_free(admin);
	listener_free(listener);
	loop_fini(&loop);
}

static void
advance(int64_t ms)
{
	now_ms += ms;
	clock_fake(now_ms, 1779357600 + now_ms / 1000);
	timers_run(&loop.timers, now_ms);
	loop_turn(&loop, EVLOOP_NONBLOCK);
}

static int
visit(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_port = htons(listener_local(listener)->port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

/* Turn until the peer's end has come, or -1 if it came as a reset. */
static int
hear(int fd, struct buf *in)
{
	for (unsigned i = 0; i < 100000; i++) {
		ssize_t n =
		    recv(fd, buf_reserve(in, 65536), 65536, MSG_DONTWAIT);

		if (n > 0)
			buf_commit(in, (size_t)n);
		else if (n == 0)
			return 0;
		else if (errno != EAGAIN)
			return -1;
		loop_turn(&loop, EVLOOP_NONBLOCK);
	}
	ck_abort_msg("the connection does not end");
	return -1;
}

static bool
is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

static void
settle(void)
{
	for (unsigned i = 0; i < 10; i++)
		loop_turn(&loop, EVLOOP_NONBLOCK);
}

#define HOST "Host: localhost\r\n"
#define ASK(method, path) method " " path " HTTP/1.1\r\n" HOST "\r\n"

static const struct {
	const char *why, *ask;
	unsigned status;
	const char *body; /* its end */
} requests[] = {
    {"a page", ASK("GET", "/livez"), 200, "\r\n\r\nalive\n"},
    {"its other name", ASK("GET", "/healthz"), 200, "\r\n\r\nalive\n"},
    {"the page's own status", ASK("GET", "/readyz"), 503, "not ready\n"},
    {"a query is nothing to us", ASK("GET", "/livez?verbose"), 200, "alive\n"},
    {"9110 9.3.2: no content for HEAD", ASK("HEAD", "/livez"), 200,
	"close\r\n\r\n"},
    {"no such page", ASK("GET", "/livez/x"), 404, "/quitquitquit\n"},
    {"nor with POST", ASK("POST", "/livez/x"), 404, "/quitquitquit\n"},
    {"9110 15.5.6: other methods", ASK("POST", "/livez"), 405, "shows\n"},
    {"what only POST may ask", ASK("GET", "/quitquitquit"), 405, "POST\n"},
    {"HEAD is no POST either", ASK("HEAD", "/quitquitquit"), 405,
	"close\r\n\r\n"},
    {"the agent may not stop us", ASK("POST", "/quitquitquit"), 403, "tcp)\n"},
    {"content that nobody reads",
	"POST /quitquitquit HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody",
	403, "tcp)\n"},
    {"nor make us reload", ASK("POST", "/reload"), 403, "tcp)\n"},
    {"nor may a web page",
	"POST /quitquitquit HTTP/1.1\r\n" HOST "Origin: null\r\n\r\n", 403,
	"refused\n"},
    {"a loopback address", "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
	200, "alive\n"},
    {"9112 3.2.2: absolute form, Host is ignored",
	"GET http://localhost/livez HTTP/1.1\r\nHost: evil.test\r\n\r\n", 200,
	"alive\n"},
    {"DNS rebinding", "GET /livez HTTP/1.1\r\nHost: evil.test\r\n\r\n", 403,
	"address\n"},
    {"rebinding in absolute form",
	"GET http://evil.test/livez HTTP/1.1\r\n" HOST "\r\n", 403,
	"address\n"},
    {"another port", "GET /livez HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 403,
	"address\n"},
    {"9112 3.2: no Host", "GET /livez HTTP/1.1\r\n\r\n", 400, "malformed\n"},
    {"9112 3.2: two of them", "GET /livez HTTP/1.1\r\n" HOST HOST "\r\n", 400,
	"malformed\n"},
    {"HTTP/1.0 needs none", "GET /livez HTTP/1.0\r\n\r\n", 200, "alive\n"},
    {"a page in a browser",
	"GET /livez HTTP/1.1\r\n" HOST "Origin: http://localhost\r\n\r\n", 403,
	"refused\n"},
    {"the same, fetched without CORS",
	"GET /livez HTTP/1.1\r\n" HOST "Sec-Fetch-Site: same-site\r\n\r\n", 403,
	"refused\n"},
    {"typed into a browser",
	"GET /livez HTTP/1.1\r\n" HOST "Sec-Fetch-Site: none\r\n\r\n", 200,
	"alive\n"},
    {"9112 2.2: bare LF", "GET /livez HTTP/1.1\n\n", 400, "malformed\n"},
    {"a target with a fragment", ASK("GET", "/livez#x"), 400, "malformed\n"},
    {"another version", "GET /livez HTTP/2.0\r\n\r\n", 505, "HTTP/1.1\n"},
};

START_TEST(answers)
{
	struct buf in = BUF_INIT;
	char status[32];
	int fd = visit();

	say(fd, requests[_i].ask);
	ck_assert_msg(hear(fd, &in) == 0, "%s: reset", requests[_i].why);
	snprintf(status, sizeof(status), "HTTP/1.1 %u ", requests[_i].status);
	ck_assert_msg(span_starts(buf_span(&in), span_of(status)) &&
			  span_ends(buf_span(&in), span_of(requests[_i].body)),
	    "%s: %.*s", requests[_i].why, SPAN_ARG(buf_span(&in)));
	ck_assert_uint_eq(quits, 0);
	buf_free(&in);
	close(fd);
}
END_TEST

static void
ck_hears(int fd, const char *begin, const char *end)
{
	struct buf in = BUF_INIT;

	ck_assert_int_eq(hear(fd, &in), 0);
	ck_assert_msg(span_starts(buf_span(&in), span_of(begin)) &&
			  span_ends(buf_span(&in), span_of(end)),
	    "%.*s", SPAN_ARG(buf_span(&in)));
	buf_free(&in);
	close(fd);
}

/* RFC 9110 section 15.5.6: Allow lists what would be allowed. */
START_TEST(method_not_allowed)
{
	static const struct {
		const char *ask, *allow;
	} rows[] = {
	    {ASK("POST", "/livez"), "\r\nAllow: GET, HEAD\r\n"},
	    {ASK("PUT", "/quitquitquit"), "\r\nAllow: POST\r\n"},
	    {ASK("GET", "/reload"), "\r\nAllow: POST\r\n"},
	};
	struct buf in = BUF_INIT;
	int fd = visit();

	say(fd, rows[_i].ask);
	ck_assert_int_eq(hear(fd, &in), 0);
	ck_assert_ptr_nonnull(memmem(
	    buf_span(&in).p, in.len, rows[_i].allow, strlen(rows[_i].allow)));
	buf_free(&in);
	close(fd);
}
END_TEST

START_TEST(tcp_acts_if_it_is_let)
{
	int fd = visit();

	tcp_acts = true;
	say(fd, ASK("POST", "/quitquitquit"));
	ck_hears(fd, "HTTP/1.1 200 ", "\r\n\r\ngoing\n");
	ck_assert_uint_eq(quits, 1);
}
END_TEST

#define ELSEWHERE "Host: pod-7.test:9464\r\n"

static const struct {
	const char *why, *address, *ask;
	unsigned status;
} scrapes[] = {
    {"metrics", "127.0.0.1", ASK("GET", "/metrics"), 200},
    {"alive", "127.0.0.1", ASK("GET", "/livez"), 200},
    {"ready", "127.0.0.1", ASK("GET", "/readyz"), 503},
    {"not the rest", "127.0.0.1", ASK("GET", "/status"), 404},
    {"nor to act", "127.0.0.1", ASK("POST", "/quitquitquit"), 404},
    {"rebinding on loopback", "127.0.0.1",
	"GET /metrics HTTP/1.1\r\n" ELSEWHERE "\r\n", 403},
    {"off loopback any name", "0.0.0.0",
	"GET /metrics HTTP/1.1\r\n" ELSEWHERE "\r\n", 200},
    {"in absolute form too", "0.0.0.0",
	"GET http://pod-7.test:9464/metrics HTTP/1.1\r\n" ELSEWHERE "\r\n",
	200},
    {"but no web page", "0.0.0.0",
	"GET /metrics HTTP/1.1\r\n" ELSEWHERE "Origin: http://x\r\n\r\n", 403},
    {"and never to act", "0.0.0.0", ASK("POST", "/quitquitquit"), 404},
};

START_TEST(metrics_listener)
{
	const struct listen_addr a = {
	    .kind = LISTEN_TCP, .host = mem_strdup(scrapes[_i].address)};
	struct listener *first = listener;
	struct err err = ERR_INIT;
	char status[32];
	int fd;

	tcp_acts = true;
	listener =
	    listener_open(&loop, &a, &(struct listener_options){0}, &err);
	ck_assert_msg(listener != NULL, "%s", err.text);
	admin_listen(admin, listener, ADMIN_METRICS);
	fd = visit();
	say(fd, scrapes[_i].ask);
	snprintf(status, sizeof(status), "HTTP/1.1 %u ", scrapes[_i].status);
	ck_hears(fd, status, "");
	ck_assert_uint_eq(quits, 0);
	admin_free(admin);
	admin = NULL;
	listener_free(listener);
	listener = first;
	free(a.host);
}
END_TEST

/* Asks for a reload, and is not answered yet. */
static int
ask_for_reload(void)
{
	unsigned before = nasked;
	int fd = visit();

	tcp_acts = true;
	say(fd, ASK("POST", "/reload"));
	settle();
	ck_assert_uint_eq(nasked, before + 1);
	ck_assert(!is_closed(fd));
	return fd;
}

START_TEST(reload_is_answered_when_it_is_known)
{
	static char more[7000];
	int fd = ask_for_reload(), other;

	/* What comes behind the request is not looked at, however much. */
	memset(more, 'x', sizeof(more) - 1);
	say(fd, more);
	settle();
	advance(60000);
	ck_assert(!is_closed(fd));
	other = visit();
	say(other, ASK("GET", "/livez"));
	ck_hears(other, "HTTP/1.1 200 ", "alive\n");
	admin_tell(asker, 500, "the key does not fit");
	ck_hears(fd, "HTTP/1.1 500 ", "\r\n\r\nthe key does not fit\n");
	ck_assert_uint_eq(forgotten, 0);

	fd = ask_for_reload();
	shutdown(fd, SHUT_WR);
	settle();
	admin_tell(asker, 200, "renewed");
	ck_hears(fd, "HTTP/1.1 200 ", "\r\n\r\nrenewed\n");
}
END_TEST

START_TEST(reload_that_nobody_decides)
{
	int fd = ask_for_reload();

	advance(119999);
	ck_assert(!is_closed(fd));
	advance(1);
	ck_assert_uint_eq(forgotten, 1);
	ck_hears(fd, "HTTP/1.1 504 ", "the log\n");

	draining = true;
	fd = visit();
	say(fd, ASK("POST", "/reload"));
	ck_hears(fd, "HTTP/1.1 409 ", "draining\n");
}
END_TEST

/* They do not keep probes out, and others do not drive them away. */
START_TEST(many_wait_for_a_reload)
{
	int fd[ADMIN_CONNECTIONS_MAX * 2], last;

	for (size_t i = 0; i < COUNT(fd); i++)
		fd[i] = ask_for_reload();
	for (size_t i = 0; i < COUNT(fd); i++)
		ck_assert(!is_closed(fd[i]));
	last = visit();
	say(last, ASK("GET", "/livez"));
	ck_hears(last, "HTTP/1.1 200 ", "alive\n");
	admin_free(admin);
	admin = NULL;
	ck_assert_uint_eq(forgotten, COUNT(fd));
	for (size_t i = 0; i < COUNT(fd); i++) {
		ck_assert(is_closed(fd[i]));
		close(fd[i]);
	}
}
END_TEST

START_TEST(too_many_wait_for_a_reload)
{
	int fd[ADMIN_WAITING_MAX], last;

	for (size_t i = 0; i < COUNT(fd); i++)
		fd[i] = ask_for_reload();
	last = visit();
	say(last, ASK("POST", "/reload"));
	ck_hears(last, "HTTP/1.1 503 ", "already\n");
	for (size_t i = 0; i < COUNT(fd); i++)
		close(fd[i]);
}
END_TEST

/* Connects as this user, which takes root; else as ourselves. */
static int
visit_unix(const char *path, uid_t uid)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(uid), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	return fd;
}

START_TEST(the_socket_knows_who_asks)
{
	char dir[] = "/tmp/t_admin-XXXXXX", *path;
	struct listen_addr a = {.kind = LISTEN_UNIX};
	struct err err = ERR_INIT;
	struct listener *l;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	a.path = path = mem_printf("%s/admin.sock", dir);
	/* Wider than in earnest, so that others get as far as being asked. */
	l = listener_open(
	    &loop, &a, &(struct listener_options){.mode = 0666}, &err);
	ck_assert_msg(l != NULL, "%s", err.text);
	admin_listen(admin, l, ADMIN_ALL);

	fd = visit_unix(path, geteuid());
	say(fd, ASK("POST", "/quitquitquit"));
	ck_hears(fd, "HTTP/1.1 200 ", "\r\n\r\ngoing\n");
	ck_assert_uint_eq(quits, 1);
	if (getuid() == 0) {
		fd = visit_unix(path, 4711);
		say(fd, ASK("POST", "/quitquitquit"));
		ck_hears(fd, "HTTP/1.1 403 ", "tcp)\n");
		ck_assert_uint_eq(quits, 1);
	}
	admin_free(admin);
	admin = NULL;
	listener_free(l);
	free(path);
	rmdir(dir);
}
END_TEST

START_TEST(head_in_pieces)
{
	const char *ask = ASK("GET", "/livez");
	struct buf in = BUF_INIT;
	int fd = visit();

	for (const char *p = ask; *p; p++) {
		send(fd, p, 1, MSG_NOSIGNAL);
		settle();
	}
	ck_assert_int_eq(hear(fd, &in), 0);
	ck_assert(span_ends(buf_span(&in), SPAN("alive\n")));
	buf_free(&in);
	close(fd);
}
END_TEST

START_TEST(head_too_large)
{
	static const struct {
		size_t target, field;
		unsigned status;
	} sizes[] = {{7000, 500, 404}, {8100, 10, 414}, {10, 9000, 431}};
	struct buf ask = BUF_INIT, in = BUF_INIT;
	char *text, status[32];
	int fd = visit();

	buf_add_str(&ask, "GET /");
	for (size_t i = 0; i < sizes[_i].target; i++)
		buf_add_char(&ask, 'a');
	buf_add_str(&ask, " HTTP/1.1\r\n" HOST "X: ");
	for (size_t i = 0; i < sizes[_i].field; i++)
		buf_add_char(&ask, 'a');
	buf_add_str(&ask, "\r\n\r\n");
	text = buf_steal_str(&ask);
	say(fd, text);
	ck_assert_int_eq(hear(fd, &in), 0);
	snprintf(status, sizeof(status), "HTTP/1.1 %u ", sizes[_i].status);
	ck_assert_msg(span_starts(buf_span(&in), span_of(status)), "%.*s",
	    SPAN_ARG(buf_span(&in)));
	free(text);
	buf_free(&in);
	close(fd);
}
END_TEST

/* A page that does not fit into the socket, for a client that sends no more. */
START_TEST(large_page)
{
	struct buf in = BUF_INIT;
	int fd = visit();

	page_size = 8 << 20;
	say(fd, ASK("GET", "/metrics"));
	shutdown(fd, SHUT_WR);
	settle();
	ck_assert_int_eq(hear(fd, &in), 0);
	ck_assert_uint_gt(in.len, page_size);
	buf_free(&in);
	close(fd);
}
END_TEST

START_TEST(silence_is_ended)
{
	int silent = visit(), slow = visit(), deaf = visit();

	say(slow, "GET /li");
	say(deaf, ASK("GET", "/livez"));
	settle();
	advance(1999);
	ck_assert(!is_closed(silent) && !is_closed(slow));
	advance(8000);
	ck_assert(!is_closed(silent) && !is_closed(slow));
	advance(1);
	ck_assert(is_closed(silent) && is_closed(slow));
	close(silent);
	close(slow);
	close(deaf);
}
END_TEST

START_TEST(the_oldest_makes_room)
{
	int silent[ADMIN_CONNECTIONS_MAX + 8], fd;
	struct buf in = BUF_INIT;

	for (size_t i = 0; i < COUNT(silent); i++) {
		silent[i] = visit();
		settle();
	}
	for (size_t i = 0; i < COUNT(silent); i++)
		ck_assert_int_eq(is_closed(silent[i]), i < 8);
	fd = visit();
	settle();
	say(fd, ASK("GET", "/livez"));
	ck_assert_int_eq(hear(fd, &in), 0);
	ck_assert(span_ends(buf_span(&in), SPAN("alive\n")));
	buf_free(&in);
	close(fd);
	for (size_t i = 0; i < COUNT(silent); i++)
		close(silent[i]);
}
END_TEST

/* Out of descriptors: it tries again after a moment and does not spin. */
START_TEST(no_descriptors_left)
{
	struct rlimit old, none;
	struct buf in = BUF_INIT;
	int fd = visit(), said[2];
	char text[4096];
	ssize_t n;

	say(fd, ASK("GET", "/livez"));
	ck_assert_int_eq(pipe(said), 0);
	dup2(said[1], STDERR_FILENO);
	close(said[1]);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	for (unsigned i = 0; i < 100; i++)
		loop_turn(&loop, EVLOOP_NONBLOCK);
	n = read(said[0], text, sizeof(text) - 1);
	setrlimit(RLIMIT_NOFILE, &old);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "cannot accept"));
	ck_assert_ptr_eq(strchr(text, '\n'), text + n - 1);
	advance(100);
	ck_assert_int_eq(hear(fd, &in), 0);
	ck_assert(span_ends(buf_span(&in), SPAN("alive\n")));
	buf_free(&in);
	close(fd);
	close(said[0]);
}
END_TEST

/* Freed with everything half done, and somebody in the backlog. */
START_TEST(freed_in_the_middle)
{
	int half = visit(), late;

	say(half, "GET /li");
	settle();
	late = visit();
	admin_free(admin);
	admin = NULL;
	listener_close(listener);
	settle();
	ck_assert(is_closed(half) && is_closed(late));
	close(half);
	close(late);
}
END_TEST

UNIT_MAIN_ROWS("admin", setup, teardown, {answers, COUNT(requests)},
    {method_not_allowed, 3}, {tcp_acts_if_it_is_let, 1},
    {reload_is_answered_when_it_is_known, 1}, {reload_that_nobody_decides, 1},
    {many_wait_for_a_reload, 1}, {too_many_wait_for_a_reload, 1},
    {metrics_listener, COUNT(scrapes)}, {the_socket_knows_who_asks, 1},
    {head_in_pieces, 1}, {head_too_large, 3}, {large_page, 1},
    {silence_is_ended, 1}, {the_oldest_makes_room, 1}, {no_descriptors_left, 1},
    {freed_in_the_middle, 1})
