/*
 * agentfile: the JSON file that an enrolment leaves beside the certificate:
 * agent.json (SDK), meta.json (newer SDK) or metadata.json (Connector).
 *
 * Threads: pure.
 */
#ifndef AUTH_AGENTFILE_H
#define AUTH_AGENTFILE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct agentfile {
	char *agent_id;
	char *org_id;
	char *gateway; /* mastio_url or site_url */
};

/* Parse text.  Unknown members are ignored; each known one may be missing or
 * null, and then is NULL.  Returns 0, or -1 with err naming the member. */
int agentfile_parse(
    struct span text, struct agentfile *, struct err *) ATTR_MUST_USE;
void agentfile_free(struct agentfile *);

#endif
