/*
 * framing: see framing.h.
 */
#include "http/framing.h"

#include "http/chars.h"

enum coding {
	CODING_NONE,
	CODING_CHUNKED,
	CODING_OTHER, /* well-formed, chunked last, but not chunked alone */
	CODING_BAD,
};

static enum framing_status
bad(const char **why, const char *text)
{
	*why = text;
	return FRAMING_BAD;
}

/* RFC 9112 section 7: token *( OWS ";" OWS parameter ); what the parameters
 * say does not matter, since we know no coding that has any. */
static bool
is_coding(struct span s)
{
	size_t n = char_run(s, C_TCHAR);
	struct span rest = span_trim(span_new(s.p + n, s.n - n));

	return n && (rest.n == 0 || rest.p[0] == ';');
}

/* RFC 9112 section 6.1.  Only a field that says chunked, once and nothing
 * else, has one reading in all readers. */
static enum coding
read_coding(const struct head *h, const char **why)
{
	const struct field *f = head_find(h, FIELD_TRANSFER_ENCODING);
	struct span rest, element;
	bool last = false;

	if (!f)
		return CODING_NONE;
	if (head_find_next(h, f)) {
		*why = "Transfer-Encoding more than once";
		return CODING_BAD;
	}
	if (span_ieq(f->value, SPAN("chunked")))
		return CODING_CHUNKED;
	rest = f->value;
	while (list_next(&rest, &element)) {
		if (last || !is_coding(element)) {
			*why = "a malformed Transfer-Encoding";
			return CODING_BAD;
		}
		last = span_ieq(element, SPAN("chunked"));
	}
	if (!last)
		*why = "a Transfer-Encoding that does not end with chunked";
	return last ? CODING_OTHER : CODING_BAD;
}

/* RFC 9110 section 8.6: 1*DIGIT.  A list of equal values might be taken as
 * one; it is refused, since nobody who frames well sends it. */
static enum framing_status
read_length(
    const struct head *h, uint64_t *length, bool *given, const char **why)
{
	const struct field *f = head_find(h, FIELD_CONTENT_LENGTH);

	*given = f != NULL;
	*length = 0;
	if (!f)
		return FRAMING_OK;
	if (head_find_next(h, f))
		return bad(why, "Content-Length more than once");
	if (!span_u64(f->value, length) || *length > INT64_MAX)
		return bad(why, "a Content-Length that is not one number "
				"below 2^63");
	return FRAMING_OK;
}

/* What the two fields say, the same for requests and responses. */
static enum framing_status
read_fields(const struct head *h, struct framing *fr, const char **why)
{
	enum coding coding = read_coding(h, why);
	uint64_t length;
	bool given;

	*fr = (struct framing){.kind = FRAMING_NONE};
	if (read_length(h, &length, &given, why) != FRAMING_OK)
		return FRAMING_BAD;
	if (coding == CODING_BAD)
		return FRAMING_BAD;
	if (coding == CODING_NONE) {
		fr->kind = given ? FRAMING_LENGTH : FRAMING_NONE;
		fr->length = length;
		fr->stated = given;
		return FRAMING_OK;
	}
	if (given)
		return bad(why, "both Content-Length and Transfer-Encoding");
	if (h->minor == 0)
		return bad(why, "Transfer-Encoding in HTTP/1.0");
	if (coding == CODING_OTHER) {
		*why = "a transfer coding other than chunked";
		return FRAMING_UNSUPPORTED;
	}
	fr->kind = FRAMING_CHUNKED;
	return FRAMING_OK;
}

enum framing_status
framing_request(const struct head *h, struct framing *fr, const char **why)
{
	enum framing_status st = read_fields(h, fr, why);

	if (st != FRAMING_OK || fr->kind == FRAMING_NONE)
		return st;
	/* RFC 9110 sections 9.3.6 and 9.3.8.  Behind a CONNECT, some read
	 * these bytes as a body and some as the tunnel; even an empty body is
	 * not what it says. */
	if (span_eq(h->method, SPAN("CONNECT")))
		return bad(why, "a CONNECT request with a body");
	if (span_eq(h->method, SPAN("TRACE")) &&
	    (fr->kind == FRAMING_CHUNKED || fr->length))
		return bad(why, "a TRACE request with a body");
	return FRAMING_OK;
}

enum framing_status
framing_response(const struct head *h, struct span method, struct framing *fr,
    const char **why)
{
	bool bodiless = h->status < 200 || h->status == 204;
	enum framing_status st;

	/* RFC 9112 section 6.3, rule 2: they are to be ignored. */
	if (span_eq(method, SPAN("CONNECT")) && h->status / 100 == 2) {
		*fr = (struct framing){.kind = FRAMING_NONE};
		return FRAMING_OK;
	}
	st = read_fields(h, fr, why);
	if (st != FRAMING_OK)
		return st;
	/* RFC 9110 section 8.6, RFC 9112 section 6.1: neither field may be
	 * there.  "Content-Length: 0" is common, true and harmless. */
	if (bodiless && (fr->kind == FRAMING_CHUNKED || fr->length))
		return bad(why, "a body announced by a status that has none");
	if (bodiless)
		fr->stated = false;
	if (bodiless || h->status == 304 || span_eq(method, SPAN("HEAD")))
		fr->kind = FRAMING_NONE;
	else if (fr->kind == FRAMING_NONE)
		fr->kind = FRAMING_CLOSE;
	return FRAMING_OK;
}
