/*
 * idsource: where the configuration says that the identity's files are, and
 * reading them.
 *
 * Threads: idsource_of() is pure over an immutable config, and its result
 * borrows from that; idsource_load() is for who has just made the config.
 */
#ifndef CONF_IDSOURCE_H
#define CONF_IDSOURCE_H

#include "auth/identity.h"
#include "conf/config.h"

struct identity_source idsource_of(const struct config *);

/* One of the keys that say it could not be read (config_read()): what is found
 * wrong with the identity may be about another one than was meant. */
bool idsource_is_doubtful(const struct config *);

/* Read the identity, whose gateway is the configuration's if that names none.
 * NULL, err and the errors in `found` say what to do. */
struct identity *idsource_load(
    struct config *, struct findings *found, struct err *) ATTR_MUST_USE;

#endif
