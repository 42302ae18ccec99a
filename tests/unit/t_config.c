/*
 * t_config: sources and their order, all mistakes at once, the gateway that
 * the identity names.
 */
#include "conf/addrfile.h"
#include "conf/cgroup.h"
#include "conf/cpus.h"
#include "conf/setting.h"

#include "conf_fixture.h"

#include <sys/stat.h>

/* Load a text that must fail, and find each sentence among its errors. */
static void
check_errors(const char *text, const char *const *envp,
    const struct config_flag *flags, size_t nflags, const char *const *want,
    size_t nwant, enum err_exit exit_status)
{
	struct findings found = {0};
	char *path = fixture_file(text);
	const struct config_input in = {
	    .file = path, .envp = envp, .flags = flags, .nflags = nflags};
	struct config *conf = config_load(&in, &found);

	ck_assert_ptr_null(conf);
	ck_assert_uint_eq(found.errors, nwant);
	ck_assert_int_eq(found.exit, exit_status);
	for (size_t i = 0; i < nwant && i < found.count; i++)
		ck_assert_msg(strstr(found.list[i].text, want[i]) != NULL,
		    "\"%s\" does not say \"%s\"", found.list[i].text, want[i]);
	findings_free(&found);
	unlink(path);
	free(path);
}

START_TEST(defaults_are_ready_for_use)
{
	struct findings found = {0};
	struct config *conf = fixture_load("", NULL, &found);

	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(found.count, 0);
	ck_assert_ptr_null(conf->gateway.host);
	ck_assert_str_eq(conf->identity_dir, "/etc/cullis/agent");
	ck_assert_uint_eq(conf->listen.n, 1);
	ck_assert_uint_eq(conf->listen.v[0].port, 7780);
	ck_assert_uint_eq(conf->admin_listen.n, 1);
	ck_assert_uint_eq(conf->admin_listen.v[0].port, 7781);
	ck_assert_int_eq(conf->token_binding, TOKEN_BINDING_REQUIRE);
	ck_assert_int_eq(conf->login, LOGIN_AUTO);
	ck_assert_uint_eq(conf->listen_mode, 0660);
	ck_assert_uint_eq(conf->workers, 1);
	ck_assert_uint_eq(conf->max_head, 32768);
	ck_assert_int_eq(conf->connect_timeout_ms, 5000);
	ck_assert_int_eq(conf->first_byte_timeout_ms, 600000);
	/* Every default passed its own check, or there were errors above. */
	for (enum option_id id = 0; id < OPTION_COUNT; id++)
		ck_assert_int_eq(conf->source[id].rank,
		    conf->source[id].text ? CONFIG_DEFAULT : CONFIG_UNSET);
	config_unref(conf);
}
END_TEST

START_TEST(strong_sources_win)
{
	static const char *const envp[] = {"CULLIS_SIDECAR_HEAD_TIMEOUT=2s",
	    "CULLIS_SIDECAR_BODY_TIMEOUT=2s",
	    "CULLIS_SIDECAR_LISTEN=unix:/a,unix:/b",
	    "CULLIS_SIDECAR_TOKEN_WAIT=", "PATH=/bin", NULL};
	static const struct config_flag flags[] = {
	    {{"body-timeout", 12}, "3s"},
	    {{"gateway-alias", 13}, "A"},
	    {{"gateway-alias", 13}, "b,c"},
	};
	static const char text[] = "head-timeout = 1s\n"
				   "body-timeout = 1s\n"
				   "token-wait = 1s\n"
				   "listen = unix:/file\n"
				   "gateway-alias = file\n";
	struct findings found = {0};
	char *path = fixture_file(text), *where;
	const struct config_input in = {
	    .file = path, .envp = envp, .flags = flags, .nflags = COUNT(flags)};
	struct config *conf = config_load(&in, &found);

	ck_assert_ptr_nonnull(conf);
	ck_assert_int_eq(conf->connect_timeout_ms, 5000);
	ck_assert_int_eq(conf->token_wait_ms, 1000);
	where = mem_printf("%s:3", path);
	ck_assert_str_eq(conf->source[OPTION_token_wait_ms].where, where);
	free(where);
	ck_assert_int_eq(conf->head_timeout_ms, 2000);
	ck_assert_str_eq(conf->source[OPTION_head_timeout_ms].where,
	    "CULLIS_SIDECAR_HEAD_TIMEOUT");
	ck_assert_int_eq(conf->body_timeout_ms, 3000);
	ck_assert_str_eq(
	    conf->source[OPTION_body_timeout_ms].where, "--body-timeout");
	/* A stronger list replaces a weaker one, it does not join it. */
	ck_assert_uint_eq(conf->listen.n, 2);
	ck_assert_str_eq(conf->listen.v[1].path, "/b");
	ck_assert_uint_eq(conf->gateway_alias.n, 3);
	ck_assert_str_eq(conf->gateway_alias.v[0], "a");
	ck_assert_str_eq(conf->source[OPTION_gateway_alias].text, "A, b, c");
	config_unref(conf);
	unlink(path);
	free(path);
}
END_TEST

START_TEST(vendor_and_system_variables)
{
	static const struct {
		const char *why;
		const char *envp[4];
		const char *dir, *gateway;
		size_t admin;
	} rows[] = {
	    {"systemd", {"CREDENTIALS_DIRECTORY=/run/c", NULL}, "/run/c", NULL,
		1},
	    {"connector", {"CULLIS_CONFIG_DIR=/home/a/.cullis", NULL},
		"/home/a/.cullis/identity", NULL, 1},
	    {"profile", {"CULLIS_PROFILE=work-1", "HOME=/home/a", NULL},
		"/home/a/.cullis/profiles/work-1/identity", NULL, 1},
	    {"directory before profile",
		{"CULLIS_PROFILE=x", "CULLIS_CONFIG_DIR=/d", "HOME=/h", NULL},
		"/d/identity", NULL, 1},
	    {"our own name wins",
		{"CULLIS_CONFIG_DIR=/d", "CULLIS_SIDECAR_IDENTITY_DIR=/e",
		    "CREDENTIALS_DIRECTORY=/run/c", NULL},
		"/e", NULL, 1},
	    {"site", {"CULLIS_SITE_URL=https://site", NULL},
		"/etc/cullis/agent", "site", 1},
	    {"site, ours wins",
		{"CULLIS_SITE_URL=https://site",
		    "CULLIS_SIDECAR_GATEWAY=https://ours", NULL},
		"/etc/cullis/agent", "ours", 1},
	    {"runtime directory", {"RUNTIME_DIRECTORY=/run/a:/run/b", NULL},
		"/etc/cullis/agent", NULL, 2},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct findings found = {0};
		struct config *conf = fixture_load("", rows[i].envp, &found);

		ck_assert_msg(conf && found.count == 0, "%s", rows[i].why);
		ck_assert_str_eq(conf->identity_dir, rows[i].dir);
		ck_span(span_of(conf->gateway.host),
		    rows[i].gateway ? rows[i].gateway : "");
		ck_assert_uint_eq(conf->admin_listen.n, rows[i].admin);
		if (rows[i].admin == 2)
			ck_assert_str_eq(
			    conf->admin_listen.v[1].path, "/run/a/admin.sock");
		config_unref(conf);
	}
}
END_TEST

START_TEST(all_mistakes_at_once)
{
	static const char text[] = "gatway = https://h\n"
				   "connect-timeout = 5\n"
				   "workers = 65\n"
				   "login = never\n"
				   "head-timeout = 1s\n"
				   "head-timeout = 2s\n"
				   "nonsense\n"
				   "listen = 127.0.0.1:1, 127.0.0.1:2\n"
				   "allow-reserved = /v1/chat\n"
				   "[route x]\n"
				   "neither = read\n";
	static const char *const want[] = {
	    ":1: key gatway is not known; did you mean gateway?",
	    ":2: connect-timeout wants a duration",
	    ":3: workers wants auto or a number, from 1 to 64, not \"65\"",
	    ":4: login wants one of auto direct challenge, not \"never\"",
	    ":6: head-timeout stands there twice, first at ",
	    ":7: this is not a setting",
	    ":8: listen wants IP:PORT",
	    ":9: allow-reserved wants a reserved path",
	    ":10: sections such as [route NAME] are not supported",
	};

	check_errors(text, NULL, NULL, 0, want, COUNT(want), EXIT_CONFIG);
}
END_TEST

START_TEST(bad_flags_are_usage_errors)
{
	static const struct config_flag flags[] = {
	    {{"lisen", 5}, "unix:/x"},
	    {{"zzzzzzzzzz", 10}, "1"},
	    {{"workers", 7}, NULL},
	    {{"workers", 7}, "0"},
	    {{"login", 5}, "auto"},
	    {{"login", 5}, "auto"},
	    {{"ca-file", 7}, "/a\nb"},
	};
	static const char *const want[] = {
	    "option --lisen is not known; did you mean --listen?",
	    "option --zzzzzzzzzz is not known; see",
	    "--workers: the value is missing",
	    "--workers: workers wants",
	    "--login: login stands there twice",
	    "--ca-file: the value of ca-file holds a control character",
	};

	check_errors(
	    "", NULL, flags, COUNT(flags), want, COUNT(want), EXIT_USAGE);
}
END_TEST

START_TEST(bad_variables)
{
	static const char *const envp[] = {"CULLIS_SIDECAR_WORKERS=many",
	    "CULLIS_PROFILE=../x", "HOME=/h", NULL};
	static const char *const no_home[] = {"CULLIS_PROFILE=x", NULL};
	static const char *const want[] = {"CULLIS_PROFILE: this is not",
	    "CULLIS_SIDECAR_WORKERS: workers wants"};
	static const char *const want_home[] = {"HOME is not set"};

	check_errors("", envp, NULL, 0, want, COUNT(want), EXIT_CONFIG);
	check_errors("", no_home, NULL, 0, want_home, 1, EXIT_CONFIG);
}
END_TEST

START_TEST(unknown_variables_are_warnings)
{
	/* The last two are what Kubernetes sets for a service of our name. */
	static const char *const envp[] = {"CULLIS_SIDECAR_GATWAY=https://h",
	    "CULLIS_SIDECAR_SERVICE_HOST=10.0.0.1",
	    "CULLIS_SIDECAR_PORT_7780_TCP=tcp://10.0.0.1:7780", NULL};
	struct findings found = {0};
	struct config *conf = fixture_load("", envp, &found);

	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(found.count, 1);
	ck_assert_str_eq(found.list[0].text,
	    "CULLIS_SIDECAR_GATWAY: key gatway is "
	    "not known; did you mean gateway?");
	findings_free(&found);
	config_unref(conf);
}
END_TEST

START_TEST(checks_across_keys)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
	    {"listen = 0.0.0.0:7780\n", ":1: listen is off loopback (0.0.0.0)"},
	    {"unsafe-listen = yes\nlisten = [::]:7780\n",
		":2: listen is off loopback (::)"},
	    {"local-token-file = /t\nlisten = 0.0.0.0:7780\n",
		"unsafe-listen = yes and local-token-file"},
	    {"unsafe-listen = yes\nlocal-token-file = /t\n"
	     "admin-listen = 0.0.0.0:1\n",
		":3: admin-listen is off loopback"},
	    {"allow-uid = no-such-user\n",
		":1: allow-uid wants a user or @group of this machine, but not "
		"65534, not \"no-such-user\""},
	    {"allow-uid = root\nallow-uid = @no-such-group\n",
		":2: allow-uid wants a user or @group of this machine, but not "
		"65534, not \"@no-such-group\""},
	    {"allow-header = DPoP\n", "not \"DPoP\""},
	    {"allow-header = X-Forwarded-For\n",
		":1: allow-header wants a stripped field that may be let "
		"through, such as Cookie, not \"X-Forwarded-For\""},
	    {"allow-header = X-SSL-Client-Cert\n", "\"X-SSL-Client-Cert\""},
	    {"allow = GET v1\n", ":1: allow wants METHOD /PATH-PREFIX"},
	    {"deny = * /v1/*\n", ":1: deny wants METHOD /PATH-PREFIX"},
	    {"admin-listen = 192.0.2.1:1\n", ":1: admin-listen is off loopb"},
	    {"replay-limit = 32m\n",
		":1: replay-limit (32m) is above replay-total (16m)"},
	    {"pass-through = 127.0.0.1:80\n",
		":1: pass-through names 127.0.0.1, a loopback address"},
	    {"pass-through = [64:ff9b::a9fe:a9fe]:80\n", "link-local address"},
	    {"gateway = https://m.test\npass-through = M.test.:22\n",
		":2: pass-through names the gateway (m.test.)"},
	    {"gateway-alias = a.test\npass-through = a.test:80\n",
		":2: pass-through names the gateway (a.test)"},
	    {"listen = 127.0.0.1:8080\nupstream-proxy = "
	     "http://localhost:8080\n",
		":2: upstream-proxy is the sidecar itself"},
	    {"upstream-proxy-auth-file = /x\n",
		":1: upstream-proxy-auth-file is of no use"},
	    {"upstream-proxy = http://p:1\nupstream-proxy-auth-file = "
	     "/nowhere\n",
		"/nowhere"},
	    {"admin-listen = none\nadmin-listen = 127.0.0.1:1\n",
		":2: admin-listen wants"},
	    {"admin-listen = 127.0.0.1:1\nadmin-listen = none\n",
		":2: admin-listen wants"},
	    {"listen = none\n", ":1: listen wants"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		check_errors(
		    rows[i].text, NULL, NULL, 0, &rows[i].want, 1, EXIT_CONFIG);
}
END_TEST

/* RFC 7617 section 2 */
START_TEST(proxy_credentials)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} rows[] = {
	    {"bot:secret", "bot:secret"},
	    {"bot:secret\n", "bot:secret"},
	    {"bot:secret\r\nmore\n", "bot:secret"},
	    {"bot:with:colons and spaces", "bot:with:colons and spaces"},
	    {"bot:", "bot:"},
	    {"\nbot:secret\n", NULL},
	    {"secret\n", NULL},
	    {":secret\n", NULL},
	    {"bot:se\x01ret\n", NULL},
	    {"bot:se\tret\n", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct findings found = {0};
		char *path = fixture_file(rows[i].text);
		char *text = mem_printf("upstream-proxy = http://p:1\n"
					"upstream-proxy-auth-file = %s\n",
		    path);
		struct config *conf = fixture_load(text, NULL, &found);

		ck_assert_msg((conf != NULL) == (rows[i].want != NULL), "%s",
		    rows[i].text);
		if (conf)
			ck_assert_str_eq(conf->proxy_credentials, rows[i].want);
		else
			ck_assert(strstr(found.list[0].text,
			    ": the first line is not user:password"));
		config_unref(conf);
		findings_free(&found);
		unlink(path);
		free(path);
		free(text);
	}
}
END_TEST

/* Two keys open it together; the secret itself is read by who serves. */
START_TEST(off_loopback_with_a_token)
{
	struct findings found = {0};
	struct err err = ERR_INIT;
	struct config *conf = fixture_load("unsafe-listen = yes\n"
					   "local-token-file = /nonexistent\n"
					   "listen = 0.0.0.0:7780\n",
	    NULL, &found);

	ck_assert_ptr_nonnull(conf);
	ck_assert_ptr_null(conf->local_token);
	ck_assert_int_eq(config_read_secrets(conf, &found, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent does not exist"));
	ck_assert_int_eq(err.exit, EXIT_CONFIG);
	config_unref(conf);
}
END_TEST

START_TEST(lists_of_callers_and_rules)
{
	static const char *const envp[] = {"CULLIS_SIDECAR_ALLOW_UID=root,4711",
	    "CULLIS_SIDECAR_ALLOW=GET /a, * /b/", NULL};
	struct findings found = {0};
	struct config *conf = fixture_load(
	    "allow-uid = 1\ndeny = GET /a/b\nallow-header = Cookie\n", envp,
	    &found);

	ck_assert_ptr_nonnull(conf);
	/* A stronger list replaces a weaker one. */
	ck_assert_uint_eq(conf->allow_uid.n, 2);
	ck_assert(conf->allow_uid.set && !users_have(&conf->allow_uid, 1));
	ck_assert_uint_eq(conf->allow.n, 2);
	ck_assert_str_eq(conf->allow.v[1].method, "*");
	ck_assert_str_eq(conf->allow.v[1].prefix, "/b");
	ck_assert_str_eq(conf->deny.v[0].text, "GET /a/b");
	ck_assert_str_eq(conf->allow_header.v[0], "Cookie");
	config_unref(conf);
}
END_TEST

START_TEST(admin_listen_none)
{
	static const char *const envp[] = {"RUNTIME_DIRECTORY=/run/a", NULL};
	struct findings found = {0};
	struct config *conf =
	    fixture_load("admin-listen = none\n", envp, &found);

	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(conf->admin_listen.n, 0);
	config_unref(conf);
}
END_TEST

START_TEST(metrics_listen)
{
	struct findings found = {0};
	struct config *conf = fixture_load("metrics-listen = 0.0.0.0:9464\n"
					   "metrics-listen = 127.0.0.1:9465\n",
	    NULL, &found);

	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(conf->metrics_listen.n, 2);
	config_unref(conf);
	conf = fixture_load("metrics-listen = none\n", NULL, &found);
	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(conf->metrics_listen.n, 0);
	config_unref(conf);
	conf = fixture_load("metrics-listen = unix:/run/m\n", NULL, &found);
	ck_assert_ptr_null(conf);
	ck_assert_ptr_nonnull(strstr(found.list[0].text, "HOST:PORT"));
	findings_free(&found);
}
END_TEST

START_TEST(unreadable_files)
{
	struct findings found = {0};
	struct config_input in = {.file = "/nonexistent/sidecar.conf"};

	ck_assert_ptr_null(config_load(&in, &found));
	ck_assert_str_eq(found.list[0].text,
	    "/nonexistent/sidecar.conf: cannot read this configuration file: "
	    "No such file or directory");
	ck_assert_int_eq(found.exit, EXIT_CONFIG);
	findings_free(&found);

	in.file = "/tmp";
	ck_assert_ptr_null(config_load(&in, &found));
	ck_assert_ptr_nonnull(strstr(found.list[0].text, "/tmp: cannot read"));
	findings_free(&found);

	in.file = "/dev/zero";
	ck_assert_ptr_null(config_load(&in, &found));
	ck_assert_ptr_nonnull(
	    strstr(found.list[0].text, "/dev/zero: cannot read"));
	findings_free(&found);
}
END_TEST

START_TEST(the_identity_names_the_gateway)
{
	struct findings found = {0};
	struct err err = ERR_INIT;
	struct config *conf =
	    fixture_load("agent-file = /i/agent.json\n", NULL, &found);

	ck_assert_int_eq(config_adopt_gateway(conf, NULL, &err), -1);
	ck_assert_int_eq(err.exit, EXIT_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "no gateway is known"));

	ck_assert_int_eq(config_adopt_gateway(conf, "http://h", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "/i/agent.json: "));

	ck_assert_int_eq(
	    config_adopt_gateway(conf, "https://Mastio:9443", &err), 0);
	ck_assert_str_eq(conf->gateway.host, "mastio");
	ck_assert_str_eq(conf->source[OPTION_gateway].where, "/i/agent.json");
	ck_assert_int_eq(conf->source[OPTION_gateway].rank, CONFIG_IDENTITY);
	ck_assert_ptr_eq(conf->route.origin, &conf->gateway);
	config_unref(conf);

	conf = fixture_load("gateway = https://file\n", NULL, &found);
	ck_assert_int_eq(config_adopt_gateway(conf, "https://json", &err), 0);
	ck_assert_str_eq(conf->gateway.host, "file");
	config_unref(conf);
}
END_TEST

START_TEST(references_are_counted)
{
	struct config *conf = fixture_config("gateway = https://h\n");
	struct config *other = config_ref(conf);

	config_unref(conf);
	ck_assert_str_eq(other->gateway.host, "h");
	config_unref(other);
	config_unref(NULL);
}
END_TEST

/* Write root + path, with the directories above it. */
static void
put(const char *root, const char *path, const char *text)
{
	char *name = mem_printf("%s%s", root, path);
	FILE *f;

	for (char *c = name + strlen(root) + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		mkdir(name, 0700);
		*c = '/';
	}
	f = fopen(name, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	free(name);
}

START_TEST(bound_addresses_round_trip)
{
	char dir[] = "/tmp/cullis-addr-XXXXXX";
	struct addrfile bound = {0}, got = {0};
	struct listen_addr a;
	struct err err = ERR_INIT;
	char *path;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(addrfile_read(dir, &got, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "is the sidecar running?"));

	ck_assert(value_listen(SPAN("[::1]:4711"), &a));
	listen_list_add(&bound.listen, a);
	ck_assert(value_listen(SPAN("unix:/run/p.sock"), &a));
	listen_list_add(&bound.listen, a);
	ck_assert(value_listen(SPAN("127.0.0.1:4712"), &a));
	listen_list_add(&bound.admin, a);
	ck_assert(value_listen(SPAN("0.0.0.0:4713"), &a));
	listen_list_add(&bound.metrics, a);
	ck_assert_int_eq(addrfile_write(dir, &bound, &err), 0);
	ck_assert_int_eq(addrfile_read(dir, &got, &err), 0);
	ck_assert_uint_eq(got.listen.n, 2);
	ck_assert_str_eq(got.listen.v[0].host, "::1");
	ck_assert_uint_eq(got.listen.v[0].port, 4711);
	ck_assert_str_eq(got.listen.v[1].path, "/run/p.sock");
	ck_assert_uint_eq(got.admin.n, 1);
	ck_assert_uint_eq(got.admin.v[0].port, 4712);
	ck_assert_uint_eq(got.metrics.n, 1);
	ck_assert_uint_eq(got.metrics.v[0].port, 4713);
	addrfile_fini(&got);

	put(dir, "/address", "listen = 127.0.0.1:1\nworkers = 1\n");
	ck_assert_int_eq(addrfile_read(dir, &got, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "not a list of bound"));
	ck_assert_uint_eq(got.listen.n, 0);

	path = mem_printf("%s/address", dir);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	free(path);
	ck_assert_int_eq(addrfile_write(dir, &bound, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot write the bound"));
	addrfile_fini(&bound);
}
END_TEST

START_TEST(cpus_follow_the_quota)
{
	char root[] = "/tmp/cullis-cpus-XXXXXX";
	unsigned here = cpus_allowed("/nonexistent");
	char *remove;

	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_uint_ge(here, 1);
	put(root, "/proc/self/cgroup", "1:cpu:/x\n0::/pod\n");
	put(root, "/sys/fs/cgroup/pod/cpu.max", "max 100000\n");
	ck_assert_uint_eq(cpus_allowed(root), here);
	put(root, "/sys/fs/cgroup/pod/cpu.max", "10000 100000\n");
	ck_assert_uint_eq(cpus_allowed(root), 1);
	put(root, "/sys/fs/cgroup/pod/cpu.max", "100000000 100000\n");
	ck_assert_uint_eq(cpus_allowed(root), here);
	put(root, "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	put(root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
	ck_assert_uint_eq(cpus_allowed(root), here);
	put(root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
	ck_assert_uint_eq(cpus_allowed(root), 1);
	remove = mem_printf("rm -r '%s'", root);
	ck_assert_int_eq(system(remove), 0);
	free(remove);
}
END_TEST

START_TEST(memory_limit_of_the_cgroup)
{
	char root[] = "/tmp/cullis-mem-XXXXXX";
	char *remove;

	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_uint_eq(cgroup_memory_limit(root), UINT64_MAX);
	put(root, "/proc/self/cgroup", "1:memory:/x\n0::/pod/c\n");
	ck_assert_uint_eq(cgroup_memory_limit(root), UINT64_MAX);
	put(root, "/sys/fs/cgroup/pod/c/memory.max", "max\n");
	ck_assert_uint_eq(cgroup_memory_limit(root), UINT64_MAX);
	put(root, "/sys/fs/cgroup/pod/memory.max", "100000000\n");
	ck_assert_uint_eq(cgroup_memory_limit(root), 100000000);
	put(root, "/sys/fs/cgroup/pod/c/memory.max", "200000000\n");
	ck_assert_uint_eq(cgroup_memory_limit(root), 100000000);
	put(root, "/sys/fs/cgroup/memory.max", "50000000\n");
	ck_assert_uint_eq(cgroup_memory_limit(root), 50000000);
	put(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes",
	    "9223372036854771712\n");
	ck_assert_uint_eq(cgroup_memory_limit(root), 50000000);
	put(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
	ck_assert_uint_eq(cgroup_memory_limit(root), 4096);
	remove = mem_printf("rm -r '%s'", root);
	ck_assert_int_eq(system(remove), 0);
	free(remove);
}
END_TEST

START_TEST(max_buffer_by_default)
{
	static const struct {
		uint64_t limit, mib;
		const char *where;
	} rows[] = {
	    {UINT64_MAX, 64, "default"},
	    {(uint64_t)256 << 20, 64, "default"},
	    {(uint64_t)128 << 20, 64, "default"},
	    {(uint64_t)127 << 20, 63, "default, half of the cgroup's 127m"},
	    {(uint64_t)64 << 20, 32, "default, half of the cgroup's 64m"},
	    {1000, 1, "default, half of the cgroup's 0m"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct findings found = {0};
		struct config *conf = MEM_NEW(struct config);

		atomic_init(&conf->refs, 1);
		setting_apply_max_buffer(conf, rows[i].limit, &found);
		ck_assert_uint_eq(conf->max_buffer, rows[i].mib << 20);
		ck_assert_str_eq(
		    conf->source[OPTION_max_buffer].where, rows[i].where);
		ck_assert_uint_eq(found.errors, 0);
		findings_free(&found);
		config_unref(conf);
	}
}
END_TEST

UNIT_MAIN("config", defaults_are_ready_for_use, strong_sources_win,
    vendor_and_system_variables, all_mistakes_at_once,
    bad_flags_are_usage_errors, bad_variables, unknown_variables_are_warnings,
    checks_across_keys, proxy_credentials, off_loopback_with_a_token,
    lists_of_callers_and_rules, admin_listen_none, metrics_listen,
    unreadable_files, the_identity_names_the_gateway, references_are_counted,
    bound_addresses_round_trip, cpus_follow_the_quota,
    memory_limit_of_the_cgroup, max_buffer_by_default)
