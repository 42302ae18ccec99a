/*
 * dpopcheck: verifies DPoP proofs as a resource server does, in the order of
 * RFC 9449 section 4.3, and that no jti occurs twice.  Shares no code with the
 * programs that make or check proofs.
 *
 * Input: one JSON object per line, from the files named or from stdin:
 *   proof                the header's value (a list: several header fields)
 *   htm, htu             of the request
 *   access_token         the token presented, or
 *   ath_token_sha256     base64url of its SHA-256; neither: no token
 *   now, nonce, jkt      optional: server's clock, its nonce, the token's key
 * Output: a line per failure, then "N passed, M failed".  Exit 0, 1 or 2.
 */
#include "judge/jwt.h"
#include "judge/uri.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAST 60
#define FUTURE 5

struct seen {
	char *jti;
	unsigned long line;
};

struct judge {
	struct seen *seen;
	size_t nseen, size;
	unsigned long line, passed, failed;
};

struct failure {
	int step; /* of section 4.3; 0: the input is unusable */
	const char *why;
};

#define FAIL(step, why) ((struct failure){step, why})
#define PASS ((struct failure){0, NULL})

static const char *
text_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

/* Steps 1 and 2: one header field, a well-formed JWT. */
static struct failure
check_form(struct jwt *j, const json_t *row)
{
	const json_t *proof = json_object_get(row, "proof");
	const char *text = json_string_value(proof), *why;

	if (json_is_array(proof)) {
		if (json_array_size(proof) != 1)
			return FAIL(1, "more than one DPoP header field");
		text = json_string_value(json_array_get(proof, 0));
	}
	if (!text)
		return FAIL(0, "no proof");
	why = jwt_parse(j, text);
	return why ? FAIL(2, why) : PASS;
}

/* Step 3: the claims of section 4.2 are there and have their types. */
static struct failure
check_required(const struct jwt *j, const json_t *row)
{
	const char *jti = text_of(j->claims, "jti");
	bool token = json_object_get(row, "access_token") ||
		     json_object_get(row, "ath_token_sha256");

	if (!jti || !*jti)
		return FAIL(3, "jti is missing or no string");
	if (!text_of(j->claims, "htm"))
		return FAIL(3, "htm is missing or no string");
	if (!text_of(j->claims, "htu"))
		return FAIL(3, "htu is missing or no string");
	if (!json_is_integer(json_object_get(j->claims, "iat")))
		return FAIL(3, "iat is missing or no whole number");
	if (token && !text_of(j->claims, "ath"))
		return FAIL(3, "ath is missing, but a token was presented");
	if (json_object_get(row, "nonce") && !text_of(j->claims, "nonce"))
		return FAIL(3, "nonce is missing, but the server gave one");
	return PASS;
}

/* Steps 4 to 7: typ, alg, signature, no private key. */
static struct failure
check_header(const struct jwt *j)
{
	static const char *const private[] = {
	    "d", "p", "q", "dp", "dq", "qi", "oth", "k"};
	const json_t *jwk = json_object_get(j->header, "jwk");
	const char *typ = text_of(j->header, "typ");
	const char *alg = text_of(j->header, "alg"), *why;

	if (!typ || strcmp(typ, "dpop+jwt") != 0)
		return FAIL(4, "typ is not dpop+jwt");
	if (!alg || strcmp(alg, "ES256") != 0)
		return FAIL(5, "alg is not ES256");
	why = jwt_verify_es256(j);
	if (why)
		return FAIL(6, why);
	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		if (json_object_get(jwk, private[i]))
			return FAIL(7, "jwk contains a private key");
	return PASS;
}

/* Steps 8 and 9: this request. */
static struct failure
check_request(const struct jwt *j, const json_t *row)
{
	const char *htm = text_of(row, "htm"), *htu = text_of(row, "htu");
	char *want, *have;
	bool same;

	if (!htm || !htu)
		return FAIL(0, "htm or htu of the request is missing");
	if (strcmp(text_of(j->claims, "htm"), htm) != 0)
		return FAIL(8, "htm is not the request's method");
	want = uri_normalise(htu);
	have = uri_normalise(text_of(j->claims, "htu"));
	same = want && have && strcmp(want, have) == 0;
	free(want);
	free(have);
	return same ? PASS : FAIL(9, "htu is not the request's URI");
}

/* Steps 10 and 11: the nonce, the time. */
static struct failure
check_fresh(const struct jwt *j, const json_t *row)
{
	const char *nonce = text_of(row, "nonce");
	const json_t *now = json_object_get(row, "now");
	json_int_t iat = json_integer_value(json_object_get(j->claims, "iat"));

	if (nonce && strcmp(nonce, text_of(j->claims, "nonce")) != 0)
		return FAIL(10, "nonce is not the server's");
	if (now && (iat < json_integer_value(now) - PAST ||
		       iat > json_integer_value(now) + FUTURE))
		return FAIL(11, "iat is out of the window");
	return PASS;
}

/* Step 12: the token, and the key that it is bound to. */
static struct failure
check_token(const struct jwt *j, const json_t *row)
{
	const char *token = text_of(row, "access_token");
	const char *hash = text_of(row, "ath_token_sha256");
	const char *jkt = text_of(row, "jkt");
	char *want = NULL;
	struct failure f = PASS;

	if (token)
		hash = want = jwt_sha256(token);
	if (hash && strcmp(hash, text_of(j->claims, "ath")) != 0)
		f = FAIL(12, "ath is not the hash of the token");
	free(want);
	if (f.why || !jkt)
		return f;
	want = jwt_thumbprint(j);
	if (strcmp(jkt, want) != 0)
		f = FAIL(12, "the key is not the one the token is bound to");
	free(want);
	return f;
}

static struct failure
check_all(struct jwt *j, const json_t *row)
{
	struct failure f = check_form(j, row);

	if (!f.why)
		f = check_required(j, row);
	if (!f.why)
		f = check_header(j);
	if (!f.why)
		f = check_request(j, row);
	if (!f.why)
		f = check_fresh(j, row);
	if (!f.why)
		f = check_token(j, row);
	return f;
}

static void
report(struct judge *g, unsigned long line, struct failure f)
{
	g->failed++;
	if (f.step)
		printf("line %lu: step %d: %s\n", line, f.step, f.why);
	else
		printf("line %lu: input: %s\n", line, f.why);
}

static void
remember(struct judge *g, const char *jti)
{
	if (g->nseen == g->size) {
		g->size = g->size ? 2 * g->size : 1024;
		g->seen = realloc(g->seen, g->size * sizeof(*g->seen));
		if (!g->seen)
			abort();
	}
	g->seen[g->nseen].jti = strdup(jti);
	if (!g->seen[g->nseen].jti)
		abort();
	g->seen[g->nseen++].line = g->line;
}

static void
judge_line(struct judge *g, const char *text)
{
	json_t *row = json_loads(text, 0, NULL);
	struct jwt j = {0};
	struct failure f = json_is_object(row)
			       ? check_all(&j, row)
			       : FAIL(0, "the line is no JSON object");

	if (f.why) {
		report(g, g->line, f);
	} else {
		g->passed++;
		remember(g, text_of(j.claims, "jti"));
	}
	jwt_fini(&j);
	json_decref(row);
}

static void
judge_file(struct judge *g, FILE *in)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, in) > 0) {
		g->line++;
		if (line[strspn(line, " \t\r\n")])
			judge_line(g, line);
	}
	free(line);
}

static int
by_jti_then_line(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int order = strcmp(x->jti, y->jti);

	if (order)
		return order;
	return (x->line > y->line) - (x->line < y->line);
}

/* Section 11.1: a jti is used once.  Each further use is a failure. */
static void
judge_repeats(struct judge *g)
{
	qsort(g->seen, g->nseen, sizeof(*g->seen), by_jti_then_line);
	for (size_t i = 1; i < g->nseen; i++) {
		if (strcmp(g->seen[i].jti, g->seen[i - 1].jti) != 0)
			continue;
		g->passed--;
		g->failed++;
		printf("line %lu: section 11.1: jti was used on line %lu\n",
		    g->seen[i].line, g->seen[i - 1].line);
	}
	for (size_t i = 0; i < g->nseen; i++)
		free(g->seen[i].jti);
	free(g->seen);
}

int
main(int argc, char **argv)
{
	struct judge g = {0};

	if (argc < 2)
		judge_file(&g, stdin);
	for (int i = 1; i < argc; i++) {
		FILE *in = fopen(argv[i], "re");

		if (!in) {
			fprintf(stderr, "dpopcheck: cannot read %s: %s\n",
			    argv[i], strerror(errno));
			return 2;
		}
		judge_file(&g, in);
		fclose(in);
	}
	if (g.nseen)
		judge_repeats(&g);
	printf("%lu passed, %lu failed\n", g.passed, g.failed);
	return g.failed > 0;
}
