/*
 * log: event lines and access lines, text or JSON, written by one thread of
 * their own so that a slow reader of stderr never holds up a worker.  What
 * does not fit into the bounded queue is dropped and counted.
 *
 * A stream that leads to systemd's journal gets the priority of each line in
 * front of it (sd-daemon(3)).
 *
 * An event is a fixed message and then fields; fields are typed values, so
 * that text from outside cannot forge one.  Repeated warnings and errors are
 * limited (5 in 10 s each) and the suppressed ones are counted in the next
 * line.
 *
 * Threads: log_event() from any; a log_sink has one owner.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_style { LOG_TEXT, LOG_JSON };

struct log_config {
	enum log_level level;
	enum log_style style;
	int access_fd; /* borrowed; -1: no access lines */
};

/* Before threads: how to write.  Until then events go to stderr as text. */
int log_open(const struct log_config *, struct err *) ATTR_MUST_USE;
/* Write out what is queued and end the thread.  If nobody takes it within a
 * second, the rest and every later line are dropped: a reader that hangs does
 * not keep the program from ending. */
void log_close(void);
bool log_is_open(void);
void log_set_level(enum log_level); /* from any thread */
bool log_access_wanted(void);
enum log_style log_current_style(void);
/* What an access line begins with: its priority, if it goes to the journal. */
const char *log_access_priority(void);
uint64_t log_dropped(void); /* lines, since start */

struct log_field {
	const char *key; /* NULL ends the list */
	enum { LOG_F_STR, LOG_F_SPAN, LOG_F_INT, LOG_F_BOOL } type;
	struct span text;
	int64_t number;
};

#define L_STR(k, v) ((struct log_field){k, LOG_F_STR, span_of(v), 0})
#define L_SPAN(k, v) ((struct log_field){k, LOG_F_SPAN, (v), 0})
#define L_INT(k, v) ((struct log_field){k, LOG_F_INT, SPAN_NONE, (v)})
#define L_BOOL(k, v) ((struct log_field){k, LOG_F_BOOL, SPAN_NONE, (v)})
#define L_END ((struct log_field){NULL, LOG_F_INT, SPAN_NONE, 0})

/* msg must be a literal: repetition is judged by its address. */
void log_event(enum log_level, const char *area, const char *msg,
    const struct log_field *fields);

/* What somebody has asked for just now: written whatever the level. */
void log_asked(
    const char *area, const char *msg, const struct log_field *fields);

#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__})
#define log_error(area, msg, ...) \
	log_event(LOG_ERROR, area, msg, LOG_FIELDS(__VA_ARGS__))
#define log_warn(area, msg, ...) \
	log_event(LOG_WARN, area, msg, LOG_FIELDS(__VA_ARGS__))
#define log_info(area, msg, ...) \
	log_event(LOG_INFO, area, msg, LOG_FIELDS(__VA_ARGS__))
#define log_debug(area, msg, ...) \
	log_event(LOG_DEBUG, area, msg, LOG_FIELDS(__VA_ARGS__))

/* "2026-05-21T10:00:00.123Z" of now. */
#define LOG_TIME_LEN 24
void log_time(char out[LOG_TIME_LEN + 1]);
/* Append `key=value` or `"key":"value",`; text values are quoted only where
 * they need it. */
void log_add_field(
    struct buf *, enum log_style, const struct log_field *, bool first);

/* A worker's own buffer of access lines, handed over whole. */
struct log_sink {
	struct buf buf;
	unsigned lines;
};
#define LOG_SINK_FULL 16384
void log_sink_flush(struct log_sink *);

#endif
