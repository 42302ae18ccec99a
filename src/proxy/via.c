/*
 * via: see via.h.
 */
#include "proxy/via.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char pseudonym[32];

static void
make_pseudonym(void)
{
	unsigned char id[6];

	RAND_bytes(id, sizeof(id));
	snprintf(pseudonym, sizeof(pseudonym),
	    "cullis-sidecar-%02x%02x%02x%02x%02x%02x", id[0], id[1], id[2],
	    id[3], id[4], id[5]);
}

const char *
via_pseudonym(void)
{
	pthread_once(&once, make_pseudonym);
	return pseudonym;
}

/* The next word, and what follows it. */
static struct span
cut_word(struct span *rest)
{
	struct span word = span_trim(*rest);
	size_t n = 0;

	while (n < word.n && !ascii_blank(word.p[n]))
		n++;
	*rest = span_new(word.p + n, word.n - n);
	return span_new(word.p, n);
}

/* received-protocol RWS received-by [ RWS comment ] */
static struct span
received_by(struct span element)
{
	cut_word(&element);
	return cut_word(&element);
}

bool
via_is_loop(const struct head *h)
{
	const struct field *f = head_find(h, FIELD_VIA);
	struct span own = span_of(via_pseudonym());

	for (; f; f = head_find_next(h, f)) {
		struct span rest = f->value, element;

		while (list_next(&rest, &element))
			if (span_ieq(received_by(element), own))
				return true;
	}
	return false;
}

void
via_add(struct buf *b, const struct head *h)
{
	buf_add_str(b, h->minor ? "Via: 1.1 " : "Via: 1.0 ");
	buf_add_str(b, via_pseudonym());
	buf_add_str(b, "\r\n");
}
