/*
 * fuzz_conf: a configuration file of any content loads, or is refused with at
 * least one sentence; nothing of a refused one is left over.
 */
#include "conf/config.h"
#include "conf/parse.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The parser by itself: its spans stay inside the text. */
static void
check_parser(struct span text)
{
	struct parse p;
	enum parse_status status;
	unsigned line = 0;

	parse_init(&p, text);
	while ((status = parse_next(&p)) != PARSE_DONE) {
		assert(p.line > line);
		line = p.line;
		if (status != PARSE_SETTING)
			continue;
		assert(p.key.n > 0 && p.key.p >= text.p);
		assert(p.value.n > 0 && p.value.p > p.key.p);
		assert(p.value.p + p.value.n <= text.p + text.n);
		assert(parse_printable(p.value));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct findings found = {0};
	struct err err = ERR_INIT;
	struct config_input in = {0};
	struct config *conf;
	char path[32];
	int fd;

	check_parser(span_new((const char *)data, size));

	fd = memfd_create("conf", MFD_CLOEXEC);
	assert(fd >= 0);
	assert(write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	in.file = path;
	conf = config_load(&in, &found);
	close(fd);
	if (conf) {
		int had = conf->gateway.host != NULL;
		int ret = config_adopt_gateway(conf, NULL, &err);

		assert(found.errors == 0 && ret == (had ? 0 : -1));
		assert(conf->listen.n > 0 && conf->workers > 0);
	} else {
		assert(found.errors > 0 && found.list[0].text[0] != '\0');
	}
	config_unref(conf);
	findings_free(&found);
	return 0;
}
