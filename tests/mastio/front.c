/*
 * front: see front.h.
 */
#include "mastio/front.h"

#include "mastio/exchange.h"
#include "mastio/util.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NGINX_BODY_MAX (4 << 20)
#define MINUTE_MS (60 * 1000LL)

enum gate { CERT, OPT, STRIP, LOGIN, NONE };

/* Column per front-end: repo root, bundle, Helm chart, legacy.  The longest
 * match wins; a trailing slash makes a prefix, everything else is exact. */
static const struct location {
	const char *path;
	enum gate gate[4];
} locations[] = {
    {"/v1/egress/", {CERT, CERT, CERT, CERT}},
    {"/v1/agents/", {CERT, CERT, CERT, CERT}},
    {"/v1/audit/", {CERT, CERT, STRIP, STRIP}},
    {"/v1/auth/login-challenge", {CERT, CERT, STRIP, STRIP}},
    {"/v1/auth/sign-challenged-assertion", {CERT, CERT, STRIP, STRIP}},
    {"/v1/auth/sign-assertion", {CERT, CERT, STRIP, STRIP}},
    {"/v1/llm/", {CERT, OPT, STRIP, STRIP}},
    {"/v1/chat/", {CERT, STRIP, STRIP, STRIP}},
    {"/v1/guardian/", {CERT, STRIP, STRIP, STRIP}},
    {"/v1/mcp", {STRIP, OPT, STRIP, STRIP}},
    {"/v1/", {STRIP, STRIP, STRIP, STRIP}},
    {"/health", {STRIP, STRIP, STRIP, STRIP}},
    {"/healthz", {STRIP, STRIP, STRIP, STRIP}},
    {"/readyz", {STRIP, STRIP, STRIP, STRIP}},
    {"/live", {STRIP, STRIP, STRIP, STRIP}},
    {"/.well-known/", {STRIP, STRIP, STRIP, STRIP}},
    {"/proxy/", {STRIP, STRIP, STRIP, STRIP}},
    {"/pdp/", {STRIP, STRIP, STRIP, STRIP}},
    {"/pki/ca.crt", {STRIP, STRIP, NONE, NONE}},
    {"/static/", {STRIP, STRIP, NONE, NONE}},
    {"/", {LOGIN, LOGIN, NONE, NONE}},
};

static enum gate
gate_of(enum front front, const char *path)
{
	const struct location *best = NULL;

	for (size_t i = 0; i < ARRAY_LEN(locations); i++) {
		const struct location *l = &locations[i];
		size_t n = strlen(l->path);
		bool prefix = n > 1 && l->path[n - 1] == '/';

		if (prefix ? strncmp(path, l->path, n) != 0
			   : strcmp(path, l->path) != 0)
			continue;
		if (!best || n > strlen(best->path))
			best = l;
	}
	return best ? best->gate[front] : NONE;
}

void
front_page(struct exchange *x, int status, const char *title)
{
	char heading[64], *page;

	/* A more telling title stands below the heading of all 400s. */
	snprintf(heading, sizeof(heading), "%s",
	    status == 400 ? "400 Bad Request" : title);
	page = xasprintf("<html>\r\n<head><title>%s</title></head>\r\n"
			 "<body>\r\n<center><h1>%s</h1></center>\r\n%s%s%s"
			 "<hr><center>nginx</center>\r\n"
			 "</body>\r\n</html>\r\n",
	    title, heading, strcmp(title, heading) ? "<center>" : "",
	    strcmp(title, heading) ? title + 4 : "",
	    strcmp(title, heading) ? "</center>\r\n" : "");
	answer_begin(x, status, FROM_NGINX);
	answer_header(x, "Content-Type", "text/html");
	/* nginx closes behind these, whatever the client wants. */
	if (status == 400 || status == 405 || status == 413 || status == 414 ||
	    status == 501)
		x->answer.close = true;
	answer_body(x, page, strlen(page));
	free(page);
}

void
front_error(struct exchange *x, int status)
{
	static const struct {
		int status;
		const char *title;
	} titles[] = {
	    {400, "400 Bad Request"},
	    {401, "401 Authorization Required"},
	    {404, "404 Not Found"},
	    {405, "405 Not Allowed"},
	    {413, "413 Request Entity Too Large"},
	    {414, "414 Request-URI Too Large"},
	    {501, "501 Not Implemented"},
	    {502, "502 Bad Gateway"},
	    {503, "503 Service Temporarily Unavailable"},
	    {504, "504 Gateway Time-out"},
	    {505, "505 HTTP Version Not Supported"},
	};
	const char *title = "500 Internal Server Error";

	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (titles[i].status == status)
			title = titles[i].title;
	front_page(x, status, title);
}

/* nginx's $uri: decoded, slashes merged, dot segments resolved.  NULL: 400. */
static char *
normal_path(const char *path)
{
	char *out = xcalloc(1, strlen(path) + 2), *o = out;

	while (*path) {
		size_t n = strcspn(path + 1, "/") + 1; /* with its slash */

		if (n == 1 && path[1]) {
			path++;
			continue;
		}
		if (n == 2 && path[1] == '.') {
			if (!path[2])
				*o++ = '/';
		} else if (n == 3 && path[1] == '.' && path[2] == '.') {
			if (o == out) {
				free(out);
				return NULL;
			}
			while (o > out && *--o != '/')
				;
			if (!path[3])
				*o++ = '/';
		} else {
			memcpy(o, path, n);
			o += n;
		}
		path += n;
	}
	if (o == out)
		*o++ = '/';
	*o = '\0';
	return out;
}

/* Splits the target and decodes its path; false: malformed. */
static bool
read_target(struct exchange *x, const char **host)
{
	const char *t = x->head->target;
	const char *path = t, *query;

	if (starts_with(t, "https://") || starts_with(t, "http://")) {
		*host = strstr(t, "://") + 3;
		path = *host + strcspn(*host, "/?");
	}
	if (*path != '/')
		return false;
	query = strchr(path, '?');
	if (query)
		x->query = xstrdup(query + 1);
	x->path = http_percent_decode(
	    path, query ? (size_t)(query - path) : strlen(path));
	return x->path != NULL;
}

/* $http_host for A, $host for B and C; false: no usable Host. */
static bool
read_host(struct exchange *x, const char *authority)
{
	const char *host = http_header(x->head, "Host", 0);
	size_t n;

	if (http_header_count(x->head, "Host") > 1)
		return false;
	if (!host && (x->head->minor > 0 || !authority))
		return false;
	if (authority)
		x->app_host = xstrndup(authority, strcspn(authority, "/?"));
	else
		x->app_host = xstrdup(host);
	if (settings_front(&x->srv->set) == FRONT_A)
		return true;
	for (char *p = x->app_host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	n = strcspn(x->app_host, x->app_host[0] == '[' ? "]" : ":");
	if (x->app_host[n] == ']')
		n++;
	x->app_host[n] = '\0';
	return n > 0;
}

static bool
judge_certificate(struct exchange *x, enum gate gate)
{
	const struct peer *p = x->conn->peer;

	x->cert = gate == STRIP ? CERT_STRIPPED
		  : p->cert     ? CERT_VERIFIED
				: CERT_NONE;
	if (gate != CERT || p->cert)
		return true;
	front_error(x, 401);
	return false;
}

static bool
judge_location(struct exchange *x)
{
	char *uri = normal_path(x->path);
	enum gate gate;

	if (!uri) {
		front_error(x, 400);
		return false;
	}
	gate = gate_of(settings_front(&x->srv->set), uri);
	free(uri);
	x->read_timeout_ms = gate == CERT  ? MINUTE_MS
			     : gate == OPT ? 10 * MINUTE_MS
					   : 24 * 60 * MINUTE_MS;
	if (gate == NONE) {
		front_error(x, 404);
		return false;
	}
	if (gate == LOGIN) {
		answer_begin(x, 302, FROM_NGINX);
		answer_headerf(
		    x, "Location", "https://%s/proxy/login", x->app_host);
		answer_body(x, "", 0);
		return false;
	}
	return judge_certificate(x, gate);
}

bool
front_judge(struct exchange *x)
{
	const struct peer *p = x->conn->peer;
	const char *authority = NULL;
	int refused = http_body_init(&x->body, x->head);

	if (!refused &&
	    (!read_target(x, &authority) || !read_host(x, authority) ||
		http_header_count(x->head, "Authorization") > 1))
		refused = 400;
	if (!refused && (!strcmp(x->head->method, "TRACE") ||
			    !strcmp(x->head->method, "CONNECT")))
		refused = 405;
	if (refused) {
		front_error(x, refused);
		return false;
	}
	if (p->cert && p->verify != X509_V_OK) {
		front_page(x, 400, "400 The SSL certificate error");
		return false;
	}
	if (x->srv->set.body_limit >= 0 && x->body.framing == FRAMING_LENGTH &&
	    x->body.length > NGINX_BODY_MAX) {
		front_error(x, 413);
		return false;
	}
	return judge_location(x);
}
