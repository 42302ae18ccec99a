/*
 * rig_fixture: a rig without further configuration, anew for each test.
 */
#ifndef UNIT_RIG_FIXTURE_H
#define UNIT_RIG_FIXTURE_H

#include "rig.h"

static struct rig rig;

static void
setup(void)
{
	rig_init(&rig, "");
}

static void
teardown(void)
{
	rig_fini(&rig);
}

#endif
