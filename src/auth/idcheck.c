/*
 * idcheck: see idcheck.h.
 */
#include "auth/idcheck.h"

#include "auth/keyfile.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <time.h>

int64_t
idcheck_time(const ASN1_TIME *t)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

struct date {
	char text[32];
};

/* For a sentence: "2027-01-31 10:00:00 UTC". */
static struct date
date_of(int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	struct date d;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(d.text, sizeof(d.text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	return d;
}

static void
check_validity(
    const X509 *cert, const char *path, int64_t now, struct findings *found)
{
	int64_t begin = idcheck_time(X509_get0_notBefore(cert));
	int64_t end = idcheck_time(X509_get0_notAfter(cert));

	if (end < now)
		findings_error(found, EXIT_CONFIG,
		    "certificate %s has expired on %s; enrol the agent again "
		    "or install the certificate issued last",
		    path, date_of(end).text);
	else if (begin > now + IDCHECK_SKEW_S)
		findings_error(found, EXIT_CONFIG,
		    "certificate %s is only valid from %s; is the clock of "
		    "this machine (%s) right?",
		    path, date_of(begin).text, date_of(now).text);
	else if (begin > now)
		findings_warn(found,
		    "certificate %s is only valid from %s; the clock of this "
		    "machine seems to be slow by %lld s",
		    path, date_of(begin).text, (long long)(begin - now));
}

static void
check_key(X509 *cert, const char *path, struct findings *found)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	struct err err = ERR_INIT;

	if (!key)
		findings_error(found, EXIT_CONFIG,
		    "certificate %s has a key of a type that OpenSSL does "
		    "not know",
		    path);
	else if (keyfile_check_type(key, path, &err) < 0)
		findings_err(found, &err);
}

void
idcheck_cert(
    const X509 *cert, const char *path, int64_t now, struct findings *found)
{
	X509 *x = (X509 *)cert; /* OpenSSL caches the extensions in it */
	uint32_t eku = X509_get_extended_key_usage(x);

	check_key(x, path, found);
	check_validity(cert, path, now, found);
	if (eku != UINT32_MAX && !(eku & XKU_SSL_CLIENT))
		findings_error(found, EXIT_CONFIG,
		    "certificate %s is not for TLS clients: its extended key "
		    "usage lacks clientAuth; have it issued with clientAuth",
		    path);
	else if (X509_check_purpose(x, X509_PURPOSE_SSL_CLIENT, 0) != 1)
		findings_error(found, EXIT_CONFIG,
		    "certificate %s is not for TLS clients: its key usage "
		    "forbids digital signatures; have it issued anew",
		    path);
	ERR_clear_error();
}

bool
idcheck_pair(STACK_OF(X509) *certs, const char *cert_path, const EVP_PKEY *key,
    const char *key_path, struct findings *found)
{
	int at = -1;

	for (int i = 0; at < 0 && i < sk_X509_num(certs); i++) {
		EVP_PKEY *public = X509_get0_pubkey(sk_X509_value(certs, i));

		if (public && EVP_PKEY_eq(public, key) == 1)
			at = i;
	}
	ERR_clear_error();
	if (at < 0)
		findings_error(found, EXIT_CONFIG,
		    "private key %s does not belong to certificate %s; "
		    "install the pair that was issued together",
		    key_path, cert_path);
	else if (at > 0)
		findings_error(found, EXIT_CONFIG,
		    "private key %s belongs to certificate %d of %s; the "
		    "agent's own certificate must stand first",
		    key_path, at + 1, cert_path);
	return at == 0;
}

void
idcheck_ca(
    STACK_OF(X509) *ca, const char *path, int64_t now, struct findings *found)
{
	int expired = 0, roots = 0, n = sk_X509_num(ca);

	for (int i = 0; i < n; i++) {
		X509 *cert = sk_X509_value(ca, i);
		int64_t end = idcheck_time(X509_get0_notAfter(cert));

		roots += (X509_get_extension_flags(cert) & EXFLAG_SS) != 0;
		if (X509_check_ca(cert) == 0)
			findings_warn(found,
			    "certificate %d of %s is not a CA's; the gateway "
			    "is checked against CAs only",
			    i + 1, path);
		if (end >= now)
			continue;
		expired++;
		if (n > 1)
			findings_warn(found,
			    "CA certificate %d of %s has expired on %s", i + 1,
			    path, date_of(end).text);
	}
	if (expired == n)
		findings_error(found, EXIT_CONFIG,
		    "CA certificate %s has expired; get the root certificate "
		    "of the organisation that is in use now",
		    path);
	else if (roots == 0)
		findings_warn(found,
		    "%s holds no root certificate, only ones signed by "
		    "others; TLS with the gateway needs the root",
		    path);
	ERR_clear_error();
}

void
idcheck_chain(
    const struct chain *chain, const char *cert_path, struct findings *found)
{
	int n = sk_X509_num(chain->certs);

	if (n > 2)
		findings_warn(found,
		    "there are %d CA certificates between %s and its root; "
		    "the gateway's front-end takes one",
		    n - 1, cert_path);
	if (!chain->complete)
		findings_info(found,
		    "the chain of %s does not reach a root with the files at "
		    "hand; login completes it from the gateway's own "
		    "certificates",
		    cert_path);
}

void
idcheck_who(const struct agentid *who, const char *cert_path,
    const struct agentfile *file, const char *agent_path, const char *asked,
    struct findings *found)
{
	const char *hint = who->id ? agentid_hint(who) : NULL;
	const char *spiffe = who->spiffe ? who->spiffe : "no SPIFFE ID";

	if (asked && who->id && strcmp(asked, who->id) != 0)
		findings_warn(found,
		    "agent-id is %s, but certificate %s says %s; the gateway "
		    "goes by the certificate",
		    asked, cert_path, who->id);
	if (asked)
		return;
	if (!who->id) {
		findings_error(found, EXIT_CONFIG,
		    "certificate %s names no agent (%s; no common name "
		    "ORG::AGENT); the gateway reads "
		    "spiffe://TRUST-DOMAIN/ORG/AGENT; have it issued so, or "
		    "set agent-id",
		    cert_path, spiffe);
		return;
	}
	if (file->agent_id && strcmp(file->agent_id, who->id) != 0)
		findings_error(found, EXIT_CONFIG,
		    "%s says that we are %s, but certificate %s says %s%s%s; "
		    "install the files that belong together, or set agent-id",
		    agent_path, file->agent_id, cert_path, who->id,
		    hint ? ": " : "", hint ? hint : "");
	else if (hint)
		findings_warn(found, "agent id %s of certificate %s: %s",
		    who->id, cert_path, hint);
	if (file->org_id && strcmp(file->org_id, who->org) != 0)
		findings_warn(found,
		    "%s names the organisation %s, certificate %s names %s",
		    agent_path, file->org_id, cert_path, who->org);
}
