/*
 * process: see process.h.
 */
#include "mastio/process.h"

#include "mastio/map.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#define NONCE_SIZE 33

struct process {
	unsigned index;
	char current[NONCE_SIZE];
	char previous[NONCE_SIZE];
	int64_t made; /* when current was */
	struct map *jtis;
	struct map *challenges; /* to the agent id */
};

struct process *
process_new(unsigned index)
{
	struct process *p = xcalloc(1, sizeof(*p));

	p->index = index;
	p->jtis = map_new(NULL);
	p->challenges = map_new(free);
	return p;
}

void
process_free(struct process *p)
{
	if (!p)
		return;
	map_free(p->jtis);
	map_free(p->challenges);
	free(p);
}

unsigned
process_index(const struct process *p)
{
	return p->index;
}

void
process_forget(struct process *p)
{
	process_drop_nonces(p);
	map_clear(p->jtis);
	map_clear(p->challenges);
}

void
process_drop_nonces(struct process *p)
{
	p->current[0] = p->previous[0] = '\0';
}

const char *
process_nonce(struct process *p, int64_t now)
{
	if (p->current[0] && now - p->made < NONCE_LIFE)
		return p->current;
	memcpy(p->previous, p->current, NONCE_SIZE);
	random_hex(p->current, (NONCE_SIZE - 1) / 2);
	p->made = now;
	return p->current;
}

bool
process_knows_nonce(struct process *p, const char *nonce, int64_t now)
{
	process_nonce(p, now);
	return *nonce && (strcmp(nonce, p->current) == 0 ||
			     strcmp(nonce, p->previous) == 0);
}

bool
process_offers_nonce(const char *path)
{
	static const char *const without[] = {
	    "/proxy/",
	    "/health",
	    "/healthz",
	    "/readyz",
	    "/v1/broker",
	    "/v1/auth",
	    "/v1/registry",
	    "/v1/federation",
	};

	for (size_t i = 0; i < ARRAY_LEN(without); i++)
		if (starts_with(path, without[i]))
			return false;
	return true;
}

bool
process_use_jti(struct process *p, const char *jti, int64_t now)
{
	return map_add(p->jtis, jti, NULL, now + JTI_LIFE, now);
}

char *
process_new_challenge(struct process *p, const char *agent_id, int64_t now)
{
	uint8_t raw[32];
	char *text;

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		abort();
	text = b64u_encode(raw, sizeof(raw));
	map_add(
	    p->challenges, text, xstrdup(agent_id), now + CHALLENGE_LIFE, now);
	return text;
}

bool
process_use_challenge(
    struct process *p, const char *challenge, const char *agent_id, int64_t now)
{
	char *owner = map_take(p->challenges, challenge, now);
	bool ok = owner && strcmp(owner, agent_id) == 0;

	free(owner);
	return ok;
}
