/*
 * t_identity: an identity from files: every layout that is in use, everything
 * that can be wrong with it, and what is said about that.
 */
#include "auth/idcheck.h"
#include "auth/identity.h"
#include "base/clock.h"
#include "base/mem.h"

#include "pki.h"
#include "unit.h"
#include "vectors/keys.h"

#include <openssl/err.h>
#include <sys/stat.h>
#include <unistd.h>

static struct pki pki;
static char *dir;
static struct findings found;

static void
setup(void)
{
	pki_init(&pki);
	dir = dir_identity(&pki);
}

static void
teardown(void)
{
	ck_assert_uint_eq(ERR_peek_error(), 0);
	findings_free(&found);
	dir_free(dir);
	pki_fini(&pki);
}

static struct identity *
load_from(const struct identity_source *from, struct err *err)
{
	findings_free(&found);
	*err = (struct err)ERR_INIT;
	return identity_load(from, &found, err);
}

static struct identity *
load(void)
{
	struct err err;
	struct identity *id =
	    load_from(&(struct identity_source){.dir = dir}, &err);

	ck_assert_msg(id != NULL, "%s", err.text);
	ck_assert_uint_eq(found.errors, 0);
	return id;
}

/* Is there a finding of that level that holds the text? */
static bool
is_found(enum finding_level level, const char *text)
{
	for (size_t i = 0; i < found.count; i++) {
		if (found.list[i].level == level &&
		    strstr(found.list[i].text, text))
			return true;
	}
	return false;
}

/* Nothing that is said may quote a key, in PEM or as JWK. */
static void
check_no_secret(void)
{
	char *pem = pki_pem_key(pki.leaf_key, "PKCS8");
	char *jwk = pki_jwk(pki.server_key);
	const char *d = strstr(jwk, "\"d\":\"") + 5;

	for (size_t i = 0; i < found.count; i++) {
		const char *text = found.list[i].text;

		ck_assert(!memmem(text, strlen(text), pem + 60, 20));
		ck_assert(!memmem(text, strlen(text), d, 20));
		ck_assert_ptr_null(strchr(text, '\n'));
	}
	free(pem);
	free(jwk);
}

/* Loading must fail with an error that holds each text of the list. */
static void
refuse_from(const struct identity_source *from, const char *const *parts)
{
	struct err err;

	ck_assert_ptr_null(load_from(from, &err));
	ck_assert_uint_gt(found.errors, 0);
	ck_assert_int_eq(err.exit, EXIT_CONFIG);
	for (; *parts; parts++)
		ck_assert_msg(strstr(err.text, *parts) != NULL,
		    "wanted \"%s\": %s", *parts, err.text);
	check_no_secret();
}

#define refuse(...)                                        \
	refuse_from(&(struct identity_source){.dir = dir}, \
	    (const char *const[]){__VA_ARGS__, NULL})

static void
drop(const char *name)
{
	char *path = mem_printf("%s/%s", dir, name);

	ck_assert_int_eq(unlink(path), 0);
	free(path);
}

START_TEST(a_good_identity)
{
	struct identity *id = load();
	unsigned char md[32];
	char hex[65];

	ck_assert_str_eq(identity_agent_id(id), PKI_AGENT);
	ck_assert_str_eq(identity_org_id(id), "orga");
	ck_assert_str_eq(identity_spiffe_id(id), PKI_SPIFFE);
	ck_assert_str_eq(
	    identity_mastio_url(id), "https://" PKI_SERVER ":9443");
	X509_digest(pki.leaf, EVP_sha256(), md, NULL);
	for (size_t i = 0; i < sizeof(md); i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
	ck_assert_str_eq(identity_thumbprint(id), hex);
	ck_assert_uint_eq(strlen(identity_jkt(id)), JWK_JKT_LEN);
	ck_assert(!identity_jkt_is_ephemeral(id));
	ck_assert_int_eq(identity_not_before(id),
	    idcheck_time(X509_get0_notBefore(pki.leaf)));
	ck_assert_int_eq(
	    identity_not_after(id), idcheck_time(X509_get0_notAfter(pki.leaf)));
	ck_assert_int_gt(identity_not_after(id), clock_wall_s());
	ck_assert_int_gt(identity_ca_not_after(id), clock_wall_s());
	ck_assert_ptr_null(identity_api_key(id));
	ck_assert_ptr_nonnull(identity_ssl_ctx(id));
	ck_assert_int_eq(EVP_PKEY_eq(identity_key(id), pki.leaf_key), 1);
	ck_assert_int_eq(EVP_PKEY_eq(identity_dpop_key(id), pki.server_key), 1);
	ck_assert_ptr_nonnull(strstr(identity_cert_path(id), "/cert.pem"));
	ck_assert_ptr_nonnull(strstr(identity_dpop_path(id), "/dpop.jwk"));
	ck_assert_ptr_nonnull(strstr(identity_ca_path(id), "/ca.pem"));
	ck_assert_uint_eq(identity_generation(id), 0);
	identity_set_generation(id, 7);
	ck_assert_uint_eq(identity_generation(id), 7);
	ck_assert_ptr_eq(identity_ref(id), id);
	identity_unref(id);
	ck_assert_str_eq(identity_agent_id(id), PKI_AGENT);
	identity_unref(id);
	identity_unref(NULL);
}
END_TEST

START_TEST(every_layout)
{
	/* NULL = not there */
	static const struct {
		const char *why, *cert, *key, *dpop, *agent, *ca, *json;
	} rows[] = {
	    {"SDK, systemd", "cert.pem", "key.pem", "dpop.jwk", "agent.json",
		"ca.pem", "{\"mastio_url\":\"https://m\"}"},
	    {"quickstart", "cert.pem", "agent-key.pem", "dpop.jwk",
		"agent.json", "org-ca.pem", "{\"mastio_url\":\"https://m\"}"},
	    {"admin mint", "cert.pem", "agent-key.pem", NULL, NULL, "ca.pem",
		NULL},
	    {"Connector", "agent.crt", "agent.key", "dpop.jwk", "metadata.json",
		"ca-chain.pem", "{\"site_url\":\"https://m\"}"},
	    {"SDK device code", "agent.crt", "agent.key", "dpop.jwk",
		"meta.json", "ca-chain.pem", "{\"mastio_url\":\"https://m\"}"},
	    {"SPIFFE helper", "svid.pem", "svid_key.pem", NULL, NULL,
		"svid_bundle.pem", NULL},
	    {"SPIRE", "svid.pem", "svid-key.pem", NULL, NULL,
		"spire-bundle.pem", NULL},
	};
	char *root = pki_pem_cert(pki.root), *inter = pki_pem_cert(pki.inter);
	char *bundle = mem_printf("%s%s", root, inter);
	char *jwk = pki_jwk(pki.server_key);

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct identity *id;

		dir_free(dir);
		dir = dir_new();
		dir_write_cert(dir, rows[i].cert, pki.leaf);
		dir_write_key(dir, rows[i].key, pki.leaf_key);
		dir_write(dir, rows[i].ca, 0644, bundle);
		if (rows[i].dpop)
			dir_write(dir, rows[i].dpop, 0600, jwk);
		if (rows[i].agent)
			dir_write(dir, rows[i].agent, 0644, rows[i].json);
		ck_assert_msg(
		    identity_files_exist(&(struct identity_source){.dir = dir}),
		    "%s", rows[i].why);
		id = load();
		ck_assert_str_eq(identity_agent_id(id), PKI_AGENT);
		ck_assert_pstr_eq(
		    identity_mastio_url(id), rows[i].json ? "https://m" : NULL);
		ck_assert(identity_jkt_is_ephemeral(id) == !rows[i].dpop);
		identity_unref(id);
	}
	free(root);
	free(inter);
	free(bundle);
	free(jwk);
}
END_TEST

START_TEST(key_forms)
{
	static const char *const forms[] = {"PKCS8", "SEC1"};

	for (size_t i = 0; i < COUNT(forms); i++) {
		char *pem = pki_pem_key(pki.leaf_key, forms[i]);

		dir_write(dir, "key.pem", 0600, pem);
		identity_unref(load());
		free(pem);
	}
}
END_TEST

START_TEST(files_by_option)
{
	struct identity_source from = {.dir = dir};
	char *other = dir_new();
	char *path[6];
	static const char *const name[] = {
	    "c", "k", "orga__bot.jwk", "a", "ca", "chain"};
	struct identity *id;
	struct err err;
	EVP_PKEY *dpop = pki_key("P-256");
	char *jwk = pki_jwk(dpop);

	for (size_t i = 0; i < COUNT(path); i++)
		path[i] = mem_printf("%s/%s", other, name[i]);
	dir_write_cert(other, "c", pki.leaf);
	dir_write_key(other, "k", pki.leaf_key);
	dir_write(other, "orga__bot.jwk", 0600, jwk);
	dir_write(other, "a", 0644, "{\"mastio_url\":\"https://other\"}");
	dir_write_cert(other, "ca", pki.root);
	dir_write_cert(other, "chain", pki.inter);

	/* one over the directory */
	from.dpop_key_file = path[2];
	id = load_from(&from, &err);
	ck_assert_msg(id != NULL, "%s", err.text);
	ck_assert_int_eq(EVP_PKEY_eq(identity_dpop_key(id), dpop), 1);
	ck_assert_str_eq(identity_dpop_path(id), path[2]);
	identity_unref(id);

	/* all, and no directory */
	from = (struct identity_source){NULL, path[0], path[1], path[2],
	    path[3], path[4], path[5], NULL, NULL};
	ck_assert(identity_files_exist(&from));
	id = load_from(&from, &err);
	ck_assert_msg(id != NULL, "%s", err.text);
	ck_assert_str_eq(identity_mastio_url(id), "https://other");
	identity_unref(id);

	/* one that is not there */
	from.key_file = "/nowhere/k";
	ck_assert(!identity_files_exist(&from));
	refuse_from(
	    &from, (const char *const[]){"/nowhere/k does not exist", NULL});
	for (size_t i = 0; i < COUNT(path); i++)
		free(path[i]);
	free(jwk);
	EVP_PKEY_free(dpop);
	dir_free(other);
}
END_TEST

START_TEST(what_is_missing_is_named)
{
	drop("cert.pem");
	refuse(dir, "client certificate", "cert.pem, agent.crt or svid.pem",
	    "cert-file");
	ck_assert(!identity_files_exist(&(struct identity_source){.dir = dir}));
	dir_write_cert(dir, "cert.pem", pki.leaf);
	drop("key.pem");
	refuse(dir, "private key", "agent-key.pem", "key-file");
	dir_write_key(dir, "key.pem", pki.leaf_key);
	drop("ca.pem");
	ck_assert(!identity_files_exist(&(struct identity_source){.dir = dir}));
	refuse("CA certificate", dir, "ca-file = PATH", "ca-file = system");
	refuse_from(&(struct identity_source){.dir = "/nowhere/id"},
	    (const char *const[]){"/nowhere/id", NULL});
	refuse_from(&(struct identity_source){0},
	    (const char *const[]){"identity-dir or cert-file", NULL});
}
END_TEST

START_TEST(empty_files_are_named)
{
	static const char *const names[] = {
	    "cert.pem", "key.pem", "dpop.jwk", "ca.pem", "agent.json"};

	for (size_t i = 0; i < COUNT(names); i++) {
		dir_free(dir);
		dir = dir_identity(&pki);
		dir_write(dir, names[i], 0600, "");
		refuse(names[i], "is empty");
	}
}
END_TEST

START_TEST(rubbish_is_named)
{
	static const struct {
		const char *name, *text, *says;
	} rows[] = {
	    {"cert.pem", "rubbish\n", "no certificate"},
	    {"key.pem", "rubbish\n", "no private key"},
	    {"dpop.jwk", "rubbish\n", "JSON"},
	    {"dpop.jwk",
		"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}",
		"P-384"},
	    {"ca.pem", "rubbish\n", "no certificate"},
	    {"agent.json", "rubbish\n", "JSON"},
	    {"fullchain.pem", "rubbish\n", "no certificate"},
	    {"api-key", "two\nlines\n", "one line"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		dir_free(dir);
		dir = dir_identity(&pki);
		dir_write(dir, rows[i].name, 0600, rows[i].text);
		refuse(rows[i].name, rows[i].says);
	}
}
END_TEST

START_TEST(copies_that_differ)
{
	EVP_PKEY *key = pki_key("P-256");

	dir_write_key(dir, "agent-key.pem", key);
	refuse("key.pem", "agent-key.pem", "key-file");
	drop("agent-key.pem");
	dir_write_cert(dir, "ca-chain.pem", pki.root);
	refuse("ca.pem", "ca-chain.pem", "ca-file");
	drop("ca-chain.pem");
	dir_write(dir, "meta.json", 0644, "{\"agent_id\":\"orga::other\"}");
	refuse("agent.json", "meta.json", "orga::other");
	/* other members, the same facts: fine */
	dir_write(dir, "meta.json", 0644,
	    "{\"agent_id\":\"" PKI_AGENT "\",\"capabilities\":[]}");
	identity_unref(load());
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(encrypted_key)
{
	char *pem = pki_pem_key(pki.leaf_key, "ENCRYPTED");

	dir_write(dir, "key.pem", 0600, pem);
	refuse("key.pem", "encrypted", "openssl pkey -in");
	free(pem);
}
END_TEST

START_TEST(a_pair_that_does_not_belong_together)
{
	char *root = pki_pem_cert(pki.root), *leaf = pki_pem_cert(pki.leaf);
	char *reversed = mem_printf("%s%s", root, leaf);

	dir_write_key(dir, "key.pem", pki.server_key);
	refuse("key.pem", "does not belong", "cert.pem");
	dir_write_key(dir, "key.pem", pki.leaf_key);
	dir_write(dir, "cert.pem", 0644, reversed);
	refuse("cert.pem", "certificate 2", "first");
	free(root);
	free(leaf);
	free(reversed);
}
END_TEST

START_TEST(key_types_that_cannot_log_in)
{
	static const struct {
		const char *type, *says;
	} rows[] = {{"P-384", "secp384r1"}, {"RSA-1024", "1024"},
	    {"ED25519", "ED25519"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		EVP_PKEY *key = pki_key(rows[i].type);
		X509 *cert =
		    pki_cert(&(struct pki_want){.key = key, .cn = PKI_AGENT});

		dir_write_cert(dir, "cert.pem", cert);
		dir_write_key(dir, "key.pem", key);
		refuse("cert.pem", rows[i].says);
		X509_free(cert);
		EVP_PKEY_free(key);
	}
}
END_TEST

/* The agent's certificate as wanted, signed by the intermediate. */
static void
reissue(struct pki_want w)
{
	X509 *cert;

	w.key = pki.leaf_key;
	w.issuer = pki.inter;
	w.issuer_key = pki.inter_key;
	if (!w.cn && !w.san)
		w.cn = PKI_AGENT;
	cert = pki_cert(&w);
	dir_write_cert(dir, "cert.pem", cert);
	X509_free(cert);
}

START_TEST(dates)
{
	int64_t now = clock_wall_s();

	reissue((struct pki_want){.begin = now - 7200, .end = now - 3600});
	refuse("cert.pem", "expired");
	reissue((struct pki_want){.begin = now + 3600});
	refuse("cert.pem", "only valid from", "clock");
	/* issued this moment by a gateway whose clock is ahead of ours */
	reissue((struct pki_want){.begin = now + 300});
	identity_unref(load());
	ck_assert(is_found(FINDING_WARNING, "slow"));
}
END_TEST

START_TEST(purposes)
{
	reissue((struct pki_want){.eku = "serverAuth"});
	refuse("cert.pem", "clientAuth");
	reissue((struct pki_want){.eku = "serverAuth,clientAuth"});
	identity_unref(load());
	reissue((struct pki_want){.ku = "keyEncipherment"});
	refuse("cert.pem", "key usage");
	reissue((struct pki_want){.ku = "digitalSignature"});
	identity_unref(load());
}
END_TEST

START_TEST(who_we_are)
{
	reissue((struct pki_want){.cn = "orga::other"});
	refuse("agent.json", PKI_AGENT, "cert.pem", "orga::other");
	reissue((struct pki_want){.cn = "nobody"});
	refuse("cert.pem", "names no agent", "agent-id");
	reissue((struct pki_want){.san = "URI:spiffe://td/ns/x/sa/y"});
	refuse("names no agent", "spiffe://td/ns/x/sa/y");
	reissue((struct pki_want){.san = "URI:spiffe://td/workload/bot"});
	refuse("workload::bot", PKI_AGENT, "/ORG/AGENT");
	reissue((struct pki_want){.cn = "orga::orga::bot"});
	refuse("orga::orga::bot", PKI_AGENT, "twice");
	drop("agent.json");
	identity_unref(load());
	ck_assert(is_found(FINDING_WARNING, "twice"));
}
END_TEST

START_TEST(agent_id_by_option)
{
	struct identity_source from = {.dir = dir, .agent_id = "orga::other"};
	struct identity *id;
	struct err err;

	id = load_from(&from, &err);
	ck_assert_msg(id != NULL, "%s", err.text);
	ck_assert_str_eq(identity_agent_id(id), "orga::other");
	ck_assert_str_eq(identity_org_id(id), "orga");
	ck_assert_str_eq(identity_spiffe_id(id), PKI_SPIFFE);
	ck_assert(is_found(FINDING_WARNING, PKI_AGENT));
	identity_unref(id);

	from.agent_id = "nonsense";
	refuse_from(&from, (const char *const[]){"agent-id nonsense", NULL});

	/* a certificate that names nobody can be helped so */
	reissue((struct pki_want){.cn = "nobody"});
	from.agent_id = PKI_AGENT;
	id = load_from(&from, &err);
	ck_assert_msg(id != NULL, "%s", err.text);
	ck_assert_str_eq(identity_agent_id(id), PKI_AGENT);
	ck_assert_ptr_null(identity_spiffe_id(id));
	identity_unref(id);
}
END_TEST

START_TEST(ca_files)
{
	int64_t now = clock_wall_s();
	X509 *old = pki_cert(&(struct pki_want){.key = pki.root_key,
	    .cn = "orga CA",
	    .basic = "critical,CA:TRUE",
	    .begin = now - 7200,
	    .end = now - 3600});
	char *expired = pki_pem_cert(old), *root = pki_pem_cert(pki.root);
	char *both = mem_printf("%s%s", expired, root);
	struct identity *id;
	struct err err;

	dir_write(dir, "ca.pem", 0644, expired);
	refuse("ca.pem", "expired");
	dir_write(dir, "ca.pem", 0644, both); /* kept during a rotation */
	id = load();
	ck_assert(is_found(FINDING_WARNING, "CA certificate 1"));
	ck_assert_int_lt(identity_ca_not_after(id), now);
	identity_unref(id);
	dir_write_cert(dir, "ca.pem", pki.inter);
	identity_unref(load());
	ck_assert(is_found(FINDING_WARNING, "no root"));
	dir_write_cert(dir, "ca.pem", pki.server);
	identity_unref(load());
	ck_assert(is_found(FINDING_WARNING, "not a CA's"));
	drop("ca.pem");
	id = load_from(
	    &(struct identity_source){.dir = dir, .ca_file = "system"}, &err);
	ck_assert_msg(id != NULL, "%s", err.text);
	ck_assert_int_eq(identity_ca_not_after(id), 0);
	ck_assert_str_eq(identity_ca_path(id), "system");
	identity_unref(id);
	X509_free(old);
	free(expired);
	free(root);
	free(both);
}
END_TEST

START_TEST(a_dpop_key_is_made_where_there_is_none)
{
	struct identity *a, *b;
	struct err err;

	drop("dpop.jwk");
	a = load();
	b = load();
	ck_assert(identity_jkt_is_ephemeral(a));
	ck_assert_ptr_null(identity_dpop_path(a));
	ck_assert_str_ne(identity_jkt(a), identity_jkt(b));
	identity_unref(a);
	identity_unref(b);
	dir_write(dir, "dpop.jwk", 0600, VECTOR_JWK);
	a = load();
	ck_assert_str_eq(identity_jkt(a), VECTOR_JKT);
	identity_unref(a);
	a = load_from(
	    &(struct identity_source){.dir = dir, .dpop_key_file = "none"},
	    &err);
	ck_assert(identity_jkt_is_ephemeral(a));
	identity_unref(a);
}
END_TEST

START_TEST(api_keys)
{
	struct identity *id;

	dir_write(dir, "api-key", 0600, "sk_local_bot_0123\n");
	id = load();
	ck_assert_str_eq(identity_api_key(id), "sk_local_bot_0123");
	identity_unref(id);
	dir_write(dir, "api-key", 0600, "sk local\n");
	refuse("api-key");
}
END_TEST

START_TEST(chains)
{
	/* protocol 1.4: CA bundle, presented chain, chain file */
	STACK_OF(X509) *shown = sk_X509_new_null();
	struct identity *id = load();
	struct chain c = identity_chain(id, NULL);

	ck_assert(c.complete);
	ck_assert_int_eq(sk_X509_num(c.certs), 2);
	chain_free(&c);
	identity_unref(id);

	dir_write_cert(dir, "ca.pem", pki.root);
	id = load();
	ck_assert(is_found(FINDING_INFO, "chain of"));
	c = identity_chain(id, NULL);
	ck_assert(!c.complete);
	ck_assert_int_eq(sk_X509_num(c.certs), 1);
	chain_free(&c);
	sk_X509_push(shown, pki.server);
	sk_X509_push(shown, pki.inter);
	c = identity_chain(id, shown);
	ck_assert(c.complete);
	ck_assert_int_eq(sk_X509_num(c.certs), 2);
	chain_free(&c);
	identity_unref(id);
	sk_X509_free(shown);

	dir_write_cert(dir, "fullchain.pem", pki.inter);
	id = load();
	c = identity_chain(id, NULL);
	ck_assert(c.complete);
	chain_free(&c);
	identity_unref(id);
}
END_TEST

START_TEST(a_chain_that_is_too_deep_is_said)
{
	EVP_PKEY *key = pki_key("P-256");
	X509 *sub = pki_cert(&(struct pki_want){.key = key,
	    .cn = "sub CA",
	    .issuer = pki.inter,
	    .issuer_key = pki.inter_key,
	    .basic = "critical,CA:TRUE"});
	X509 *leaf = pki_cert(&(struct pki_want){.key = pki.leaf_key,
	    .cn = PKI_AGENT,
	    .issuer = sub,
	    .issuer_key = key});
	char *a = pki_pem_cert(leaf), *b = pki_pem_cert(sub);
	char *both = mem_printf("%s%s", a, b);

	dir_write(dir, "cert.pem", 0644, both);
	identity_unref(load());
	ck_assert(is_found(FINDING_WARNING, "2 CA certificates between"));
	free(a);
	free(b);
	free(both);
	X509_free(sub);
	X509_free(leaf);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(all_that_is_wrong_is_said_at_once)
{
	dir_write(dir, "dpop.jwk", 0644, "{}");
	dir_write_key(dir, "key.pem", pki.server_key);
	dir_write(dir, "agent.json", 0644, "[]");
	drop("ca.pem");
	refuse("dpop.jwk");
	ck_assert_uint_eq(found.errors, 4);
	ck_assert(is_found(FINDING_ERROR, "does not belong"));
	ck_assert(is_found(FINDING_WARNING, "chmod 600"));
	ck_assert(is_found(FINDING_ERROR, "agent.json"));
	ck_assert(is_found(FINDING_ERROR, "ca-file = system"));
}
END_TEST

START_TEST(a_directory_that_others_may_write)
{
	ck_assert_int_eq(chmod(dir, 0777), 0);
	refuse(dir, "chmod go-w");
	ck_assert_uint_eq(found.errors, 1); /* and not one per file */
}
END_TEST

START_TEST(a_report_that_has_errors_already)
{
	/* `check` collects those of the configuration in the same list */
	struct err err = ERR_INIT;
	struct identity *id;

	findings_error(&found, EXIT_CONFIG, "line 1 of the file");
	id = identity_load(&(struct identity_source){.dir = dir}, &found, &err);
	ck_assert_ptr_nonnull(id);
	ck_assert_uint_eq(found.errors, 1);
	identity_unref(id);
	drop("key.pem");
	ck_assert_ptr_null(
	    identity_load(&(struct identity_source){.dir = dir}, &found, &err));
	ck_assert_uint_eq(found.errors, 2);
	ck_assert_ptr_nonnull(strstr(err.text, "key-file"));
	ck_assert(is_found(FINDING_ERROR, "line 1"));
}
END_TEST

START_TEST(a_report_is_not_needed)
{
	struct err err = ERR_INIT;
	struct identity *id =
	    identity_load(&(struct identity_source){.dir = dir}, NULL, &err);

	ck_assert_ptr_nonnull(id);
	identity_unref(id);
	drop("key.pem");
	ck_assert_ptr_null(
	    identity_load(&(struct identity_source){.dir = dir}, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "key-file"));
}
END_TEST

UNIT_MAIN_FIXTURE("identity", setup, teardown, a_good_identity, every_layout,
    key_forms, files_by_option, what_is_missing_is_named, empty_files_are_named,
    rubbish_is_named, copies_that_differ, encrypted_key,
    a_pair_that_does_not_belong_together, key_types_that_cannot_log_in, dates,
    purposes, who_we_are, agent_id_by_option, ca_files,
    a_dpop_key_is_made_where_there_is_none, api_keys, chains,
    a_chain_that_is_too_deep_is_said, all_that_is_wrong_is_said_at_once,
    a_directory_that_others_may_write, a_report_that_has_errors_already,
    a_report_is_not_needed)
