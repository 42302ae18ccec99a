/*
 * route: which upstream serves a request, judged by the authority that the
 * client named.  A route also says how requests to its upstream are
 * authenticated, so that nobody has to assume the Mastio.
 *
 * Threads: pure over an immutable config.
 */
#ifndef CONF_ROUTE_H
#define CONF_ROUTE_H

#include "conf/value.h"
#include "http/url.h"

struct config;

enum route_auth {
	ROUTE_AUTH_MASTIO, /* session token and a proof per request */
	ROUTE_AUTH_NONE,   /* the request as it is */
	ROUTE_AUTH_CALLER, /* the caller's own Authorization: no route has
			    * this, a single request may */
};

/* Is this one of the gateway's names, at whatever port? */
bool route_names_gateway(const struct config *, struct span host);

/* Borrows from the config that it belongs to. */
struct route {
	const char *name;            /* metric label and log field */
	const struct origin *origin; /* name and port of the upstream */
	const struct origin *dial;   /* where to connect; often origin */
	enum route_auth auth;
};

/* The listener's address that the client connected to. */
struct route_local {
	bool is_unix;
	struct span host; /* TCP: IP address as text, no brackets */
	uint16_t port;
};

enum host_verdict {
	HOST_OK,
	HOST_MALFORMED,   /* Host is no authority: 400, RFC 9112 section 3.2 */
	HOST_MISDIRECTED, /* absolute form for somebody else: 421 */
	HOST_FOREIGN,     /* origin form with somebody else's Host: 403 */
	HOST_NO_TUNNEL,   /* CONNECT to somebody else: 403 */
};

/*
 * Which route serves this target?  host is the value of the Host field, absent
 * if there was none (HTTP/1.0).  In absolute form and with CONNECT Host must be
 * well-formed but chooses nothing (RFC 9112 section 3.2.2); the asterisk form
 * is judged by its Host.  On HOST_OK *route is set.
 *
 * Absolute form with http and CONNECT also reach a pass-through host and port,
 * unless it is one of the gateway's names.
 *
 * The gateway is meant by its name or an alias, with no port, 80, 443 or its
 * own; in origin form also by the listener's address or `localhost`, with or
 * without the listener's port, and on a Unix socket by any Host.  Any other
 * Host may be a browser that was lured here by DNS rebinding.
 */
enum host_verdict route_find(const struct config *, const struct target *,
    struct span host, const struct route_local *,
    const struct route **route) ATTR_MUST_USE;

#endif
