/*
 * t_field: the table of fields, what may be forwarded, tokens and lists.
 */
#include "base/mem.h"
#include "http/field.h"

#include "unit.h"

static const char *const names[] = {
#define FIELD(id, name, flags) name,
#include "http/field_tbl.h"
#undef FIELD
};

START_TEST(every_row_is_found)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		enum field_id id = (enum field_id)(i + 1);
		char *text = mem_strdup(names[i]);

		ck_assert_int_eq(field_lookup(span_of(text)), id);
		ck_span(field_name(id), text);
		/* RFC 9110 section 5.1: in any case. */
		for (char *p = text; *p; p++)
			*p = ascii_lower(*p);
		ck_assert_int_eq(field_lookup(span_of(text)), id);
		for (char *p = text; *p; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 'a' + 'A');
		ck_assert_int_eq(field_lookup(span_of(text)), id);
		/* One byte less or another byte: another field. */
		ck_assert_int_ne(
		    field_lookup(span_new(text, strlen(text) - 1)), id);
		text[strlen(text) / 2] = '!';
		ck_assert_int_eq(field_lookup(span_of(text)), FIELD_OTHER);
		free(text);
	}
	ck_assert_int_eq(COUNT(names), FIELD_COUNT - 1);
	ck_assert_int_eq(field_lookup(SPAN("")), FIELD_OTHER);
	ck_assert_int_eq(field_lookup(SPAN_NONE), FIELD_OTHER);
	ck_assert_int_eq(field_lookup(SPAN("X-Unknown")), FIELD_OTHER);
	ck_assert_int_eq(field_lookup(SPAN("Content_Length")), FIELD_OTHER);
}
END_TEST

START_TEST(flags_do_not_contradict_each_other)
{
	for (unsigned id = FIELD_OTHER + 1; id < FIELD_COUNT; id++) {
		unsigned flags = field_flags((enum field_id)id);

		/* RFC 9110 section 7.6.1: Connection removes only what is
		 * unknown, or hop-by-hop anyway. */
		ck_assert_msg(
		    flags & (F_HOP | F_CREDENTIAL), "%s", names[id - 1]);
	}
	ck_assert_uint_eq(field_flags(FIELD_OTHER), 0);
}
END_TEST

struct forward_row {
	const char *name;
	bool request, response;
};

static void
check_forward(const struct forward_row *row)
{
	struct field f = {.name = span_of(row->name), .value = SPAN("v")};

	f.id = field_lookup(f.name);
	ck_assert_msg(
	    field_request_allowed(&f) == row->request, "%s up", row->name);
	ck_assert_msg(
	    field_response_allowed(&f) == row->response, "%s down", row->name);
}

START_TEST(forwarding_follows_the_protocol)
{
	static const struct forward_row rows[] = {
	    /* end-to-end, protocol 9.3 */
	    {"Content-Type", true, true},
	    {"Accept", true, true},
	    {"User-Agent", true, true},
	    {"traceparent", true, true},
	    {"tracestate", true, true},
	    {"X-Request-ID", true, true},
	    {"Mcp-Session-Id", true, true},
	    {"Idempotency-Key", true, true},
	    {"OpenAI-Organization", true, true},
	    {"X-Stainless-Lang", true, true},
	    {"anthropic-version", true, true},
	    {"X", true, true},
	    {"X-", true, true},
	    {"X-Unknown_Thing", true, true},
	    {"X_Unknown_With_A_Name_Longer_Than_All_That_We_Know", true, true},
	    /* hop-by-hop, RFC 9110 section 7.6.1 */
	    {"Connection", false, false},
	    {"Keep-Alive", false, false},
	    {"TE", false, false},
	    {"Trailer", false, false},
	    {"Transfer-Encoding", false, false},
	    {"Upgrade", false, false},
	    {"Proxy-Connection", false, false},
	    {"HTTP2-Settings", false, false},
	    /* framing and routing are written anew */
	    {"Content-Length", false, false},
	    {"Host", false, true},
	    {"Expect", false, true},
	    /* protocol 9.1 */
	    {"Authorization", false, true},
	    {"Proxy-Authorization", false, false},
	    {"DPoP", false, true},
	    {"X-API-Key", false, true},
	    {"X-Admin-Secret", false, true},
	    {"X-Org-Id", false, true},
	    {"X-Org-Secret", false, true},
	    {"Cookie", false, true},
	    {"Forwarded", false, true},
	    {"X-Real-IP", false, true},
	    {"X-SSL-Client-Cert", false, true},
	    {"X-SSL-Client-Verify", false, true},
	    {"X-SSL-Client", false, true},
	    {"X-SSL-Clients", true, true},
	    {"X-Forwarded-For", false, true},
	    {"X-Forwarded-Host", false, true},
	    {"X-Forwarded-Anything-At-All-However-Long-The-Name-May-Be", false,
		true},
	    {"X-Forwarded", false, true},
	    {"X-Original-URL", false, true},
	    {"X-Rewrite-URL", false, true},
	    {"X-HTTP-Method-Override", false, true},
	    {"X-HTTP-Method", false, true},
	    {"X-Method-Override", false, true},
	    {"X-Cullis-Anything", false, true},
	    {"X-Cullis-Trace", false, true},
	    {"X-Cullis-Mastio-Signature", false, true},
	    {"Client-Cert", false, true},
	    {"Client-Cert-Chain", false, true},
	    {"Sec-Fetch-Site", false, true},
	    {"Sec-Fetch-Mode", false, true},
	    {"Origin", false, true},
	    {"Proxy-Anything", false, false},
	    /* CVE-2016-5385 (httpoxy) */
	    {"Proxy", false, false},
	    {"Proxying", true, true},
	    /* protocol 9.2: let through */
	    {"X-Cullis-Session-Token", true, true},
	    {"X-Cullis-On-Behalf-Of-User", true, true},
	    {"X-Cullis-Device-Attestation", true, true},
	    /* protocol 9.4 */
	    {"DPoP-Nonce", false, false},
	    {"WWW-Authenticate", true, false},
	    {"Set-Cookie", true, false},
	    {"Set-Cookie2", true, false},
	    {"Alt-Svc", true, false},
	    {"Clear-Site-Data", true, false},
	    {"Strict-Transport-Security", true, false},
	    {"Access-Control-Allow-Origin", true, false},
	    {"Access-Control-Allow-Credentials", true, false},
	    {"Proxy-Authenticate", false, false},
	    {"Location", true, true},
	    {"Retry-After", true, true},
	    {"X-Cullis-Hint", false, true},
	    {"X-Cullis-Role", false, true},
	    {"X-Cullis-Mode", false, true},
	    {"X-Cullis-Shed-Reason", false, true},
	    {"Cache-Control", true, true},
	    {"Date", true, true},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		check_forward(&rows[i]);
}
END_TEST

START_TEST(pass_through_keeps_what_is_end_to_end)
{
	static const struct {
		const char *name;
		bool passes;
	} rows[] = {
	    {"Authorization", true},
	    {"Cookie", true},
	    {"Set-Cookie", true},
	    {"WWW-Authenticate", true},
	    {"X-API-Key", true},
	    {"DPoP", true},
	    {"DPoP-Nonce", true},
	    {"X-Forwarded-For", true},
	    {"X-Cullis-Anything", true},
	    {"Origin", true},
	    {"Content-Type", true},
	    {"X-Unknown", true},
	    {"X_API_Key", true},
	    {"Strict-Transport-Security", true},
	    /* RFC 9110 section 7.6.1 */
	    {"Connection", false},
	    {"Keep-Alive", false},
	    {"TE", false},
	    {"Trailer", false},
	    {"Transfer-Encoding", false},
	    {"Upgrade", false},
	    {"HTTP2-Settings", false},
	    /* RFC 9110 sections 11.7.1 and 11.7.2: for this proxy */
	    {"Proxy-Authorization", false},
	    {"Proxy-Authenticate", false},
	    {"Proxy-Connection", false},
	    {"Proxy-Anything", false},
	    {"Proxy", false},
	    /* written anew */
	    {"Host", false},
	    {"Content-Length", false},
	    {"Expect", false},
	    /* other spellings of those */
	    {"Content_Length", false},
	    {"Transfer.Encoding", false},
	    {"Proxy_Authorization", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct field f = {
		    .name = span_of(rows[i].name), .value = SPAN("v")};

		f.id = field_lookup(f.name);
		ck_assert_msg(
		    field_passes(&f) == rows[i].passes, "%s", rows[i].name);
	}
}
END_TEST

START_TEST(fields_that_may_be_opened)
{
	static const struct {
		const char *name;
		bool want;
	} rows[] = {
	    {"Authorization", true},
	    {"cookie", true},
	    {"X-API-Key", true},
	    {"X-Admin-Secret", true},
	    {"X-Org-Id", true},
	    {"X-Org-Secret", true},
	    {"X-Cullis-Anything", true},
	    {"x-cullis-a", true},
	    {"X-Cullis", false},
	    {"X-Cullis-", false},
	    {"X-Cullis-a b", false},
	    {"X_Cullis_Anything", false},
	    {"X_API_Key", false},
	    /* protocol 9.1: never */
	    {"DPoP", false},
	    {"X-SSL-Client-Cert", false},
	    {"X-SSL-Client-Verify", false},
	    {"X-Forwarded-For", false},
	    {"X-Forwarded-Host", false},
	    {"Forwarded", false},
	    {"X-Real-IP", false},
	    {"X-Original-URL", false},
	    {"X-Rewrite-URL", false},
	    {"X-HTTP-Method-Override", false},
	    {"Client-Cert", false},
	    {"Proxy-Authorization", false},
	    {"Proxy-Anything", false},
	    {"Origin", false},
	    {"Sec-Fetch-Site", false},
	    /* RFC 9110 section 7.6.1, RFC 9112 section 6 */
	    {"Connection", false},
	    {"TE", false},
	    {"Upgrade", false},
	    {"Host", false},
	    {"Content-Length", false},
	    {"Transfer-Encoding", false},
	    {"Expect", false},
	    /* not stripped at all */
	    {"Accept", false},
	    {"X-Custom", false},
	    {"X-Cullis-Session-Token", false},
	    /* the gateway's */
	    {"X-Cullis-Trace", false},
	    {"DPoP-Nonce", false},
	    {"", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_msg(
		    field_openable(span_of(rows[i].name)) == rows[i].want,
		    "\"%s\"", rows[i].name);
}
END_TEST

START_TEST(other_spellings_are_seen_through)
{
	/* Protocol 9.1: gateways map signs to one and the same; what we know
	 * passes in its own spelling only. */
	static const struct forward_row rows[] = {
	    {"X_Forwarded_For", false, true},
	    {"x_forwarded-host", false, true},
	    {"X_SSL_CLIENT_CERT", false, true},
	    {"X-SSL_Client-Verify", false, true},
	    {"x_cullis_agent", false, true},
	    {"X_Cullis_Session_Token", false, true},
	    {"X.Forwarded.For", false, true},
	    {"X_Original_URL", false, true},
	    {"Proxy_Anything", false, false},
	    {"Sec_Fetch_Site", false, true},
	    {"Content_Length", false, false},
	    {"Transfer_Encoding", false, false},
	    {"Transfer.Encoding", false, false},
	    {"X_API_Key", false, false},
	    {"x_real_ip", false, false},
	    {"X_ORG-SECRET", false, false},
	    {"DPoP_Nonce", false, false},
	    {"Set_Cookie", false, false},
	    {"Content_Type", false, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		check_forward(&rows[i]);
}
END_TEST

START_TEST(tokens_and_values)
{
	/* RFC 9110 sections 5.5 and 5.6.2. */
	const char *tchars = "!#$%&'*+-.^_`|~0123456789"
			     "abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	ck_assert(!field_is_token(SPAN("")));
	ck_assert(field_value_ok(SPAN("")));
	ck_assert(field_value_ok(SPAN_NONE));
	ck_assert(field_is_token(span_of(tchars)));
	for (int c = 0; c < 256; c++) {
		char text[3] = {'a', (char)c, 'b'};
		bool token = c && strchr(tchars, c);
		bool value = c == '\t' || (c >= 0x20 && c != 0x7f);

		ck_assert_msg(
		    field_is_token(span_new(text, 3)) == token, "%#x", c);
		ck_assert_msg(
		    field_is_token(span_new(text + 1, 1)) == token, "%#x", c);
		ck_assert_msg(
		    field_value_ok(span_new(text, 3)) == value, "%#x", c);
	}
}
END_TEST

START_TEST(lists_are_walked)
{
	/* RFC 9110 section 5.6.1; the want column joins with '|'. */
	static const struct {
		const char *list, *want;
	} rows[] = {
	    {"", ""},
	    {"a", "a"},
	    {" a\t", "a"},
	    {"a,b", "a|b"},
	    {" a ,\tb c ", "a|b c"},
	    {",,a,, ,b,", "a|b"},
	    {",", ""},
	    {"\"a,b\",c", "\"a,b\"|c"},
	    {"x=\"a\\\",b\" , c", "x=\"a\\\",b\"|c"},
	    {"\"a,b", "\"a,b"},
	    {"\"a\\", "\"a\\"},
	    {"a\\,b", "a\\|b"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct span rest = span_of(rows[i].list), element;
		struct buf got = BUF_INIT;

		while (list_next(&rest, &element)) {
			if (got.len)
				buf_add_char(&got, '|');
			buf_add_span(&got, element);
		}
		ck_span(buf_span(&got), rows[i].want);
		ck_assert_uint_eq(rest.n, 0);
		ck_assert_ptr_null(element.p);
		buf_free(&got);
	}
}
END_TEST

START_TEST(list_members_are_whole)
{
	ck_assert(list_has(SPAN("keep-alive, Close"), SPAN("close")));
	ck_assert(list_has(SPAN("CLOSE"), SPAN("close")));
	ck_assert(!list_has(SPAN("closed, not-close"), SPAN("close")));
	ck_assert(!list_has(SPAN("\"x, close\""), SPAN("close")));
	ck_assert(list_has(SPAN("\"x, close, y\""), SPAN("close")));
	ck_assert(list_has(SPAN("\", close"), SPAN("close")));
	ck_assert(list_has(SPAN("\\\",close"), SPAN("close")));
	ck_assert(!list_has(SPAN("close;q=1"), SPAN("close")));
	ck_assert(!list_has(SPAN(""), SPAN("close")));
	ck_assert(!list_has(SPAN_NONE, SPAN("close")));
}
END_TEST

UNIT_MAIN("field", every_row_is_found, flags_do_not_contradict_each_other,
    forwarding_follows_the_protocol, other_spellings_are_seen_through,
    pass_through_keeps_what_is_end_to_end, fields_that_may_be_opened,
    tokens_and_values, lists_are_walked, list_members_are_whole)
