/*
 * fuzz_agent_json: an agent file of any content gives members that can be
 * printed, or is refused with a sentence.  An agent id that it gives is put
 * through the rules of agent ids too.
 */
#include "auth/agentfile.h"
#include "auth/agentid.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_value(const char *value)
{
	if (!value)
		return;
	assert(*value);
	for (; *value; value++)
		assert((unsigned char)*value > ' ' && *value != 0x7f);
}

static void
check_id(struct span text)
{
	struct agentid id = {0};

	if (agentid_from_name(text, &id)) {
		assert(span_eq(span_of(id.id), text));
		agentid_hint(&id);
	}
	agentid_free(&id);
	if (agentid_from_spiffe(text, &id)) {
		assert(strlen(id.org) > 0);
		assert(strncmp(id.id, id.org, strlen(id.org)) == 0);
		agentid_hint(&id);
	}
	agentid_free(&id);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct agentfile a;

	if (agentfile_parse(span_new((const char *)data, size), &a, &err) < 0) {
		assert(err.text[0] != '\0');
		assert(!a.agent_id && !a.org_id && !a.gateway);
		return 0;
	}
	check_value(a.agent_id);
	check_value(a.org_id);
	check_value(a.gateway);
	if (a.agent_id)
		check_id(span_of(a.agent_id));
	if (a.gateway)
		check_id(span_of(a.gateway));
	agentfile_free(&a);
	return 0;
}
