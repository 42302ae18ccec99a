/*
 * idsource: where the configuration says that the identity's files are.
 *
 * Threads: pure over an immutable config; the result borrows from it.
 */
#ifndef CONF_IDSOURCE_H
#define CONF_IDSOURCE_H

#include "auth/identity.h"
#include "conf/config.h"

struct identity_source idsource_of(const struct config *);

#endif
