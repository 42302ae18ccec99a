/*
 * report: what was found in a configuration or an identity, for who runs us.
 *
 * Threads: main.
 */
#ifndef CTL_REPORT_H
#define CTL_REPORT_H

#include "auth/finding.h"

/* Errors and warnings, one line each: to the log, or to stderr while that is
 * not open. */
void report_findings(const struct findings *);

#endif
