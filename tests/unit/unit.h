/*
 * unit: what every unit test program has in common: one suite, one main.
 * A program includes this last and ends with UNIT_MAIN("module", case, ...).
 */
#ifndef UNIT_H
#define UNIT_H

#include "base/str.h"

#include <check.h>
#include <stdlib.h>

/* ck_assert for a span against a literal, with both in the message. */
#define ck_span(got, want)                                                 \
	do {                                                               \
		struct span got_ = (got);                                  \
		ck_assert_msg(span_eq(got_, span_of(want)),                \
		    "%s is \"%.*s\", wanted \"%s\"", #got, SPAN_ARG(got_), \
		    (want));                                               \
	} while (0)

/* main() that runs the given START_TEST functions as one suite. */
#define UNIT_MAIN(name, ...) UNIT_MAIN_FIXTURE(name, NULL, NULL, __VA_ARGS__)

/* The same with setup() before and teardown() after each of them. */
#define UNIT_MAIN_FIXTURE(name, setup, teardown, ...)              \
	int main(void)                                             \
	{                                                          \
		const TTest *const tests[] = {__VA_ARGS__};        \
		Suite *suite = suite_create(name);                 \
		TCase *tcase = tcase_create(name);                 \
		SRunner *runner = srunner_create(suite);           \
		int failed;                                        \
                                                                   \
		tcase_set_timeout(tcase, 60);                      \
		tcase_add_checked_fixture(tcase, setup, teardown); \
		for (size_t i = 0; i < COUNT(tests); i++)          \
			tcase_add_test(tcase, tests[i]);           \
		suite_add_tcase(suite, tcase);                     \
		srunner_run_all(runner, CK_NORMAL);                \
		failed = srunner_ntests_failed(runner);            \
		srunner_free(runner);                              \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;       \
	}

/* A test, and how often it runs, with _i = 0 and up. */
struct unit_row {
	const TTest *test;
	int rows;
};

/* The same for tests that are tables: struct unit_row expressions. */
#define UNIT_MAIN_ROWS(name, setup, teardown, ...)                 \
	int main(void)                                             \
	{                                                          \
		const struct unit_row rows[] = {__VA_ARGS__};      \
		Suite *suite = suite_create(name);                 \
		TCase *tcase = tcase_create(name);                 \
		SRunner *runner = srunner_create(suite);           \
		int failed;                                        \
                                                                   \
		tcase_set_timeout(tcase, 60);                      \
		tcase_add_checked_fixture(tcase, setup, teardown); \
		for (size_t i = 0; i < COUNT(rows); i++)           \
			tcase_add_loop_test(                       \
			    tcase, rows[i].test, 0, rows[i].rows); \
		suite_add_tcase(suite, tcase);                     \
		srunner_run_all(runner, CK_NORMAL);                \
		failed = srunner_ntests_failed(runner);            \
		srunner_free(runner);                              \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;       \
	}

#endif
