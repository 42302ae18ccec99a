/*
 * control: the plain HTTP port on loopback through which a test reads the
 * journal and makes things go wrong.  Bodies and answers are JSON; 200 and
 * {"ok":true}, or 400 and {"error":"…"}.
 *
 * GET    /journal[?since=SEQ]   {"entries":[…]}, see journal.h
 * DELETE /journal
 * GET    /stats                 counters
 * POST   /fault                 {"match":{"path_prefix","method"},
 *        "count":N (-1: all), "after":N, "where":"front"|"app",
 *        "early":true (before the body), "action":{"status", "headers",
 *        "body", "content_type", "delay_ms", "truncate_after_bytes",
 *        "reset_after_bytes", "reset", "close_before_answer", "stall",
 *        "raw" (base64), "raw_keep", "no_close_notify"}}
 * DELETE /fault
 * POST   /token/expire          tokens minted so far count as expired
 * POST   /token/rotate-key      …are of an unknown kid
 * POST   /nonce/rotate          all nonces are forgotten
 * POST   /restart-state         …and jti values, and login challenges
 * POST   /clock/shift           {"seconds"}: the gateway's clock, absolutely
 * POST   /agent/deactivate, /agent/activate, /agent/repin    {"agent_id"}
 * POST   /agent/pin             {"agent_id","cert_pem"}; without: as issued
 * POST   /connections/close     {"how":"fin"|"reset","which":"idle"|"all"}
 * POST   /gate/NAME/release     {"count":N}; GET /gate/NAME
 * POST   /set                   {"front","dpop_mode","require_bound",
 *        "production","public_url","token_ttl","processes","body_limit",
 *        "keepalive_ms","keepalive_requests"}
 */
#ifndef MASTIO_CONTROL_H
#define MASTIO_CONTROL_H

#include "mastio/server.h"

struct evhttp;

/* Listens on host:port; the port really bound goes to *bound. */
struct evhttp *control_open(
    struct server *, const char *host, uint16_t port, uint16_t *bound);

#endif
