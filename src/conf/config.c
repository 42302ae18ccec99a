/*
 * config: see config.h.  Sources are read from weak to strong; each value is
 * checked when it is read, also one that a stronger source replaces.
 */
#include "conf/config.h"

#include "base/address.h"
#include "base/mem.h"
#include "conf/cgroup.h"
#include "conf/parse.h"
#include "conf/secret.h"
#include "conf/setting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define ENV_PREFIX "CULLIS_SIDECAR_"
#define FILE_MAX (1024 * 1024)

static bool
is_doubtful(const struct config *conf, enum option_id id)
{
	return conf->source[id].doubtful;
}

/* Nobody knows what stands in the file. */
static void
doubt_all(struct config *conf)
{
	for (enum option_id id = 0; id < OPTION_COUNT; id++)
		conf->source[id].doubtful = true;
}

/* It was probably meant by a key that is not known. */
static void
doubt_nearest(struct config *conf, struct span key)
{
	const char *nearest = option_nearest(key);

	if (nearest)
		conf->source[option_find(span_of(nearest))].doubtful = true;
}

/* A sentence about a key that does not exist. */
static char *
unknown_key(const char *kind, const char *prefix, struct span key)
{
	const char *nearest = option_nearest(key);

	if (!nearest)
		return mem_printf("%s %s%.*s is not known; see "
				  "cullis-sidecar config --sample",
		    kind, prefix, SPAN_ARG(key));
	return mem_printf("%s %s%.*s is not known; did you mean %s%s?", kind,
	    prefix, SPAN_ARG(key), prefix, nearest);
}

/* Value of a variable, or NULL.  An empty one counts as not set. */
static const char *
env_get(const char *const *envp, const char *name)
{
	size_t n = strlen(name);

	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
			return (*envp)[n + 1] ? *envp + n + 1 : NULL;
	return NULL;
}

static void
set_from_env(struct config *conf, enum option_id id, const char *text,
    const char *variable, enum config_rank rank, struct findings *found)
{
	struct setting s = {rank, variable, EXIT_CONFIG};

	setting_apply_list(conf, id, span_of(text), &s, found);
}

static void
load_defaults(
    struct config *conf, const char *const *envp, struct findings *found)
{
	const struct setting s = {CONFIG_DEFAULT, "default", EXIT_CONFIG};
	const char *creds = env_get(envp, "CREDENTIALS_DIRECTORY");
	struct span run = span_of(env_get(envp, "RUNTIME_DIRECTORY"));
	char *admin;

	for (enum option_id id = 0; id < OPTION_COUNT; id++)
		if (option_row(id)->value)
			setting_apply_list(conf, id,
			    span_of(option_row(id)->value), &s, found);

	if (creds)
		set_from_env(conf, OPTION_identity_dir, creds,
		    "CREDENTIALS_DIRECTORY", CONFIG_DEFAULT, found);
	else
		setting_apply(conf, OPTION_identity_dir,
		    SPAN(CONFIG_IDENTITY_DIR), &s, found);

	setting_apply_max_buffer(conf, cgroup_memory_limit(""), found);
	setting_apply(
	    conf, OPTION_admin_listen, SPAN("127.0.0.1:7781"), &s, found);
	if (!run.p)
		return;
	/* systemd separates several directories by colons. */
	conf->runtime_dir = span_dup(span_cut(&run, ':'));
	admin = mem_printf("unix:%s/admin.sock", conf->runtime_dir);
	setting_apply(conf, OPTION_admin_listen, span_of(admin),
	    &(struct setting){CONFIG_DEFAULT, "RUNTIME_DIRECTORY", EXIT_CONFIG},
	    found);
	free(admin);
}

/* Whole text of an open file, at most FILE_MAX bytes.  0 or an errno. */
static int
read_all(int fd, struct buf *text)
{
	for (;;) {
		ssize_t n = read(fd, buf_reserve(text, 4096), 4096);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : 0;
		buf_commit(text, (size_t)n);
		if (text->len > FILE_MAX)
			return EFBIG;
	}
}

static void
load_line(struct config *conf, const char *file, const struct parse *p,
    struct findings *found)
{
	enum option_id id = option_find(p->key);
	char *where = mem_printf("%s:%u", file, p->line), *sentence;
	const struct setting s = {CONFIG_FROM_FILE, where, EXIT_CONFIG};

	if (id < OPTION_COUNT) {
		setting_apply(conf, id, p->value, &s, found);
	} else {
		sentence = unknown_key("key", "", p->key);
		findings_error(found, EXIT_CONFIG, "%s: %s", where, sentence);
		free(sentence);
		doubt_nearest(conf, p->key);
	}
	free(where);
}

static void
load_text(struct config *conf, const char *file, struct span text,
    struct findings *found)
{
	struct parse p;
	enum parse_status status;

	parse_init(&p, text);
	while ((status = parse_next(&p)) != PARSE_DONE) {
		if (status == PARSE_SETTING) {
			load_line(conf, file, &p, found);
			continue;
		}
		findings_error(found, EXIT_CONFIG, "%s:%u: %s", file, p.line,
		    parse_status_text(status));
		doubt_all(conf);
		if (status == PARSE_SECTION)
			break;
	}
}

static void
load_file(struct config *conf, const char *named, struct findings *found)
{
	const char *file = named ? named : CONFIG_FILE;
	struct buf text = BUF_INIT;
	int fd = open(file, O_RDONLY | O_CLOEXEC), why;

	if (fd < 0 && errno == ENOENT && !named)
		return;
	why = fd < 0 ? errno : read_all(fd, &text);
	if (fd >= 0)
		close(fd);
	if (why) {
		findings_error(found, err_exit_of(why, EXIT_CONFIG),
		    "%s: cannot read this configuration file: %s", file,
		    strerror(why));
		doubt_all(conf);
	} else {
		load_text(conf, file, buf_span(&text), found);
	}
	buf_free(&text);
}

/* protocol: [A-Za-z0-9][A-Za-z0-9_-]{0,62} */
static bool
is_profile(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++) {
		char c = ascii_lower(name[i]);

		if (!(c >= 'a' && c <= 'z') && !ascii_digit(c) &&
		    (i == 0 || (c != '_' && c != '-')))
			return false;
	}
	return n > 0 && n <= 63;
}

/* The variables that the Cullis tools themselves read. */
static void
load_vendor(
    struct config *conf, const char *const *envp, struct findings *found)
{
	const char *site = env_get(envp, "CULLIS_SITE_URL");
	const char *dir = env_get(envp, "CULLIS_CONFIG_DIR");
	const char *profile = env_get(envp, "CULLIS_PROFILE");
	const char *home = env_get(envp, "HOME");
	char *path = NULL;

	if (site)
		set_from_env(conf, OPTION_gateway, site, "CULLIS_SITE_URL",
		    CONFIG_VENDOR, found);
	if (dir) {
		path = mem_printf("%s/identity", dir);
		set_from_env(conf, OPTION_identity_dir, path,
		    "CULLIS_CONFIG_DIR", CONFIG_VENDOR, found);
	} else if (profile && (!home || !is_profile(profile))) {
		conf->source[OPTION_identity_dir].doubtful = true;
		findings_error(found, EXIT_CONFIG,
		    home ? "CULLIS_PROFILE: this is not a profile's name; use "
			   "letters, digits, \"_\" and \"-\""
			 : "CULLIS_PROFILE: HOME is not set; set identity-dir "
			   "instead");
	} else if (profile) {
		path = mem_printf(
		    "%s/.cullis/profiles/%s/identity", home, profile);
		set_from_env(conf, OPTION_identity_dir, path, "CULLIS_PROFILE",
		    CONFIG_VENDOR, found);
	}
	free(path);
}

/* CULLIS_SIDECAR_CONNECT_TIMEOUT becomes connect-timeout. */
static char *
key_of_variable(struct span name)
{
	char *key = span_dup(name);

	for (char *c = key; *c; c++)
		*c = *c == '_' ? '-' : ascii_lower(*c);
	return key;
}

/* Kubernetes sets such variables in every pod of a namespace that has a
 * service named cullis-sidecar. */
static bool
is_service_link(struct span name)
{
	return span_starts(name, SPAN("SERVICE_")) ||
	       span_eq(name, SPAN("PORT")) || span_starts(name, SPAN("PORT_"));
}

static void
load_environment(
    struct config *conf, const char *const *envp, struct findings *found)
{
	static const struct span prefix = {ENV_PREFIX, sizeof(ENV_PREFIX) - 1};

	for (; envp && *envp; envp++) {
		struct span text = span_of(*envp), name = span_cut(&text, '=');
		char *variable, *key, *sentence;
		enum option_id id;

		if (!span_starts(name, prefix) || text.n == 0)
			continue;
		variable = span_dup(name);
		name = span_new(name.p + prefix.n, name.n - prefix.n);
		key = key_of_variable(name);
		id = option_find(span_of(key));
		if (id < OPTION_COUNT) {
			set_from_env(conf, id, text.p, variable,
			    CONFIG_ENVIRONMENT, found);
		} else if (!is_service_link(name)) {
			sentence = unknown_key("key", "", span_of(key));
			findings_warn(found, "%s: %s", variable, sentence);
			free(sentence);
		}
		free(key);
		free(variable);
	}
}

static void
load_flags(
    struct config *conf, const struct config_input *in, struct findings *found)
{
	for (size_t i = 0; i < in->nflags; i++) {
		const struct config_flag *flag = &in->flags[i];
		enum option_id id = option_find(flag->key);
		char *where = mem_printf("--%.*s", SPAN_ARG(flag->key));
		const struct setting s = {CONFIG_FLAG, where, EXIT_USAGE};

		if (id == OPTION_COUNT) {
			char *text = unknown_key("option", "--", flag->key);

			findings_error(found, EXIT_USAGE, "%s", text);
			free(text);
			doubt_nearest(conf, flag->key);
		} else if (!flag->value || !*flag->value) {
			findings_error(found, EXIT_USAGE,
			    "%s: the value is missing", where);
			conf->source[id].doubtful = true;
		} else {
			setting_apply_list(
			    conf, id, span_of(flag->value), &s, found);
		}
		free(where);
	}
}

static void
check_listeners(const struct config *conf, struct findings *found)
{
	bool open =
	    (conf->unsafe_listen || is_doubtful(conf, OPTION_unsafe_listen)) &&
	    (conf->local_token_file ||
		is_doubtful(conf, OPTION_local_token_file));

	for (size_t i = 0; !open && i < conf->listen.n; i++)
		if (!listen_is_local(&conf->listen.v[i]))
			findings_error(found, EXIT_CONFIG,
			    "%s: listen is off loopback (%s), where anybody "
			    "who can connect would act as the agent: use "
			    "127.0.0.1 or a Unix socket, or set both "
			    "unsafe-listen = yes and local-token-file",
			    conf->source[OPTION_listen].where,
			    conf->listen.v[i].host);
	for (size_t i = 0; i < conf->admin_listen.n; i++)
		if (!listen_is_local(&conf->admin_listen.v[i]))
			findings_error(found, EXIT_CONFIG,
			    "%s: admin-listen is off loopback (%s); use "
			    "127.0.0.1 or a Unix socket",
			    conf->source[OPTION_admin_listen].where,
			    conf->admin_listen.v[i].host);
	for (size_t i = 0; i < conf->metrics_listen.n; i++)
		if (conf->metrics_listen.v[i].kind == LISTEN_UNIX)
			findings_error(found, EXIT_CONFIG,
			    "%s: metrics-listen is for Prometheus, which "
			    "cannot reach a Unix socket; use HOST:PORT",
			    conf->source[OPTION_metrics_listen].where);
}

/* What can be said about pass-through before a name is resolved. */
static void
check_pass_through(const struct config *conf, struct findings *found)
{
	const char *where = conf->source[OPTION_pass_through].where;

	for (size_t i = 0; i < conf->pass_through.n; i++) {
		const struct origin *o = &conf->pass_through.v[i];
		struct sockaddr_storage sa;
		const char *why = address_read(o->host, o->port, &sa)
				      ? address_refusal((struct sockaddr *)&sa)
				      : NULL;

		if (why)
			findings_error(found, EXIT_CONFIG,
			    "%s: pass-through names %s, %s, which is never "
			    "dialled; remove it",
			    where, o->host, why);
		if (route_names_gateway(conf, span_of(o->host)))
			findings_error(found, EXIT_CONFIG,
			    "%s: pass-through names the gateway (%s); remove "
			    "it, agents reach the gateway anyway",
			    where, o->host);
	}
}

static void
check_proxy(const struct config *conf, struct findings *found)
{
	const struct origin *proxy = &conf->upstream_proxy;
	const char *where = conf->source[OPTION_upstream_proxy].where;

	if (conf->upstream_proxy_auth_file && !proxy->host &&
	    !is_doubtful(conf, OPTION_upstream_proxy))
		findings_error(found, EXIT_CONFIG,
		    "%s: upstream-proxy-auth-file is of no use without "
		    "upstream-proxy; set that too or remove it",
		    conf->source[OPTION_upstream_proxy_auth_file].where);
	for (size_t i = 0; proxy->host && i < conf->listen.n; i++) {
		const struct listen_addr *l = &conf->listen.v[i];

		if (l->kind == LISTEN_TCP && l->port == proxy->port &&
		    (origin_is_host(proxy, span_of(l->host)) ||
			origin_is_host(proxy, SPAN("localhost"))))
			findings_error(found, EXIT_CONFIG,
			    "%s: upstream-proxy is the sidecar itself; name "
			    "the proxy behind it",
			    where);
	}
}

static void
load_proxy_credentials(struct config *conf, struct findings *found)
{
	if (conf->upstream_proxy_auth_file && conf->upstream_proxy.host)
		conf->proxy_credentials =
		    secret_read_user(conf->upstream_proxy_auth_file, found);
}

static void
make_pass_routes(struct config *conf)
{
	size_t n = conf->pass_through.n;

	conf->pass_routes = mem_alloc(n * sizeof(struct route));
	for (size_t i = 0; i < n; i++)
		conf->pass_routes[i] = (struct route){.name = "pass-through",
		    .origin = &conf->pass_through.v[i],
		    .dial = &conf->pass_through.v[i],
		    .auth = ROUTE_AUTH_NONE};
}

static void
check_all(const struct config *conf, struct findings *found)
{
	check_listeners(conf, found);
	check_pass_through(conf, found);
	check_proxy(conf, found);
	if (conf->replay_limit > conf->replay_total &&
	    !is_doubtful(conf, OPTION_replay_limit) &&
	    !is_doubtful(conf, OPTION_replay_total))
		findings_error(found, EXIT_CONFIG,
		    "%s: replay-limit (%s) is above replay-total (%s); lower "
		    "the one or raise the other",
		    conf->source[OPTION_replay_limit].where,
		    conf->source[OPTION_replay_limit].text,
		    conf->source[OPTION_replay_total].text);
}

struct config *
config_read(const struct config_input *in, struct findings *found)
{
	struct config *conf = MEM_NEW(struct config);

	atomic_init(&conf->refs, 1);
	load_defaults(conf, in->envp, found);
	load_file(conf, in->file, found);
	load_vendor(conf, in->envp, found);
	load_environment(conf, in->envp, found);
	load_flags(conf, in, found);
	check_all(conf, found);
	load_proxy_credentials(conf, found);
	make_pass_routes(conf);
	return conf;
}

struct config *
config_load(const struct config_input *in, struct findings *found)
{
	struct config *conf = config_read(in, found);

	if (!found->errors)
		return conf;
	config_unref(conf);
	return NULL;
}

int
config_adopt_gateway(struct config *conf, const char *url, struct err *err)
{
	struct config_source *src = &conf->source[OPTION_gateway];
	const char *where =
	    conf->agent_file ? conf->agent_file : conf->identity_dir;

	if (!conf->gateway.host) {
		if (!url)
			return err_set(err, EXIT_CONFIG,
			    "no gateway is known; set gateway = https://HOST, "
			    "or mastio_url in agent.json");
		if (!value_origin(span_of(url), &conf->gateway))
			return err_set(err, EXIT_CONFIG,
			    "%s: the gateway's URL \"%s\" is not https://host "
			    "or https://host:port; correct it or set gateway",
			    where, url);
		*src = (struct config_source){.rank = CONFIG_IDENTITY,
		    .text = mem_strdup(url),
		    .where = mem_strdup(where)};
	}
	conf->route = (struct route){
	    .name = "mastio",
	    .origin = &conf->gateway,
	    .dial = conf->gateway_address.host ? &conf->gateway_address
					       : &conf->gateway,
	    .auth = ROUTE_AUTH_MASTIO,
	};
	return 0;
}

int
config_read_secrets(
    struct config *conf, struct findings *found, struct err *err)
{
	if (!conf->local_token_file)
		return 0;
	conf->local_token = localtoken_read(conf->local_token_file, found, err);
	return conf->local_token ? 0 : -1;
}

static bool
same_value(const struct config *a, const struct config *b, enum option_id id)
{
	return text_same(a->source[id].text, b->source[id].text);
}

void
config_keep_started(
    struct config *conf, const struct config *running, struct findings *found)
{
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = option_row(id);

		if (!(row->flags & OPTION_START) ||
		    same_value(conf, running, id))
			continue;
		findings_warn(found,
		    "%s: a changed %s takes effect at the next start",
		    conf->source[id].where ? conf->source[id].where
					   : running->source[id].where,
		    row->key);
		setting_copy(conf, running, id);
	}
}

bool
config_same(const struct config *a, const struct config *b)
{
	for (enum option_id id = 0; id < OPTION_COUNT; id++)
		if (!same_value(a, b, id))
			return false;
	/* The names may be the same, and not who bears them. */
	return users_same(&a->allow_uid, &b->allow_uid) &&
	       text_same(a->proxy_credentials, b->proxy_credentials) &&
	       localtoken_same(a->local_token, b->local_token);
}

struct config *
config_ref(struct config *conf)
{
	atomic_fetch_add_explicit(&conf->refs, 1, memory_order_relaxed);
	return conf;
}

void
config_unref(struct config *conf)
{
	if (!conf)
		return;
	if (atomic_fetch_sub_explicit(&conf->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		setting_clear(conf, id);
		free(conf->source[id].text);
		free(conf->source[id].where);
	}
	localtoken_free(conf->local_token);
	free(conf->runtime_dir);
	free(conf->pass_routes);
	mem_wipe_free_str(conf->proxy_credentials);
	free(conf);
}
