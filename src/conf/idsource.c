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
