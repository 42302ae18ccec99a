/*
 * courtsocket: a WebSocket to the Court (protocol 8.1), which wants to be shown
 * token and proof in the first frame and not in the handshake.  We send that
 * frame and swallow the answer to it; the agent's handshake is answered when
 * the Court has let us in, and finds an open socket.  The Court allows an agent
 * one socket and closes both if there is a second, so we refuse that.
 *
 * Threads: the exchange's; the one socket is held by a flag of the gateway's
 * state, over all workers.
 */
#ifndef PROXY_COURTSOCKET_H
#define PROXY_COURTSOCKET_H

#include "proxy/heal.h"

#define COURTSOCKET_MS 10000 /* that the Court may take to let us in */

/* Before a connection is leased: is it such a socket, and may there be one?
 * Then the exchange holds it.  END_OK also if it is none; END_COUNT: ask again
 * at *due_ms, an agent that comes back at once may be ahead of its old socket's
 * end. */
enum end courtsocket_admit(struct exchange *, int64_t *due_ms) ATTR_MUST_USE;
/* It holds it no longer; it need not have held it. */
void courtsocket_release(struct exchange *);

/* Must the Court be asked for a nonce, with a plain request to the same place,
 * before the handshake?  The socket itself carries none. */
bool courtsocket_wants_nonce(const struct exchange *);

/* After the gateway's 101: the first frame.  Returns 0, or -1: no proof could
 * be made. */
int courtsocket_begin(struct exchange *) ATTR_MUST_USE;
/* The Court's answer.  HEAL_PASS: we are in, all further bytes are the agent's.
 * HEAL_AGAIN and HEAL_LOGIN: on a new connection. */
enum heal courtsocket_run(struct exchange *, enum end *, int64_t *due_ms);

#endif
