/*
 * t_agentid: whom a certificate and the agent file name.
 */
#include "auth/agentfile.h"
#include "auth/agentid.h"
#include "base/mem.h"

#include "pki.h"
#include "unit.h"

START_TEST(spiffe_paths)
{
	/* the Mastio's own rule: two segments, or three with a known type */
	static const struct {
		const char *uri, *org, *id;
	} rows[] = {
	    {"spiffe://cullis.local/orga/bot", "orga", "orga::bot"},
	    {"spiffe://cullis.local/orga/agent/bot", "orga", "orga::bot"},
	    {"spiffe://td/orga/user/alice", "orga", "orga::user::alice"},
	    {"spiffe://td/orga/workload/w", "orga", "orga::workload::w"},
	    {"spiffe://acme.com/workload/sales-agent", "workload",
		"workload::sales-agent"},
	    {"spiffe://td/agent/user", "agent", "agent::user"},
	    {"spiffe://td/orga", NULL, NULL},
	    {"spiffe://td/orga/", NULL, NULL},
	    {"spiffe://td//bot", NULL, NULL},
	    {"spiffe://td/orga/bot/", NULL, NULL},
	    {"spiffe:///orga/bot", NULL, NULL},
	    {"spiffe://td/orga/team/bot", NULL, NULL},
	    {"spiffe://td/ns/prod/sa/bot", NULL, NULL},
	    {"spiffe://td", NULL, NULL},
	    {"spiffe://", NULL, NULL},
	    {"SPIFFE://td/orga/bot", NULL, NULL},
	    {"https://td/orga/bot", NULL, NULL},
	    {"", NULL, NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct agentid id = {0};
		bool ok = agentid_from_spiffe(span_of(rows[i].uri), &id);

		ck_assert_msg(ok == (rows[i].id != NULL), "%s", rows[i].uri);
		ck_assert_pstr_eq(id.org, rows[i].org);
		ck_assert_pstr_eq(id.id, rows[i].id);
		agentid_free(&id);
	}
}
END_TEST

START_TEST(common_names)
{
	static const struct {
		const char *name, *org, *id;
	} rows[] = {
	    {"orga::bot", "orga", "orga::bot"},
	    {"orga::user::bot", "orga", "orga::user::bot"},
	    {"a::b", "a", "a::b"},
	    {"a:::b", "a", "a:::b"},
	    {"::bot", NULL, NULL},
	    {"orga::", NULL, NULL},
	    {"orga:bot", NULL, NULL},
	    {"::", NULL, NULL},
	    {"", NULL, NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct agentid id = {0};
		bool ok = agentid_from_name(span_of(rows[i].name), &id);

		ck_assert_msg(ok == (rows[i].id != NULL), "%s", rows[i].name);
		ck_assert_pstr_eq(id.org, rows[i].org);
		ck_assert_pstr_eq(id.id, rows[i].id);
		agentid_free(&id);
	}
}
END_TEST

START_TEST(certificates)
{
	static const struct {
		const char *cn, *san, *id, *spiffe;
	} rows[] = {
	    /* SAN before subject */
	    {"x::y", "URI:spiffe://td/orga/bot", "orga::bot",
		"spiffe://td/orga/bot"},
	    /* first SAN that parses */
	    {NULL,
		"URI:https://a/b/c,DNS:x,URI:spiffe://td/ns/a/sa/b,"
		"URI:spiffe://td/orga/bot,URI:spiffe://td/orgb/bot",
		"orga::bot", "spiffe://td/ns/a/sa/b"},
	    /* subject if no SAN parses */
	    {"orga::bot", "URI:spiffe://td/ns/a/sa/b", "orga::bot",
		"spiffe://td/ns/a/sa/b"},
	    /* subject alone */
	    {"orga::bot", NULL, "orga::bot", NULL},
	    /* neither */
	    {"bot", "DNS:bot", NULL, NULL},
	    /* nothing */
	    {NULL, NULL, NULL, NULL},
	};
	EVP_PKEY *key = pki_key("P-256");

	for (size_t i = 0; i < COUNT(rows); i++) {
		X509 *cert = pki_cert(&(struct pki_want){
		    .key = key, .cn = rows[i].cn, .san = rows[i].san});
		struct agentid id = {0};

		agentid_from_cert(cert, &id);
		ck_assert_pstr_eq(id.id, rows[i].id);
		ck_assert_pstr_eq(id.spiffe, rows[i].spiffe);
		agentid_free(&id);
		X509_free(cert);
	}
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(hints)
{
	static const struct {
		const char *name, *holds;
	} rows[] = {
	    {"orga::bot", NULL},
	    {"acme::acme-bot", NULL},
	    {"acme::acme", NULL},
	    {"acme::acme::alice", "twice"},
	    {"workload::sales-agent", "/ORG/AGENT"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct agentid id = {0};
		const char *hint;

		ck_assert(agentid_from_name(span_of(rows[i].name), &id));
		hint = agentid_hint(&id);
		ck_assert_msg((hint != NULL) == (rows[i].holds != NULL), "%s",
		    rows[i].name);
		if (hint)
			ck_assert_ptr_nonnull(strstr(hint, rows[i].holds));
		agentid_free(&id);
	}
}
END_TEST

START_TEST(agent_files)
{
	static const struct {
		const char *why, *json, *agent_id, *org_id, *gateway;
	} rows[] = {
	    {"SDK",
		"{\"agent_id\":\"orga::bot\",\"org_id\":\"orga\","
		"\"mastio_url\":\"https://m\"}",
		"orga::bot", "orga", "https://m"},
	    {"org_id null",
		"{\"agent_id\":\"orga::bot\",\"org_id\":null,"
		"\"mastio_url\":\"https://m\"}",
		"orga::bot", NULL, "https://m"},
	    {"Connector",
		"{\"agent_id\":\"orga::bot\",\"capabilities\":[\"a\"],"
		"\"site_url\":\"https://m:9443\",\"issued_at\":\"x\"}",
		"orga::bot", NULL, "https://m:9443"},
	    {"nothing that we know", "{\"x\":{}}", NULL, NULL, NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = ERR_INIT;
		struct agentfile a;

		ck_assert_msg(
		    agentfile_parse(span_of(rows[i].json), &a, &err) == 0,
		    "%s: %s", rows[i].why, err.text);
		ck_assert_pstr_eq(a.agent_id, rows[i].agent_id);
		ck_assert_pstr_eq(a.org_id, rows[i].org_id);
		ck_assert_pstr_eq(a.gateway, rows[i].gateway);
		agentfile_free(&a);
	}
}
END_TEST

START_TEST(bad_agent_files)
{
	static const struct {
		const char *why, *json, *names;
	} rows[] = {
	    {"empty", "", "JSON"},
	    {"cut", "{\"agent_id\":", "line 1"},
	    {"line is named", "{\n\n}}", "line 3"},
	    {"an array", "[1]", "object"},
	    {"a number", "{\"agent_id\":1}", "agent_id"},
	    {"empty value", "{\"mastio_url\":\"\"}", "mastio_url"},
	    {"a line feed", "{\"mastio_url\":\"https://m\\n\"}", "mastio_url"},
	    {"a space", "{\"agent_id\":\"orga::my bot\"}", "agent_id"},
	    {"twice", "{\"org_id\":\"a\",\"org_id\":\"b\"}", "JSON"},
	    {"NUL", "{\"org_id\":\"a\\u0000\"}", "JSON"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = ERR_INIT;
		struct agentfile a;

		ck_assert_msg(
		    agentfile_parse(span_of(rows[i].json), &a, &err) == -1,
		    "%s", rows[i].why);
		ck_assert_msg(strstr(err.text, rows[i].names) != NULL, "%s: %s",
		    rows[i].why, err.text);
		ck_assert_ptr_null(a.agent_id);
	}
}
END_TEST

UNIT_MAIN("agentid", spiffe_paths, common_names, certificates, hints,
    agent_files, bad_agent_files)
