/*
 * replay: the main() of every fuzz target where there is no libFuzzer.  It
 * feeds the target each file of its corpus, whole and, when it is small, cut
 * off at every length (of a slow target: at some), so that `make check` replays
 * what was ever found, with any compiler.
 *
 * usage: fuzz_NAME [FILE|DIRECTORY ...]    default:
 * $srcdir/tests/fuzz/corpus/NAME
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CUT_MAX 2048 /* files up to this size are also cut off, */
#ifndef CUT_STEP
#define CUT_STEP 1 /* at every so many bytes */
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long files, runs;

static void
die(const char *path, const char *why)
{
	fprintf(stderr, "replay: %s: %s\n", path, why);
	exit(EXIT_FAILURE);
}

/* One run on an allocation of exactly this size, so that ASan sees a read
 * past its end. */
static void
run(const unsigned char *data, size_t n)
{
	unsigned char *copy = malloc(n ? n : 1);

	if (!copy)
		die("malloc", strerror(errno));
	memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
	runs++;
}

static void
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	unsigned char *data = NULL;
	size_t n = 0, room = 0, got;

	if (!f)
		die(path, strerror(errno));
	do {
		if (n == room) {
			room = room ? 2 * room : 4096;
			data = realloc(data, room);
			if (!data)
				die(path, strerror(errno));
		}
		got = fread(data + n, 1, room - n, f);
		n += got;
	} while (got > 0);
	if (ferror(f))
		die(path, strerror(errno));
	fclose(f);
	run(data, n);
	for (size_t cut = 0; cut < n && n <= CUT_MAX; cut += CUT_STEP)
		run(data, cut);
	free(data);
	files++;
}

static void
replay_path(const char *path)
{
	struct dirent **entries = NULL;
	struct stat st;
	char name[4096];
	int n;

	if (stat(path, &st) != 0)
		die(path, strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	n = scandir(path, &entries, NULL, alphasort);
	if (n < 0)
		die(path, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(name, sizeof(name), "%s/%s", path,
			    entries[i]->d_name);
			replay_path(name);
		}
		free(entries[i]);
	}
	free(entries);
}

int
main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *name = strrchr(argv[0], '/');
	char corpus[4096];

	name = name ? name + 1 : argv[0];
	if (strncmp(name, "fuzz_", 5) != 0)
		die(argv[0], "a fuzz target is named fuzz_NAME");
	snprintf(corpus, sizeof(corpus), "%s/tests/fuzz/corpus/%s",
	    srcdir ? srcdir : ".", name + 5);
	if (argc < 2)
		replay_path(corpus);
	for (int i = 1; i < argc; i++)
		replay_path(argv[i]);
	if (files == 0)
		die(corpus, "the corpus is empty");
	printf("%s: %lu files, %lu runs\n", name, files, runs);
	return EXIT_SUCCESS;
}
