/*
 * message: puts the heads together that an exchange sends: the request to the
 * gateway with its credentials, the answer to the client, and the sidecar's
 * own answers.
 *
 * Threads: the exchange's.
 */
#ifndef PROXY_MESSAGE_H
#define PROXY_MESSAGE_H

#include "proxy/exchange.h"

/* The request head for the leased connection, with a fresh proof, into its
 * out.  False: no proof could be made. */
bool message_request_head(struct exchange *) ATTR_MUST_USE;

/* Is this 101 the one that was asked for?  If not, why says so. */
bool message_switches(const struct exchange *, const char **why) ATTR_MUST_USE;
/* That 101, to the client. */
void message_switching(struct exchange *);

/* 100 to a client that waits for it before it sends its body; false: it does
 * not. */
bool message_continue(struct exchange *);

/* What is wrong with an answer's head that is not HEAD_DONE (static). */
const char *message_bad_answer(
    const struct exchange *, enum head_status) ATTR_MUST_USE;

/* The gateway's answer as the client may see it, into the client's out, and
 * the framing of its body.  Decides x->keep. */
void message_answer_head(struct exchange *);
/* An interim answer (1xx), to clients that know them. */
void message_interim(struct exchange *, const struct head *);

/* The sidecar's own answers: a tunnel stands; */
void message_connected(struct exchange *);
/* what can be done here, to OPTIONS that goes no further.  Decides x->keep. */
void message_options(struct exchange *);
/* The sidecar's own answer for x->end, head and body (conventions "Error
 * bodies"). */
void message_error(struct exchange *);
/* Free the words that were meant for it. */
void message_forget(struct exchange *);

/* The host the gateway is called by: without port, IPv6 in brackets
 * (protocol 9.2). */
void message_add_host(struct buf *, const struct origin *);

/* "https://host", with_port: "https://host:port". */
void message_add_base(struct buf *, const struct origin *, bool with_port);

#endif
