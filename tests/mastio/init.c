/*
 * init: see init.h.  DIR/pki: root, intermediate, token signing key;
 * DIR/server: what the TLS server presents; DIR/agent: the first identity.
 */
#include "mastio/init.h"

#include "mastio/agentdir.h"
#include "mastio/util.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <arpa/inet.h>

#define YEAR (365L * 24 * 3600)

struct init {
	const char *dir;
	const char *agent_id;
	const char *names;
	const char *url;
	bool api_key;
	int64_t not_before; /* of all its certificates, seconds from now */
	char *org;
	char *pki, *server;
};

static int
make_dir(const char *path)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	complain("cannot make %s: %s", path, strerror(errno));
	return -1;
}

static int
write_pair(const char *dir, const char *cert_name, const char *key_name,
    X509 *cert, X509 *chain, EVP_PKEY *key)
{
	char *a = pki_cert_pem(cert);
	char *b = chain ? pki_cert_pem(chain) : xstrdup("");
	char *certs = xasprintf("%s%s", a, b);
	char *pem = pki_key_pem(key, "pkcs8");
	int ret = 0;

	if (file_write(dir, cert_name, certs, strlen(certs), 0644) < 0 ||
	    file_write(dir, key_name, pem, strlen(pem), 0600) < 0)
		ret = -1;
	free(pem);
	free(certs);
	free(a);
	free(b);
	return ret;
}

/* "a,127.0.0.1" as OpenSSL's "DNS:a,IP:127.0.0.1". */
static char *
san_of(const char *names)
{
	char *copy = xstrdup(names), *save = NULL, *san = NULL;

	for (char *p = strtok_r(copy, ",", &save); p;
	     p = strtok_r(NULL, ",", &save)) {
		struct in6_addr addr;
		bool ip = inet_pton(AF_INET, p, &addr) == 1 ||
			  inet_pton(AF_INET6, p, &addr) == 1;
		char *more = xasprintf("%s%s%s:%s", san ? san : "",
		    san ? "," : "", ip ? "IP" : "DNS", p);

		free(san);
		san = more;
	}
	free(copy);
	return san;
}

static int
make_server(struct init *in, X509 *issuer, EVP_PKEY *issuer_key)
{
	char *san = san_of(in->names);
	char *cn = xstrndup(in->names, strcspn(in->names, ","));
	EVP_PKEY *key = pki_make_key("p256");
	X509 *leaf = pki_make_cert(&(struct cert_plan){
	    .cn = cn,
	    .org = in->org,
	    .san = san,
	    .eku = "serverAuth",
	    .path_len = -1,
	    .not_before = in->not_before,
	    .not_after = 90L * 24 * 3600,
	    .key = key,
	    .issuer = issuer,
	    .issuer_key = issuer_key,
	});
	int ret = leaf ? write_pair(in->server, "cert.pem", "key.pem", leaf,
			     issuer, key)
		       : -1;

	X509_free(leaf);
	EVP_PKEY_free(key);
	free(cn);
	free(san);
	return ret;
}

static int
make_pki(struct init *in)
{
	char *root_cn = xasprintf("%s CA", in->org);
	char *mid_cn = xasprintf("%s Mastio CA", in->org);
	EVP_PKEY *root_key = pki_make_key("p256");
	EVP_PKEY *mid_key = pki_make_key("p256");
	EVP_PKEY *token_key = pki_make_key("p256");
	char *token_pem = pki_key_pem(token_key, "pkcs8");
	X509 *root = pki_make_cert(&(struct cert_plan){
	    .cn = root_cn,
	    .org = in->org,
	    .path_len = 1,
	    .not_before = in->not_before,
	    .not_after = 15 * YEAR,
	    .key = root_key,
	});
	X509 *mid = pki_make_cert(&(struct cert_plan){
	    .cn = mid_cn,
	    .org = in->org,
	    .path_len = 0,
	    .not_before = in->not_before,
	    .not_after = 5 * YEAR,
	    .key = mid_key,
	    .issuer = root,
	    .issuer_key = root_key,
	});
	int ret = -1;

	if (root && mid &&
	    write_pair(in->pki, "root.pem", "root.key", root, NULL, root_key) ==
		0 &&
	    write_pair(in->pki, "intermediate.pem", "intermediate.key", mid,
		NULL, mid_key) == 0 &&
	    file_write(
		in->pki, "token.key", token_pem, strlen(token_pem), 0600) == 0)
		ret = make_server(in, mid, mid_key);
	X509_free(root);
	X509_free(mid);
	free(token_pem);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(mid_key);
	EVP_PKEY_free(token_key);
	free(root_cn);
	free(mid_cn);
	return ret;
}

static int
write_settings(struct init *in)
{
	json_t *set = json_pack("{s:s, s:s}", "org", in->org, "url", in->url);
	char *text = json_dumps(set, JSON_INDENT(2));
	int ret =
	    file_write(in->dir, "settings.json", text, strlen(text), 0644);

	free(text);
	json_decref(set);
	return ret;
}

static int
init_make(struct init *in)
{
	const char *sep = strstr(in->agent_id, "::");
	char *out = xasprintf("%s/agent", in->dir);
	int ret = -1;

	in->org = xstrndup(in->agent_id,
	    sep ? (size_t)(sep - in->agent_id) : strlen(in->agent_id));
	in->pki = xasprintf("%s/pki", in->dir);
	in->server = xasprintf("%s/server", in->dir);
	if (make_dir(in->dir) == 0 && make_dir(in->pki) == 0 &&
	    make_dir(in->server) == 0 && make_pki(in) == 0 &&
	    write_settings(in) == 0)
		ret = agentdir_make(&(struct agent_plan){
		    .dir = in->dir,
		    .out = out,
		    .agent_id = in->agent_id,
		    .key = "p256",
		    .key_form = "pkcs8",
		    .eku = "none",
		    .chain = "leaf",
		    .issuer = "intermediate",
		    .not_before = in->not_before,
		    .not_after = YEAR,
		    .api_key = in->api_key,
		});
	free(in->org);
	free(in->pki);
	free(in->server);
	free(out);
	return ret < 0;
}

int
init_command(int argc, char **argv)
{
	static const struct option options[] = {
	    {"agent", required_argument, NULL, 'a'},
	    {"names", required_argument, NULL, 'n'},
	    {"url", required_argument, NULL, 'u'},
	    {"api-key", no_argument, NULL, 'k'},
	    {"not-before", required_argument, NULL, 'b'},
	    {NULL, 0, NULL, 0},
	};
	struct init in = {
	    .agent_id = "orga::demo",
	    .names = "localhost,127.0.0.1,mastio.test",
	    .url = "https://localhost:9443",
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'a')
			in.agent_id = optarg;
		else if (opt == 'n')
			in.names = optarg;
		else if (opt == 'u')
			in.url = optarg;
		else if (opt == 'k')
			in.api_key = true;
		else if (opt == 'b')
			in.not_before = strtoll(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind != 1) {
		complain("init takes one directory");
		return 2;
	}
	in.dir = argv[optind];
	return init_make(&in);
}

/* The options of issue are the members of its plan. */
enum issue_option {
	OPT_AGENT = 1,
	OPT_KEY,
	OPT_KEY_FORM,
	OPT_NOT_BEFORE,
	OPT_NOT_AFTER,
	OPT_EKU,
	OPT_SAN,
	OPT_CN,
	OPT_CHAIN,
	OPT_ISSUER,
	OPT_URL,
	OPT_NO_DPOP,
	OPT_REGISTER,
	OPT_API_KEY,
};

static const struct option issue_options[] = {
    {"agent", required_argument, NULL, OPT_AGENT},
    {"key", required_argument, NULL, OPT_KEY},
    {"key-form", required_argument, NULL, OPT_KEY_FORM},
    {"not-before", required_argument, NULL, OPT_NOT_BEFORE},
    {"not-after", required_argument, NULL, OPT_NOT_AFTER},
    {"eku", required_argument, NULL, OPT_EKU},
    {"san", required_argument, NULL, OPT_SAN},
    {"cn", required_argument, NULL, OPT_CN},
    {"chain", required_argument, NULL, OPT_CHAIN},
    {"issuer", required_argument, NULL, OPT_ISSUER},
    {"url", required_argument, NULL, OPT_URL},
    {"no-dpop", no_argument, NULL, OPT_NO_DPOP},
    {"register", required_argument, NULL, OPT_REGISTER},
    {"api-key", no_argument, NULL, OPT_API_KEY},
    {NULL, 0, NULL, 0},
};

static int
issue_set(struct agent_plan *plan, int opt, const char *arg)
{
	switch (opt) {
	case OPT_AGENT:
		plan->agent_id = arg;
		return 0;
	case OPT_KEY:
		plan->key = arg;
		return 0;
	case OPT_KEY_FORM:
		plan->key_form = arg;
		return 0;
	case OPT_NOT_BEFORE:
		plan->not_before = strtoll(arg, NULL, 10);
		return 0;
	case OPT_NOT_AFTER:
		plan->not_after = strtoll(arg, NULL, 10);
		return 0;
	case OPT_EKU:
		plan->eku = arg;
		return 0;
	case OPT_SAN:
		plan->san = arg;
		return 0;
	case OPT_CN:
		plan->cn = arg;
		return 0;
	case OPT_CHAIN:
		plan->chain = arg;
		return 0;
	case OPT_ISSUER:
		plan->issuer = arg;
		return 0;
	case OPT_URL:
		plan->url = arg;
		return 0;
	case OPT_NO_DPOP:
		plan->no_dpop = true;
		return 0;
	case OPT_REGISTER:
		plan->no_register = strcmp(arg, "no") == 0;
		return 0;
	case OPT_API_KEY:
		plan->api_key = true;
		return 0;
	default:
		return -1;
	}
}

int
issue_command(int argc, char **argv)
{
	struct agent_plan plan = {
	    .agent_id = "orga::demo",
	    .key = "p256",
	    .key_form = "pkcs8",
	    .eku = "none",
	    .chain = "leaf",
	    .issuer = "intermediate",
	    .not_after = YEAR,
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", issue_options, NULL)) != -1)
		if (issue_set(&plan, opt, optarg) < 0)
			return 2;
	if (argc - optind != 2) {
		complain("issue takes the gateway's and a new directory");
		return 2;
	}
	plan.dir = argv[optind];
	plan.out = argv[optind + 1];
	return agentdir_make(&plan) < 0;
}
