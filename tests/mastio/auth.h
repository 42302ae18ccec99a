/*
 * auth: the three authentication dependencies of the reference.
 *   E  token of ours, else the client certificate (and a proof per mode)
 *   I  token of ours, else a Court token: never a certificate
 *   K  the client certificate alone
 */
#ifndef MASTIO_AUTH_H
#define MASTIO_AUTH_H

#include <stdbool.h>

struct exchange;

/* Each: true and x->agent_id set, or false and the refusal answered. */
bool auth_egress(struct exchange *);
bool auth_ingress(struct exchange *);
bool auth_certificate(struct exchange *);

#endif
