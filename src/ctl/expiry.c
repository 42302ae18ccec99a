/*
 * expiry: see expiry.h.
 */
#include "ctl/expiry.h"

#include "base/log.h"

#define DAY_S (24 * 3600)

static const int64_t stages[] = {30 * DAY_S, 7 * DAY_S, DAY_S};

int
expiry_stage(int64_t not_before, int64_t not_after, int64_t now)
{
	int64_t life = not_after - not_before, left = not_after - now;
	int stage = 0;

	if (left <= 0)
		return -1;
	/* Such as the SVIDs of SPIFFE, which live for an hour. */
	if (not_before && life <= stages[0])
		return left * 5 <= life;
	for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); i++)
		stage += left <= stages[i];
	return stage;
}

static void
warn(int stage, const char *path, int64_t left, const char *cure)
{
	if (stage < 0)
		log_error("identity", "is over", L_STR("file", path),
		    L_STR("cure", cure), L_END);
	else
		log_warn("identity", "ends soon", L_STR("file", path),
		    L_INT("left_s", left), L_STR("cure", cure), L_END);
}

/* The stage that has been told by now. */
static int
look(int told, int64_t begin, int64_t end, int64_t now, const char *path,
    const char *cure)
{
	int stage = expiry_stage(begin, end, now);

	if (stage && stage != told)
		warn(stage, path, end - now, cure);
	return stage;
}

void
expiry_look(struct expiry *e, const struct identity *id, int64_t now)
{
	int64_t ca = identity_ca_not_after(id);

	if (e->generation != identity_generation(id))
		*e = (struct expiry){.generation = identity_generation(id)};
	e->certificate = look(e->certificate, identity_not_before(id),
	    identity_not_after(id), now, identity_cert_path(id),
	    "install the certificate that was issued last; it is used without "
	    "a restart");
	if (ca)
		e->ca = look(e->ca, 0, ca, now, identity_ca_path(id),
		    "add the CA that comes after it to this file");
}
