/*
 * fault: things that go wrong on purpose, set through the control port.  A
 * fault matches requests by path prefix and method, for a number of times.
 *
 * Owner: the server's list, and each exchange that a fault was dealt to.
 */
#ifndef MASTIO_FAULT_H
#define MASTIO_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct exchange;
struct server;

struct fault {
	struct fault *next;
	unsigned refs;
	char *path_prefix; /* NULL: any */
	char *method;      /* NULL: any */
	int64_t after;     /* lets so many pass first */
	int64_t count;     /* then hits so many; -1: all */
	bool app;          /* behind authentication, in the handler's place */
	bool early;        /* as soon as the head is there */
	int status;        /* 0: the real answer, perhaps maimed */
	json_t *headers;   /* object of strings */
	char *content_type;
	char *body;
	size_t body_len;
	uint8_t *raw; /* sent literally */
	size_t raw_len;
	bool raw_keep;
	int64_t delay_ms;
	int64_t truncate_after; /* -1: no */
	int64_t reset_after;    /* -1: no */
	bool reset, close_before_answer, stall;
	bool lose_answer;     /* executes, then a RST and not a byte */
	bool no_close_notify; /* with truncate_after and close_before_answer */
};

/* Adds a fault at the end of the list.  NULL, or what is wrong with it. */
const char *fault_add(struct server *, const json_t *);
void fault_clear(struct server *);
void fault_unref(struct fault *);
/* The fault for this request, with a reference; NULL: none. */
struct fault *fault_deal(struct server *, const char *method, const char *path);
/* Does what the fault says in place of an answer, or sets up how the real
 * answer is to be maimed.  True: the request is answered or gone. */
bool fault_apply(struct exchange *);

#endif
