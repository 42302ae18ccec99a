/*
 * front: what the shipped nginx configurations do before the application sees
 * a request: certificate per location, 404 pages, Host rewriting.
 */
#ifndef MASTIO_FRONT_H
#define MASTIO_FRONT_H

#include <stdbool.h>

struct exchange;

/* What nginx tells the application about the client's certificate. */
enum cert_view {
	CERT_STRIPPED, /* header removed, whatever the client has */
	CERT_NONE,     /* this location would tell, but there is none */
	CERT_VERIFIED,
};

/* Judges the head.  True: pass on; else an HTML page was answered. */
bool front_judge(struct exchange *);
/* One of nginx's own pages; the connection closes where nginx closes it. */
void front_page(struct exchange *, int status, const char *title);
/* The page for a status with nginx's own title. */
void front_error(struct exchange *, int status);

#endif
