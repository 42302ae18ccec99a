/*
 * uri: syntax-based and scheme-based normalisation of an http(s) URI, RFC 3986
 * sections 6.2.2 and 6.2.3, without its query and fragment, as RFC 9449
 * section 4.3 compares htu.
 */
#ifndef JUDGE_URI_H
#define JUDGE_URI_H

/* The normalised URI, which the caller frees; NULL if it is none. */
char *uri_normalise(const char *);

#endif
