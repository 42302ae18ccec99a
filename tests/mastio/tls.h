/*
 * tls: the server's SSL_CTX, set up as the shipped nginx configurations do:
 * client certificates asked for but never insisted on, sessions resumable.
 */
#ifndef MASTIO_TLS_H
#define MASTIO_TLS_H

#include <openssl/ssl.h>

/* From DIR/server and DIR/pki; NULL after a complaint. */
SSL_CTX *tls_server_context(const char *dir);

#endif
