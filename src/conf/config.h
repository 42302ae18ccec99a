/*
 * config: everything the user said, checked and ready for use, with the source
 * of each value.  One table (option_tbl.h) makes the members.
 *
 * Threads: immutable once published; until then its builder's alone.  Counted
 * by reference; config_ref() and config_unref() are safe from any thread.
 */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include "auth/finding.h"
#include "auth/localtoken.h"
#include "conf/options.h"
#include "conf/route.h"

#include <stdatomic.h>

#define CONFIG_FILE "/etc/cullis/sidecar.conf"
#define CONFIG_IDENTITY_DIR "/etc/cullis/agent"

/* The words of ENUM options, in the order of the table. */
enum auth_mode { AUTH_AUTO, AUTH_TOKEN, AUTH_CERT, AUTH_API_KEY };
enum login_mode { LOGIN_AUTO, LOGIN_DIRECT, LOGIN_CHALLENGE };
enum token_binding { TOKEN_BINDING_REQUIRE, TOKEN_BINDING_PREFER };
enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum admin_quit { ADMIN_QUIT_SOCKET, ADMIN_QUIT_TCP };
enum access_log { ACCESS_LOG_STDERR, ACCESS_LOG_STDOUT, ACCESS_LOG_NONE };

/* From weak to strong; a stronger source replaces a weaker one. */
enum config_rank {
	CONFIG_UNSET,
	CONFIG_DEFAULT,
	CONFIG_IDENTITY, /* agent.json and its relatives */
	CONFIG_FROM_FILE,
	CONFIG_VENDOR, /* CULLIS_SITE_URL and its siblings */
	CONFIG_ENVIRONMENT,
	CONFIG_FLAG,
};

/* How a value was written and where, for `cullis-sidecar config`. */
struct config_source {
	enum config_rank rank;
	char *text;    /* list: joined by ", "; NULL if unset */
	char *where;   /* "default", "--listen", "FILE:12", ... */
	bool doubtful; /* somebody meant to set it and failed */
};

struct config {
	atomic_uint refs;

	/* One member per key.  Unset: NULL, 0, or host NULL. */
#define OPT(member, key, type, ...) OPTION_C_##type member;
#include "conf/option_tbl.h"
#undef OPT

	struct config_source source[OPTION_COUNT];

	char *runtime_dir; /* first of RUNTIME_DIRECTORY, or NULL */

	/* What local-token-file holds; NULL until config_read_secrets(), and
	 * then a request that needs it is refused. */
	struct localtoken *local_token;

	/* To the gateway.  Complete once config_adopt_gateway() has
	 * succeeded. */
	struct route route;
	struct route *pass_routes; /* one for each pass_through */

	char *proxy_credentials; /* of upstream-proxy-auth-file, or NULL */
};

/* A flag of the command line, `--key value` or `--key=value`. */
struct config_flag {
	struct span key;
	const char *value;
};

/* What a configuration is made of.  Borrowed: the caller keeps it, and loads
 * from it again on reload. */
struct config_input {
	const char *file; /* -c, or NULL: CONFIG_FILE if it exists */
	const struct config_flag *flags;
	size_t nflags;
	const char *const *envp;
};

/* Read all sources and check the result.  New config with one reference, or
 * NULL if errors has a fatal note.  The gateway may still be missing. */
struct config *config_load(
    const struct config_input *, struct findings *) ATTR_MUST_USE;
/* The same for who looks for everything that is wrong, and never NULL: with
 * errors it is of no other use, and keys that are doubtful say nothing. */
struct config *config_read(
    const struct config_input *, struct findings *) ATTR_MUST_USE;

/* Name the gateway by what the identity's metadata says, unless a key or
 * variable did, and complete the route.  url is NULL if they are silent.
 * Before the config is shared.  Returns 0, or -1 with err filled in: no
 * gateway at all, or a bad url. */
int config_adopt_gateway(
    struct config *, const char *url, struct err *) ATTR_MUST_USE;

/* Read the secrets that keys name the files of.  Before the config is shared,
 * and only by who serves: other commands may run as somebody who may not read
 * them.  Returns 0, or -1 with err filled in; warnings go to found. */
int config_read_secrets(
    struct config *, struct findings *found, struct err *) ATTR_MUST_USE;

/* What was changed although it takes effect at the next start only is as it
 * was in `running`, with a warning.  Before the config is shared. */
void config_keep_started(
    struct config *, const struct config *running, struct findings *);
/* Do both have the same values, wherever they come from, and mean the same
 * users? */
bool config_same(const struct config *, const struct config *);

struct config *config_ref(struct config *);
void config_unref(struct config *); /* NULL is allowed */

#endif
