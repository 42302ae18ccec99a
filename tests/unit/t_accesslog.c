/*
 * t_accesslog: what of a request goes into its access line.
 */
#include "proxy/accesslog.h"

#include "unit.h"

#define ID "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

/* W3C Trace Context. */
static const struct {
	const char *why, *text;
	bool ok;
} traces[] = {
    {"3.2.3: the example", "00-" ID "-" PARENT "-01", true},
    {"not sampled", "00-" ID "-" PARENT "-00", true},
    {"3.2.4: a later version", "cc-" ID "-" PARENT "-01", true},
    {"3.2.4: one with more behind", "cc-" ID "-" PARENT "-01-what", true},
    {"3.2.2.2: version ff", "ff-" ID "-" PARENT "-01", false},
    {"version 00 has nothing behind", "00-" ID "-" PARENT "-01-what", false},
    {"3.2.4: more without a dash", "cc-" ID "-" PARENT "-01.what", false},
    {"a version in capitals", "CC-" ID "-" PARENT "-01", false},
    {"3.2.2.3: trace-id of zeros",
	"00-00000000000000000000000000000000-" PARENT "-01", false},
    {"3.2.2.4: parent-id of zeros", "00-" ID "-0000000000000000-01", false},
    {"capitals", "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", false},
    {"not hexadecimal", "00-0af7651916cd43dd8448eb211c80319g-" PARENT "-01",
	false},
    {"a dash in it", "00-0af7651916cd43dd8448eb211c80319--" PARENT "-01",
	false},
    {"flags in capitals", "00-" ID "-" PARENT "-0A", false},
    {"other separators", "00_" ID "_" PARENT "_01", false},
    {"too short", "00-" ID "-" PARENT "-0", false},
    {"empty", "", false},
};

START_TEST(trace_ids)
{
	struct span id = accesslog_trace_id(span_of(traces[_i].text));

	if (traces[_i].ok)
		ck_span(id, ID);
	else
		ck_assert_msg(!id.p, "%s", traces[_i].why);
}
END_TEST

START_TEST(routes_have_names)
{
	const struct route mastio = {.name = "mastio"},
			   pass = {.name = "pass-through"},
			   later = {.name = "later"};

	ck_assert_str_eq(accesslog_route_name(accesslog_route(NULL)), "-");
	ck_assert_str_eq(
	    accesslog_route_name(accesslog_route(&mastio)), "mastio");
	ck_assert_str_eq(
	    accesslog_route_name(accesslog_route(&pass)), "pass-through");
	ck_assert_str_eq(
	    accesslog_route_name(accesslog_route(&later)), "other");
	ck_assert_str_eq(accesslog_route_name(63), "other");
}
END_TEST

UNIT_MAIN_ROWS(
    "accesslog", NULL, NULL, {trace_ids, COUNT(traces)}, {routes_have_names, 1})
