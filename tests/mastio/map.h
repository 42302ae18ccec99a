/*
 * map: strings to pointers, each entry with a time after which it no longer
 * counts.  Holds jti values, challenges, gates, issued tokens.
 *
 * Owner: whoever made it.  The map owns the values and hands each to the drop
 * function given at creation (NULL: the values need none).
 */
#ifndef MASTIO_MAP_H
#define MASTIO_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAP_FOR_EVER INT64_MAX

struct map;

struct map *map_new(void (*drop)(void *));
void map_free(struct map *);
void map_clear(struct map *);

/* Adds key; false (and nothing changed) if it is there and not past its
 * time.  A key that is past its time is replaced. */
bool map_add(
    struct map *, const char *key, void *value, int64_t expires, int64_t now);
/* The value, or NULL if the key is absent or past its time. */
void *map_get(const struct map *, const char *key, int64_t now);
/* Removes the entry and returns its value, now the caller's, or NULL. */
void *map_take(struct map *, const char *key, int64_t now);

#endif
