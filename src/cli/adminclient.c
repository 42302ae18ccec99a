/*
 * adminclient: see adminclient.h.  One request on a blocking socket.
 */
#include "cli/adminclient.h"

#include "base/clock.h"
#include "base/mem.h"
#include "conf/addrfile.h"
#include "http/head.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX 65536
#define FIELDS_MAX 64

/* Bound, in this order, what is left of the time on the next call. */
static int
set_timeout(int fd, int64_t due_ms)
{
	int64_t left = due_ms - clock_now_ms();
	struct timeval tv = {
	    .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};

	if (left <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) != 0)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static socklen_t
sockaddr_of(const struct listen_addr *a, struct sockaddr_storage *out)
{
	struct sockaddr_un *un = (struct sockaddr_un *)out;
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (a->kind == LISTEN_UNIX) {
		un->sun_family = AF_UNIX;
		memcpy(un->sun_path, a->path, strlen(a->path) + 1);
		return sizeof(*un);
	}
	if (inet_pton(AF_INET, a->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(a->port);
		return sizeof(*v4);
	}
	inet_pton(AF_INET6, a->host, &v6->sin6_addr);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(a->port);
	return sizeof(*v6);
}

/* Send the request and read the answer to its end.  0, or -1 with errno. */
static int
ask(const struct listen_addr *a, const struct adminclient_request *r,
    struct buf *answer)
{
	int64_t due_ms = clock_now_ms() + r->timeout_ms;
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_of(a, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), why;
	char *text = mem_printf("%s %s HTTP/1.1\r\nHost: localhost\r\n"
				"Connection: close\r\n\r\n",
	    r->method, r->path);
	ssize_t n = -1;

	if (fd < 0 || set_timeout(fd, due_ms) != 0 ||
	    connect(fd, (struct sockaddr *)&sa, len) != 0)
		goto out;
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		goto out;
	do {
		n = set_timeout(fd, due_ms);
		if (n < 0)
			break;
		n = read(fd, buf_reserve(answer, 4096), 4096);
		if (n > 0)
			buf_commit(answer, (size_t)n);
	} while (n > 0 && answer->len < ANSWER_MAX);
out:
	why = errno;
	if (fd >= 0)
		close(fd);
	free(text);
	/* What a socket timeout is called. */
	errno = why == EAGAIN || why == EINPROGRESS ? ETIMEDOUT : why;
	return n < 0 ? -1 : 0;
}

/* The body as one line, without what a terminal would obey. */
static char *
one_line(struct buf *answer, size_t head_size)
{
	buf_consume(answer, head_size);
	for (size_t i = 0; i < answer->len; i++) {
		char *c = &answer->p[answer->off + i];

		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
	return span_dup(span_trim(buf_span(answer)));
}

static int
read_answer(struct buf *raw, const struct adminclient_request *r,
    struct adminclient_answer *out, struct err *err)
{
	static const struct head_limits limits = {ANSWER_MAX, FIELDS_MAX};
	struct field fields[FIELDS_MAX];
	struct head head;

	head_reset(&head, fields);
	if (head_parse_response(&head, buf_span(raw), &limits) != HEAD_DONE)
		return err_set(err, EXIT_RUNTIME,
		    "%s on %s: the answer is not HTTP; is something else "
		    "listening there?",
		    r->path, out->where);
	out->status = head.status;
	out->text = one_line(raw, head.size);
	return 0;
}

/* 1: answered, 0: it does not let us connect, -1: what it says is no answer. */
static int
ask_one(const struct listen_addr *a, const struct adminclient_request *r,
    struct adminclient_answer *out, struct err *err)
{
	struct buf raw = BUF_INIT, name = BUF_INIT;
	int ret = 0;

	adminclient_answer_fini(out);
	listen_addr_print(a, &name);
	out->where = buf_steal_str(&name);
	if (a->kind == LISTEN_FD)
		return err_set(err, EXIT_RUNTIME,
			   "admin-listen = %s: only the sidecar that runs "
			   "knows this address, and writes it down in its "
			   "runtime directory; set RUNTIME_DIRECTORY to that",
			   out->where) +
		       1;
	if (ask(a, r, &raw) == 0)
		ret = read_answer(&raw, r, out, err) == 0 ? 1 : -1;
	else
		err_set(err, EXIT_RUNTIME,
		    "cannot ask %s on %s: %s; is the sidecar running?", r->path,
		    out->where, strerror(errno));
	buf_free(&raw);
	return ret;
}

/* At the first address that lets us connect. */
static int
ask_any(const struct listen_list *admin, const struct adminclient_request *r,
    struct adminclient_answer *out, struct err *err)
{
	err_set(err, EXIT_RUNTIME,
	    "there is no admin listener to ask; set admin-listen");
	/* Twice through the list: for what only Unix sockets are good for
	 * these come first. */
	for (size_t i = 0; i < 2 * admin->n; i++) {
		const struct listen_addr *a = &admin->v[i % admin->n];
		bool first = !r->acts || a->kind == LISTEN_UNIX;
		int said;

		if (first != (i < admin->n))
			continue;
		said = ask_one(a, r, out, err);
		if (said != 0)
			return said > 0 ? 0 : -1;
	}
	return -1;
}

int
adminclient_ask(const struct config *conf, const struct adminclient_request *r,
    struct adminclient_answer *out, struct err *err)
{
	struct addrfile bound = {0};
	int ret;

	*out = (struct adminclient_answer){0};
	if (conf->runtime_dir &&
	    addrfile_read(conf->runtime_dir, &bound, err) == 0)
		ret = ask_any(&bound.admin, r, out, err);
	else
		ret = ask_any(&conf->admin_listen, r, out, err);
	addrfile_fini(&bound);
	if (ret != 0)
		adminclient_answer_fini(out);
	return ret;
}

void
adminclient_answer_fini(struct adminclient_answer *a)
{
	free(a->where);
	free(a->text);
	*a = (struct adminclient_answer){0};
}
