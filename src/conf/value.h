/*
 * value: the kinds of value that a configuration key can have, read from text
 * into something ready for use.
 *
 * Threads: pure.  Each value_* reader returns false and leaves *out alone when
 * the text does not have the form; what it makes belongs to the caller.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "base/str.h"

/* Where something listens over there: of `https://host[:port]` or host:port. */
struct origin {
	char *host;         /* lower case, no brackets; NULL = not set */
	uint16_t port;      /* the scheme's if none was written */
	bool port_explicit; /* was one written? htu tells them apart */
	bool ipv6;          /* host is written in brackets */
};

struct origin_list {
	struct origin *v;
	size_t n;
};

enum listen_kind {
	LISTEN_TCP,  /* host and port */
	LISTEN_UNIX, /* path */
	LISTEN_FD,   /* name of a socket that systemd hands over */
};

struct listen_addr {
	enum listen_kind kind;
	char *host;    /* TCP: an IPv4 or IPv6 address, no brackets */
	uint16_t port; /* TCP: 0 lets the kernel pick one */
	char *path;    /* Unix: absolute path */
	char *name;    /* FD */
};

struct listen_list {
	struct listen_addr *v;
	size_t n;
};

struct str_list {
	char **v;
	size_t n;
};

/* 500ms 10s 5m 2h, or 0 */
bool value_duration(struct span, int64_t *ms) ATTR_MUST_USE;
/* 512 64k 4m 1g; k is 1024 */
bool value_size(struct span, uint64_t *bytes) ATTR_MUST_USE;
/* yes or no */
bool value_bool(struct span, bool *) ATTR_MUST_USE;
/* 0 to 0777, in octal */
bool value_mode(struct span, unsigned *) ATTR_MUST_USE;
/* Position of the word in a list such as "auto direct challenge". */
bool value_enum(struct span, const char *words, unsigned *) ATTR_MUST_USE;
/* https://host[:port], with at most a "/" behind it */
bool value_origin(struct span, struct origin *) ATTR_MUST_USE;
/* host:port */
bool value_hostport(struct span, struct origin *) ATTR_MUST_USE;
/* http://host:port, with at most a "/" behind it */
bool value_proxy(struct span, struct origin *) ATTR_MUST_USE;
/* A host name or address without port, lower-cased. */
bool value_host(struct span, char **) ATTR_MUST_USE;
/* HOST:PORT with an address or `localhost`, unix:PATH or fd:NAME */
bool value_listen(struct span, struct listen_addr *) ATTR_MUST_USE;

/* "host", "host:port" if a port was written; IPv6 in brackets. */
void origin_print(const struct origin *, struct buf *);
void origin_fini(struct origin *);
/* Does the name or address mean this host?  The root's dot and case do not
 * matter; the port is not looked at. */
bool origin_is_host(const struct origin *, struct span host);
/* The same host, as written, and the same port; or both are not set. */
bool origin_same(const struct origin *, const struct origin *);

/* Can only this machine reach it?  Unix sockets count as such, and so does what
 * is not known yet. */
bool listen_is_local(const struct listen_addr *);
/* As value_listen() reads it. */
void listen_addr_print(const struct listen_addr *, struct buf *);
void listen_addr_fini(struct listen_addr *);
/* The same socket address?  Port 0 is no address. */
bool listen_addr_same(const struct listen_addr *, const struct listen_addr *);

/* Append; the list owns the element from then on. */
void listen_list_add(struct listen_list *, struct listen_addr);
void listen_list_fini(struct listen_list *);
void origin_list_add(struct origin_list *, struct origin);
void origin_list_fini(struct origin_list *);
void str_list_add(struct str_list *, char *);
void str_list_fini(struct str_list *);

#endif
