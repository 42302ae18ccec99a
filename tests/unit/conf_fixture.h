/*
 * conf_fixture: configs out of literals, for the tests of what reads one.
 * Files are made in a temporary directory of their own.
 */
#ifndef CONF_FIXTURE_H
#define CONF_FIXTURE_H

#include "base/mem.h"
#include "conf/config.h"

#include "unit.h"

#include <stdio.h>
#include <unistd.h>

/* Path of a new file with this text.  Remove with unlink() and free(). */
static inline char *
fixture_file(const char *text)
{
	char *path = mem_strdup("/tmp/cullis-conf-XXXXXX");
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	return path;
}

/* What this configuration text and environment load to; NULL if errors. */
static inline struct config *
fixture_load(const char *text, const char *const *envp, struct findings *found)
{
	char *path = fixture_file(text);
	const struct config_input in = {.file = path, .envp = envp};
	struct config *conf = config_load(&in, found);

	unlink(path);
	free(path);
	return conf;
}

/* A config that must load, with the gateway adopted. */
static inline struct config *
fixture_config(const char *text)
{
	struct findings found = {0};
	struct config *conf = fixture_load(text, NULL, &found);
	struct err err = ERR_INIT;

	for (size_t i = 0; i < found.count; i++)
		fprintf(stderr, "%s\n", found.list[i].text);
	ck_assert_ptr_nonnull(conf);
	ck_assert_int_eq(config_adopt_gateway(conf, NULL, &err), 0);
	findings_free(&found);
	return conf;
}

#endif
