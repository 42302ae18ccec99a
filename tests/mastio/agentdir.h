/*
 * agentdir: an agent's identity directory: written by init and issue as the
 * admin mint's users do, read back by the proof and assertion commands.
 */
#ifndef MASTIO_AGENTDIR_H
#define MASTIO_AGENTDIR_H

#include "mastio/pki.h"

struct agent_plan {
	const char *dir;      /* the gateway's directory */
	const char *out;      /* the identity directory to make */
	const char *agent_id; /* org::name */
	const char *key;      /* see pki_make_key */
	const char *key_form; /* see pki_key_pem */
	const char *cn;       /* NULL: the agent id */
	const char *san;      /* a URI; NULL: the SPIFFE id; "none" */
	const char *eku;      /* client, server or none */
	const char *chain;    /* leaf or full */
	const char *issuer;   /* intermediate, root or other */
	const char *url;      /* mastio_url; NULL: the one init was given */
	int64_t not_before, not_after;
	bool no_dpop;
	bool no_register;
	bool api_key; /* legacy: write one too */
};

/* Makes the directory, its files and the gateway's record. */
int agentdir_make(const struct agent_plan *);

#endif
