/*
 * log: see log.h.  One queue of finished chunks per destination, one thread.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_MAX (1024 * 1024) /* bytes waiting for the writer */
#define REPEAT_BURST 5
#define REPEAT_WINDOW_MS 10000
#define REPEAT_SLOTS 128 /* more than there are messages */
#define CLOSE_S 1        /* for a reader to take what is queued */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

enum stream { EVENTS, ACCESS, STREAMS };

struct repeat {
	const char *msg; /* NULL: free */
	int64_t since_ms;
	unsigned seen, suppressed;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool running, stop, abandoned;
	struct buf queue[STREAMS];
	int fd[STREAMS];
	bool journal[STREAMS]; /* wants each line's priority */
	bool torn[STREAMS];    /* its last line has no end */
	_Atomic int level;     /* enum log_level */
	enum log_style style;
	struct repeat repeat[REPEAT_SLOTS];
} log_state = {.lock = PTHREAD_MUTEX_INITIALIZER,
    .wake = PTHREAD_COND_INITIALIZER,
    .fd = {STDERR_FILENO, STDERR_FILENO},
    .level = LOG_INFO};

static _Atomic uint64_t dropped_lines;

static unsigned
count_lines(struct span s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

/* Whoever shares the descriptor with us may have made it non-blocking.  What
 * cannot be written is lost, as on a full disk; the next line that can be does
 * not hang on to half of one. */
static void
write_all(enum stream stream, struct span s)
{
	int fd = log_state.fd[stream];
	/* Both may be one file. */
	bool *torn =
	    &log_state.torn[fd == log_state.fd[EVENTS] ? EVENTS : stream];

	if (s.n && *torn && write(fd, "\n", 1) == 1)
		*torn = false;
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n > 0) {
			*torn = s.p[n - 1] != '\n';
			s.p += n;
			s.n -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd p = {.fd = fd, .events = POLLOUT};

			poll(&p, 1, -1);
		} else if (n == 0 || errno != EINTR) {
			atomic_fetch_add(&dropped_lines, count_lines(s));
			return;
		}
	}
}

static void *
log_thread(void *unused)
{
	struct buf taken[STREAMS] = {BUF_INIT, BUF_INIT};

	(void)unused;
	pthread_mutex_lock(&log_state.lock);
	for (;;) {
		bool any = false;

		for (int i = 0; i < STREAMS; i++) {
			struct buf swap = taken[i];

			taken[i] = log_state.queue[i];
			log_state.queue[i] = swap;
			any |= taken[i].len > 0;
		}
		if (!any && log_state.stop)
			break;
		if (!any) {
			pthread_cond_wait(&log_state.wake, &log_state.lock);
			continue;
		}
		pthread_mutex_unlock(&log_state.lock);
		for (int i = 0; i < STREAMS; i++) {
			write_all((enum stream)i, buf_span(&taken[i]));
			buf_clear(&taken[i]);
		}
		pthread_mutex_lock(&log_state.lock);
	}
	pthread_mutex_unlock(&log_state.lock);
	for (int i = 0; i < STREAMS; i++)
		buf_free(&taken[i]);
	return NULL;
}

/* Lines that are whole; called with or without the thread running. */
static void
log_enqueue(enum stream stream, struct span lines, unsigned count)
{
	pthread_mutex_lock(&log_state.lock);
	if (log_state.abandoned)
		atomic_fetch_add(&dropped_lines, count);
	else if (!log_state.running)
		write_all(stream, lines);
	else if (log_state.queue[stream].len + lines.n > QUEUE_MAX)
		atomic_fetch_add(&dropped_lines, count);
	else {
		buf_add_span(&log_state.queue[stream], lines);
		pthread_cond_signal(&log_state.wake);
	}
	pthread_mutex_unlock(&log_state.lock);
}

void
log_set_level(enum log_level level)
{
	atomic_store_explicit(
	    &log_state.level, (int)level, memory_order_relaxed);
}

/* Is this the stream that systemd says leads to the journal?  It is named by
 * device and inode, so that one that was redirected is not taken for it. */
static bool
is_journal(int fd)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long dev, inode;
	struct stat st;

	return text && sscanf(text, "%llu:%llu", &dev, &inode) == 2 &&
	       fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == inode;
}

int
log_open(const struct log_config *conf, struct err *err)
{
	log_set_level(conf->level);
	log_state.style = conf->style;
	log_state.fd[ACCESS] = conf->access_fd;
	for (int i = 0; i < STREAMS; i++)
		log_state.journal[i] = is_journal(log_state.fd[i]);
	log_state.running = true;
	if (pthread_create(&log_state.thread, NULL, log_thread, NULL) != 0) {
		log_state.running = false;
		return err_set(
		    err, EXIT_RUNTIME, "cannot start the log thread");
	}
	return 0;
}

void
log_close(void)
{
	struct timespec until;

	if (!log_state.running || log_state.abandoned)
		return;
	pthread_mutex_lock(&log_state.lock);
	log_state.stop = true;
	pthread_cond_signal(&log_state.wake);
	pthread_mutex_unlock(&log_state.lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CLOSE_S;
	if (pthread_timedjoin_np(log_state.thread, NULL, &until) != 0) {
		/* It hangs in a write that nobody reads, and may for ever. */
		pthread_detach(log_state.thread);
		pthread_mutex_lock(&log_state.lock);
		log_state.abandoned = true;
		pthread_mutex_unlock(&log_state.lock);
		return;
	}
	log_state.running = false;
	log_state.stop = false;
	for (int i = 0; i < STREAMS; i++)
		buf_free(&log_state.queue[i]);
}

bool
log_is_open(void)
{
	return log_state.running;
}

bool
log_access_wanted(void)
{
	return log_state.fd[ACCESS] >= 0;
}

enum log_style
log_current_style(void)
{
	return log_state.style;
}

uint64_t
log_dropped(void)
{
	return atomic_load(&dropped_lines);
}

/* The calendar is asked once a second and thread, not once a line. */
void
log_time(char out[LOG_TIME_LEN + 1])
{
	static _Thread_local time_t last = -1;
	static _Thread_local char text[20];
	int64_t ms = clock_wall_ms();
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	if (s != last) {
		gmtime_r(&s, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		last = s;
	}
	ms %= 1000;
	memcpy(out, text, 19);
	out[19] = '.';
	out[20] = (char)('0' + ms / 100);
	out[21] = (char)('0' + ms / 10 % 10);
	out[22] = (char)('0' + ms % 10);
	out[23] = 'Z';
	out[24] = '\0';
}

/* Text values that are one plain word stand without quotes. */
static bool
plain_word(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' ||
		    s.p[i] == '\\' || s.p[i] == '=')
			return false;
	return s.n > 0;
}

void
log_add_field(
    struct buf *b, enum log_style style, const struct log_field *f, bool first)
{
	bool bare = f->type == LOG_F_INT || f->type == LOG_F_BOOL ||
		    (style == LOG_TEXT && plain_word(f->text));

	if (style == LOG_JSON) {
		buf_add_str(b, first ? "\"" : ",\"");
		buf_add_str(b, f->key);
		buf_add_str(b, "\":");
	} else {
		buf_add_str(b, first ? "" : " ");
		buf_add_str(b, f->key);
		buf_add_char(b, '=');
	}
	if (!bare)
		buf_add_char(b, '"');
	if (f->type == LOG_F_INT && f->number < 0)
		buf_add_char(b, '-');
	if (f->type == LOG_F_INT)
		buf_add_u64(b, f->number < 0 ? 0 - (uint64_t)f->number
					     : (uint64_t)f->number);
	else if (f->type == LOG_F_BOOL)
		buf_add_str(b, f->number ? "true" : "false");
	else if (bare)
		buf_add_span(b, f->text);
	else
		buf_add_json(b, f->text);
	if (!bare)
		buf_add_char(b, '"');
}

/* The message's own entry; the oldest one's if there are too many. */
static struct repeat *
repeat_find(const char *msg)
{
	size_t at = ((uintptr_t)msg >> 3) % REPEAT_SLOTS;
	struct repeat *oldest = &log_state.repeat[at];

	for (size_t i = 0; i < REPEAT_SLOTS; i++) {
		struct repeat *r = &log_state.repeat[(at + i) % REPEAT_SLOTS];

		if (r->msg == msg)
			return r;
		if (!r->msg || r->since_ms < oldest->since_ms)
			oldest = r;
		if (!r->msg)
			break;
	}
	*oldest = (struct repeat){.msg = msg};
	return oldest;
}

/* How many of this message were suppressed before this one; -1: suppress. */
static int
repeat_judge(const char *msg)
{
	int64_t now = clock_now_ms();
	struct repeat *r;
	int suppressed = 0;

	pthread_mutex_lock(&log_state.lock);
	r = repeat_find(msg);
	if (r->seen == 0 || now - r->since_ms > REPEAT_WINDOW_MS) {
		suppressed = (int)r->suppressed;
		*r = (struct repeat){.msg = msg, .since_ms = now};
	}
	if (++r->seen > REPEAT_BURST) {
		r->suppressed++;
		suppressed = -1;
	}
	pthread_mutex_unlock(&log_state.lock);
	return suppressed;
}

/* sd-daemon(3): syslog's severities. */
static const char *
priority(enum stream stream, enum log_level level)
{
	static const char *const prefix[] = {"<3>", "<4>", "<6>", "<7>"};

	return log_state.journal[stream] ? prefix[level] : "";
}

const char *
log_access_priority(void)
{
	return priority(ACCESS, LOG_INFO);
}

static void
write_event(enum log_level level, const char *area, const char *msg,
    const struct log_field *fields, int suppressed)
{
	enum log_style style = log_state.style;
	struct buf line = BUF_INIT;
	char when[LOG_TIME_LEN + 1];

	log_time(when);
	buf_add_str(&line, priority(EVENTS, level));
	if (style == LOG_JSON)
		buf_printf(&line,
		    "{\"ts\":\"%s\",\"level\":\"%s\",\"area\":\"%s\","
		    "\"msg\":\"%s\"",
		    when, level_names[level], area, msg);
	else
		buf_printf(
		    &line, "%s %s %s: %s", when, level_names[level], area, msg);
	for (; fields->key; fields++)
		log_add_field(&line, style, fields, false);
	if (suppressed)
		log_add_field(
		    &line, style, &L_INT("suppressed", suppressed), false);
	buf_add_str(&line, style == LOG_JSON ? "}\n" : "\n");
	log_enqueue(EVENTS, buf_span(&line), 1);
	buf_free(&line);
}

void
log_event(enum log_level level, const char *area, const char *msg,
    const struct log_field *fields)
{
	int suppressed = 0;

	if ((int)level >
	    atomic_load_explicit(&log_state.level, memory_order_relaxed))
		return;
	if (level <= LOG_WARN && (suppressed = repeat_judge(msg)) < 0)
		return;
	write_event(level, area, msg, fields, suppressed);
}

void
log_asked(const char *area, const char *msg, const struct log_field *fields)
{
	write_event(LOG_INFO, area, msg, fields, 0);
}

void
log_sink_flush(struct log_sink *sink)
{
	if (sink->buf.len == 0)
		return;
	log_enqueue(ACCESS, buf_span(&sink->buf), sink->lines);
	buf_clear(&sink->buf);
	sink->lines = 0;
}
