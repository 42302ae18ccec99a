/*
 * idcheck: what can be wrong with the parts of an identity and with how they
 * go together.  Each function adds findings and decides nothing else.
 *
 * Threads: pure.
 */
#ifndef AUTH_IDCHECK_H
#define AUTH_IDCHECK_H

#include "auth/agentfile.h"
#include "auth/agentid.h"
#include "auth/chain.h"
#include "auth/finding.h"

#include <openssl/evp.h>
#include <stdint.h>

/* A certificate that begins this much in the future is taken with a warning:
 * the gateway does not back-date, and clocks differ. */
#define IDCHECK_SKEW_S 600

/* Unix seconds of an ASN.1 time; 0 if it is malformed. */
int64_t idcheck_time(const ASN1_TIME *);

void idcheck_cert(
    const X509 *, const char *path, int64_t now, struct findings *);
/* Does key belong to the first of certs?  False and a finding if not. */
bool idcheck_pair(STACK_OF(X509) *certs, const char *cert_path,
    const EVP_PKEY *key, const char *key_path, struct findings *);
void idcheck_ca(
    STACK_OF(X509) *, const char *path, int64_t now, struct findings *);
void idcheck_chain(
    const struct chain *, const char *cert_path, struct findings *);
/* Does the agent file (which may be all NULL) name whom the certificate
 * names?  `asked` is the agent-id option or NULL. */
void idcheck_who(const struct agentid *, const char *cert_path,
    const struct agentfile *, const char *agent_path, const char *asked,
    struct findings *);

#endif
