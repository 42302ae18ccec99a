/*
 * t_reach: whether the gateway is there: what the last attempt said, and a look
 * of its own when nobody has tried for a while.
 */
#include "ctl/reach.h"

#include "login_fixture.h"

static struct reach *reach;

static void
setup(void)
{
	char *more;
	struct err err = ERR_INIT;

	fixture_init();
	more = mem_printf("gateway-address = 127.0.0.1:%u\n", gate.port);
	begin(more);
	free(more);
	ck_assert_int_eq(config_adopt_gateway(conf, NULL, &err), 0);
	reach = reach_new(
	    &(struct reach_setup){&loop, resolver, &metrics, &gateway});
}

static void
teardown(void)
{
	reach_free(reach);
	fixture_fini();
}

static void
look(void)
{
	reach_look(reach, conf, s.identity);
}

static bool
reached(void)
{
	return gateway_reach(&gateway).reached;
}

START_TEST(nobody_has_tried)
{
	struct gateway_reach r = gateway_reach(&gateway);

	ck_assert(!r.reached);
	ck_assert_int_eq(r.why, LEASE_OK);
	ck_assert_int_eq(r.at_ms, 0);
	settle();
	ck_assert_uint_eq(gate.n, 0);
}
END_TEST

/* A whole handshake, nothing said, and the connection closed. */
START_TEST(found)
{
	look();
	look();
	UNTIL(reached());
	UNTIL(gate.conn[0].eof);
	ck_assert_uint_eq(gate.n, 1);
	ck_assert(gate.conn[0].open && gate.conn[0].clean);
	ck_assert_uint_eq(nrequests, 0);
	/* It is looked for again when that has become old, not before. */
	advance(REACH_FRESH_MS - 1);
	look();
	settle();
	ck_assert_uint_eq(gate.n, 1);
	ck_assert(reached());
	advance(1);
	look();
	UNTIL(gate.n == 2);
	UNTIL(gate.conn[1].eof);
	ck_assert(reached());
}
END_TEST

START_TEST(gone_and_back)
{
	look();
	UNTIL(reached());
	UNTIL(gate.conn[0].eof);
	gate_close(&gate);
	advance(REACH_FRESH_MS);
	ck_assert(reached());
	look();
	UNTIL(!reached());
	ck_assert_int_eq(gateway_reach(&gateway).why, LEASE_CONNECT);
	gate_open(&gate);
	advance(REACH_AGAIN_MS - 1);
	look();
	settle();
	ck_assert(!reached());
	advance(1);
	look();
	UNTIL(reached());
}
END_TEST

/* What requests and logins find out is as good; the last word counts. */
START_TEST(others_know)
{
	gateway_missed(&gateway, LEASE_RESOLVE);
	ck_assert(!reached());
	gateway_answered(&gateway);
	ck_assert(reached());
	/* Within the second in which answers are not stored one by one. */
	gateway_missed(&gateway, LEASE_TLS);
	ck_assert(!reached());
	ck_assert_int_eq(gateway_reach(&gateway).why, LEASE_TLS);
	gateway_answered(&gateway);
	ck_assert(reached());
	look();
	settle();
	ck_assert_uint_eq(gate.n, 0);
	gateway_missed(&gateway, LEASE_TIMEOUT);
	gateway_found(&gateway);
	ck_assert(reached());
	ck_assert(gateway_was_there(&gateway));
}
END_TEST

START_TEST(silent)
{
	gate.mute = true;
	look();
	UNTIL(gate.n == 1);
	advance(5000);
	UNTIL(gateway_reach(&gateway).at_ms != 0);
	ck_assert(!reached());
	ck_assert_int_eq(gateway_reach(&gateway).why, LEASE_TIMEOUT);
}
END_TEST

START_TEST(freed_while_it_looks)
{
	look();
	UNTIL(gate.n == 1);
	reach_free(reach);
	reach = NULL;
	settle();
	ck_assert(!reached());
}
END_TEST

UNIT_MAIN_FIXTURE("reach", setup, teardown, nobody_has_tried, found,
    gone_and_back, others_know, silent, freed_while_it_looks)
