/*
 * websocket: the server's side of RFC 6455: the handshake, and frames.
 */
#ifndef MASTIO_WEBSOCKET_H
#define MASTIO_WEBSOCKET_H

#include "mastio/answer.h"

#define OP_TEXT 1
#define OP_CLOSE 8
#define OP_PING 9
#define OP_PONG 10

/* What sends frames and reads those of the client from the connection. */
typedef enum pulled websocket_pull(struct exchange *, struct evbuffer *to);

/* Is this the handshake of section 4.2.1? */
bool websocket_asked(const struct exchange *);
/* 101 without a trace of the application; takes the source over. */
void websocket_accept(struct exchange *, bool with_protocol, websocket_pull *,
    void *source, void (*source_free)(void *));
/* The 403 of any refusal on the upgrade. */
void websocket_refuse(struct exchange *);
/* Length of the frame header that begins at p (section 5.2); 0: not whole. */
size_t websocket_header(const uint8_t *p, size_t n);
/* One unfragmented frame. */
void websocket_put(
    struct evbuffer *to, uint8_t opcode, const void *data, size_t n);

#endif
