/*
 * t_localtoken: the file of the local token, and the fields that show it.
 */
#include "auth/localtoken.h"

#include "base/b64.h"
#include "base/mem.h"

#include "conf_fixture.h"

#include <sys/stat.h>

#define TOKEN "s3cret-of-this:machine"
#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define X512 X64 X64 X64 X64 X64 X64 X64 X64

static struct localtoken *
token_of(const char *text, mode_t mode, struct findings *found, struct err *err)
{
	char *path = fixture_file(text);
	struct localtoken *t;

	ck_assert_int_eq(chmod(path, mode), 0);
	t = localtoken_read(path, found, err);
	unlink(path);
	free(path);
	return t;
}

START_TEST(files)
{
	static const struct {
		const char *why, *text;
		mode_t mode;
		const char *want; /* in error or warning; NULL: neither */
		bool ok;
	} rows[] = {
	    {"plain", TOKEN, 0600, NULL, true},
	    {"a line", TOKEN "\n", 0400, NULL, true},
	    {"a DOS line", TOKEN "\r\n", 0600, NULL, true},
	    {"the shortest", X16, 0600, NULL, true},
	    {"the longest", X512 "\n", 0600, NULL, true},
	    {"everybody may read it", TOKEN, 0644, "everybody", true},
	    {"empty", "", 0600, "is empty", false},
	    {"too short", "0123456789abcde\n", 0600, "holds 15 characters",
		false},
	    {"too long", X512 "x", 0600, "openssl rand", false},
	    {"two lines", TOKEN "\n" TOKEN "\n", 0600, "one line", false},
	    {"an empty line", TOKEN "\n\n", 0600, "one line", false},
	    {"a space", "a secret of this machine", 0600, "one line", false},
	    {"not ASCII", "s\xc3\xa9" X16, 0600, "visible ASCII", false},
	    {"everybody may write it", TOKEN, 0622, "chmod o-w", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct findings found = {0};
		struct err err = ERR_INIT;
		struct localtoken *t =
		    token_of(rows[i].text, rows[i].mode, &found, &err);
		const char *said = found.count ? found.list[0].text : err.text;

		ck_assert_msg((t != NULL) == rows[i].ok, "%s", rows[i].why);
		ck_assert_msg(rows[i].want ? strstr(said, rows[i].want) != NULL
					   : *said == '\0',
		    "%s: \"%s\"", rows[i].why, said);
		ck_assert_msg(!strstr(said, "s3cret"), "%s", said);
		if (!t)
			ck_assert_msg(strstr(err.text, "local-token-file: "),
			    "%s", err.text);
		localtoken_free(t);
		findings_free(&found);
	}
}
END_TEST

START_TEST(missing_file)
{
	struct findings found = {0};
	struct err err = ERR_INIT;

	ck_assert_ptr_null(localtoken_read("/nonexistent", &found, &err));
	ck_assert_str_eq(
	    err.text, "local-token-file: /nonexistent does not exist");
	localtoken_free(NULL);
}
END_TEST

START_TEST(itself)
{
	static const struct {
		const char *text;
		bool want;
	} rows[] = {
	    {TOKEN, true},
	    {"", false},
	    {"s3cret-of-this:machinE", false},
	    {"S3cret-of-this:machine", false},
	    {"s3cret-of-this:machin", false},
	    {TOKEN "x", false},
	    {TOKEN "\n", false},
	};
	struct findings found = {0};
	struct err err = ERR_INIT;
	struct localtoken *t = token_of(TOKEN, 0600, &found, &err);

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_msg(
		    localtoken_is(t, span_of(rows[i].text)) == rows[i].want,
		    "%s", rows[i].text);
	ck_assert(!localtoken_is(t, SPAN_NONE));
	localtoken_free(t);
}
END_TEST

START_TEST(bearer)
{
	static const struct {
		const char *why, *value;
		bool want;
	} rows[] = {
	    {"6750 2.1", "Bearer " TOKEN, true},
	    {"9110 11.1: the scheme in any case", "bEARER " TOKEN, true},
	    {"9110 11.4: several spaces", "Bearer   " TOKEN, true},
	    {"no scheme", TOKEN, false},
	    {"no space", "Bearer" TOKEN, false},
	    {"another scheme", "Token " TOKEN, false},
	    {"another token", "Bearer s3cret-of-this:machinE", false},
	    {"more behind it", "Bearer " TOKEN " x", false},
	    {"nothing", "Bearer", false},
	    {"nothing at all", "", false},
	};
	struct findings found = {0};
	struct err err = ERR_INIT;
	struct localtoken *t = token_of(TOKEN, 0600, &found, &err);

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_msg(localtoken_in_bearer(t, span_of(rows[i].value)) ==
				  rows[i].want,
		    "%s", rows[i].why);
	ck_assert(!localtoken_in_bearer(t, SPAN_NONE));
	ck_assert(!localtoken_in_basic(t, SPAN_NONE));
	localtoken_free(t);
}
END_TEST

/* 7617 section 2: user-id ":" password, the first colon divides. */
START_TEST(basic)
{
	static const struct {
		const char *why, *token, *pair;
		bool want;
	} rows[] = {
	    {"the password", X16, "agent:" X16, true},
	    {"the password, no user", X16, ":" X16, true},
	    {"a colon in the password", TOKEN, "agent:" TOKEN, true},
	    {"the user", X16, X16 ":", true},
	    {"the user, any password", X16, X16 ":x", true},
	    {"a user has no colon", TOKEN, TOKEN ":", false},
	    {"neither", X16, "agent:password", false},
	    {"part of it", X16, "agent:xxxxxxxxxxxxxxx", false},
	    {"more than it", X16, "agent:" X16 "x", false},
	    {"7617 2: no colon", X16, X16, false},
	    {"nothing", X16, "", false},
	    {"the longest", X512, X512 ":" X512, true},
	    {"longer", X512, X512 ":" X512 "x", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct findings found = {0};
		struct err err = ERR_INIT;
		struct localtoken *t =
		    token_of(rows[i].token, 0600, &found, &err);
		struct buf value = BUF_INIT;

		buf_add_str(&value, "Basic ");
		buf_add_b64(&value, rows[i].pair, strlen(rows[i].pair));
		ck_assert_msg(
		    localtoken_in_basic(t, buf_span(&value)) == rows[i].want,
		    "%s", rows[i].why);
		ck_assert_msg(
		    !localtoken_in_bearer(t, buf_span(&value)), "bearer");
		/* Cut, it is not base64 any more. */
		ck_assert_msg(!localtoken_in_basic(t,
				  span_new(buf_span(&value).p, value.len - 1)),
		    "%s, cut", rows[i].why);
		buf_free(&value);
		localtoken_free(t);
	}
}
END_TEST

UNIT_MAIN("localtoken", files, missing_file, itself, bearer, basic)
