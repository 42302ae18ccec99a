/*
 * map: see map.h.  Separate chaining; the table doubles when it is full, and
 * entries past their time go then.
 */
#include "mastio/map.h"

#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

struct slot {
	struct slot *next;
	int64_t expires;
	void *value;
	uint64_t hash;
	char key[];
};

struct map {
	struct slot **slots;
	size_t nslots; /* a power of two */
	size_t n;
	void (*drop)(void *);
};

/* FNV-1a: test input, nobody chooses the keys to collide. */
static uint64_t
hash_of(const char *key)
{
	uint64_t h = 14695981039346656037u;

	for (; *key; key++)
		h = (h ^ (uint8_t)*key) * 1099511628211u;
	return h ^ h >> 32;
}

struct map *
map_new(void (*drop)(void *))
{
	struct map *m = xcalloc(1, sizeof(*m));

	m->drop = drop;
	m->nslots = 64;
	m->slots = xcalloc(m->nslots, sizeof(*m->slots));
	return m;
}

static void
drop_slot(struct map *m, struct slot *s)
{
	if (m->drop)
		m->drop(s->value);
	free(s);
}

void
map_clear(struct map *m)
{
	for (size_t i = 0; i < m->nslots; i++) {
		struct slot *s = m->slots[i];

		while (s) {
			struct slot *next = s->next;

			drop_slot(m, s);
			s = next;
		}
		m->slots[i] = NULL;
	}
	m->n = 0;
}

void
map_free(struct map *m)
{
	if (!m)
		return;
	map_clear(m);
	free(m->slots);
	free(m);
}

static struct slot **
find(const struct map *m, const char *key, uint64_t h)
{
	struct slot **at = &m->slots[h & (m->nslots - 1)];

	while (*at && ((*at)->hash != h || strcmp((*at)->key, key) != 0))
		at = &(*at)->next;
	return at;
}

static void
grow(struct map *m, int64_t now)
{
	struct slot **old = m->slots;
	size_t nold = m->nslots;

	m->nslots *= 2;
	m->slots = xcalloc(m->nslots, sizeof(*m->slots));
	for (size_t i = 0; i < nold; i++) {
		struct slot *s = old[i];

		while (s) {
			struct slot *next = s->next;
			size_t to = s->hash & (m->nslots - 1);

			if (s->expires <= now) {
				m->n--;
				drop_slot(m, s);
			} else {
				s->next = m->slots[to];
				m->slots[to] = s;
			}
			s = next;
		}
	}
	free(old);
}

bool
map_add(
    struct map *m, const char *key, void *value, int64_t expires, int64_t now)
{
	uint64_t h = hash_of(key);
	struct slot **at = find(m, key, h);
	size_t n = strlen(key);

	if (*at) {
		if ((*at)->expires > now)
			return false;
		if (m->drop)
			m->drop((*at)->value);
		(*at)->value = value;
		(*at)->expires = expires;
		return true;
	}
	*at = xcalloc(1, sizeof(**at) + n + 1);
	(*at)->hash = h;
	(*at)->value = value;
	(*at)->expires = expires;
	memcpy((*at)->key, key, n + 1);
	if (++m->n > m->nslots)
		grow(m, now);
	return true;
}

void *
map_get(const struct map *m, const char *key, int64_t now)
{
	struct slot *s = *find(m, key, hash_of(key));

	return s && s->expires > now ? s->value : NULL;
}

void *
map_take(struct map *m, const char *key, int64_t now)
{
	struct slot **at = find(m, key, hash_of(key));
	struct slot *s = *at;
	void *value = NULL;

	if (!s)
		return NULL;
	*at = s->next;
	m->n--;
	if (s->expires > now) {
		value = s->value;
		free(s);
	} else {
		drop_slot(m, s);
	}
	return value;
}
