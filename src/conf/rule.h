/*
 * rule: one `METHOD PATH-PREFIX` of the keys allow and deny, and when a
 * request falls under it.
 *
 * A prefix ends at the boundary of a segment: /v1/models is /v1/models and
 * all below it, not /v1/models2.  Where a path has several readings, a rule
 * takes the one that lets less through: deny judges the most dangerous one,
 * without regard to case; allow wants the path as it is sent, segment by
 * segment, so that neither ";params" nor an encoded slash stands for what the
 * rule says.
 *
 * Threads: pure over an immutable rule.
 */
#ifndef CONF_RULE_H
#define CONF_RULE_H

#include "base/str.h"

struct rule {
	char *method; /* "*": every method */
	char *prefix; /* no slash at its end; "" is every path */
	char *text;   /* as it was written */
};

struct rule_list {
	struct rule *v;
	size_t n;
};

/* Read "METHOD /PREFIX".  The prefix is written decoded and has one reading
 * only: no '%', ';', '?', '#', '*', empty or dot segments.  Methods are upper
 * case (RFC 9110 section 9.1).  False: not of this form. */
bool rule_parse(struct span text, struct rule *) ATTR_MUST_USE;

/* First rule that lets the request through: raw is the path as it is sent,
 * which path_read() (http/url.h) has found good. */
const struct rule *rule_allowing(
    const struct rule_list *, struct span method, struct span raw);
/* First rule that forbids it: policy is the path's policy reading. */
const struct rule *rule_denying(
    const struct rule_list *, struct span method, struct span policy);

/* Append; the list owns the rule from then on. */
void rule_list_add(struct rule_list *, struct rule);
void rule_list_fini(struct rule_list *);

#endif
