/*
 * pathclass: what the gateway wants to see on a path (tbl/path.h).
 *
 * Threads: pure.
 */
#ifndef PROXY_PATHCLASS_H
#define PROXY_PATHCLASS_H

#include "base/attr.h"
#include "base/str.h"

enum path_class {
#define PATH_CLASS(class, ...) PATH_##class,
#include "tbl/path.h"
	PATH_CLASSES
};

enum path_wants { WANTS_AGENT, WANTS_TOKEN, WANTS_CERT, WANTS_COURT };

enum path_class pathclass_of(struct span decoded) ATTR_MUST_USE;
enum path_wants pathclass_wants(enum path_class) ATTR_MUST_USE;

#endif
