/*
 * t_options: the table of keys holds together, and finds what one meant.
 */
#include "conf/options.h"

#include "unit.h"

START_TEST(rows_are_well_formed)
{
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = option_row(id);
		struct span key = span_of(row->key);

		ck_assert_int_eq(option_find(key), id);
		ck_assert_uint_le(key.n, 32);
		for (size_t i = 0; i < key.n; i++)
			ck_assert_msg((key.p[i] >= 'a' && key.p[i] <= 'z') ||
					  key.p[i] == '-',
			    "%s", row->key);
		ck_assert_msg(*row->help >= 'A' && strlen(row->help) < 50,
		    "%s: help is not a few words", row->key);
		ck_assert_msg(span_ends(span_of(row->manual), SPAN(".")),
		    "%s: manual is not a sentence", row->key);
		ck_assert_msg(strlen(row->manual) > strlen(row->help),
		    "%s: manual says less than help", row->key);
	}
}
END_TEST

START_TEST(unknown_keys_are_not_found)
{
	static const char *const keys[] = {
	    "", "Gateway", "gateway ", "gate", "connect_timeout", "route"};

	for (size_t i = 0; i < COUNT(keys); i++)
		ck_assert_msg(option_find(span_of(keys[i])) == OPTION_COUNT,
		    "%s", keys[i]);
}
END_TEST

START_TEST(nearest_key)
{
	static const struct {
		const char *key, *nearest;
	} rows[] = {
	    {"gatway", "gateway"},
	    {"connect_timeout", "connect-timeout"},
	    {"listn", "listen"},
	    {"admin-listner", "admin-listen"},
	    {"timeout-connect", NULL},
	    {"x", NULL},
	    {"proxy-pass", NULL},
	    {"a-key-that-is-longer-than-any-key-of-ours", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *got = option_nearest(span_of(rows[i].key));

		ck_assert_msg(span_eq(span_of(got), span_of(rows[i].nearest)),
		    "%s is near %s", rows[i].key, got ? got : "nothing");
	}
}
END_TEST

START_TEST(wants_name_the_range)
{
	static const struct {
		enum option_id id;
		const char *text;
	} rows[] = {
	    {OPTION_workers, "auto or a number, from 1 to 64"},
	    {OPTION_login, "one of auto direct challenge"},
	    {OPTION_unsafe_listen, "yes or no"},
	    {OPTION_token_wait_ms,
		"a duration such as 500ms, 10s, 5m or 2h, from 0 to 10m"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b = BUF_INIT;

		option_add_wants(rows[i].id, &b);
		ck_span(buf_span(&b), rows[i].text);
		buf_free(&b);
	}
}
END_TEST

UNIT_MAIN("options", rows_are_well_formed, unknown_keys_are_not_found,
    nearest_key, wants_name_the_range)
