/*
 * healthcheck: ask a running sidecar's admin listener, for probes in images
 * that have neither shell nor curl.  One request on a blocking socket.
 *
 * Threads: main only.
 */
#include "cli/command.h"

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

#define TIMEOUT_MS 3000
#define ANSWER_MAX 65536
#define FIELDS_MAX 64
#define BODY_SHOWN 400

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

/* Send one GET and read the answer to its end.  0, or -1 with errno set. */
static int
ask(const struct listen_addr *a, const char *path, struct buf *answer)
{
	int64_t due_ms = clock_now_ms() + TIMEOUT_MS;
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_of(a, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), why;
	char *text = mem_printf("GET %s HTTP/1.1\r\nHost: localhost\r\n"
				"Connection: close\r\n\r\n",
	    path);
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
static struct span
one_line(struct buf *answer, size_t head_size)
{
	buf_consume(answer, head_size);
	for (size_t i = 0; i < answer->len; i++) {
		char *c = &answer->p[answer->off + i];

		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
	struct span text = span_trim(buf_span(answer));

	return text.n > BODY_SHOWN ? span_new(text.p, BODY_SHOWN) : text;
}

/* 0 for an answer that says yes, else -1 with err filled in. */
static int
judge(const char *where, const char *path, struct buf *answer, struct err *err)
{
	static const struct head_limits limits = {ANSWER_MAX, FIELDS_MAX};
	struct field fields[FIELDS_MAX];
	struct span text;
	struct head head;

	head_reset(&head, fields);
	if (head_parse_response(&head, buf_span(answer), &limits) != HEAD_DONE)
		return err_set(err, EXIT_RUNTIME,
		    "%s on %s: the answer is not HTTP; is something else "
		    "listening there?",
		    path, where);
	if (head.status == 200) {
		printf("%s on %s: ok\n", path, where);
		return 0;
	}
	text = one_line(answer, head.size);
	return err_set(err, EXIT_RUNTIME, "%s on %s: %u %.*s", path, where,
	    head.status, SPAN_ARG(text));
}

/* Ask at the first address that lets us connect. */
static int
ask_any(const struct listen_list *admin, const char *path, struct err *err)
{
	int ret = err_set(err, EXIT_RUNTIME,
	    "there is no admin listener to ask; set admin-listen");
	bool connected = false;

	for (size_t i = 0; i < admin->n && !connected; i++) {
		struct buf answer = BUF_INIT, name = BUF_INIT;
		char *where;

		listen_addr_print(&admin->v[i], &name);
		where = buf_steal_str(&name);
		connected = ask(&admin->v[i], path, &answer) == 0;
		ret = connected ? judge(where, path, &answer, err)
				: err_set(err, EXIT_RUNTIME,
				      "cannot ask %s on %s: %s; is the sidecar "
				      "running?",
				      path, where, strerror(errno));
		free(where);
		buf_free(&answer);
	}
	return ret;
}

/* What is really bound if the sidecar has written it down, else what the
 * configuration says. */
static int
ask_running(const struct config *conf, const char *path, struct err *err)
{
	struct listen_list data = {0}, admin = {0};
	int ret;

	if (conf->runtime_dir &&
	    addrfile_read(conf->runtime_dir, &data, &admin, err) == 0)
		ret = ask_any(&admin, path, err);
	else
		ret = ask_any(&conf->admin_listen, path, err);
	listen_list_fini(&data);
	listen_list_fini(&admin);
	return ret;
}

int
cli_healthcheck(const struct cli *cli)
{
	const char *path = cli->flags.startup ? "/startupz" : "/livez";
	struct err err = ERR_INIT;
	struct config *conf;
	int status;

	conf = cli_load(cli, &status);
	if (!conf)
		return EXIT_RUNTIME;
	status = EXIT_SUCCESS;
	if (ask_running(conf, path, &err) != 0) {
		fprintf(stderr, "cullis-sidecar: error: %s\n", err.text);
		status = EXIT_RUNTIME;
	}
	config_unref(conf);
	return status;
}
