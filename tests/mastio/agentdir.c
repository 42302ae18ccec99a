/*
 * agentdir: see agentdir.h.
 */
#include "mastio/agentdir.h"

#include "mastio/jose.h"
#include "mastio/records.h"
#include "mastio/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define YEAR (365 * 24 * 3600)

/* Everything between the plan and the files. */
struct making {
	const struct agent_plan *plan;
	char *org;
	const char *name; /* within plan->agent_id */
	char *pki;
	EVP_PKEY *key, *issuer_key;
	X509 *leaf, *issuer, *root, *intermediate;
};

static int
split_id(struct making *m)
{
	const char *sep = strstr(m->plan->agent_id, "::");

	if (!sep || sep == m->plan->agent_id || !sep[2]) {
		complain("'%s' is no agent id; write it as org::name",
		    m->plan->agent_id);
		return -1;
	}
	m->org = xstrndup(m->plan->agent_id, (size_t)(sep - m->plan->agent_id));
	m->name = sep + 2;
	return 0;
}

static X509 *
read_cert(const char *dir, const char *name)
{
	STACK_OF(X509) *certs = pki_read_certs(dir, name);
	X509 *cert = certs ? sk_X509_shift(certs) : NULL;

	sk_X509_pop_free(certs, X509_free);
	return cert;
}

/* A CA with the gateway's names that the gateway does not know. */
static int
make_other_ca(struct making *m)
{
	char *cn = xasprintf("%s Mastio CA", m->org);
	struct cert_plan plan = {
	    .cn = cn, .org = m->org, .path_len = 0, .not_after = 5L * YEAR};

	m->issuer_key = pki_make_key("p256");
	plan.key = m->issuer_key;
	m->issuer = pki_make_cert(&plan);
	free(cn);
	return m->issuer ? 0 : -1;
}

static int
find_issuer(struct making *m)
{
	const char *which = m->plan->issuer;
	char *key_name;

	m->root = read_cert(m->pki, "root.pem");
	m->intermediate = read_cert(m->pki, "intermediate.pem");
	if (!m->root || !m->intermediate)
		return -1;
	if (strcmp(which, "other") == 0)
		return make_other_ca(m);
	if (strcmp(which, "root") != 0 && strcmp(which, "intermediate") != 0) {
		complain(
		    "no issuer '%s'; use intermediate, root or other", which);
		return -1;
	}
	key_name = xasprintf("%s.key", which);
	m->issuer = which[0] == 'r' ? m->root : m->intermediate;
	X509_up_ref(m->issuer);
	m->issuer_key = pki_read_key(m->pki, key_name);
	free(key_name);
	return m->issuer_key ? 0 : -1;
}

static int
make_leaf(struct making *m)
{
	const struct agent_plan *p = m->plan;
	const char *eku = NULL;
	char *san = NULL;

	if (strcmp(p->eku, "client") == 0)
		eku = "clientAuth";
	else if (strcmp(p->eku, "server") == 0)
		eku = "serverAuth";
	else if (strcmp(p->eku, "none") != 0) {
		complain("no EKU '%s'; use client, server or none", p->eku);
		return -1;
	}
	m->key = pki_make_key(p->key);
	if (!m->key) {
		complain("no key type '%s'; use p256, p384, rsa2048, rsa1024 "
			 "or ed25519",
		    p->key);
		return -1;
	}
	if (!p->san)
		san = xasprintf(
		    "URI:spiffe://cullis.local/%s/%s", m->org, m->name);
	else if (strcmp(p->san, "none") != 0)
		san = xasprintf("URI:%s", p->san);
	m->leaf = pki_make_cert(&(struct cert_plan){
	    .cn = p->cn ? p->cn : p->agent_id,
	    .org = m->org,
	    .san = san,
	    .eku = eku,
	    .path_len = -1,
	    .not_before = p->not_before,
	    .not_after = p->not_after,
	    .key = m->key,
	    .issuer = m->issuer,
	    .issuer_key = m->issuer_key,
	});
	free(san);
	return m->leaf ? 0 : -1;
}

/* Concatenates the PEM of up to two certificates into a file. */
static int
write_certs(const char *out, const char *name, X509 *a, X509 *b)
{
	char *pa = pki_cert_pem(a), *pb = b ? pki_cert_pem(b) : xstrdup("");
	char *text = xasprintf("%s%s", pa, pb);
	int ret = file_write(out, name, text, strlen(text), 0644);

	free(text);
	free(pa);
	free(pb);
	return ret;
}

static int
write_key(struct making *m)
{
	char *pem = pki_key_pem(m->key, m->plan->key_form);
	int ret;

	if (!pem) {
		complain("a %s key has no form '%s'", m->plan->key,
		    m->plan->key_form);
		return -1;
	}
	ret = file_write(m->plan->out, "key.pem", pem, strlen(pem), 0600);
	OPENSSL_cleanse(pem, strlen(pem));
	free(pem);
	return ret;
}

/* The DPoP key; its thumbprint goes to *jkt. */
static int
write_dpop(const char *out, char **jkt)
{
	EVP_PKEY *key = pki_make_key("p256");
	json_t *file =
	    json_pack("{s:o}", "private_jwk", jwk_from_key(key, true));
	json_t *public = jwk_from_key(key, false);
	char *text = json_dumps(file, JSON_COMPACT);
	int ret = file_write(out, "dpop.jwk", text, strlen(text), 0600);

	*jkt = jwk_thumbprint(public);
	OPENSSL_cleanse(text, strlen(text));
	free(text);
	json_decref(public);
	json_decref(file);
	EVP_PKEY_free(key);
	return ret;
}

/* The mastio_url of this identity: given, or the one given to init. */
static int
write_metadata(struct making *m)
{
	char *settings = file_read(m->plan->dir, "settings.json", NULL);
	json_t *set = settings ? json_loads(settings, 0, NULL) : NULL;
	const char *url = m->plan->url
			      ? m->plan->url
			      : json_string_value(json_object_get(set, "url"));
	json_t *meta = json_pack("{s:s, s:s, s:s?}", "agent_id",
	    m->plan->agent_id, "org_id", m->org, "mastio_url", url);
	char *text = json_dumps(meta, JSON_INDENT(2));
	int ret =
	    file_write(m->plan->out, "agent.json", text, strlen(text), 0644);

	free(text);
	json_decref(meta);
	json_decref(set);
	free(settings);
	return ret;
}

/* The key of a legacy enrollment; what it is goes to *key. */
static int
write_api_key(const char *out, const char *name, char **key)
{
	char hex[33], *line;
	int ret;

	random_hex(hex, 16);
	*key = xasprintf("sk_local_%s_%s", name, hex);
	line = xasprintf("%s\n", *key);
	ret = file_write(out, "api-key", line, strlen(line), 0600);
	free(line);
	return ret;
}

static int
write_files(struct making *m)
{
	const struct agent_plan *p = m->plan;
	X509 *chain = NULL;
	char pin[SHA256_HEX_SIZE];
	char *jkt = NULL, *api_key = NULL;
	int ret = -1;

	if (mkdir(p->out, 0755) < 0 && errno != EEXIST) {
		complain("cannot make %s: %s", p->out, strerror(errno));
		return -1;
	}
	if (strcmp(p->chain, "full") == 0)
		chain = m->issuer;
	else if (strcmp(p->chain, "leaf") != 0) {
		complain("no chain '%s'; use leaf or full", p->chain);
		return -1;
	}
	if (write_certs(p->out, "cert.pem", m->leaf, chain) < 0 ||
	    write_key(m) < 0 ||
	    write_certs(p->out, "ca.pem", m->root, m->intermediate) < 0 ||
	    (!p->no_dpop && write_dpop(p->out, &jkt) < 0) ||
	    (p->api_key && write_api_key(p->out, m->name, &api_key) < 0) ||
	    write_metadata(m) < 0)
		goto out;
	pki_sha256_hex(m->leaf, pin);
	if (p->no_register ||
	    records_write(p->dir, p->agent_id, pin, jkt, api_key) == 0)
		ret = 0;
out:
	free(jkt);
	free(api_key);
	return ret;
}

int
agentdir_make(const struct agent_plan *plan)
{
	struct making m = {.plan = plan};
	int ret = -1;

	m.pki = xasprintf("%s/pki", plan->dir);
	if (split_id(&m) == 0 && find_issuer(&m) == 0 && make_leaf(&m) == 0)
		ret = write_files(&m);
	EVP_PKEY_free(m.key);
	EVP_PKEY_free(m.issuer_key);
	X509_free(m.leaf);
	X509_free(m.issuer);
	X509_free(m.root);
	X509_free(m.intermediate);
	free(m.pki);
	free(m.org);
	return ret;
}
