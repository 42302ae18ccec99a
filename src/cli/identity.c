/*
 * identity: `cullis-sidecar identity` and `check`: who the files say we are,
 * and everything that is wrong with them, without a network.
 *
 * Threads: main only.
 */
#include "cli/command.h"

#include "auth/identity.h"
#include "base/clock.h"
#include "base/mem.h"
#include "conf/cgroup.h"
#include "conf/idsource.h"
#include "proxy/bound.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* RFC 3339, UTC. */
static char *
time_text(int64_t wall_s)
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	return mem_printf("%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* The facts, in the order of print; the caller frees expires and gateway. */
struct facts {
	const char *agent_id;
	const char *spiffe_id;
	const char *thumbprint;
	const char *jkt;
	bool jkt_is_ephemeral;
	char *expires;
	char *gateway;
	const char *auth, *auth_shows; /* the option, and what it means here */
};

static const char *
auth_shows(enum auth_mode mode, bool key)
{
	switch (mode) {
	case AUTH_TOKEN:
		return "session tokens alone";
	case AUTH_CERT:
		return "the certificate alone";
	case AUTH_API_KEY:
		return "the API key";
	case AUTH_AUTO:
		break;
	}
	return key ? "session tokens, the API key where there are none or they "
		     "do not count"
		   : "session tokens, the certificate alone where there are "
		     "none";
}

static struct facts
facts_of(const struct identity *id, const struct config *conf)
{
	static const char *const modes[] = {[AUTH_AUTO] = "auto",
	    [AUTH_TOKEN] = "token",
	    [AUTH_CERT] = "cert",
	    [AUTH_API_KEY] = "api-key"};
	struct facts f = {
	    .agent_id = identity_agent_id(id),
	    .spiffe_id = identity_spiffe_id(id),
	    .thumbprint = identity_thumbprint(id),
	    .jkt = identity_jkt(id),
	    .jkt_is_ephemeral = identity_jkt_is_ephemeral(id),
	    .expires = time_text(identity_not_after(id)),
	    .auth = modes[conf->auth],
	    .auth_shows = auth_shows(conf->auth, identity_api_key(id) != NULL),
	};
	struct buf b = BUF_INIT;

	if (conf->gateway.host) {
		buf_add_str(&b, "https://");
		origin_print(&conf->gateway, &b);
		f.gateway = buf_steal_str(&b);
	}
	return f;
}

static void
print_text(const struct identity *id, const struct facts *f)
{
	int64_t days = (identity_not_after(id) - clock_wall_s()) / 86400;

	printf("agent id    %s\n", f->agent_id);
	printf("SPIFFE id   %s\n", f->spiffe_id ? f->spiffe_id : "-");
	printf("thumbprint  %s\n", f->thumbprint);
	printf("jkt         %s%s\n", f->jkt,
	    f->jkt_is_ephemeral ? " (ephemeral: there is no dpop.jwk)" : "");
	printf("expires     %s (%lld days)\n", f->expires, (long long)days);
	printf("gateway     %s\n", f->gateway ? f->gateway : "-");
	printf("auth        %s: %s\n", f->auth, f->auth_shows);
}

static void
add_member(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, ",\"%s\":", name);
	if (!value) {
		buf_add_str(b, "null");
		return;
	}
	buf_add_char(b, '"');
	buf_add_json(b, span_of(value));
	buf_add_char(b, '"');
}

static void
add_facts(struct buf *b, const struct facts *f)
{
	add_member(b, "agent_id", f->agent_id);
	add_member(b, "spiffe_id", f->spiffe_id);
	add_member(b, "thumbprint", f->thumbprint);
	add_member(b, "jkt", f->jkt);
	buf_printf(
	    b, ",\"jkt_ephemeral\":%s", f->jkt_is_ephemeral ? "true" : "false");
	add_member(b, "expires", f->expires);
	add_member(b, "gateway", f->gateway);
	add_member(b, "auth", f->auth);
}

static void
add_findings(struct buf *b, const struct findings *found)
{
	static const char *const level[] = {
	    [FINDING_ERROR] = "error",
	    [FINDING_WARNING] = "warning",
	    [FINDING_INFO] = "info",
	};

	buf_add_str(b, ",\"findings\":[");
	for (size_t i = 0; i < found->count; i++) {
		buf_printf(b, "%s{\"level\":\"%s\"", i ? "," : "",
		    level[found->list[i].level]);
		add_member(b, "message", found->list[i].text);
		buf_add_char(b, '}');
	}
	buf_add_char(b, ']');
}

static void
print_json(const struct facts *f, const struct findings *found)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "{\"ok\":%s", found->errors ? "false" : "true");
	if (f)
		add_facts(&b, f);
	add_findings(&b, found);
	buf_add_str(&b, "}\n");
	fwrite(buf_span(&b).p, 1, b.len, stdout);
	buf_free(&b);
}

/* Config and identity, as far as they can be loaded, with all findings.
 * serving: also what only the running sidecar needs. */
static void
load_both(const struct cli *cli, struct config **conf, struct identity **id,
    bool serving, struct findings *found)
{
	struct identity_source source;
	struct err err = ERR_INIT;
	bool bad;

	*id = NULL;
	*conf = config_read(&cli->input, found);
	bad = found->errors > 0;
	if (bad && (!serving || idsource_is_doubtful(*conf)))
		return;
	if (serving && config_read_secrets(*conf, found, &err) < 0)
		findings_err(found, &err);
	if (serving && !bad)
		bound_report(*conf, cgroup_memory_limit(""), found);
	source = idsource_of(*conf);
	*id = identity_load(&source, found, &err);
	if (!*id || (!identity_mastio_url(*id) && !serving))
		return;
	if (!(*conf)->source[OPTION_gateway].doubtful &&
	    config_adopt_gateway(*conf, identity_mastio_url(*id), &err) != 0)
		findings_err(found, &err);
	if (!bad)
		return;
	/* Its facts are not all that the configuration means. */
	identity_unref(*id);
	*id = NULL;
}

static int
report(const struct cli *cli, bool check)
{
	struct findings found = {0};
	struct config *conf;
	struct identity *id;
	struct facts facts = {0};
	int status;

	load_both(cli, &conf, &id, check, &found);
	if (id)
		facts = facts_of(id, conf);
	if (cli->flags.json) {
		print_json(id ? &facts : NULL, &found);
	} else {
		if (id)
			print_text(id, &facts);
		fflush(stdout);
		cli_print_findings(&found);
		if (check && !found.errors)
			puts("configuration and identity are valid");
	}
	status = found.errors ? (int)found.exit : EXIT_SUCCESS;
	free(facts.expires);
	free(facts.gateway);
	identity_unref(id);
	config_unref(conf);
	findings_free(&found);
	return status;
}

int
cli_check(const struct cli *cli)
{
	return report(cli, true);
}

int
cli_identity(const struct cli *cli)
{
	return report(cli, false);
}
