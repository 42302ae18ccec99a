/*
 * t_session: a token at hand: one login at a time, soon enough, not too often.
 */
#include "ctl/session.h"

#include "login_fixture.h"

static struct session *session;
static unsigned changes;

static void
on_changed(void *arg)
{
	ck_assert_ptr_eq(arg, &changes);
	changes++;
}

static void
teardown(void)
{
	session_free(session);
	fixture_fini();
}

static void
start(void)
{
	begin("");
	session = session_new(&s, on_changed, &changes);
}

static void
log_in(void)
{
	unsigned before = changes;

	answer_token(true, "");
	UNTIL(changes > before);
	ck_assert_int_eq(session_state(session), SESSION_VALID);
}

static uint64_t
logins(bool ok)
{
	const struct metrics *m = s.upstream->metrics;

	return metric_get(ok ? &m->logins_ok : &m->logins_failed);
}

START_TEST(backoff)
{
	static const struct {
		unsigned failures;
		int64_t longest;
	} rows[] = {{1, 1000}, {2, 2000}, {3, 4000}, {4, 8000}, {5, 16000},
	    {6, 32000}, {7, 60000}, {8, 60000}, {1000000, 60000}};

	begin("");
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t longest = rows[i].longest;

		ck_assert_int_eq(
		    session_backoff_ms(rows[i].failures, 0), longest);
		ck_assert_int_eq(session_backoff_ms(rows[i].failures, 1u << 31),
		    longest - longest / 8);
		ck_assert_int_ge(
		    session_backoff_ms(rows[i].failures, UINT32_MAX),
		    longest - longest / 4);
	}
}
END_TEST

START_TEST(refreshed_in_time)
{
	struct token *first;

	start();
	ck_assert_int_eq(session_state(session), SESSION_FETCHING);
	ck_assert_ptr_null(session_token(session));
	log_in();
	first = token_ref(session_token(session));
	ck_assert_uint_eq(first->generation, 1);
	/* At 80 % of 900 s, or up to a tenth of that earlier. */
	advance(647000);
	ck_assert_uint_eq(nrequests, 1);
	advance(720000 - 647000 + 1);
	UNTIL(nrequests == 2);
	ck_assert_int_eq(session_state(session), SESSION_REFRESHING);
	ck_assert_ptr_eq(session_token(session), first);
	log_in();
	ck_assert_ptr_ne(session_token(session), first);
	ck_assert_uint_eq(session_token(session)->generation, 2);
	ck_assert_uint_eq(logins(true), 2);
	token_unref(first);
}
END_TEST

/* The old token serves until it ends, whatever becomes of the new one. */
START_TEST(refresh_fails)
{
	start();
	log_in();
	advance(720001);
	answer(MINT, 500, "", "oops");
	UNTIL(session_state(session) == SESSION_BACKOFF);
	ck_assert_ptr_nonnull(session_token(session));
	ck_assert_ptr_nonnull(strstr(session_trouble(session), "500"));
	ck_assert_uint_eq(logins(false), 1);
	for (int i = 0; session_token(session) && i < 100; i++) {
		advance(10000);
		while (nanswered < nrequests)
			answer(MINT, 500, "", "oops");
		settle();
	}
	ck_assert_ptr_null(session_token(session));
	ck_assert_int_ge(now_ms, 1000000 + 900000);
	ck_assert_int_le(now_ms, 1000000 + 900000 + 10001);
}
END_TEST

START_TEST(backs_off_and_recovers)
{
	start();
	answer(MINT, 500, "", "oops");
	UNTIL(session_state(session) == SESSION_BACKOFF);
	advance(749);
	ck_assert_uint_eq(nrequests, 1);
	advance(252);
	answer(MINT, 500, "", "oops");
	UNTIL(logins(false) == 2);
	advance(1499);
	ck_assert_uint_eq(nrequests, 2);
	advance(502);
	log_in();
	ck_assert_ptr_null(session_trouble(session));
}
END_TEST

START_TEST(the_gateway_says_when)
{
	start();
	answer(MINT, 429, "Retry-After: 90\r\n", "{}");
	UNTIL(session_state(session) == SESSION_BACKOFF);
	advance(89999);
	ck_assert_uint_eq(nrequests, 1);
	/* Up to a quarter later, for the sake of the others. */
	advance(22501);
	log_in();
}
END_TEST

static const char none[] =
    "{\"detail\":\"reverse proxy not configured (broker_url missing)\"}";

/* auth = auto: the certificate, until there are tokens. */
START_TEST(no_issuer)
{
	start();
	answer(MINT, 503, "", none);
	UNTIL(logins(false) == 1);
	ck_assert_int_eq(session_state(session), SESSION_WITHOUT);
	ck_assert_int_eq(session_mode(session), AUTH_CERT);
	ck_assert_uint_eq(changes, 1);
	advance(1001);
	log_in();
	ck_assert_int_eq(session_mode(session), AUTH_TOKEN);
	/* A token serves to its end, then the certificate does. */
	advance(720000);
	answer(MINT, 503, "", none);
	UNTIL(logins(false) == 2);
	ck_assert_int_eq(session_mode(session), AUTH_TOKEN);
	ck_assert_ptr_nonnull(session_token(session));
	advance(180001);
	ck_assert_ptr_null(session_token(session));
	ck_assert_int_eq(session_mode(session), AUTH_CERT);
}
END_TEST

/* A gateway without tokens that restarts still has none. */
START_TEST(no_issuer_and_away)
{
	start();
	answer(MINT, 503, "", none);
	UNTIL(session_mode(session) == AUTH_CERT);
	advance(1001);
	answer(MINT, 502, "", "oops");
	UNTIL(logins(false) == 2);
	ck_assert_int_eq(session_state(session), SESSION_WITHOUT);
	ck_assert_int_eq(session_mode(session), AUTH_CERT);
	/* But who is turned away for good is told so. */
	advance(2001);
	refuse(MINT, "Certificate has been revoked", "");
	UNTIL(logins(false) == 3);
	ck_assert_int_eq(session_state(session), SESSION_TERMINAL);
	ck_assert_int_eq(session_mode(session), AUTH_TOKEN);
}
END_TEST

/* Tokens are issued no more, and the last one is not taken any more. */
START_TEST(no_issuer_and_refused)
{
	start();
	log_in();
	advance(720000);
	answer(MINT, 503, "", none);
	UNTIL(logins(false) == 1);
	ck_assert_int_eq(session_mode(session), AUTH_TOKEN);
	session_token_refused(session, 1, 0);
	ck_assert_ptr_null(session_token(session));
	ck_assert_int_eq(session_state(session), SESSION_WITHOUT);
	ck_assert_int_eq(session_mode(session), AUTH_CERT);
	advance(1001);
	log_in();
	ck_assert_int_eq(session_mode(session), AUTH_TOKEN);
}
END_TEST

/* Refused for good: looked at again, a few times soon, then in minutes. */
START_TEST(terminal)
{
	start();
	for (unsigned i = 1; i <= 4; i++) {
		refuse(MINT, "Certificate has been revoked", "");
		UNTIL(logins(false) == i);
		ck_assert_int_eq(session_state(session), SESSION_TERMINAL);
		if (i < 4)
			advance(4001);
	}
	advance(224999);
	ck_assert_uint_eq(nrequests, 4);
	advance(75002);
	log_in();
}
END_TEST

START_TEST(one_login_for_many_refusals)
{
	unsigned told;

	start();
	log_in();
	advance(5000);
	session_token_refused(session, 1, 0);
	ck_assert_ptr_null(session_token(session));
	told = changes;
	/* The others who held the same token. */
	for (int i = 0; i < 10; i++)
		session_token_refused(session, 1, 0);
	ck_assert_uint_eq(changes, told);
	log_in();
	settle();
	ck_assert_uint_eq(nrequests, 2);
	ck_assert_uint_eq(session_token(session)->generation, 2);
	/* Late news of the old one. */
	session_token_refused(session, 1, 0);
	settle();
	ck_assert_uint_eq(nrequests, 2);
	ck_assert_ptr_nonnull(session_token(session));
}
END_TEST

/* A gateway that refuses every token does not get a login for each request. */
START_TEST(refusals_without_end)
{
	unsigned told;

	start();
	log_in();
	session_token_refused(session, 1, 0);
	told = changes;
	for (int i = 0; i < 10; i++)
		session_token_refused(session, 1, 0);
	ck_assert_uint_eq(changes, told);
	settle();
	ck_assert_uint_eq(nrequests, 1);
	advance(999);
	ck_assert_uint_eq(nrequests, 1);
	advance(1);
	log_in();
}
END_TEST

/* After a revocation a token of the same second would be refused too. */
START_TEST(refusal_that_must_be_waited_out)
{
	start();
	log_in();
	advance(70000);
	session_token_refused(session, 1, 2);
	ck_assert_ptr_null(session_token(session));
	settle();
	advance(1999);
	ck_assert_uint_eq(nrequests, 1);
	advance(1);
	log_in();
}
END_TEST

/* A refused token is withdrawn at once, also while a newer one is fetched. */
START_TEST(refused_while_refreshing)
{
	unsigned told;

	start();
	log_in();
	advance(720001);
	UNTIL(nrequests == 2);
	ck_assert_int_eq(session_state(session), SESSION_REFRESHING);
	told = changes;
	session_token_refused(session, 1, 0);
	ck_assert_ptr_null(session_token(session));
	ck_assert_int_eq(session_state(session), SESSION_FETCHING);
	ck_assert_uint_eq(changes, told + 1);
	session_token_refused(session, 1, 0);
	ck_assert_uint_eq(changes, told + 1);
	log_in();
	settle();
	ck_assert_uint_eq(nrequests, 2);
	ck_assert_uint_eq(session_token(session)->generation, 2);
}
END_TEST

/* What that login would bring would be refused as well. */
START_TEST(revoked_while_refreshing)
{
	start();
	log_in();
	advance(720001);
	UNTIL(nrequests == 2);
	session_token_refused(session, 1, 2);
	ck_assert_ptr_null(session_token(session));
	nanswered = nrequests; /* nobody listens to that answer any more */
	settle();
	advance(1999);
	ck_assert_uint_eq(nrequests, 2);
	advance(1);
	log_in();
	ck_assert_uint_eq(session_token(session)->generation, 2);
}
END_TEST

/* If each new token is refused soon, there are fewer and fewer of them. */
START_TEST(young_tokens_refused)
{
	static const int64_t soonest[] = {1000, 1750, 2500, 4000, 6000};

	start();
	log_in();
	for (unsigned i = 0; i < COUNT(soonest); i++) {
		session_token_refused(session, i + 1, 0);
		advance(soonest[i] - 1);
		ck_assert_uint_eq(nrequests, i + 1);
		advance(soonest[i] / 3 + 2);
		log_in();
	}
	advance(60000);
	session_token_refused(session, COUNT(soonest) + 1, 0);
	settle();
	log_in();
}
END_TEST

START_TEST(nonce_from_elsewhere)
{
	start();
	log_in();
	session_learn_nonce(session, "n-7");
	advance(720001);
	ck_assert(proof_has(answer_token(true, ""), "\"nonce\":\"n-7\""));
	settle();
}
END_TEST

START_TEST(freed_under_way)
{
	start();
	UNTIL(nrequests == 1);
	session_free(session);
	session = NULL;
	settle();
	ck_assert_uint_eq(changes, 0);
}
END_TEST

START_TEST(names)
{
	begin("");
	ck_assert_str_eq(session_state_name(SESSION_FETCHING), "fetching");
	ck_assert_str_eq(session_state_name(SESSION_TERMINAL), "terminal");
	session_free(NULL);
}
END_TEST

UNIT_MAIN_FIXTURE("session", fixture_init, teardown, backoff, refreshed_in_time,
    refresh_fails, backs_off_and_recovers, the_gateway_says_when, terminal,
    no_issuer, no_issuer_and_away, no_issuer_and_refused,
    one_login_for_many_refusals, refusals_without_end,
    refusal_that_must_be_waited_out, refused_while_refreshing,
    revoked_while_refreshing, young_tokens_refused, nonce_from_elsewhere,
    freed_under_way, names)
