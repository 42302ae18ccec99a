/*
 * end: the ways an exchange ends (tbl/end.h), and what may be done about it and
 * learned from it.
 *
 * Threads: pure.
 */
#include "proxy/exchange.h"

static const struct end_row end_rows[] = {
#define END(code, status, token, retry, meaning, cure) \
	{#code, status, token, retry, meaning, cure},
#include "tbl/end.h"
#undef END
};

const struct end_row *
end_row(enum end end)
{
	return &end_rows[end];
}

enum end
end_of_lease(enum lease_failure f)
{
	static const enum end ends[] = {
	    [LEASE_OK] = END_INTERNAL,
	    [LEASE_RESOLVE] = END_RESOLVE_FAILED,
	    [LEASE_CONNECT] = END_CONNECT_FAILED,
	    [LEASE_DENIED] = END_PASS_DENIED,
	    [LEASE_PROXY] = END_PROXY_FAILED,
	    [LEASE_TLS] = END_TLS_FAILED,
	    [LEASE_TLS_CUT] = END_TLS_FAILED,
	    [LEASE_TIMEOUT] = END_CONNECT_TIMEOUT,
	    [LEASE_CLOSED] = END_DRAIN,
	};

	return ends[f];
}

bool
exchange_is_idempotent(const struct exchange *x)
{
	static const char *const methods[] = {
	    "GET", "HEAD", "OPTIONS", "PUT", "DELETE"};

	for (size_t i = 0; i < COUNT(methods); i++)
		if (span_eq(x->req.method, span_of(methods[i])))
			return true;
	return false;
}

bool
exchange_gateway_is_live(const struct exchange *x)
{
	return x->view->upstream == x->w->view->upstream;
}
