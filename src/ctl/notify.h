/*
 * notify: tells systemd how we are (sd_notify(3)), if it asked by
 * $NOTIFY_SOCKET.  The protocol is one datagram, so no library is needed.
 *
 * Threads: main.  Failure is of no consequence.
 */
#ifndef CTL_NOTIFY_H
#define CTL_NOTIFY_H

#include "base/attr.h"

#include <stdint.h>

/* state: lines such as "STOPPING=1\nSTATUS=...". */
void notify_send(const char *state);
/* The start, or a reload, is complete. */
void notify_ready(void);
/* A reload begins; whatever its outcome, notify_ready() must follow. */
void notify_reloading(void);
/* One line for people, in systemctl status. */
void notify_status(const char *fmt, ...) ATTR_PRINTF(1, 2);
/* A stop that is under way may take so long from now on, whatever
 * TimeoutStopSec= says. */
void notify_extend(int64_t ms);

/* How often systemd wants to hear WATCHDOG=1 at the least, in milliseconds; 0:
 * it does not, or not from this process. */
int64_t notify_watchdog_ms(void) ATTR_MUST_USE;

#endif
