/*
 * caller: is whoever made this request one that may use the sidecar?  By the
 * uid that owns the connection, by the secret that it shows, and whether it
 * brings a gateway token of its own.
 *
 * Threads: the exchange's.
 */
#ifndef PROXY_CALLER_H
#define PROXY_CALLER_H

#include "proxy/exchange.h"

/* allow-uid: does the owner of the connection stand there?  END_OK, or
 * END_CALLER_REFUSED with x->detail. */
enum end caller_check_uid(struct exchange *) ATTR_MUST_USE;
/* local-token-file: does the request show it, or is it inside of a tunnel whose
 * CONNECT did?  END_OK or END_LOCAL_TOKEN. */
enum end caller_check_token(struct exchange *) ATTR_MUST_USE;

/* Is the request to be made with a user's gateway token, and not with ours?
 * allow-header names Authorization, and it is `Bearer culk_...`. */
bool caller_brings_token(const struct exchange *) ATTR_MUST_USE;
/* Does this field show the local token?  Then it goes nowhere, whatever its
 * name. */
bool caller_shows_token(
    const struct exchange *, const struct field *) ATTR_MUST_USE;
/* May this field, which is otherwise stripped, go to the gateway? */
bool caller_may_send(
    const struct exchange *, const struct field *) ATTR_MUST_USE;

#endif
