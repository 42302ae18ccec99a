/*
 * check: libcheck's assertions as assert(), so that the unit tests' rig works
 * in a fuzz target, where there is no test runner to tell.
 */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include <assert.h>
#include <stdint.h>

typedef struct TTest TTest;

#define ck_assert(expr) assert(expr)
#define ck_assert_msg(expr, ...) assert(expr)
#define ck_assert_ptr_nonnull(p) assert((p) != NULL)
#define ck_assert_int_eq(a, b) assert((intmax_t)(a) == (intmax_t)(b))
#define ck_assert_int_ge(a, b) assert((intmax_t)(a) >= (intmax_t)(b))
#define ck_assert_int_gt(a, b) assert((intmax_t)(a) > (intmax_t)(b))
#define ck_assert_uint_eq(a, b) assert((uintmax_t)(a) == (uintmax_t)(b))
#define ck_assert_uint_le(a, b) assert((uintmax_t)(a) <= (uintmax_t)(b))
#define ck_assert_uint_lt(a, b) assert((uintmax_t)(a) < (uintmax_t)(b))

#endif
