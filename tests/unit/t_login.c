/*
 * t_login: logins at a scripted gateway, from the first request to the token
 * or the sentence that says why there is none.
 */
#include "login_fixture.h"

/* What was told. */
static unsigned told_count;
static struct token *token;
static char *why;
static bool terminal;
static unsigned retry_after_s;

static void
teardown(void)
{
	fixture_fini();
	token_unref(token);
	free(why);
}

static void
told(void *arg, const struct login_result *r)
{
	(void)arg;
	told_count++;
	token = r->token;
	why = mem_strdup(r->why);
	terminal = r->terminal;
	retry_after_s = r->retry_after_s;
	ck_assert_int_eq(!r->token, r->why != NULL);
}

/* ---- login ---- */

START_TEST(direct)
{
	const char *request;

	begin("");
	(void)!login_start(&s, told, NULL);
	ck_assert_uint_eq(told_count, 0);
	request = answer_token(true, "");
	UNTIL(told_count);
	ck_assert_msg(token != NULL, "%s", why);
	ck_assert(token->bound);
	ck_assert_str_eq(token->htu_base, "https://" PKI_SERVER);
	ck_assert_int_eq(token->expires_ms, now_ms + 900000);
	ck_assert_ptr_nonnull(strstr(request, "\r\nHost: " PKI_SERVER "\r\n"));
	ck_assert_ptr_nonnull(strstr(request, "{\"client_assertion\":\"ey"));
	ck_assert(proof_has(
	    request, "\"htu\":\"https://" PKI_SERVER "/v1/auth/token\""));
	ck_assert(proof_has(request, "\"htm\":\"POST\""));
	ck_assert(!proof_has(request, "\"nonce\""));
	settle();
	ck_assert_uint_eq(nrequests, 1);
}
END_TEST

/* The proof was silently not taken: the gateway believes to have another
 * origin. */
START_TEST(unbound_then_the_next_base)
{
	begin("");
	(void)!login_start(&s, told, NULL);
	answer_token(false, "");
	ck_assert(proof_has(answer_token(true, ""),
	    "\"htu\":\"https://" PKI_SERVER ":9443/v1/auth/token\""));
	UNTIL(told_count);
	ck_assert_msg(token != NULL, "%s", why);
	ck_assert_str_eq(token->htu_base, "https://" PKI_SERVER ":9443");
}
END_TEST

START_TEST(unbound_with_every_base)
{
	begin(_i ? "token-binding = prefer\n" : "");
	(void)!login_start(&s, told, NULL);
	answer_token(false, "");
	answer_token(false, "");
	UNTIL(told_count);
	if (_i) {
		ck_assert(token && !token->bound);
	} else {
		ck_assert(!token && !terminal);
		ck_assert_msg(strstr(why, "token-binding"), "%s", why);
	}
	ck_assert_uint_eq(nrequests, 2);
}
END_TEST

START_TEST(nonce)
{
	const char *request;

	begin("");
	(void)!login_start(&s, told, NULL);
	refuse(MINT, "use_dpop_nonce", "DPoP-Nonce: n-1\r\n");
	request = answer_token(true, "");
	ck_assert(proof_has(request, "\"nonce\":\"n-1\""));
	/* Where it came from, it is known. */
	ck_assert_uint_eq(on_conn[0], on_conn[1]);
	UNTIL(told_count);
	ck_assert_ptr_nonnull(token);
}
END_TEST

/* The Court's days with logins are counted, and its nonces are kept. */
START_TEST(nonce_of_the_last_login)
{
	begin("");
	(void)!login_start(&s, told, NULL);
	refuse(MINT, "use_dpop_nonce", "DPoP-Nonce: n-1\r\n");
	answer_token(true,
	    "DPoP-Nonce: n-2\r\nSunset: Tue, 01 Jun 2027 00:00:00 GMT\r\n");
	UNTIL(told_count == 1);
	token_unref(token);
	ck_assert(memory.sunset);
	(void)!login_start(&s, told, NULL);
	ck_assert(proof_has(answer_token(true, ""), "\"nonce\":\"n-2\""));
	UNTIL(told_count == 2);
	ck_assert_uint_eq(nrequests, 3);
}
END_TEST

/* Only its own base pleases the Court, which tells nobody what that is. */
START_TEST(court_token)
{
	const char *request;
	char *json;

	begin("court-htu-base = https://court.test\n");
	(void)!login_start(&s, told, NULL);
	refuse(MINT, "Invalid DPoP proof: htu mismatch", "");
	refuse(MINT, "Invalid DPoP proof: htu mismatch", "");
	json = token_json("DPoP", true, 1800);
	request = answer(MINT, 200, "", json);
	free(json);
	ck_assert(
	    proof_has(request, "\"htu\":\"https://court.test/v1/auth/token\""));
	UNTIL(told_count);
	ck_assert_msg(token != NULL, "%s", why);
	ck_assert_int_eq(token->kind, TOKEN_COURT);
	ck_assert_str_eq(token->htu_base, "https://court.test");
	ck_assert_int_eq(token->expires_ms, now_ms + 1798000);
}
END_TEST

/* The assertion's part of the body. */
static char *
assertion_of(const char *request)
{
	const char *at = strstr(request, "{\"client_assertion\":\"");

	ck_assert_ptr_nonnull(at);
	at += strlen("{\"client_assertion\":\"");
	return span_dup(span_new(at, strcspn(at, "\"")));
}

#define USED "client_assertion already used (replay attack detected)"

/* Once more with another assertion, and not for ever. */
START_TEST(assertion_used)
{
	char *first, *second;

	begin("");
	(void)!login_start(&s, told, NULL);
	first = assertion_of(refuse(MINT, USED, ""));
	second =
	    assertion_of(_i ? refuse(MINT, USED, "") : answer_token(true, ""));
	ck_assert_str_ne(first, second);
	UNTIL(told_count);
	ck_assert(_i ? !token : token != NULL);
	free(first);
	free(second);
}
END_TEST

/* One that was endorsed cannot be made anew without another endorsement. */
START_TEST(endorsed_assertion_used)
{
	char *first, *second;

	begin("login = challenge\n");
	(void)!login_start(&s, told, NULL);
	answer(CHALLENGE, 200, "", "{\"nonce\":\"c-1\"}");
	answer(ENDORSE, 200, "", "{\"mastio_signature\":\"sig-1\"}");
	refuse(MINT, "use_dpop_nonce", "DPoP-Nonce: n-1\r\n");
	first = assertion_of(refuse(MINT, USED, ""));
	answer(CHALLENGE, 200, "", "{\"nonce\":\"c-2\"}");
	answer(ENDORSE, 200, "", "{\"mastio_signature\":\"sig-2\"}");
	second = assertion_of(answer_token(true, ""));
	ck_assert_str_ne(first, second);
	UNTIL(told_count);
	ck_assert_msg(token != NULL, "%s", why);
	free(first);
	free(second);
}
END_TEST

START_TEST(nonces_without_end)
{
	begin("");
	(void)!login_start(&s, told, NULL);
	while (!told_count) {
		UNTIL(nrequests > nanswered || told_count);
		if (told_count)
			break;
		refuse(MINT, "use_dpop_nonce", "DPoP-Nonce: n-1\r\n");
		ck_assert_uint_le(nrequests, 8);
	}
	ck_assert_ptr_null(token);
}
END_TEST

START_TEST(clock_is_learned)
{
	char date[64];
	time_t there;
	char *iat;

	begin("");
	(void)!login_start(&s, told, NULL);
	there = (time_t)clock_wall_s() + 120;
	strftime(date, sizeof(date), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n",
	    gmtime(&there));
	refuse(MINT, "Invalid DPoP proof: iat out of acceptable window", date);
	iat = mem_printf("\"iat\":%lld", (long long)there);
	ck_assert(proof_has(answer_token(true, ""), iat));
	free(iat);
	UNTIL(told_count);
	ck_assert_ptr_nonnull(token);
	ck_assert_int_eq(gateway_wall_s(&gateway), there);
}
END_TEST

START_TEST(challenge)
{
	const char *request;

	begin(_i ? "login = challenge\n" : "");
	(void)!login_start(&s, told, NULL);
	if (!_i)
		answer(MINT, 403, "",
		    "{\"detail\":\"the mastio_signature is missing\"}");
	answer(CHALLENGE, 200, "", "{\"nonce\":\"c-1\",\"expires_in\":120}");
	request = answer(ENDORSE, 200, "", "{\"mastio_signature\":\"sig-1\"}");
	ck_assert_ptr_nonnull(strstr(request, "\"nonce\":\"c-1\"}"));
	request = answer_token(true, "");
	ck_assert_ptr_nonnull(
	    strstr(request, "X-Cullis-Mastio-Signature: sig-1\r\n"));
	UNTIL(told_count);
	ck_assert_msg(token != NULL, "%s", why);
}
END_TEST

START_TEST(challenge_of_another_process)
{
	begin("login = challenge\n");
	(void)!login_start(&s, told, NULL);
	for (int i = 0; i < 2; i++) {
		answer(CHALLENGE, 200, "", "{\"nonce\":\"c-1\"}");
		refuse(ENDORSE,
		    "challenge nonce invalid, expired, or already consumed",
		    "");
	}
	answer(CHALLENGE, 200, "", "{\"nonce\":\"c-2\"}");
	answer(ENDORSE, 200, "", "{\"mastio_signature\":\"sig-1\"}");
	answer_token(true, "");
	UNTIL(told_count);
	ck_assert_ptr_nonnull(token);
}
END_TEST

START_TEST(refused)
{
	static const struct {
		unsigned status;
		const char *fields, *body, *why;
		bool terminal;
		unsigned retry_after_s;
	} rows[] = {
	    {401, "", "{\"detail\":\"Certificate has been revoked\"}",
		"revoked", true, 0},
	    {404, "", "{}", "404", true, 0},
	    {429, "Retry-After: 17\r\n", "{}", "429", false, 17},
	    {429, "", "{\"detail\":\"Rate limit exceeded for 'auth.token'\"}",
		"Rate limit", false, 60},
	    {403, "", "{\"detail\":\"No approved binding for this agent\"}",
		"binding", true, 0},
	    {500, "", "oops", "500", false, 0},
	    {200, "", "{\"access_token\":\"a\\r\\nb\"}", "access_token", false,
		0},
	    {200, "", "<html>", "JSON", false, 0},
	};

	begin("");
	(void)!login_start(&s, told, NULL);
	answer(MINT, rows[_i].status, rows[_i].fields, rows[_i].body);
	UNTIL(told_count);
	ck_assert_ptr_null(token);
	ck_assert_msg(strstr(why, rows[_i].why), "%s", why);
	ck_assert(terminal == rows[_i].terminal);
	ck_assert_uint_eq(retry_after_s, rows[_i].retry_after_s);
	settle();
	ck_assert_uint_eq(nrequests, 1);
}
END_TEST

/* What the gateway says is shown, but cannot forge a line or a sequence. */
START_TEST(hostile_detail)
{
	begin("");
	(void)!login_start(&s, told, NULL);
	answer(MINT, 400, "", "{\"detail\":\"\\u001b[2Jx\\nerror: forged\"}");
	UNTIL(told_count);
	for (const char *p = why; *p; p++)
		ck_assert_msg((unsigned char)*p >= ' ', "%s", why);
}
END_TEST

START_TEST(cancelled)
{
	struct login *l;

	begin("");
	l = login_start(&s, told, NULL);
	if (_i == 1)
		UNTIL(gate.n && gate.conn[0].open);
	if (_i == 2)
		UNTIL(nrequests == 1);
	login_cancel(l);
	settle();
	ck_assert_uint_eq(told_count, 0);
}
END_TEST

UNIT_MAIN_ROWS("login", fixture_init, teardown, {direct, 1},
    {unbound_then_the_next_base, 1}, {unbound_with_every_base, 2}, {nonce, 1},
    {nonce_of_the_last_login, 1}, {court_token, 1}, {assertion_used, 2},
    {endorsed_assertion_used, 1}, {nonces_without_end, 1},
    {clock_is_learned, 1}, {challenge, 2}, {challenge_of_another_process, 1},
    {refused, 8}, {hostile_detail, 1}, {cancelled, 3})
