/*
 * t_url: authorities, request targets and the two readings of a path.
 */
#include "base/mem.h"
#include "http/url.h"

#include "unit.h"

/* In a table: text that may hold NUL. */
#define IN(literal)                            \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

#define X7(s) s s s s s s s
#define X63(c) X7(c c c c c c c c c)

struct authority_row {
	const char *why;
	struct span text;
	bool ok;
	const char *host;
	int port;
	bool ipv6;
};

static const struct authority_row authorities[] = {
    {"3986 3.2.2: name", IN("a.example"), true, "a.example", -1, false},
    {"one label", IN("localhost"), true, "localhost", -1, false},
    {"as written", IN("A.ExAmple:80"), true, "A.ExAmple", 80, false},
    {"a dot at the end", IN("a.example."), true, "a.example.", -1, false},
    {"underscore, as in container names", IN("my_svc-1:8080"), true, "my_svc-1",
	8080, false},
    {"punycode", IN("xn--mnchen-3ya.de"), true, "xn--mnchen-3ya.de", -1, false},
    {"digits and more", IN("1a.2b"), true, "1a.2b", -1, false},
    {"a numeric label inside", IN("1.2.3.4.a"), true, "1.2.3.4.a", -1, false},
    {"a label of 63", IN(X63("a") ".b"), true, X63("a") ".b", -1, false},
    {"starts like hex", IN("0xyz"), true, "0xyz", -1, false},
    {"3986 3.2.2: IPv4", IN("127.0.0.1"), true, "127.0.0.1", -1, false},
    {"IPv4 and port", IN("192.0.2.1:65535"), true, "192.0.2.1", 65535, false},
    {"3986 3.2.2: IPv6", IN("[::1]"), true, "::1", -1, true},
    {"IPv6 and port", IN("[2001:db8::1]:1"), true, "2001:db8::1", 1, true},
    {"IPv6 with IPv4", IN("[::ffff:192.0.2.1]"), true, "::ffff:192.0.2.1", -1,
	true},

    {"empty", IN(""), false},
    {"port alone", IN(":80"), false},
    {"3986 3.2.1: userinfo", IN("u@a"), false},
    {"userinfo and password", IN("u:p@a:80"), false},
    {"userinfo hides the host", IN("a:80@b"), false},
    {"3986 3.2.3: empty port", IN("a:"), false},
    {"port 0", IN("a:0"), false},
    {"port 65536", IN("a:65536"), false},
    {"port 4294967376 is 80 in 32 bits", IN("a:4294967376"), false},
    {"port with zeros in front", IN("a:080"), false},
    {"port with a sign", IN("a:+80"), false},
    {"port below zero", IN("a:-1"), false},
    {"port with a space", IN("a: 80"), false},
    {"port in words", IN("a:http"), false},
    {"two ports", IN("a:80:80"), false},
    {"IPv6 without brackets", IN("::1"), false},
    {"IPv6 without end", IN("[::1"), false},
    {"IPv6 with text behind", IN("[::1]a"), false},
    {"IPv6 with an empty port", IN("[::1]:"), false},
    {"IPv6 bracket twice", IN("[[::1]]"), false},
    {"IPv6 empty", IN("[]"), false},
    {"IPv6 wrong", IN("[:::1]"), false},
    {"IPv6 with NUL", IN("[::1\0]"), false},
    {"IPv6 too long", IN("[1:2:3:4:5:6:7:8:9]"), false},
    {"IPv6 very long",
	IN("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]"), false},
    {"6874: zone", IN("[fe80::1%25eth0]"), false},
    {"zone, bare", IN("[fe80::1%eth0]"), false},
    {"IPv4 in brackets", IN("[127.0.0.1]"), false},
    {"a name in brackets", IN("[a]"), false},
    {"3986 3.2.2: IPvFuture", IN("[v1.a]"), false},
    {"IPv4 in short", IN("127.1"), false},
    {"IPv4 as a number", IN("2130706433"), false},
    {"IPv4 in hex", IN("0x7f000001"), false},
    {"IPv4, last part in hex", IN("127.0.0.0x1"), false},
    {"IPv4 in octal", IN("0177.0.0.1"), false},
    {"IPv4 with zeros", IN("127.0.0.01"), false},
    {"IPv4, 256", IN("127.0.0.256"), false},
    {"IPv4, five parts", IN("127.0.0.0.1"), false},
    {"IPv4 with a dot at the end", IN("127.0.0.1."), false},
    {"a dot", IN("."), false},
    {"a dot in front", IN(".a"), false},
    {"two dots", IN("a..b"), false},
    {"two dots at the end", IN("a.."), false},
    {"a label of 64", IN(X63("a") "a"), false},
    {"a name of 256", IN(X63("a") "." X63("a") "." X63("a") "." X63("a") "."),
	false},
    {"percent", IN("a%2eb"), false},
    {"percent, bare", IN("a%"), false},
    {"space", IN("a b"), false},
    {"space in front", IN(" a"), false},
    {"space behind", IN("a "), false},
    {"comma", IN("a,b"), false},
    {"semicolon", IN("a;b"), false},
    {"slash", IN("a/b"), false},
    {"backslash", IN("a\\b"), false},
    {"question mark", IN("a?b"), false},
    {"number sign", IN("a#b"), false},
    {"non-ASCII", IN("m\xc3\xbcnchen"), false},
    {"ideographic full stop",
	IN("a\xe3\x80\x82"
	   "b"),
	false},
    {"NUL", IN("a\0b"), false},
    {"NUL at the end", IN("a\0"), false},
    {"LF", IN("a\n"), false},
};

/* Text in memory of its exact size, so that reading over its end shows. */
static struct span
exact(struct span text, char **copy)
{
	*copy = mem_alloc(text.n);
	memcpy(*copy, text.p, text.n);
	return span_new(*copy, text.n);
}

START_TEST(authorities_have_one_reading)
{
	for (size_t i = 0; i < COUNT(authorities); i++) {
		const struct authority_row *row = &authorities[i];
		struct authority a;
		char *copy;

		ck_assert_msg(
		    authority_parse(exact(row->text, &copy), &a) == row->ok,
		    "%s", row->why);
		if (row->ok) {
			ck_span(a.host, row->host);
			ck_assert_msg(
			    a.port == row->port && a.ipv6 == row->ipv6, "%s",
			    row->why);
		}
		free(copy);
	}
}
END_TEST

struct target_row {
	const char *why, *method;
	struct span text;
	bool ok;
	/* form|scheme|host|port|path|query, '-' for absent */
	const char *want;
};

static const struct target_row targets[] = {
    /* RFC 9112 section 3.2.1 */
    {"origin", "GET", IN("/"), true, "origin|http|-|-1|/|-"},
    {"origin, query", "GET", IN("/a/b?c=d"), true,
	"origin|http|-|-1|/a/b|?c=d"},
    {"origin, empty query", "GET", IN("/a?"), true, "origin|http|-|-1|/a|?"},
    {"origin, query with more of them", "GET", IN("/a?b?c/d"), true,
	"origin|http|-|-1|/a|?b?c/d"},
    {"origin, a URL inside", "GET", IN("/http://b/"), true,
	"origin|http|-|-1|/http://b/|-"},
    {"origin, two slashes are no authority", "GET", IN("//b/c"), true,
	"origin|http|-|-1|//b/c|-"},
    {"3986 3.3: every pchar", "GET", IN("/aZ09-._~!$&'()*+,;=:@%41/"), true,
	"origin|http|-|-1|/aZ09-._~!$&'()*+,;=:@%41/|-"},
    {"URL Standard: what a query may hold", "GET", IN("/?a[]=^`{|}/?"), true,
	"origin|http|-|-1|/|?a[]=^`{|}/?"},
    {"origin for OPTIONS", "OPTIONS", IN("/a"), true, "origin|http|-|-1|/a|-"},

    /* RFC 9112 section 3.2.2 */
    {"absolute", "GET", IN("http://a/b?c"), true, "absolute|http|a|-1|/b|?c"},
    {"absolute, https, port", "POST", IN("https://a:9443/b"), true,
	"absolute|https|a|9443|/b|-"},
    {"absolute, schemes have no case", "GET", IN("HTTPS://A/"), true,
	"absolute|https|A|-1|/|-"},
    {"absolute, no path", "GET", IN("http://a:80"), true,
	"absolute|http|a|80|/|-"},
    {"absolute, no path but a query", "GET", IN("http://a?b/c"), true,
	"absolute|http|a|-1|/|?b/c"},
    {"absolute, IPv6", "GET", IN("http://[::1]:80/"), true,
	"absolute|http|::1|80|/|-"},
    {"absolute for OPTIONS", "OPTIONS", IN("http://a/"), true,
	"absolute|http|a|-1|/|-"},

    /* RFC 9112 section 3.2.3 */
    {"authority", "CONNECT", IN("a:443"), true, "authority|http|a|443|-|-"},
    {"authority, IPv6", "CONNECT", IN("[::1]:443"), true,
	"authority|http|::1|443|-|-"},

    /* RFC 9112 section 3.2.4 */
    {"asterisk", "OPTIONS", IN("*"), true, "asterisk|http|-|-1|*|-"},
    {"asterisk through a proxy", "OPTIONS", IN("http://a:80"), true,
	"asterisk|http|a|80|*|-"},
    {"no asterisk with a query", "OPTIONS", IN("http://a?"), true,
	"absolute|http|a|-1|/|?"},

    {"empty", "GET", IN(""), false},
    {"relative", "GET", IN("a/b"), false},
    {"query alone", "GET", IN("?a"), false},
    {"asterisk for GET", "GET", IN("*"), false},
    {"asterisk and more", "OPTIONS", IN("*a"), false},
    {"asterisk and path", "OPTIONS", IN("/*\x7f"), false},
    {"authority for GET", "GET", IN("a:443"), false},
    {"methods have case", "connect", IN("a:443"), false},
    {"CONNECT without port", "CONNECT", IN("a"), false},
    {"CONNECT with empty port", "CONNECT", IN("a:"), false},
    {"CONNECT with path", "CONNECT", IN("a:443/"), false},
    {"CONNECT with origin form", "CONNECT", IN("/"), false},
    {"CONNECT with absolute form", "CONNECT", IN("http://a:443"), false},
    {"CONNECT with userinfo", "CONNECT", IN("u@a:443"), false},
    {"another scheme", "GET", IN("ftp://a/"), false},
    {"another scheme, WebSocket", "GET", IN("ws://a/"), false},
    {"a file", "GET", IN("file:///etc/passwd"), false},
    {"no scheme", "GET", IN("://a/"), false},
    {"one slash", "GET", IN("http:/a/"), false},
    {"no slash", "GET", IN("http:a"), false},
    {"no host", "GET", IN("http:///a"), false},
    {"nothing behind the scheme", "GET", IN("http://"), false},
    {"port, no host", "GET", IN("http://:80/"), false},
    {"userinfo", "GET", IN("http://u@a/"), false},
    {"userinfo and password", "GET", IN("http://u:p@a/"), false},
    {"userinfo, encoded", "GET", IN("http://u%40a/"), false},
    {"backslash for slash", "GET", IN("http:\\\\a/"), false},
    {"backslash in the authority", "GET", IN("http://a\\@b/"), false},
    {"number sign in the authority", "GET", IN("http://a#@b/"), false},
    {"3986 3.5: fragment", "GET", IN("/a#b"), false},
    {"fragment in the query", "GET", IN("/a?b#c"), false},
    {"fragment, absolute", "GET", IN("http://a/b#c"), false},
    {"space", "GET", IN("/a b"), false},
    {"NUL", "GET", IN("/a\0b"), false},
    {"LF", "GET", IN("/a\nb"), false},
    {"HTAB in the query", "GET", IN("/a?\t"), false},
    {"DEL in the query", "GET", IN("/a?\x7f"), false},
    {"non-ASCII", "GET", IN("/\xc3\xbc"), false},
    {"non-ASCII in the query", "GET", IN("/?\xc3\xbc"), false},
    {"backslash", "GET", IN("/a\\b"), false},
    {"backslash in the query", "GET", IN("/?a\\b"), false},
    {"quote", "GET", IN("/\"a\""), false},
    {"quote in the query", "GET", IN("/?\"a\""), false},
    {"less-than", "GET", IN("/<"), false},
    {"greater-than in the query", "GET", IN("/?>"), false},
    {"bracket in the path", "GET", IN("/a[0]"), false},
    {"brace in the path", "GET", IN("/{a}"), false},
    {"bar in the path", "GET", IN("/a|b"), false},
    {"circumflex in the path", "GET", IN("/a^b"), false},
    {"grave accent in the path", "GET", IN("/`a`"), false},
};

static const char *const forms[] = {
    [TARGET_ORIGIN] = "origin",
    [TARGET_ABSOLUTE] = "absolute",
    [TARGET_AUTHORITY] = "authority",
    [TARGET_ASTERISK] = "asterisk",
};

static struct span
or_dash(struct span s)
{
	return s.p ? s : SPAN("-");
}

START_TEST(targets_have_one_reading)
{
	for (size_t i = 0; i < COUNT(targets); i++) {
		const struct target_row *row = &targets[i];
		struct buf text = BUF_INIT;
		struct target t;
		char *copy;

		ck_assert_msg(target_parse(span_of(row->method),
				  exact(row->text, &copy), &t) == row->ok,
		    "%s", row->why);
		if (row->ok) {
			buf_printf(&text, "%s|%s|%.*s|%d|%.*s|%.*s",
			    forms[t.form], t.https ? "https" : "http",
			    SPAN_ARG(or_dash(t.authority.host)),
			    t.authority.port, SPAN_ARG(or_dash(t.path)),
			    SPAN_ARG(or_dash(t.query)));
			ck_span(buf_span(&text), row->want);
		}
		buf_free(&text);
		free(copy);
	}
}
END_TEST

struct path_row {
	const char *why, *raw;
	enum path_status want;
	const char *decoded, *policy;
};

static const struct path_row paths[] = {
    {"root", "/", PATH_OK, "/", "/"},
    {"plain", "/v1/models", PATH_OK, "/v1/models", "/v1/models"},
    {"a slash at the end", "/v1/models/", PATH_OK, "/v1/models/",
	"/v1/models/"},
    {"case is kept", "/V1/%4d", PATH_OK, "/V1/M", "/V1/M"},
    {"escapes in both cases", "/%3a%3A", PATH_OK, "/::", "/::"},
    {"protocol 4.3: an agent id", "/v1/agents/orga%3A%3Abot/public-key",
	PATH_OK, "/v1/agents/orga::bot/public-key",
	"/v1/agents/orga::bot/public-key"},
    {"a space", "/a%20b", PATH_OK, "/a b", "/a b"},
    {"UTF-8", "/%c3%bc%E2%82%AC%f0%9f%98%80", PATH_OK,
	"/\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80",
	"/\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"delimiters", "/%3F%23", PATH_OK, "/?#", "/?#"},
    {"percent signs that begin no escape", "/%25/%25zz/1%251", PATH_OK,
	"/%/%zz/1%1", "/%/%zz/1%1"},
    {"a percent sign", "/100%25", PATH_OK, "/100%", "/100%"},
    {"an encoded slash", "/a%2Fb", PATH_OK, "/a/b", "/a/b"},
    {"a SPIFFE id", "/v1/spiffe%3A%2F%2Forg%2Fbot", PATH_OK,
	"/v1/spiffe://org/bot", "/v1/spiffe:/org/bot"},
    {"an encoded slash behind a slash", "/%2Fa", PATH_OK, "//a", "/a"},
    {"encoded slashes alone", "/%2f%2F", PATH_OK, "///", "/"},
    {"three dots", "/.../a", PATH_OK, "/.../a", "/.../a"},
    {"dots in names", "/.a/b./..c/d..", PATH_OK, "/.a/b./..c/d..",
	"/.a/b./..c/d.."},
    {"3986 3.3: parameters", "/v1;a=b/c;d", PATH_OK, "/v1;a=b/c;d", "/v1/c"},
    {"parameters, encoded", "/v1%3Ba/c", PATH_OK, "/v1;a/c", "/v1/c"},
    {"parameters alone", "/;a/v1", PATH_OK, "/;a/v1", "/v1"},
    {"parameters at the end", "/v1/;a", PATH_OK, "/v1/;a", "/v1/"},
    {"parameters alone, all", "/;/;", PATH_OK, "/;/;", "/"},
    {"parameters with an encoded slash", "/a;b%2Fc", PATH_OK, "/a;b/c", "/a/c"},

    {"3986 2.1: no digits", "/%", PATH_BAD_ESCAPE},
    {"one digit", "/%4", PATH_BAD_ESCAPE},
    {"one digit, more text", "/%4/a", PATH_BAD_ESCAPE},
    {"no hex", "/%zz", PATH_BAD_ESCAPE},
    {"second not hex", "/%4g", PATH_BAD_ESCAPE},
    {"IIS style", "/%u002e", PATH_BAD_ESCAPE},
    {"two percent signs", "/%%41", PATH_BAD_ESCAPE},
    {"a sign", "/%+1", PATH_BAD_ESCAPE},

    {"NUL", "/a%00", PATH_CONTROL},
    {"LF", "/a%0a", PATH_CONTROL},
    {"CR", "/a%0Db", PATH_CONTROL},
    {"HTAB", "/%09", PATH_CONTROL},
    {"DEL", "/%7f", PATH_CONTROL},
    {"DEL, raw", "/\x7f", PATH_CONTROL},

    {"escaped thrice", "/%252541", PATH_DOUBLE_ESCAPE},
    {"escaped twice", "/%2541", PATH_DOUBLE_ESCAPE},
    {"dots escaped twice", "/%252e%252e/a", PATH_DOUBLE_ESCAPE},
    {"a slash escaped twice", "/a%252Fb", PATH_DOUBLE_ESCAPE},
    {"an escape out of escapes", "/%25%34%31", PATH_DOUBLE_ESCAPE},
    {"an escape before a letter of its own", "/%254%31", PATH_DOUBLE_ESCAPE},

    {"backslash", "/a%5cb", PATH_BACKSLASH},
    {"backslash, upper case", "/..%5C..", PATH_BACKSLASH},
    {"backslash, raw", "/a\\b", PATH_BACKSLASH},

    {"3986 5.2.4: dot", "/a/./b", PATH_DOT_SEGMENT},
    {"dot at the end", "/a/.", PATH_DOT_SEGMENT},
    {"dot alone", "/.", PATH_DOT_SEGMENT},
    {"two dots", "/a/../b", PATH_DOT_SEGMENT},
    {"two dots at the end", "/a/..", PATH_DOT_SEGMENT},
    {"two dots alone", "/..", PATH_DOT_SEGMENT},
    {"encoded", "/a/%2e%2e/b", PATH_DOT_SEGMENT},
    {"upper case", "/a/%2E%2E/b", PATH_DOT_SEGMENT},
    {"half encoded", "/a/.%2e/b", PATH_DOT_SEGMENT},
    {"other half encoded", "/a/%2e./b", PATH_DOT_SEGMENT},
    {"one dot, encoded", "/a/%2e/b", PATH_DOT_SEGMENT},
    {"slash encoded", "/a/..%2fb", PATH_DOT_SEGMENT},
    {"slash in front encoded", "/a%2f..", PATH_DOT_SEGMENT},
    {"all encoded", "/a%2f%2e%2e%2fb", PATH_DOT_SEGMENT},
    {"with parameters", "/a/..;x/b", PATH_DOT_SEGMENT},
    {"with empty parameters", "/a/..;/b", PATH_DOT_SEGMENT},
    {"with encoded parameters", "/a/..%3bx/b", PATH_DOT_SEGMENT},
    {"one dot with parameters", "/a/.;/b", PATH_DOT_SEGMENT},

    {"3629 3: alone", "/%80", PATH_NOT_UTF8},
    {"Latin-1", "/%fc", PATH_NOT_UTF8},
    {"cut off", "/%c3", PATH_NOT_UTF8},
    {"cut off by text", "/%e2%82/a", PATH_NOT_UTF8},
    {"overlong dot", "/%c0%ae%c0%ae/", PATH_NOT_UTF8},
    {"overlong slash", "/%c0%af", PATH_NOT_UTF8},
    {"overlong slash, three", "/%e0%80%af", PATH_NOT_UTF8},
    {"surrogate", "/%ed%a0%80", PATH_NOT_UTF8},
    {"over U+10FFFF", "/%f4%90%80%80", PATH_NOT_UTF8},
    {"five bytes", "/%f8%88%80%80%80", PATH_NOT_UTF8},

    {"two slashes", "//", PATH_EMPTY_SEGMENT},
    {"two slashes in front", "//a", PATH_EMPTY_SEGMENT},
    {"two slashes inside", "/a//b", PATH_EMPTY_SEGMENT},
    {"two slashes at the end", "/a//", PATH_EMPTY_SEGMENT},
};

START_TEST(paths_have_two_readings)
{
	struct path path = {0};

	for (size_t i = 0; i < COUNT(paths); i++) {
		const struct path_row *row = &paths[i];
		char *copy;
		enum path_status st =
		    path_read(exact(span_of(row->raw), &copy), &path);

		ck_assert_msg(st == row->want, "%s: %s: got %s", row->why,
		    row->raw, path_status_text(st));
		ck_span(
		    buf_span(&path.decoded), row->decoded ? row->decoded : "");
		ck_span(buf_span(&path.policy), row->policy ? row->policy : "");
		ck_assert_uint_gt(strlen(path_status_text(st)), 0);
		free(copy);
	}
	path_free(&path);
	ck_assert_ptr_null(path.decoded.p);
	ck_assert_ptr_null(path.policy.p);
}
END_TEST

UNIT_MAIN("url", authorities_have_one_reading, targets_have_one_reading,
    paths_have_two_readings)
