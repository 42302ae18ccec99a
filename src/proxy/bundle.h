/*
 * bundle: what the data plane works by, as one immutable value: config,
 * identity and token that belong together.  The control plane makes a new one
 * whenever any of them changes; a worker turns it into a view.
 *
 * Threads: bundle: any, counted atomically.  view: one worker, counted plainly.
 */
#ifndef PROXY_BUNDLE_H
#define PROXY_BUNDLE_H

#include "auth/identity.h"
#include "auth/signer.h"
#include "auth/token.h"
#include "conf/config.h"
#include "net/upstream.h"

#include <stdatomic.h>

struct bundle {
	atomic_uint refs;
	struct config *config;     /* never NULL */
	struct identity *identity; /* NULL: identity-wait */
	struct token *token;       /* NULL: none yet, or none any more */
	enum auth_mode mode;       /* what requests show; never AUTH_AUTO */
	char *trouble; /* why there is no newer token, one sentence, or NULL */
};

/* Takes a reference of each part of its own. */
struct bundle *bundle_new(struct config *, struct identity *, struct token *,
    enum auth_mode, const char *trouble) ATTR_MUST_USE;
struct bundle *bundle_ref(struct bundle *);
void bundle_unref(struct bundle *); /* NULL is allowed */

/* A bundle as one worker uses it: with its own signer and its own connections,
 * so that an exchange that began under an old one ends under it. */
struct view {
	unsigned refs;
	struct bundle *bundle;
	struct signer *signer;     /* NULL: no identity */
	struct upstream *upstream; /* to the gateway, NULL: no identity; a
				    * reference that the worker puts here */
};

/* Takes over the reference to the bundle.  The signer of `old` serves on if the
 * identity is the same.  NULL with err if the key cannot be set up. */
struct view *view_new(
    struct bundle *, const struct view *old, struct err *) ATTR_MUST_USE;
struct view *view_ref(struct view *);
void view_unref(struct view *); /* NULL is allowed */

#endif
