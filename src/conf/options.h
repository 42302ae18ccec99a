/*
 * options: the rows of option_tbl.h as data, found by key.
 *
 * Threads: pure; the rows are constant.
 */
#ifndef CONF_OPTIONS_H
#define CONF_OPTIONS_H

#include "conf/rule.h"
#include "conf/users.h"
#include "conf/value.h"

/* The C type of each option type. */
#define OPTION_C_STRING char *
#define OPTION_C_PATH char *
#define OPTION_C_ORIGIN struct origin
#define OPTION_C_HOSTPORT struct origin
#define OPTION_C_HOSTPORTS struct origin_list
#define OPTION_C_PROXY struct origin
#define OPTION_C_HOSTS struct str_list
#define OPTION_C_URLPATHS struct str_list
#define OPTION_C_FIELDS struct str_list
#define OPTION_C_RULES struct rule_list
#define OPTION_C_USERS struct user_list
#define OPTION_C_LISTEN struct listen_list
#define OPTION_C_ENUM unsigned
#define OPTION_C_BOOL bool
#define OPTION_C_MS int64_t
#define OPTION_C_SIZE uint64_t
#define OPTION_C_UINT unsigned
#define OPTION_C_MODE unsigned
#define OPTION_C_WORKERS unsigned

enum option_type {
	OPTION_TYPE_STRING,
	OPTION_TYPE_PATH,
	OPTION_TYPE_ORIGIN,
	OPTION_TYPE_HOSTPORT,
	OPTION_TYPE_HOSTPORTS,
	OPTION_TYPE_PROXY,
	OPTION_TYPE_HOSTS,
	OPTION_TYPE_URLPATHS,
	OPTION_TYPE_FIELDS,
	OPTION_TYPE_RULES,
	OPTION_TYPE_USERS,
	OPTION_TYPE_LISTEN,
	OPTION_TYPE_ENUM,
	OPTION_TYPE_BOOL,
	OPTION_TYPE_MS,
	OPTION_TYPE_SIZE,
	OPTION_TYPE_UINT,
	OPTION_TYPE_MODE,
	OPTION_TYPE_WORKERS,
};

enum option_flags {
	OPTION_LIST = 1,
	OPTION_START = 2,
};

enum option_id {
#define OPT(member, ...) OPTION_##member,
#include "conf/option_tbl.h"
#undef OPT
	OPTION_COUNT
};

struct option_row {
	const char *key;
	enum option_type type;
	const char *arg;
	const char *value; /* default, or NULL */
	unsigned flags;
	const char *help;
	const char *manual;
	size_t offset; /* of the member in struct config */
};

/* Row of an id; rows stand in the order of the table. */
const struct option_row *option_row(enum option_id) ATTR_PURE;
/* Id of a key, or OPTION_COUNT. */
enum option_id option_find(struct span key);
/* Key that one may have meant, or NULL if none is near. */
const char *option_nearest(struct span key);
/* Split a range argument: returns the least, *arg becomes the most. */
struct span option_range(struct span *arg);
/* Append what a value of this key looks like: "a number from 1 to 64". */
void option_add_wants(enum option_id, struct buf *);

#endif
