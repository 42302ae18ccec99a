/*
 * agentid: see agentid.h.
 */
#include "auth/agentid.h"

#include "base/mem.h"

#include <openssl/x509v3.h>
#include <stdlib.h>

static bool
fill(struct agentid *id, struct span org, const char *infix, struct span name)
{
	id->org = span_dup(org);
	id->id =
	    mem_printf("%.*s::%s%.*s", SPAN_ARG(org), infix, SPAN_ARG(name));
	return true;
}

/* What stands between org and name in the agent id, or NULL for a type that
 * the gateway does not know. */
static const char *
infix_of(struct span type)
{
	if (span_eq(type, SPAN("agent")))
		return "";
	if (span_eq(type, SPAN("user")))
		return "user::";
	if (span_eq(type, SPAN("workload")))
		return "workload::";
	return NULL;
}

bool
agentid_from_spiffe(struct span uri, struct agentid *id)
{
	struct span seg[3], rest = uri;
	const char *infix = "";
	size_t n = 0;

	if (!span_starts(uri, SPAN("spiffe://")))
		return false;
	rest = span_new(uri.p + 9, uri.n - 9);
	if (span_cut(&rest, '/').n == 0)
		return false; /* no trust domain */
	while (rest.p) {
		struct span part = span_cut(&rest, '/');

		if (part.n == 0 || n == COUNT(seg))
			return false;
		seg[n++] = part;
	}
	if (n < 2)
		return false;
	if (n == 3 && !(infix = infix_of(seg[1])))
		return false;
	return fill(id, seg[0], infix, seg[n - 1]);
}

bool
agentid_from_name(struct span name, struct agentid *id)
{
	for (size_t i = 1; i + 2 < name.n; i++) {
		if (name.p[i] == ':' && name.p[i + 1] == ':')
			return fill(id, span_new(name.p, i), "",
			    span_new(name.p + i + 2, name.n - i - 2));
	}
	return false;
}

static bool
from_sans(const X509 *cert, struct agentid *id)
{
	GENERAL_NAMES *sans =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; !found && i < sk_GENERAL_NAME_num(sans); i++) {
		const GENERAL_NAME *san = sk_GENERAL_NAME_value(sans, i);
		struct span uri;

		if (san->type != GEN_URI)
			continue;
		uri = span_new((const char *)ASN1_STRING_get0_data(
				   san->d.uniformResourceIdentifier),
		    (size_t)ASN1_STRING_length(
			san->d.uniformResourceIdentifier));
		if (memchr(uri.p, 0, uri.n))
			continue;
		if (!id->spiffe && span_starts(uri, SPAN("spiffe://")))
			id->spiffe = span_dup(uri);
		found = agentid_from_spiffe(uri, id);
	}
	GENERAL_NAMES_free(sans);
	return found;
}

static void
from_subject(const X509 *cert, struct agentid *id)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;
	int n;

	if (at < 0)
		return;
	n = ASN1_STRING_to_UTF8(
	    &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (n > 0 && !memchr(text, 0, (size_t)n))
		agentid_from_name(span_new((const char *)text, (size_t)n), id);
	OPENSSL_free(text);
}

void
agentid_from_cert(const X509 *cert, struct agentid *id)
{
	if (!from_sans(cert, id))
		from_subject(cert, id);
}

const char *
agentid_hint(const struct agentid *id)
{
	size_t n = strlen(id->org);

	if (strcmp(id->org, "workload") == 0)
		return "the gateway reads a SPIFFE ID as "
		       "spiffe://TRUST-DOMAIN/ORG/AGENT, so SPIRE must issue "
		       "/ORG/AGENT and not /workload/AGENT";
	if (strncmp(id->id + n + 2, id->org, n) == 0 &&
	    strncmp(id->id + n + 2 + n, "::", 2) == 0)
		return "the organisation stands in it twice: the enrolment "
		       "was approved with the full agent id where the short "
		       "name belongs; enrol again with the short name";
	return NULL;
}

void
agentid_free(struct agentid *id)
{
	free(id->org);
	free(id->id);
	free(id->spiffe);
	*id = (struct agentid){0};
}
