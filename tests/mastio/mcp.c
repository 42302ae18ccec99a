/*
 * mcp: JSON-RPC 2.0 on /v1/mcp, with one tool, echo, whose executions are
 * counted.
 */
#include "mastio/exchange.h"
#include "mastio/execution.h"
#include "mastio/routes.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

#define PARSE_ERROR -32700
#define INVALID_REQUEST -32600
#define METHOD_NOT_FOUND -32601
#define INVALID_PARAMS -32602
#define UNKNOWN_TOOL -32004

static void
rpc_error(
    struct exchange *x, int status, json_t *id, int code, const char *message)
{
	answer_json(x, status,
	    json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", id,
		"error", "code", code, "message", message));
}

static void
rpc_result(struct exchange *x, json_t *id, json_t *result)
{
	answer_json(x, 200,
	    json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "result",
		result));
}

static json_t *
initialize(void)
{
	return json_pack("{s:s, s:{s:{}}, s:{s:s, s:s}}", "protocolVersion",
	    "2024-11-05", "capabilities", "tools", "serverInfo", "name",
	    "mastio-dev", "version", "1");
}

static json_t *
tools_list(void)
{
	return json_pack("{s:[{s:s, s:s, s:{s:s, s:{s:{s:s}}}}]}", "tools",
	    "name", "echo", "description", "Returns its arguments",
	    "inputSchema", "type", "object", "properties", "text", "type",
	    "string");
}

static void
tools_call(struct exchange *x, json_t *id, const json_t *params)
{
	const char *name = json_string_value(json_object_get(params, "name"));
	json_t *args = json_object_get(params, "arguments");
	char *text;

	if (!name) {
		rpc_error(x, 200, id, INVALID_PARAMS, "name is missing");
		return;
	}
	if (strcmp(name, "echo") != 0) {
		rpc_error(x, 200, id, UNKNOWN_TOOL, "unknown tool");
		return;
	}
	x->srv->stats.executed_tools++;
	execution_name(x, json_string_value(json_object_get(args, "id")));
	text = json_dumps(
	    args ? args : json_null(), JSON_COMPACT | JSON_ENCODE_ANY);
	rpc_result(x, id,
	    json_pack("{s:[{s:s, s:s}], s:b}", "content", "type", "text",
		"text", text, "isError", 0));
	free(text);
}

static void
dispatch(struct exchange *x, const char *method, json_t *id, json_t *params)
{
	if (strcmp(method, "initialize") == 0)
		rpc_result(x, id, initialize());
	else if (strcmp(method, "ping") == 0)
		rpc_result(x, id, json_object());
	else if (strcmp(method, "tools/list") == 0)
		rpc_result(x, id, tools_list());
	else if (strcmp(method, "tools/call") == 0)
		tools_call(x, id, params);
	else
		rpc_error(x, 200, id, METHOD_NOT_FOUND, "method not found");
}

/* The application drops the connection behind this answer. */
static void
notified(struct exchange *x)
{
	pool_drop(x);
	answer_empty(x, 204);
}

void
mcp_call(struct exchange *x)
{
	size_t n = evbuffer_get_length(x->held);
	const char *p = n ? (const char *)evbuffer_pullup(x->held, -1) : "";
	json_t *id, *method;

	x->json = json_loadb(p, n, 0, NULL);
	if (!x->json) {
		rpc_error(x, 400, json_null(), PARSE_ERROR, "parse error");
		return;
	}
	method = json_object_get(x->json, "method");
	id = json_object_get(x->json, "id");
	if (!json_is_string(method)) {
		rpc_error(x, 400, id ? id : json_null(), INVALID_REQUEST,
		    "invalid request");
		return;
	}
	if (!id || starts_with(json_string_value(method), "notifications/"))
		notified(x);
	else
		dispatch(x, json_string_value(method), id,
		    json_object_get(x->json, "params"));
}
