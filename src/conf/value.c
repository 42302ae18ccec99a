/*
 * value: see value.h.
 */
#include "conf/value.h"

#include "base/mem.h"
#include "http/url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/un.h>

/* Split "12ms" into its digits and what follows them. */
static bool
split_number(struct span text, uint64_t *number, struct span *unit)
{
	size_t digits = 0;

	while (digits < text.n && ascii_digit(text.p[digits]))
		digits++;
	*unit = span_new(text.p + digits, text.n - digits);
	return span_u64(span_new(text.p, digits), number);
}

bool
value_duration(struct span text, int64_t *ms)
{
	static const struct {
		struct span unit;
		int64_t ms;
	} units[] = {
	    {{"ms", 2}, 1},
	    {{"s", 1}, 1000},
	    {{"m", 1}, 60 * 1000},
	    {{"h", 1}, 60 * 60 * 1000},
	};
	struct span unit;
	uint64_t number;
	int64_t v;

	if (!split_number(text, &number, &unit))
		return false;
	if (unit.n == 0 && number == 0) {
		*ms = 0;
		return true;
	}
	for (size_t i = 0; i < COUNT(units); i++) {
		if (!span_eq(unit, units[i].unit))
			continue;
		if (__builtin_mul_overflow(number, units[i].ms, &v))
			return false;
		*ms = v;
		return true;
	}
	return false;
}

bool
value_size(struct span text, uint64_t *bytes)
{
	struct span unit;
	uint64_t v;
	unsigned shift = 0;

	if (!split_number(text, &v, &unit) || unit.n > 1)
		return false;
	if (unit.n) {
		switch (unit.p[0]) {
		case 'k':
			shift = 10;
			break;
		case 'm':
			shift = 20;
			break;
		case 'g':
			shift = 30;
			break;
		default:
			return false;
		}
	}
	if (v > UINT64_MAX >> shift)
		return false;
	*bytes = v << shift;
	return true;
}

bool
value_bool(struct span text, bool *out)
{
	if (!span_eq(text, SPAN("yes")) && !span_eq(text, SPAN("no")))
		return false;
	*out = text.p[0] == 'y';
	return true;
}

bool
value_mode(struct span text, unsigned *out)
{
	unsigned v = 0;

	if (text.n == 0 || text.n > 4)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '7')
			return false;
		v = v * 8 + (unsigned)(text.p[i] - '0');
	}
	if (v > 0777)
		return false;
	*out = v;
	return true;
}

bool
value_enum(struct span text, const char *words, unsigned *out)
{
	struct span rest = span_of(words);

	for (unsigned i = 0; rest.p; i++) {
		if (span_eq(span_cut(&rest, ' '), text) && text.n) {
			*out = i;
			return true;
		}
	}
	return false;
}

static char *
dup_lower(struct span s)
{
	char *copy = span_dup(s);

	for (char *c = copy; *c; c++)
		*c = ascii_lower(*c);
	return copy;
}

static struct origin
origin_of(const struct authority *a, uint16_t default_port)
{
	return (struct origin){
	    .host = dup_lower(a->host),
	    .port = a->port < 0 ? default_port : (uint16_t)a->port,
	    .port_explicit = a->port >= 0,
	    .ipv6 = a->ipv6,
	};
}

bool
value_origin(struct span text, struct origin *out)
{
	static const struct span scheme = {"https://", 8};
	struct authority a;

	if (!span_istarts(text, scheme))
		return false;
	text = span_new(text.p + scheme.n, text.n - scheme.n);
	if (span_ends(text, SPAN("/")))
		text.n--;
	if (!authority_parse(text, &a))
		return false;
	*out = origin_of(&a, 443);
	return true;
}

bool
value_hostport(struct span text, struct origin *out)
{
	struct authority a;

	if (!authority_parse(text, &a) || a.port < 0)
		return false;
	*out = origin_of(&a, 0);
	return true;
}

bool
value_proxy(struct span text, struct origin *out)
{
	static const struct span scheme = {"http://", 7};

	if (!span_istarts(text, scheme))
		return false;
	text = span_new(text.p + scheme.n, text.n - scheme.n);
	if (span_ends(text, SPAN("/")))
		text.n--;
	return value_hostport(text, out);
}

bool
value_host(struct span text, char **out)
{
	struct authority a;

	if (!authority_parse(text, &a) || a.port >= 0)
		return false;
	*out = dup_lower(a.host);
	return true;
}

/* HOST:PORT of a listener; unlike an authority's, the port may be 0. */
static bool
listen_tcp(struct span text, struct listen_addr *out)
{
	unsigned char binary[sizeof(struct in6_addr)];
	struct span host = text, port = SPAN_NONE;
	bool ipv6 = text.n && text.p[0] == '[';
	uint64_t number;
	char *name;

	for (size_t i = text.n; i > 0 && !port.p; i--) {
		if (text.p[i - 1] != ':')
			continue;
		host = span_new(text.p, i - 1);
		port = span_new(text.p + i, text.n - i);
	}
	if (!port.p || port.n > 5 || !span_u64(port, &number) ||
	    number > UINT16_MAX)
		return false;
	if (ipv6) {
		if (host.n < 2 || host.p[host.n - 1] != ']')
			return false;
		host = span_new(host.p + 1, host.n - 2);
	}
	name = span_ieq(host, SPAN("localhost")) ? mem_strdup("127.0.0.1")
						 : dup_lower(host);
	if (strlen(name) != host.n && !span_ieq(host, SPAN("localhost")))
		goto bad;
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, name, binary) != 1)
		goto bad;
	*out = (struct listen_addr){
	    .kind = LISTEN_TCP, .host = name, .port = (uint16_t)number};
	return true;
bad:
	free(name);
	return false;
}

/* As systemd.socket(5) allows for FileDescriptorName=, without a comma, which
 * separates in variables. */
static bool
listen_fd(struct span name, struct listen_addr *out)
{
	if (name.n == 0 || name.n > 255)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == ':' ||
		    name.p[i] == ',')
			return false;
	*out = (struct listen_addr){.kind = LISTEN_FD, .name = span_dup(name)};
	return true;
}

bool
value_listen(struct span text, struct listen_addr *out)
{
	struct span rest = text;
	struct span scheme = span_cut(&rest, ':');

	if (span_eq(scheme, SPAN("unix"))) {
		if (rest.n < 2 || rest.p[0] != '/' ||
		    rest.n >= sizeof(((struct sockaddr_un *)0)->sun_path))
			return false;
		*out = (struct listen_addr){
		    .kind = LISTEN_UNIX, .path = span_dup(rest)};
		return true;
	}
	if (span_eq(scheme, SPAN("fd")))
		return listen_fd(rest, out);
	return listen_tcp(text, out);
}

void
origin_print(const struct origin *o, struct buf *b)
{
	buf_printf(b, o->ipv6 ? "[%s]" : "%s", o->host);
	if (o->port_explicit)
		buf_printf(b, ":%u", o->port);
}

void
origin_fini(struct origin *o)
{
	free(o->host);
	*o = (struct origin){0};
}

/* Without the dot that ends a fully qualified name. */
static struct span
without_root_dot(struct span host)
{
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	return host;
}

bool
origin_is_host(const struct origin *o, struct span host)
{
	return o->host && span_ieq(without_root_dot(span_of(o->host)),
			      without_root_dot(host));
}

bool
origin_same(const struct origin *a, const struct origin *b)
{
	return text_same(a->host, b->host) && a->port == b->port;
}

bool
listen_is_local(const struct listen_addr *a)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (a->kind != LISTEN_TCP)
		return true;
	if (inet_pton(AF_INET, a->host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, a->host, &v6) == 1 &&
	       IN6_IS_ADDR_LOOPBACK(&v6);
}

void
listen_addr_print(const struct listen_addr *a, struct buf *b)
{
	if (a->kind == LISTEN_UNIX)
		buf_printf(b, "unix:%s", a->path);
	else if (a->kind == LISTEN_FD)
		buf_printf(b, "fd:%s", a->name);
	else
		buf_printf(b, strchr(a->host, ':') ? "[%s]:%u" : "%s:%u",
		    a->host, a->port);
}

void
listen_addr_fini(struct listen_addr *a)
{
	free(a->host);
	free(a->path);
	free(a->name);
	*a = (struct listen_addr){0};
}

static bool
same_host(const char *a, const char *b)
{
	struct in6_addr a6, b6;

	if (inet_pton(AF_INET6, a, &a6) == 1 &&
	    inet_pton(AF_INET6, b, &b6) == 1)
		return memcmp(&a6, &b6, sizeof(a6)) == 0;
	return strcmp(a, b) == 0;
}

bool
listen_addr_same(const struct listen_addr *a, const struct listen_addr *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case LISTEN_TCP:
		return a->port == b->port && a->port != 0 &&
		       same_host(a->host, b->host);
	case LISTEN_UNIX:
		return strcmp(a->path, b->path) == 0;
	case LISTEN_FD:
		return strcmp(a->name, b->name) == 0;
	}
	return false;
}

void
listen_list_add(struct listen_list *list, struct listen_addr a)
{
	list->v = mem_realloc(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = a;
}

void
listen_list_fini(struct listen_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		listen_addr_fini(&list->v[i]);
	free(list->v);
	*list = (struct listen_list){0};
}

void
origin_list_add(struct origin_list *list, struct origin o)
{
	list->v = mem_realloc(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = o;
}

void
origin_list_fini(struct origin_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		origin_fini(&list->v[i]);
	free(list->v);
	*list = (struct origin_list){0};
}

void
str_list_add(struct str_list *list, char *s)
{
	list->v = mem_realloc(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = s;
}

void
str_list_fini(struct str_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	*list = (struct str_list){0};
}
