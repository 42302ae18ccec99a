/*
 * ports: see ports.h.
 */
#include "ctl/ports.h"

#include "base/mem.h"
#include "conf/addrfile.h"
#include "net/handover.h"

#include <stdlib.h>
#include <unistd.h>

/* What the listeners of one key are like. */
struct kind {
	enum option_id id;
	const char *key, *name; /* name: of sockets that are handed over */
	const struct listen_list *wanted;
	struct listener_options options;
	struct port_list *out;
};

#define KINDS 3

static void
describe(struct ports *p, const struct config *conf, struct kind kinds[KINDS])
{
	const struct kind all[KINDS] = {
	    {OPTION_listen, "listen", "proxy", &conf->listen,
		{conf->listen_mode, conf->listen_group, "listen"}, &p->data},
	    {OPTION_admin_listen, "admin-listen", "admin", &conf->admin_listen,
		{0600, NULL, "admin-listen"}, &p->admin},
	    {OPTION_metrics_listen, "metrics-listen", "metrics",
		&conf->metrics_listen, {0, NULL, "metrics-listen"},
		&p->metrics},
	};

	memcpy(kinds, all, sizeof(all));
}

static void
add(struct port_list *list, struct listener *l)
{
	list->v = mem_realloc(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = l;
}

/* ---- sockets that systemd hands over ---- */

/* What the configuration's check says of addresses that are written there. */
static int
judge(const struct config *conf, const struct kind *kind,
    const struct handed *h, struct err *err)
{
	bool open = kind->id == OPTION_listen && conf->unsafe_listen &&
		    conf->local_token_file;

	if (kind->id == OPTION_metrics_listen) {
		if (h->addr.kind == LISTEN_TCP)
			return 0;
		return err_set(err, EXIT_CONFIG,
		    "metrics-listen: the socket \"%s\" that systemd hands over "
		    "is a Unix socket, which Prometheus cannot reach; use "
		    "ListenStream=HOST:PORT",
		    h->name);
	}
	if (open || listen_is_local(&h->addr))
		return 0;
	return err_set(err, EXIT_CONFIG,
	    "%s: the socket \"%s\" that systemd hands over is off loopback "
	    "(%s); let ListenStream= name 127.0.0.1 or a Unix socket%s",
	    kind->key, h->name, h->addr.host,
	    kind->id == OPTION_listen
		? ", or set both unsafe-listen = yes and local-token-file"
		: "");
}

static int
adopt(const struct config *conf, const struct kind *kind, struct loop *loop,
    struct handed *h, struct err *err)
{
	if (judge(conf, kind, h, err) < 0)
		return -1;
	add(kind->out, listener_adopt(loop, h->fd, &h->addr));
	h->fd = -1;
	return 0;
}

static int
adopt_named(const struct config *conf, const struct kind *kind,
    struct loop *loop, struct handover *from, const char *name, struct err *err)
{
	struct handed *h = handover_named(from, name);
	struct buf names = BUF_INIT;

	if (h) {
		for (; h; h = handover_named(from, name))
			if (adopt(conf, kind, loop, h, err) < 0)
				return -1;
		return 0;
	}
	handover_print_names(from, &names);
	err_set(err, EXIT_CONFIG,
	    handover_knows(from, name)
		? "%s = fd:%s: another key has taken this socket already; "
		  "the names that systemd hands over are: %.*s"
		: "%s = fd:%s: systemd hands over no socket of this name; the "
		  "names that it does are: %.*s; they come from "
		  "FileDescriptorName= in the .socket unit, which has to start "
		  "the service",
	    kind->key, name, SPAN_ARG(buf_span(&names)));
	buf_free(&names);
	return -1;
}

/* "proxy" or "proxy-unix", for "proxy" */
static bool
name_fits(const char *name, const char *stem)
{
	size_t n = strlen(stem);

	return strncmp(name, stem, n) == 0 &&
	       (name[n] == '\0' || name[n] == '-');
}

/* What no key mentions goes where its name says. */
static int
adopt_rest(const struct config *conf, const struct kind kinds[KINDS],
    struct loop *loop, struct handover *from, struct err *err)
{
	for (size_t i = 0; i < from->n; i++) {
		struct handed *h = &from->v[i];
		size_t k = 0;

		if (h->fd < 0)
			continue;
		while (k < KINDS && !name_fits(h->name, kinds[k].name))
			k++;
		if (k == KINDS)
			return err_set(err, EXIT_CONFIG,
			    "systemd hands over a socket named \"%s\", and "
			    "nothing says what for; name it proxy or admin "
			    "(FileDescriptorName=), or set listen = fd:%s",
			    h->name, h->name);
		if (adopt(conf, &kinds[k], loop, h, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- addresses ---- */

/* Sockets that are handed over for a key stand for the ports that it would
 * have if nobody set it. */
static bool
is_replaced(const struct config *conf, const struct kind *kind,
    const struct handover *from)
{
	if (conf->source[kind->id].rank != CONFIG_DEFAULT)
		return false;
	for (size_t i = 0; i < from->n; i++)
		if (name_fits(from->v[i].name, kind->name))
			return true;
	return false;
}

static int
open_kind(const struct config *conf, const struct kind *kind, struct loop *loop,
    struct handover *from, struct err *err)
{
	bool replaced = is_replaced(conf, kind, from);

	for (size_t i = 0; i < kind->wanted->n; i++) {
		const struct listen_addr *a = &kind->wanted->v[i];
		struct handed *h = handover_at(from, a);
		struct listener *l;

		if (a->kind == LISTEN_FD || h) {
			int r = h ? adopt(conf, kind, loop, h, err)
				  : adopt_named(
					conf, kind, loop, from, a->name, err);

			if (r < 0)
				return -1;
			continue;
		}
		if (replaced && a->kind == LISTEN_TCP)
			continue;
		l = listener_open(loop, a, &kind->options, err);
		if (!l)
			return -1;
		add(kind->out, l);
	}
	return 0;
}

int
ports_open(struct ports *p, struct loop *loop, const struct config *conf,
    struct err *err)
{
	struct kind kinds[KINDS];
	struct handover from;
	int r;

	describe(p, conf, kinds);
	r = handover_receive(&from, err);
	for (size_t i = 0; r == 0 && i < KINDS; i++)
		r = open_kind(conf, &kinds[i], loop, &from, err);
	if (r == 0)
		r = adopt_rest(conf, kinds, loop, &from, err);
	handover_fini(&from);
	for (size_t k = 0; r == 0 && k < KINDS; k++)
		for (size_t i = 0; i < kinds[k].out->n; i++)
			listen_list_add(
			    &p->all, listener_addr(kinds[k].out->v[i]));
	return r;
}

/* ---- all of them ---- */

static void
add_addresses(struct listen_list *out, const struct port_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		listen_list_add(out, listener_addr(list->v[i]));
}

int
ports_write(struct ports *p, const char *dir, struct err *err)
{
	struct addrfile bound = {0};
	int r;

	p->lock = addrfile_lock(dir, err);
	if (p->lock < 0)
		return -1;
	add_addresses(&bound.listen, &p->data);
	add_addresses(&bound.admin, &p->admin);
	add_addresses(&bound.metrics, &p->metrics);
	r = addrfile_write(dir, &bound, err);
	addrfile_fini(&bound);
	return r;
}

static void
list_free(struct port_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		listener_free(list->v[i]);
	free(list->v);
	*list = (struct port_list){0};
}

void
ports_free(struct ports *p)
{
	list_free(&p->data);
	list_free(&p->admin);
	list_free(&p->metrics);
	listen_list_fini(&p->all);
	if (p->lock >= 0)
		close(p->lock);
	p->lock = -1;
}
