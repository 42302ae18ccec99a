/*
 * finding: what was found while something was looked at, one sentence each.
 * `check` prints all of them; a start prints the errors and the warnings.
 *
 * Threads: a plain value, owned by the caller.  Never holds a secret.
 */
#ifndef AUTH_FINDING_H
#define AUTH_FINDING_H

#include "base/err.h"

#include <stddef.h>

enum finding_level { FINDING_ERROR, FINDING_WARNING, FINDING_INFO };

struct finding {
	enum finding_level level;
	char *text; /* one sentence, no newline */
};

/* Starts as all zero. */
struct findings {
	struct finding *list;
	size_t count;
	size_t errors;      /* how many of them are errors */
	enum err_exit exit; /* exit status of the first error */
};

void findings_error(struct findings *, enum err_exit, const char *fmt, ...)
    ATTR_PRINTF(3, 4);
/* The error in err becomes a finding. */
void findings_err(struct findings *, const struct err *);
void findings_warn(struct findings *, const char *fmt, ...) ATTR_PRINTF(2, 3);
void findings_info(struct findings *, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* Fill err from the first error.  Returns 0 if there is none, else -1. */
int findings_result(const struct findings *, struct err *);
/* Move all of `more` to the end of the list; `more` is empty afterwards. */
void findings_move(struct findings *, struct findings *more);
void findings_free(struct findings *);

#endif
