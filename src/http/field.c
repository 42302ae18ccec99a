/*
 * field: see field.h.
 */
#include "http/field.h"

#include "http/chars.h"

#include <assert.h>

static const struct {
	struct span name;
	unsigned flags;
} table[FIELD_COUNT] = {
#define FIELD(id, name, flags) \
	[FIELD_##id] = {{(name), sizeof(name) - 1}, (flags)},
#include "http/field_tbl.h"
#undef FIELD
};

static const struct {
	struct span name;
	unsigned flags;
} families[] = {
#define FIELD(id, name, flags)
#define FAMILY(name, flags) {{(name), sizeof(name) - 1}, (flags)},
#include "http/field_tbl.h"
#undef FIELD
};

/* Index over the table: open addressing, 0 = free. */
#define SLOTS 256
static uint8_t slots[SLOTS];
static_assert(FIELD_COUNT <= SLOTS / 2, "field index too full");

/* Longer names are in no row. */
#define NAME_MAX_KNOWN 40

/* Length and three letters tell nearly all rows apart. */
static unsigned
slot_of(struct span name)
{
	unsigned first = (unsigned char)ascii_lower(name.p[0]);
	unsigned mid = (unsigned char)ascii_lower(name.p[name.n / 2]);
	unsigned last = (unsigned char)ascii_lower(name.p[name.n - 1]);

	return ((unsigned)name.n * 37 + first * 5 + mid * 11 + last * 3) %
	       SLOTS;
}

/* Runs before main(), so that threads only ever read the index. */
static void index_build(void) __attribute__((constructor));

static void
index_build(void)
{
	for (unsigned id = FIELD_OTHER + 1; id < FIELD_COUNT; id++) {
		unsigned at = slot_of(table[id].name);

		assert(table[id].name.n <= NAME_MAX_KNOWN);
		while (slots[at])
			at = (at + 1) % SLOTS;
		slots[at] = (uint8_t)id;
	}
}

enum field_id
field_lookup(struct span name)
{
	if (name.n == 0 || name.n > NAME_MAX_KNOWN)
		return FIELD_OTHER;
	for (unsigned at = slot_of(name); slots[at]; at = (at + 1) % SLOTS)
		if (span_ieq(name, table[slots[at]].name))
			return slots[at];
	return FIELD_OTHER;
}

unsigned
field_flags(enum field_id id)
{
	return table[id].flags;
}

struct span
field_name(enum field_id id)
{
	return table[id].name;
}

/* A byte of a name as the loosest reader behind us sees it: gateway interfaces
 * write all that is no letter and no digit as one and the same sign. */
static char
plain(char c)
{
	c = ascii_lower(c);
	return ascii_digit(c) || (c >= 'a' && c <= 'z') ? c : '-';
}

static bool
in_family(struct span name, struct span family)
{
	if (name.n < family.n)
		return false;
	for (size_t i = 0; i < family.n; i++)
		if (plain(name.p[i]) != ascii_lower(family.p[i]))
			return false;
	return name.n == family.n || plain(name.p[family.n]) == '-';
}

/* The row that this is another spelling of, or FIELD_OTHER. */
static enum field_id
known_misspelt(struct span name)
{
	char text[NAME_MAX_KNOWN];

	if (name.n > sizeof(text))
		return FIELD_OTHER;
	for (size_t i = 0; i < name.n; i++)
		text[i] = plain(name.p[i]);
	return field_lookup(span_new(text, name.n));
}

/* The flags that decide about forwarding. */
static unsigned
forward_flags(const struct field *f)
{
	enum field_id meant;

	if (f->id != FIELD_OTHER)
		return table[f->id].flags;
	for (size_t i = 0; i < COUNT(families); i++)
		if (in_family(f->name, families[i].name))
			return families[i].flags;
	meant = known_misspelt(f->name);
	if (meant == FIELD_OTHER)
		return 0;
	return F_NO_REQ | F_NO_RES | (table[meant].flags & (F_HOP | F_OURS));
}

bool
field_request_allowed(const struct field *f)
{
	return !(forward_flags(f) & (F_HOP | F_NO_REQ));
}

bool
field_openable(struct span name)
{
	enum field_id id = field_lookup(name);

	if (id != FIELD_OTHER)
		return table[id].flags & F_OPENABLE;
	for (size_t i = 0; i < COUNT(families); i++) {
		struct span family = families[i].name;

		if (families[i].flags & F_OPENABLE &&
		    span_istarts(name, family) && name.n > family.n + 1 &&
		    name.p[family.n] == '-')
			return field_is_token(name);
	}
	return false;
}

bool
field_response_allowed(const struct field *f)
{
	return !(forward_flags(f) & (F_HOP | F_NO_RES));
}

bool
field_passes(const struct field *f)
{
	return !(forward_flags(f) & (F_HOP | F_OURS));
}

bool
field_is_token(struct span s)
{
	return s.n && char_run(s, C_TCHAR) == s.n;
}

bool
field_value_ok(struct span s)
{
	return char_run(s, C_VALUE) == s.n;
}

/* Bytes up to the comma that ends the first element, or to the end. */
static size_t
element_len(struct span s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == '\\' && quoted)
			i++;
		else if (s.p[i] == ',' && !quoted)
			return i;
	}
	return s.n;
}

bool
list_next(struct span *rest, struct span *element)
{
	while (rest->n) {
		size_t n = element_len(*rest);

		*element = span_trim(span_new(rest->p, n));
		if (n < rest->n)
			n++;
		rest->p += n;
		rest->n -= n;
		if (element->n)
			return true;
	}
	*element = SPAN_NONE;
	return false;
}

bool
list_has(struct span list, struct span token)
{
	while (list.n)
		if (span_ieq(span_trim(span_cut(&list, ',')), token))
			return true;
	return false;
}
