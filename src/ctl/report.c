/*
 * report: see report.h.
 */
#include "ctl/report.h"

#include "base/log.h"

#include <stdio.h>

void
report_findings(const struct findings *found)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct finding *f = &found->list[i];
		bool is_error = f->level == FINDING_ERROR;

		if (f->level == FINDING_INFO)
			continue;
		if (!log_is_open())
			fprintf(stderr, "cullis-sidecar: %s: %s\n",
			    is_error ? "error" : "warning", f->text);
		else if (is_error)
			log_error("identity", "cannot be used",
			    L_STR("err", f->text), L_END);
		else
			log_warn("identity", "look at this",
			    L_STR("text", f->text), L_END);
	}
}
