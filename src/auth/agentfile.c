/*
 * agentfile: see agentfile.h.
 */
#include "auth/agentfile.h"

#include "base/mem.h"

#include <jansson.h>
#include <stdlib.h>

#define VALUE_MAX 2048

/* Printable ASCII or UTF-8 without white space and control characters. */
static bool
value_ok(const char *s)
{
	if (!*s || strlen(s) > VALUE_MAX)
		return false;
	for (; *s; s++) {
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return false;
	}
	return true;
}

static int
take(const json_t *root, const char *name, char **value, struct err *err)
{
	const json_t *member = json_object_get(root, name);
	const char *text;

	if (!member || json_is_null(member) || *value)
		return 0;
	text = json_string_value(member);
	if (!text)
		return err_set(
		    err, EXIT_CONFIG, "member \"%s\" is not a string", name);
	if (!value_ok(text))
		return err_set(err, EXIT_CONFIG,
		    "member \"%s\" is empty, too long or holds white space",
		    name);
	*value = mem_strdup(text);
	return 0;
}

int
agentfile_parse(struct span text, struct agentfile *a, struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
	int ret = -1;

	*a = (struct agentfile){0};
	if (!root) {
		/* why.text would quote the file, which may be a key. */
		err_set(err, EXIT_CONFIG, "line %d is not JSON", why.line);
		goto out;
	}
	if (!json_is_object(root)) {
		err_set(err, EXIT_CONFIG, "it is not a JSON object");
		goto out;
	}
	if (take(root, "agent_id", &a->agent_id, err) < 0 ||
	    take(root, "org_id", &a->org_id, err) < 0 ||
	    take(root, "mastio_url", &a->gateway, err) < 0 ||
	    take(root, "site_url", &a->gateway, err) < 0)
		goto out;
	ret = 0;
out:
	if (ret < 0)
		agentfile_free(a);
	json_decref(root);
	return ret;
}

void
agentfile_free(struct agentfile *a)
{
	free(a->agent_id);
	free(a->org_id);
	free(a->gateway);
	*a = (struct agentfile){0};
}
