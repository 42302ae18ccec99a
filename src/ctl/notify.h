/*
 * notify: tells systemd how we are (sd_notify(3)), if it asked by
 * $NOTIFY_SOCKET.  The protocol is one datagram, so no library is needed.
 *
 * Threads: main.
 */
#ifndef CTL_NOTIFY_H
#define CTL_NOTIFY_H

/* state: "READY=1", "STOPPING=1\nSTATUS=...", ... Failure is of no
 * consequence. */
void notify_send(const char *state);

#endif
