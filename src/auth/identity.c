/*
 * identity: see identity.h.
 *
 * identity_load() reads the items one after the other, each in a function of
 * its own that says what is wrong and goes on, then checks them as a set.
 */
#include "auth/identity.h"

#include "auth/agentfile.h"
#include "auth/agentid.h"
#include "auth/idcheck.h"
#include "auth/idfile.h"
#include "auth/keyfile.h"
#include "auth/tls.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/mem.h"

#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define API_KEY_MAX 256
#define POOLS 4

struct identity {
	atomic_uint refs;
	uint64_t generation;
	struct agentid who;
	char *gateway;
	char *api_key;
	char *cert_path;
	char *key_path;
	char *dpop_path;       /* NULL: the key is ephemeral */
	char *ca_path;         /* "system" with ca NULL */
	STACK_OF(X509) *certs; /* certificate file, ours first */
	STACK_OF(X509) *ca;
	STACK_OF(X509) *extra; /* chain file */
	EVP_PKEY *key;
	struct jwk dpop;
	struct buf proof_header;
	char thumbprint[2 * SHA256_DIGEST_LENGTH + 1];
	unsigned char contents[SHA256_DIGEST_LENGTH]; /* of all files */
	SSL_CTX *ctx;
};

struct load {
	const struct identity_source *from;
	struct iddir dir;
	struct findings *found;
	struct identity *id;
	struct agentfile file;
	char *file_path;
	EVP_MD_CTX *contents;
};

enum seen { SEEN_NOT, SEEN, SEEN_BAD };

static void
note_contents(struct load *l, enum idfile_item item, const struct idfile *f)
{
	const uint64_t what[] = {(uint64_t)item, f->len};

	if (!f->path)
		return;
	EVP_DigestUpdate(l->contents, what, sizeof(what));
	EVP_DigestUpdate(l->contents, f->text, f->len);
}

/* The item's file, by option or by name.  SEEN_BAD is already told. */
static enum seen
read_item(
    struct load *l, enum idfile_item item, const char *path, struct idfile *f)
{
	struct err err = ERR_INIT;
	int rc;

	*f = (struct idfile){0};
	if (path)
		rc = idfile_read_path(f, path, &err);
	else if (l->dir.fd >= 0)
		rc = idfile_find(f, &l->dir, item, &err);
	else
		return l->from->dir ? SEEN_BAD : SEEN_NOT;
	note_contents(l, item, f);
	if (rc == 0)
		return f->path ? SEEN : SEEN_NOT;
	err_prefix(&err, "%s: ", idfile_title(item));
	findings_err(l->found, &err);
	return SEEN_BAD;
}

static void
tell_missing(struct load *l, enum idfile_item item)
{
	char *names = idfile_names(item);

	if (l->from->dir)
		findings_error(l->found, EXIT_CONFIG,
		    "identity directory %s holds no %s (%s); put it there or "
		    "set %s",
		    l->from->dir, idfile_title(item), names,
		    idfile_option(item));
	else
		findings_error(l->found, EXIT_CONFIG,
		    "there is no %s; set identity-dir or %s",
		    idfile_title(item), idfile_option(item));
	free(names);
}

/* The same for an item that there must be. */
static bool
need_item(
    struct load *l, enum idfile_item item, const char *path, struct idfile *f)
{
	enum seen seen = read_item(l, item, path, f);

	if (seen == SEEN_NOT)
		tell_missing(l, item);
	return seen == SEEN;
}

static char *
take_path(struct idfile *f)
{
	char *path = f->path;

	f->path = NULL;
	return path;
}

/* Certificates of a file, with the path in front of what is wrong. */
static STACK_OF(X509) *
parse_certs(struct load *l, const struct idfile *f)
{
	struct err err = ERR_INIT;
	STACK_OF(X509) *certs = chain_parse(span_new(f->text, f->len), &err);

	if (!certs) {
		err_prefix(&err, "%s ", f->path);
		findings_err(l->found, &err);
	}
	return certs;
}

static void
load_cert(struct load *l)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct identity *id = l->id;
	struct idfile f;
	X509 *cert;

	if (!need_item(l, IDFILE_CERT, l->from->cert_file, &f))
		return;
	id->certs = parse_certs(l, &f);
	id->cert_path = take_path(&f);
	idfile_free(&f);
	if (!id->certs)
		return;
	cert = sk_X509_value(id->certs, 0);
	X509_digest(cert, EVP_sha256(), digest, NULL);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(id->thumbprint + 2 * i, 3, "%02x", digest[i]);
	agentid_from_cert(cert, &id->who);
}

static void
load_key(struct load *l)
{
	struct identity *id = l->id;
	struct err err = ERR_INIT;
	struct idfile f;

	if (!need_item(l, IDFILE_KEY, l->from->key_file, &f))
		return;
	idfile_check_secret(&f, l->found);
	id->key = keyfile_parse(span_new(f.text, f.len), f.path, &err);
	if (!id->key)
		findings_err(l->found, &err);
	id->key_path = take_path(&f);
	idfile_free(&f);
}

static void
make_dpop(struct load *l, const char *why)
{
	struct err err = ERR_INIT;

	if (jwk_generate(&l->id->dpop, &err) < 0)
		findings_err(l->found, &err);
	else
		findings_info(l->found,
		    "%s: a key made at each start binds the token", why);
}

static void
load_dpop(struct load *l)
{
	const char *path = l->from->dpop_key_file;
	struct identity *id = l->id;
	struct err err = ERR_INIT;
	struct idfile f;

	if (path && strcmp(path, "none") == 0) {
		make_dpop(l, "dpop-key-file is none");
		return;
	}
	switch (read_item(l, IDFILE_DPOP, path, &f)) {
	case SEEN_NOT:
		make_dpop(l, "there is no DPoP key file");
		return;
	case SEEN_BAD:
		return;
	case SEEN:
		break;
	}
	idfile_check_secret(&f, l->found);
	if (jwk_parse(span_new(f.text, f.len), &id->dpop, &err) < 0) {
		err_prefix(&err, "DPoP key %s: ", f.path);
		findings_err(l->found, &err);
	}
	id->dpop_path = take_path(&f);
	idfile_free(&f);
}

/* Two files that both name a member must agree on it. */
static void
merge_member(struct load *l, const char *path, const char *name, char **have,
    char **more)
{
	if (*have && *more && strcmp(*have, *more) != 0)
		findings_error(l->found, EXIT_CONFIG,
		    "%s and %s differ in %s (%s and %s); remove one, or name "
		    "it with agent-file",
		    l->file_path, path, name, *have, *more);
	if (!*have) {
		*have = *more;
		*more = NULL;
	}
}

static void
merge_agent(struct load *l, struct idfile *f)
{
	struct agentfile more;
	struct err err = ERR_INIT;

	if (agentfile_parse(span_new(f->text, f->len), &more, &err) < 0) {
		err_prefix(&err, "agent file %s: ", f->path);
		findings_err(l->found, &err);
		return;
	}
	merge_member(l, f->path, "agent_id", &l->file.agent_id, &more.agent_id);
	merge_member(l, f->path, "org_id", &l->file.org_id, &more.org_id);
	merge_member(
	    l, f->path, "the gateway", &l->file.gateway, &more.gateway);
	if (!l->file_path)
		l->file_path = take_path(f);
	agentfile_free(&more);
}

/* The agent files have different members, so several may be there and are
 * compared by what they say, not byte by byte. */
static void
load_agent(struct load *l)
{
	struct err err = ERR_INIT;
	const char *name;
	struct idfile f;

	if (l->from->agent_file) {
		if (read_item(l, IDFILE_AGENT, l->from->agent_file, &f) == SEEN)
			merge_agent(l, &f);
		idfile_free(&f);
		return;
	}
	for (size_t i = 0;
	     l->dir.fd >= 0 && (name = idfile_name(IDFILE_AGENT, i)); i++) {
		if (idfile_read_name(&f, &l->dir, name, &err) < 0) {
			err_prefix(&err, "%s: ", idfile_title(IDFILE_AGENT));
			findings_err(l->found, &err);
			continue;
		}
		note_contents(l, IDFILE_AGENT, &f);
		if (f.path)
			merge_agent(l, &f);
		idfile_free(&f);
	}
}

static void
load_ca(struct load *l)
{
	const char *path = l->from->ca_file;
	struct identity *id = l->id;
	struct idfile f;
	char *names;

	if (path && strcmp(path, "system") == 0) {
		id->ca_path = mem_strdup("system");
		return;
	}
	switch (read_item(l, IDFILE_CA, path, &f)) {
	case SEEN_NOT:
		names = idfile_names(IDFILE_CA);
		findings_error(l->found, EXIT_CONFIG,
		    "there is no CA certificate to check the gateway with "
		    "(%s%s%s); set ca-file = PATH to the root certificate of "
		    "the organisation, or ca-file = system to trust what this "
		    "machine trusts",
		    names, l->from->dir ? " in " : "",
		    l->from->dir ? l->from->dir : "");
		free(names);
		return;
	case SEEN_BAD:
		return;
	case SEEN:
		break;
	}
	id->ca = parse_certs(l, &f);
	id->ca_path = take_path(&f);
	idfile_free(&f);
	if (id->ca)
		idcheck_ca(id->ca, id->ca_path, clock_wall_s(), l->found);
}

static void
load_chain(struct load *l)
{
	struct idfile f;

	if (read_item(l, IDFILE_CHAIN, l->from->chain_file, &f) == SEEN)
		l->id->extra = parse_certs(l, &f);
	idfile_free(&f);
}

/* One line of visible ASCII. */
static void
load_api_key(struct load *l)
{
	struct idfile f;
	struct span key;
	bool ok;

	if (read_item(l, IDFILE_API_KEY, l->from->api_key_file, &f) != SEEN) {
		if (l->from->needs_api_key)
			findings_error(l->found, EXIT_CONFIG,
			    "auth = api-key, but there is no API key: put it "
			    "into api-key in identity-dir, or set "
			    "api-key-file");
		return;
	}
	idfile_check_secret(&f, l->found);
	key = span_new(f.text, f.len);
	while (key.n > 0 && strchr("\r\n", key.p[key.n - 1]))
		key.n--;
	ok = key.n > 0 && key.n <= API_KEY_MAX;
	for (size_t i = 0; i < key.n; i++)
		ok = ok && key.p[i] > ' ' && key.p[i] < 0x7f;
	if (ok)
		l->id->api_key = span_dup(key);
	else
		findings_error(l->found, EXIT_CONFIG,
		    "API key %s is not one line of visible ASCII", f.path);
	idfile_free(&f);
}

/* agent-id overrides the certificate. */
static void
take_asked(struct load *l)
{
	const char *asked = l->from->agent_id;
	struct agentid who = {0};

	if (!asked)
		return;
	if (!agentid_from_name(span_of(asked), &who)) {
		findings_error(l->found, EXIT_CONFIG,
		    "agent-id %s is not of the form ORG::AGENT", asked);
		return;
	}
	who.spiffe = mem_strdup(l->id->who.spiffe);
	agentid_free(&l->id->who);
	l->id->who = who;
}

/* The certificate with its key, its chain and the agent file. */
static void
check_cert(struct load *l)
{
	struct identity *id = l->id;
	struct chain chain;

	/* Another certificate than the agent's: all else would mislead. */
	if (id->key && !idcheck_pair(id->certs, id->cert_path, id->key,
			   id->key_path, l->found))
		return;
	idcheck_cert(sk_X509_value(id->certs, 0), id->cert_path, clock_wall_s(),
	    l->found);
	idcheck_who(&id->who, id->cert_path, &l->file, l->file_path,
	    l->from->agent_id, l->found);
	chain = identity_chain(id, NULL);
	idcheck_chain(&chain, id->cert_path, l->found);
	chain_free(&chain);
}

static void
check_set(struct load *l)
{
	struct identity *id = l->id;

	if (id->certs)
		check_cert(l);
	take_asked(l);
	id->gateway = l->file.gateway;
	l->file.gateway = NULL;
}

/* What is derived from the parts, once they are all good. */
static int
finish(struct identity *id, struct err *err)
{
	struct chain chain = identity_chain(id, NULL);
	struct buf json = BUF_INIT;

	id->ctx = tls_ctx_new(
	    &(struct tls_config){
		.cert = sk_X509_value(id->certs, 0),
		.key = id->key,
		.chain = chain.certs,
		.ca = id->ca,
		.ca_name = id->ca_path,
	    },
	    err);
	chain_free(&chain);
	buf_printf(&json,
	    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\","
	    "\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}}",
	    id->dpop.x, id->dpop.y);
	buf_add_b64url(&id->proof_header, buf_span(&json).p, json.len);
	buf_free(&json);
	return id->ctx ? 0 : -1;
}

static void
load_all(struct load *l)
{
	const struct identity_source *from = l->from;
	struct err err = ERR_INIT;
	/* With the files named one by one the default directory may be
	 * missing. */
	bool named = from->cert_file && from->key_file && from->ca_file;
	bool look = from->dir && !(named && access(from->dir, F_OK) < 0);

	if (look && iddir_open(&l->dir, from->dir, &err) < 0)
		findings_err(l->found, &err);
	load_cert(l);
	load_key(l);
	load_dpop(l);
	load_agent(l);
	load_ca(l);
	load_chain(l);
	load_api_key(l);
	iddir_close(&l->dir);
	check_set(l);
}

struct identity *
identity_load(const struct identity_source *from, struct findings *report,
    struct err *err)
{
	struct findings found = {0};
	struct load l = {
	    .from = from,
	    .dir = {.fd = -1},
	    .found = &found,
	    .id = MEM_NEW(struct identity),
	    .contents = EVP_MD_CTX_new(),
	};
	struct identity *id = l.id;

	atomic_init(&id->refs, 1);
	EVP_DigestInit_ex(l.contents, EVP_sha256(), NULL);
	load_all(&l);
	EVP_DigestFinal_ex(l.contents, id->contents, NULL);
	if (found.errors == 0 && finish(id, err) < 0)
		findings_err(&found, err);
	if (findings_result(&found, err) < 0) {
		identity_unref(id);
		id = NULL;
	}
	if (report)
		findings_move(report, &found);
	agentfile_free(&l.file);
	free(l.file_path);
	EVP_MD_CTX_free(l.contents);
	findings_free(&found);
	return id;
}

struct identity *
identity_ref(struct identity *id)
{
	atomic_fetch_add_explicit(&id->refs, 1, memory_order_relaxed);
	return id;
}

void
identity_unref(struct identity *id)
{
	if (!id ||
	    atomic_fetch_sub_explicit(&id->refs, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(id->ctx);
	chain_stack_free(id->certs);
	chain_stack_free(id->ca);
	chain_stack_free(id->extra);
	EVP_PKEY_free(id->key);
	jwk_fini(&id->dpop);
	buf_free(&id->proof_header);
	agentid_free(&id->who);
	free(id->gateway);
	mem_wipe_free_str(id->api_key);
	free(id->cert_path);
	free(id->key_path);
	free(id->dpop_path);
	free(id->ca_path);
	free(id);
}

static bool
item_exists(
    const struct identity_source *from, enum idfile_item item, const char *path)
{
	const char *name;
	bool found = false;

	if (path)
		return access(path, F_OK) == 0;
	for (size_t i = 0; from->dir && !found && (name = idfile_name(item, i));
	     i++) {
		char *full = mem_printf("%s/%s", from->dir, name);

		found = access(full, F_OK) == 0;
		free(full);
	}
	return found;
}

bool
identity_files_exist(const struct identity_source *from)
{
	bool system_ca = from->ca_file && strcmp(from->ca_file, "system") == 0;

	return item_exists(from, IDFILE_CERT, from->cert_file) &&
	       item_exists(from, IDFILE_KEY, from->key_file) &&
	       (system_ca || item_exists(from, IDFILE_CA, from->ca_file));
}

/* The path of each item that the source names, in the order of the items. */
static const char *
named_path(const struct identity_source *from, enum idfile_item item)
{
	const char *const paths[IDFILE_ITEMS] = {
	    [IDFILE_CERT] = from->cert_file,
	    [IDFILE_KEY] = from->key_file,
	    [IDFILE_DPOP] = from->dpop_key_file,
	    [IDFILE_AGENT] = from->agent_file,
	    [IDFILE_CA] = from->ca_file,
	    [IDFILE_CHAIN] = from->chain_file,
	    [IDFILE_API_KEY] = from->api_key_file,
	};

	return paths[item];
}

void
identity_stamp(
    const struct identity_source *from, uint64_t *stamp, int64_t *newest_s)
{
	const char *name;

	for (enum idfile_item item = 0; item < IDFILE_ITEMS; item++) {
		const char *path = named_path(from, item);

		if (path)
			idfile_stamp(path, stamp, newest_s);
		for (size_t i = 0;
		     !path && from->dir && (name = idfile_name(item, i)); i++) {
			char *full = mem_printf("%s/%s", from->dir, name);

			idfile_stamp(full, stamp, newest_s);
			free(full);
		}
	}
}

bool
identity_same(const struct identity *a, const struct identity *b)
{
	return memcmp(a->contents, b->contents, sizeof(a->contents)) == 0 &&
	       strcmp(a->who.id, b->who.id) == 0;
}

struct chain
identity_chain(const struct identity *id, STACK_OF(X509) *presented)
{
	STACK_OF(X509) *const pools[POOLS] = {
	    id->certs, id->ca, presented, id->extra};

	return chain_complete(sk_X509_value(id->certs, 0), pools, POOLS);
}

const char *
identity_agent_id(const struct identity *id)
{
	return id->who.id;
}

const char *
identity_org_id(const struct identity *id)
{
	return id->who.org;
}

const char *
identity_spiffe_id(const struct identity *id)
{
	return id->who.spiffe;
}

const char *
identity_mastio_url(const struct identity *id)
{
	return id->gateway;
}

const char *
identity_thumbprint(const struct identity *id)
{
	return id->thumbprint;
}

const char *
identity_jkt(const struct identity *id)
{
	return id->dpop.jkt;
}

bool
identity_jkt_is_ephemeral(const struct identity *id)
{
	return !id->dpop_path;
}

const char *
identity_api_key(const struct identity *id)
{
	return id->api_key;
}

int64_t
identity_not_before(const struct identity *id)
{
	return idcheck_time(X509_get0_notBefore(sk_X509_value(id->certs, 0)));
}

int64_t
identity_not_after(const struct identity *id)
{
	return idcheck_time(X509_get0_notAfter(sk_X509_value(id->certs, 0)));
}

int64_t
identity_ca_not_after(const struct identity *id)
{
	int64_t first = 0;

	for (int i = 0; i < sk_X509_num(id->ca); i++) {
		int64_t end =
		    idcheck_time(X509_get0_notAfter(sk_X509_value(id->ca, i)));

		if (first == 0 || end < first)
			first = end;
	}
	return first;
}

const char *
identity_cert_path(const struct identity *id)
{
	return id->cert_path;
}

const char *
identity_dpop_path(const struct identity *id)
{
	return id->dpop_path;
}

const char *
identity_ca_path(const struct identity *id)
{
	return id->ca_path;
}

SSL_CTX *
identity_ssl_ctx(const struct identity *id)
{
	return id->ctx;
}

EVP_PKEY *
identity_key(const struct identity *id)
{
	return id->key;
}

EVP_PKEY *
identity_dpop_key(const struct identity *id)
{
	return id->dpop.key;
}

struct span
identity_proof_header(const struct identity *id)
{
	return buf_span(&id->proof_header);
}

uint64_t
identity_generation(const struct identity *id)
{
	return id->generation;
}

void
identity_set_generation(struct identity *id, uint64_t generation)
{
	id->generation = generation;
}
