/*
 * idsource: see idsource.h.
 */
#include "conf/idsource.h"

struct identity_source
idsource_of(const struct config *conf)
{
	return (struct identity_source){
	    .dir = conf->identity_dir,
	    .cert_file = conf->cert_file,
	    .key_file = conf->key_file,
	    .dpop_key_file = conf->dpop_key_file,
	    .agent_file = conf->agent_file,
	    .ca_file = conf->ca_file,
	    .chain_file = conf->chain_file,
	    .api_key_file = conf->api_key_file,
	    .needs_api_key = conf->auth == AUTH_API_KEY,
	    .agent_id = conf->agent_id,
	};
}

bool
idsource_is_doubtful(const struct config *conf)
{
	static const enum option_id keys[] = {OPTION_identity_dir,
	    OPTION_cert_file, OPTION_key_file, OPTION_dpop_key_file,
	    OPTION_agent_file, OPTION_ca_file, OPTION_chain_file,
	    OPTION_api_key_file, OPTION_auth, OPTION_agent_id};

	for (size_t i = 0; i < COUNT(keys); i++)
		if (conf->source[keys[i]].doubtful)
			return true;
	return false;
}

struct identity *
idsource_load(struct config *conf, struct findings *found, struct err *err)
{
	struct identity_source source = idsource_of(conf);
	struct identity *id = identity_load(&source, found, err);

	if (id &&
	    config_adopt_gateway(conf, identity_mastio_url(id), err) < 0) {
		findings_err(found, err);
		identity_unref(id);
		id = NULL;
	}
	return id;
}
