/*
 * reload: see reload.h.  Order of this file: telling, adopting, trying,
 * reading, looking, making and freeing.
 */
#include "ctl/reload.h"

#include "auth/idfile.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/idsource.h"
#include "ctl/report.h"
#include "ctl/watch.h"

#include <stdlib.h>

#define SETTLE_MS 100 /* a set is seldom written with one call */
#define SETTLE_MAX_MS 1000
#define WAIT_LOOK_MS 500  /* while there is no identity */
#define HINT_MIN_MS 1000  /* between looks that refusals ask for */
#define TRY_AGAIN_MS 1000 /* before a refused set is tried on demand */
#define TICK_S 2          /* file times may be as coarse as that */

struct asker {
	struct asker *next;
	reload_done_fn *done;
	void *arg;
};

struct reload {
	struct reload_setup setup;
	struct config *config;     /* newest that is in use */
	struct account *live;      /* borrowed; NULL: none yet */
	struct account *candidate; /* being tried, or refused */
	int64_t tried_ms;          /* when it was made */
	uint64_t generation;       /* of the newest identity */
	uint64_t accounts;         /* that were tried */
	struct watch *watch;
	struct timer look, decide;
	int64_t stirred_ms; /* first event that was not looked at, or 0 */
	int64_t hinted_ms;
	uint64_t stamp; /* of the files when they were last read */
	bool again;     /* they may have changed since, unseen */
	bool forced;
	struct asker *askers;
	struct findings found; /* in the newest files, if they are bad */
	struct err err; /* why the newest files are not used; text "" = they
			 * are */
	uint64_t count[RELOAD_REFUSED + 1];
};

static void plan(struct reload *, int64_t due_ms);

/* ---- telling ---- */

static void
tell(struct reload *r, enum reload_result result, const char *sentence)
{
	struct asker *all = r->askers, *next;

	r->askers = NULL;
	for (; all; all = next) {
		next = all->next;
		if (all->done)
			all->done(all->arg, result, sentence);
		free(all);
	}
}

/* What is on disk is not used, for this reason. */
static void
refuse(struct reload *r, const struct err *err)
{
	bool news = strcmp(r->err.text, err->text) != 0;

	if (news)
		r->err = *err;
	if (news || r->askers)
		r->count[RELOAD_REFUSED]++;
	if (r->live && (news || r->askers)) {
		report_findings(&r->found);
		log_error("reload",
		    "the new files are not used, the ones before serve on",
		    L_STR("err", err->text), L_END);
	}
	tell(r, RELOAD_REFUSED, r->err.text);
}

static void
settle(struct reload *r, enum reload_result result, const char *sentence)
{
	bool was_refused = *r->err.text;

	r->err = (struct err)ERR_INIT;
	if (result == RELOAD_RENEWED || r->askers)
		r->count[result]++;
	if (result == RELOAD_RENEWED || was_refused || r->askers)
		log_info("reload", "done", L_STR("result", sentence), L_END);
	tell(r, result, sentence);
}

/* ---- adopting ---- */

static void
set_config(struct reload *r, struct config *conf)
{
	config_ref(conf);
	config_unref(r->config);
	r->config = conf;
}

static void
drop_candidate(struct reload *r)
{
	account_free(r->candidate);
	r->candidate = NULL;
}

static void
adopt(struct reload *r, bool proven)
{
	struct account *a = r->candidate;
	char *sentence = mem_printf("%s of %s, certificate %.16s..., is live%s",
	    r->live && identity_same(r->live->identity, a->identity)
		? "the configuration"
		: "the identity",
	    identity_agent_id(a->identity), identity_thumbprint(a->identity),
	    proven ? ""
		   : "; the gateway has not confirmed it, but what was live "
		     "before is of no use any more");

	r->candidate = NULL;
	r->live = a;
	set_config(r, a->config);
	account_goes_live(a);
	gateway_forgive(a->setup.gateway);
	r->setup.adopt(r->setup.arg, a);
	settle(r, RELOAD_RENEWED, sentence);
	free(sentence);
}

/* Nothing that the live set does will be served any more. */
static bool
live_is_dead(const struct reload *r)
{
	const struct account *a = r->live;
	const struct gateway_state *g = r->setup.account.gateway;

	return identity_not_after(a->identity) <= gateway_wall_s(g) ||
	       (a->session && session_state(a->session) == SESSION_TERMINAL) ||
	       circuit_state(&g->refusal, clock_now_ms()) != CIRCUIT_CLOSED;
}

static void
decide(struct reload *r)
{
	struct err err = ERR_INIT;
	enum account_state state;

	if (!r->candidate)
		return;
	state = account_state(r->candidate);
	if (state == ACCOUNT_GOOD) {
		adopt(r, true);
	} else if (live_is_dead(r)) {
		adopt(r, false);
	} else if (state == ACCOUNT_REFUSED) {
		err_set(&err, EXIT_RUNTIME,
		    "the new set is good in itself and is tried again, but "
		    "could not be used at the gateway: %s",
		    account_why(r->candidate));
		refuse(r, &err);
	}
}

static void
on_decide(void *arg)
{
	decide(arg);
}

/* In a turn of its own: the account that tells may be freed by it. */
static void
decide_soon(struct reload *r)
{
	timers_set(&r->setup.account.loop->timers, &r->decide, clock_now_ms());
}

void
reload_live_changed(struct reload *r)
{
	if (r->candidate)
		decide_soon(r);
}

/* ---- trying ---- */

static void
on_candidate_changed(void *arg, struct account *a)
{
	(void)a;
	decide_soon(arg);
}

static enum account_trial
trial_of(const struct reload *r, const struct config *conf)
{
	if (!r->live)
		return ACCOUNT_NO_TRIAL;
	return origin_same(&r->config->gateway, &conf->gateway)
		   ? ACCOUNT_SAME_GATEWAY
		   : ACCOUNT_OTHER_GATEWAY;
}

/* Is it on trial already? */
static bool
is_candidate(const struct reload *r, const struct config *conf,
    const struct identity *id)
{
	return r->candidate && identity_same(r->candidate->identity, id) &&
	       config_same(r->candidate->config, conf);
}

static void
try(struct reload *r, struct config *conf, struct identity *id)
{
	struct account_setup setup = r->setup.account;
	struct err err = ERR_INIT;

	if (is_candidate(r, conf, id) &&
	    (account_state(r->candidate) == ACCOUNT_TRYING ||
		clock_now_ms() < r->tried_ms + TRY_AGAIN_MS)) {
		decide_soon(r);
		return;
	}
	drop_candidate(r);
	if (!identity_generation(id))
		identity_set_generation(id, ++r->generation);
	setup.changed = on_candidate_changed;
	setup.arg = r;
	setup.number = ++r->accounts;
	r->candidate = account_new(&setup, conf, id, trial_of(r, conf), &err);
	r->tried_ms = clock_now_ms();
	if (!r->candidate) {
		refuse(r, &err);
	} else if (!r->live) {
		adopt(r, true);
	} else {
		account_probe(r->candidate);
		decide_soon(r);
	}
}

/* Nothing but what the live account need not be made anew for. */
static void
configure(struct reload *r, struct config *conf)
{
	drop_candidate(r);
	if (config_same(conf, r->config)) {
		settle(r, RELOAD_UNCHANGED, "nothing has changed");
		return;
	}
	set_config(r, conf);
	account_set_config(r->live, conf);
	r->setup.configure(r->setup.arg, conf);
	settle(r, RELOAD_RENEWED, "the configuration is renewed");
}

/* ---- reading ---- */

static struct config *
read_config(struct reload *r, struct findings *found, struct err *err)
{
	struct config *conf = config_load(r->setup.input, found);

	if (!conf) {
		findings_result(found, err);
		return NULL;
	}
	config_keep_started(conf, r->config, found);
	if (config_read_secrets(conf, found, err) == 0)
		return conf;
	config_unref(conf);
	return NULL;
}

static void
weigh(struct reload *r, struct config *conf, struct identity *id)
{
	bool same = r->live && identity_same(id, r->live->identity);

	if (same && account_fits(r->live, conf))
		configure(r, conf);
	else
		try(r, conf, same ? r->live->identity : id);
}

static bool
is_live(const struct reload *r, const struct config *conf,
    const struct identity *id)
{
	return r->live && identity_same(id, r->live->identity) &&
	       config_same(conf, r->config);
}

/* again: nothing but the suspicion that something was missed. */
static void
read_all(struct reload *r, bool again)
{
	struct findings found = {0};
	struct err err = ERR_INIT;
	struct config *conf = read_config(r, &found, &err);
	struct identity *id = conf ? idsource_load(conf, &found, &err) : NULL;

	findings_free(&r->found);
	if (id) {
		if (!again || !is_live(r, conf, id))
			report_findings(&found);
		findings_free(&found);
		weigh(r, conf, id);
	} else {
		/* What was on trial has been replaced. */
		drop_candidate(r);
		findings_move(&r->found, &found);
		refuse(r, &err);
	}
	identity_unref(id);
	config_unref(conf);
}

/* ---- looking ---- */

static const char *
config_file(const struct reload *r)
{
	return r->setup.input->file ? r->setup.input->file : CONFIG_FILE;
}

static void
add_dir_of(struct str_list *dirs, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (slash)
		str_list_add(
		    dirs, span_dup(span_new(path,
			      slash == path ? 1 : (size_t)(slash - path))));
	else if (path)
		str_list_add(dirs, mem_strdup("."));
}

static void
watch_all(struct reload *r)
{
	const struct identity_source s = idsource_of(r->config);
	const char *const files[] = {s.cert_file, s.key_file, s.dpop_key_file,
	    s.agent_file, s.ca_file, s.chain_file, s.api_key_file,
	    r->config->local_token_file, r->config->upstream_proxy_auth_file,
	    config_file(r)};
	struct str_list dirs = {0};

	if (s.dir)
		str_list_add(&dirs, mem_strdup(s.dir));
	for (size_t i = 0; i < COUNT(files); i++)
		add_dir_of(&dirs, files[i]);
	watch_set(r->watch, &dirs);
	str_list_fini(&dirs);
}

/* Digest of the files as they are; true: it may miss a change that comes in
 * the same tick of their clock. */
static bool
stamp_all(const struct reload *r, uint64_t *stamp)
{
	const struct identity_source source = idsource_of(r->config);
	const char *const files[] = {r->config->local_token_file,
	    r->config->upstream_proxy_auth_file, config_file(r)};
	int64_t newest_s = 0, now_s = clock_wall_s();

	*stamp = 0;
	identity_stamp(&source, stamp, &newest_s);
	for (size_t i = 0; i < COUNT(files); i++)
		if (files[i])
			idfile_stamp(files[i], stamp, &newest_s);
	/* A date in the future says nothing, now or later. */
	return newest_s + TICK_S > now_s && newest_s <= now_s + TICK_S;
}

/* Without inotify, and for what it does not see, such as a file behind a
 * link. */
static int64_t
next_look(const struct reload *r)
{
	int64_t ms = r->config->reload_interval_ms;

	return !r->live && ms > WAIT_LOOK_MS ? WAIT_LOOK_MS : ms;
}

static void
on_look(void *arg)
{
	struct reload *r = arg;
	uint64_t stamp;
	bool again, changed;

	r->stirred_ms = 0;
	plan(r, clock_now_ms() + next_look(r));
	watch_all(r);
	again = stamp_all(r, &stamp);
	changed = stamp != r->stamp || r->forced;
	if (!changed && !r->again) {
		if (r->candidate &&
		    account_state(r->candidate) == ACCOUNT_REFUSED)
			account_probe(r->candidate);
		decide(r);
		return;
	}
	r->stamp = stamp;
	r->again = again;
	r->forced = false;
	read_all(r, !changed);
}

/* Not later than it is planned already. */
static void
plan(struct reload *r, int64_t due_ms)
{
	if (!r->look.slot || due_ms < r->look.due_ms)
		timers_set(&r->setup.account.loop->timers, &r->look, due_ms);
}

/* Something happened in a directory: until nothing does for a moment, the set
 * may be half written. */
static void
on_stirred(void *arg)
{
	struct reload *r = arg;
	int64_t now = clock_now_ms(), due = now + SETTLE_MS;

	if (!r->stirred_ms)
		r->stirred_ms = now;
	if (due > r->stirred_ms + SETTLE_MAX_MS)
		due = r->stirred_ms + SETTLE_MAX_MS;
	if (!r->forced)
		timers_set(&r->setup.account.loop->timers, &r->look, due);
}

static void
force(struct reload *r)
{
	r->forced = true;
	plan(r, clock_now_ms());
}

void
reload_now(struct reload *r, reload_done_fn *done, void *arg)
{
	struct asker *asker = MEM_NEW(struct asker);

	*asker = (struct asker){r->askers, done, arg};
	r->askers = asker;
	force(r);
}

void
reload_forget(struct reload *r, void *arg)
{
	for (struct asker *a = r->askers; a; a = a->next)
		if (a->arg == arg)
			a->done = NULL;
}

void
reload_hint(struct reload *r)
{
	int64_t now = clock_now_ms();

	if (now < r->hinted_ms + HINT_MIN_MS)
		return;
	r->hinted_ms = now;
	r->again = true;
	plan(r, now);
}

/* ---- making and freeing ---- */

struct reload *
reload_new(const struct reload_setup *setup, struct config *config)
{
	struct reload *r = MEM_NEW(struct reload);

	r->setup = *setup;
	r->config = config_ref(config);
	timer_init(&r->look, on_look, r);
	timer_init(&r->decide, on_decide, r);
	return r;
}

void
reload_begin(struct reload *r, struct account *live)
{
	r->live = live;
	r->generation = identity_generation(live->identity);
}

void
reload_start(struct reload *r)
{
	r->watch = watch_new(r->setup.account.loop->base, on_stirred, r);
	/* What changed since the identity was loaded. */
	stamp_all(r, &r->stamp);
	r->again = true;
	plan(r, clock_now_ms() + (r->live ? SETTLE_MS : 0));
}

void
reload_free(struct reload *r)
{
	struct timers *timers;

	if (!r)
		return;
	timers = &r->setup.account.loop->timers;
	tell(r, RELOAD_REFUSED, "the sidecar ends");
	timers_cancel(timers, &r->look);
	timers_cancel(timers, &r->decide);
	drop_candidate(r);
	watch_free(r->watch);
	findings_free(&r->found);
	config_unref(r->config);
	free(r);
}

/* ---- what others see ---- */

const char *
reload_trouble(const struct reload *r)
{
	return *r->err.text ? r->err.text : NULL;
}

void
reload_report(const struct reload *r)
{
	report_findings(&r->found);
}

int
reload_exit(const struct reload *r)
{
	return (int)r->err.exit;
}

uint64_t
reload_count(const struct reload *r, enum reload_result result)
{
	return r->count[result];
}
