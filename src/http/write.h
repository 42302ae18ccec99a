/*
 * write: puts messages together from what was understood, never from bytes
 * that were received as framing.  Everything is appended to one buf, so that a
 * head and the first body bytes leave in one write.
 *
 * Threads: pure; asserts that no CR, LF or NUL gets into a head.
 */
#ifndef HTTP_WRITE_H
#define HTTP_WRITE_H

#include "base/str.h"

void write_request_line(
    struct buf *, struct span method, struct span path, struct span query);
void write_status_line(struct buf *, unsigned status, struct span reason);
void write_field(struct buf *, struct span name, struct span value);
void write_field_u64(struct buf *, struct span name, uint64_t value);
void write_head_end(struct buf *);

/* Chunked coding of one piece: size line, data, CRLF. Nothing for n = 0. */
void write_chunk(struct buf *, struct span data);
void write_last_chunk(struct buf *);

/* Standard reason phrase, or "" (RFC 9110 section 15). */
struct span write_reason(unsigned status);

#endif
