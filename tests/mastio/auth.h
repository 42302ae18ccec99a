/*
 * auth: the three authentication dependencies of the reference.
 *   E  token of ours, else the client certificate (and a proof per mode)
 *   I  token of ours, else a Court token: never a certificate
 *   K  the client certificate alone
 * A legacy runtime has an API key in the place of the certificate.
 */
#ifndef MASTIO_AUTH_H
#define MASTIO_AUTH_H

#include <stdbool.h>

#include "mastio/journal.h"

struct exchange;

/* Each: true and x->agent_id set, or false and the refusal answered. */
bool auth_egress(struct exchange *);
bool auth_ingress(struct exchange *);
bool auth_certificate(struct exchange *);

/* Writes down who is asking; true. */
bool auth_admit(struct exchange *, const char *agent_id, enum auth_kind);
/* The text behind "Bearer " or "DPoP ", or NULL. */
const char *auth_header(const struct exchange *, bool *dpop_scheme);

#endif
