/*
 * t_viaproxy: CONNECT to a forward proxy, and what it may answer.
 */
#include "net/viaproxy.h"

#include "unit.h"

START_TEST(request)
{
	static const struct {
		const char *host, *credentials, *want;
		uint16_t port;
	} rows[] = {
	    {"mastio.test", NULL,
		"CONNECT mastio.test:443 HTTP/1.1\r\n"
		"Host: mastio.test:443\r\n\r\n",
		443},
	    {"2001:db8::1", NULL,
		"CONNECT [2001:db8::1]:9443 HTTP/1.1\r\n"
		"Host: [2001:db8::1]:9443\r\n\r\n",
		9443},
	    /* RFC 7617 section 2 */
	    {"m.test", "Aladdin:open sesame",
		"CONNECT m.test:1 HTTP/1.1\r\nHost: m.test:1\r\n"
		"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
		"\r\n",
		1},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b = BUF_INIT;

		viaproxy_write_connect(
		    &b, rows[i].host, rows[i].port, rows[i].credentials);
		ck_span(buf_span(&b), rows[i].want);
		buf_free(&b);
	}
}
END_TEST

static const struct {
	const char *answer, *said;
	bool credentials;
	enum viaproxy_status want;
} rows[] = {
    /* RFC 9110 section 9.3.6: any 2xx; framing fields mean nothing. */
    {"HTTP/1.1 200 Connection established\r\n\r\n", "", 0, VIAPROXY_DONE},
    {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "", 0, VIAPROXY_DONE},
    {"HTTP/1.1 299 x\r\nTransfer-Encoding: chunked\r\n\r\n", "", 0,
	VIAPROXY_DONE},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "", 0,
	VIAPROXY_DONE},
    {"", "", 0, VIAPROXY_MORE},
    {"HTTP/1.1 200 OK\r\nVia: x\r\n", "", 0, VIAPROXY_MORE},
    {"HTTP/1.1 407 No\r\n\r\n", "set upstream-proxy-auth-file", 0,
	VIAPROXY_REFUSED},
    {"HTTP/1.1 407 No\r\n\r\n", "does not take the user", 1, VIAPROXY_REFUSED},
    {"HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden", 0, VIAPROXY_REFUSED},
    {"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "302", 0, VIAPROXY_REFUSED},
    {"HTTP/1.1 502 Bad\r\n\r\n", "cannot reach the gateway", 0,
	VIAPROXY_REFUSED},
    {"HTTP/1.1 200 OK\r\n\r\n\x16\x03", "bytes of its own", 0,
	VIAPROXY_REFUSED},
    {"HTTP/1.1 200 OK\nVia: x\n\n", "not valid HTTP", 0, VIAPROXY_REFUSED},
    {"\x15\x03\x01\x00\x02", "not valid HTTP", 0, VIAPROXY_REFUSED},
};

START_TEST(answers)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf in = BUF_INIT;
		char why[200] = "";

		buf_add_str(&in, rows[i].answer);
		ck_assert_msg(viaproxy_read_answer(&in, rows[i].credentials,
				  why, sizeof(why)) == rows[i].want,
		    "%s", rows[i].answer);
		ck_assert_msg(strstr(why, rows[i].said), "%s", why);
		buf_free(&in);
	}
}
END_TEST

/* However it arrives, the same comes of it. */
START_TEST(byte_by_byte)
{
	static const char text[] = "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
				   "HTTP/1.1 200 OK\r\nVia: 1.1 p\r\n\r\n";
	struct buf in = BUF_INIT;
	char why[200];

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		buf_add(&in, text + i, 1);
		ck_assert_int_eq(
		    viaproxy_read_answer(&in, false, why, sizeof(why)),
		    i + 2 < sizeof(text) ? VIAPROXY_MORE : VIAPROXY_DONE);
	}
	buf_free(&in);
}
END_TEST

START_TEST(without_end)
{
	struct buf in = BUF_INIT;
	char why[200];

	buf_add_str(&in, "HTTP/1.1 200 OK\r\nX: ");
	while (in.len < 20000)
		buf_add_char(&in, 'x');
	ck_assert_int_eq(viaproxy_read_answer(&in, false, why, sizeof(why)),
	    VIAPROXY_REFUSED);
	buf_free(&in);
}
END_TEST

UNIT_MAIN("viaproxy", request, answers, byte_by_byte, without_end)
