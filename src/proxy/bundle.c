/*
 * bundle: see bundle.h.
 */
#include "proxy/bundle.h"

#include "base/mem.h"

#include <stdlib.h>

struct bundle *
bundle_new(struct config *config, struct identity *identity,
    struct token *token, enum auth_mode mode, const char *trouble)
{
	struct bundle *b = MEM_NEW(struct bundle);

	atomic_init(&b->refs, 1);
	b->config = config_ref(config);
	b->identity = identity ? identity_ref(identity) : NULL;
	b->token = token ? token_ref(token) : NULL;
	b->mode = mode;
	b->trouble = mem_strdup(trouble);
	return b;
}

struct bundle *
bundle_ref(struct bundle *b)
{
	atomic_fetch_add(&b->refs, 1);
	return b;
}

void
bundle_unref(struct bundle *b)
{
	if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	config_unref(b->config);
	identity_unref(b->identity);
	token_unref(b->token);
	free(b->trouble);
	free(b);
}

struct view *
view_new(struct bundle *b, const struct view *old, struct err *err)
{
	struct view *v;
	struct signer *signer = NULL;

	if (old && old->signer && old->bundle->identity == b->identity)
		signer = signer_ref(old->signer);
	else if (b->identity && !(signer = signer_new(b->identity, err)))
		return NULL;
	v = MEM_NEW(struct view);
	v->refs = 1;
	v->bundle = b;
	v->signer = signer;
	return v;
}

struct view *
view_ref(struct view *v)
{
	v->refs++;
	return v;
}

void
view_unref(struct view *v)
{
	if (!v || --v->refs)
		return;
	upstream_unref(v->upstream);
	signer_unref(v->signer);
	bundle_unref(v->bundle);
	free(v);
}
