/*
 * setting: one value on its way from a source into a config under
 * construction.
 *
 * Threads: the builder's.
 */
#ifndef CONF_SETTING_H
#define CONF_SETTING_H

#include "conf/config.h"

struct setting {
	enum config_rank rank;
	const char *where;  /* "FILE:12", "--listen", "CULLIS_SITE_URL" */
	enum err_exit exit; /* if the value is wrong */
};

/* Check one value and put it into its member.  A weaker one makes room for it,
 * beside an equal one it is the next of a list. */
void setting_apply(struct config *, enum option_id, struct span text,
    const struct setting *, struct findings *);
/* The same for a flag or variable, where commas separate a list. */
void setting_apply_list(struct config *, enum option_id, struct span text,
    const struct setting *, struct findings *);
/* The default of max-buffer: half of what the cgroup may use, in mebibytes. */
void setting_apply_max_buffer(
    struct config *, uint64_t cgroup_limit, struct findings *);
/* The value that `from` has, with its source. */
void setting_copy(struct config *, const struct config *from, enum option_id);
/* Give back what a member owns. */
void setting_clear(struct config *, enum option_id);

#endif
