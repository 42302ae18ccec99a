/*
 * finding: see finding.h.
 */
#include "auth/finding.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void ATTR_PRINTF(3, 0) add(
    struct findings *f, enum finding_level level, const char *fmt, va_list ap)
{
	char text[ERR_TEXT_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	f->list = mem_realloc(f->list, (f->count + 1) * sizeof(*f->list));
	f->list[f->count++] =
	    (struct finding){.level = level, .text = mem_strdup(text)};
}

void
findings_error(struct findings *f, enum err_exit status, const char *fmt, ...)
{
	va_list ap;

	if (f->errors++ == 0)
		f->exit = status;
	va_start(ap, fmt);
	add(f, FINDING_ERROR, fmt, ap);
	va_end(ap);
}

void
findings_err(struct findings *f, const struct err *err)
{
	findings_error(f, err->exit, "%s", err->text);
}

void
findings_warn(struct findings *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(f, FINDING_WARNING, fmt, ap);
	va_end(ap);
}

void
findings_info(struct findings *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(f, FINDING_INFO, fmt, ap);
	va_end(ap);
}

int
findings_result(const struct findings *f, struct err *err)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->list[i].level == FINDING_ERROR)
			return err_set(err, f->exit, "%s", f->list[i].text);
	}
	return 0;
}

void
findings_move(struct findings *f, struct findings *more)
{
	if (f->errors == 0)
		f->exit = more->exit;
	f->errors += more->errors;
	f->list =
	    mem_realloc(f->list, (f->count + more->count) * sizeof(*f->list));
	for (size_t i = 0; i < more->count; i++)
		f->list[f->count++] = more->list[i];
	free(more->list);
	*more = (struct findings){0};
}

void
findings_free(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->list[i].text);
	free(f->list);
	*f = (struct findings){0};
}
