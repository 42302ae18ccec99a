/*
 * agentid: who the gateway will say a certificate is.  The rules are the
 * Mastio's own: the first URI SAN that parses, else the subject's common name
 * cut at its first "::".
 *
 * Threads: pure.
 */
#ifndef AUTH_AGENTID_H
#define AUTH_AGENTID_H

#include "base/str.h"

#include <openssl/x509.h>

struct agentid {
	char *org;    /* "orga" */
	char *id;     /* "orga::bot", "orga::user::alice" */
	char *spiffe; /* first spiffe: URI of the certificate, or NULL */
};

/* Agent id of spiffe://TD/ORG/NAME or spiffe://TD/ORG/TYPE/NAME, where TYPE is
 * agent, user or workload.  False, and *id untouched, for any other form. */
bool agentid_from_spiffe(struct span uri, struct agentid *id);
/* Agent id of a common name "ORG::NAME". */
bool agentid_from_name(struct span name, struct agentid *id);
/* As the gateway does it.  org and id stay NULL if the certificate names no
 * agent; spiffe may be set even then. */
void agentid_from_cert(const X509 *, struct agentid *);
void agentid_free(struct agentid *);

/* The sentence that helps with an id which cannot be right, or NULL: SPIRE's
 * /workload/NAME shape, an organisation that is named twice. */
const char *agentid_hint(const struct agentid *);

#endif
