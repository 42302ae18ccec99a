/*
 * routes: the application: which handler serves a path, what it needs of the
 * request, who may call it.
 */
#ifndef MASTIO_ROUTES_H
#define MASTIO_ROUTES_H

struct exchange;

/* Finds the route and sets up how the body is to be kept. */
void app_route(struct exchange *);
/* The whole request is here: limits, JSON, authentication, handler. */
void app_handle(struct exchange *);

/* Handlers, by file. */
void login_challenge(struct exchange *);
void login_endorse(struct exchange *);
void login_sign_assertion(struct exchange *);
void login_token(struct exchange *);
void chat_completions(struct exchange *);
void models_list(struct exchange *);
void mcp_call(struct exchange *);
void egress_echo(struct exchange *);
void websocket_echo(struct exchange *);
void websocket_broker(struct exchange *);

#endif
