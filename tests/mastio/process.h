/*
 * process: one simulated worker process of the Mastio.  Nonces, used jti values
 * and login challenges are its own: the others do not know them.
 *
 * Owner: the server.  Times are the gateway's wall clock in seconds.
 */
#ifndef MASTIO_PROCESS_H
#define MASTIO_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#define NONCE_LIFE                                                \
	300 /* then a new one is offered; the old is good as long \
	     */
#define JTI_LIFE 300
#define CHALLENGE_LIFE 120

struct exchange;
struct process;

struct process *process_new(unsigned index);
void process_free(struct process *);
unsigned process_index(const struct process *);
/* As a restart: nonces, jti values and challenges are gone. */
void process_forget(struct process *);

/* The nonce to offer now. */
const char *process_nonce(struct process *, int64_t now);
bool process_knows_nonce(struct process *, const char *, int64_t now);
void process_drop_nonces(struct process *);
/* Does the application put DPoP-Nonce on answers for this path? */
bool process_offers_nonce(const char *path);

/* false: this process has seen the jti within JTI_LIFE. */
bool process_use_jti(struct process *, const char *jti, int64_t now);

/* A challenge for the agent, 43 characters; caller frees. */
char *process_new_challenge(
    struct process *, const char *agent_id, int64_t now);
/* Consumes it; false if unknown here, past its time or another agent's. */
bool process_use_challenge(
    struct process *, const char *challenge, const char *agent_id, int64_t now);

#endif
