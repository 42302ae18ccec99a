/*
 * reload: rotation without a restart.  Watches the files of the identity and
 * the configuration; what is new is read and checked as a set, tried at the
 * gateway beside the live set, and takes its place only when the gateway has
 * accepted it.  Until then, and if anything fails, the live set serves.
 *
 *   look -> read -> try -> adopt
 *
 * A set that is good in itself but that the gateway refuses, or that it cannot
 * be asked about, is tried again and again; it is adopted unproven once the
 * live set has expired or is refused.
 *
 * Threads: main.
 */
#ifndef CTL_RELOAD_H
#define CTL_RELOAD_H

#include "ctl/account.h"

struct reload;

struct reload_setup {
	const struct config_input *input;
	struct account_setup account; /* but for `changed` and `arg` */
	/* The account is live from now on, and becomes the callee's; it gives
	 * up the one before. */
	void (*adopt)(void *arg, struct account *);
	/* The live one has another config of the same account. */
	void (*configure)(void *arg, struct config *);
	void *arg;
};

enum reload_result { RELOAD_RENEWED, RELOAD_UNCHANGED, RELOAD_REFUSED };

/* sentence: what has come of it, borrowed for the call. */
typedef void reload_done_fn(
    void *arg, enum reload_result, const char *sentence);

/* config: what is read again; a reference is taken.  Nothing is live yet. */
struct reload *reload_new(
    const struct reload_setup *, struct config *config) ATTR_MUST_USE;
void reload_free(struct reload *); /* NULL is allowed */

/* What begins without a trial: the set that was loaded at the start. */
void reload_begin(struct reload *, struct account *live);
/* From now on look at the files. */
void reload_start(struct reload *);

/* Look at once, whether or not anything seems to have changed.  `done` is told
 * once, never from inside; several who ask at a time are told the same.  NULL:
 * nobody waits. */
void reload_now(struct reload *, reload_done_fn *done, void *arg);
/* Who asked with this arg is not told any more. */
void reload_forget(struct reload *, void *arg);
/* The gateway refuses what is live: newer files may mend it. */
void reload_hint(struct reload *);
/* The live account's session has changed. */
void reload_live_changed(struct reload *);

/* Why the newest files are not used, one sentence; NULL: they are. */
const char *reload_trouble(const struct reload *);
/* The exit status that goes with it, for who cannot go on without. */
int reload_exit(const struct reload *);
/* Everything that is wrong with them, to the log. */
void reload_report(const struct reload *);
/* How often each has come out since the start. */
uint64_t reload_count(const struct reload *, enum reload_result);

#endif
