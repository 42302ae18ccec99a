/*
 * option_tbl: every configuration key, stated once.  The configuration file,
 * the flags, the environment variables, --help, the sample file and the
 * manual page are all made from these rows.
 *
 * OPT(member, "key", TYPE, "argument", "default", flags, "help", "manual")
 *
 *   member    of struct config, with its unit
 *   TYPE      a row of OPTION_TYPES in options.h
 *   argument  ENUM: the words, in the order of their C enum;
 *             MS, SIZE, UINT, WORKERS: the range, "least..most"
 *   default   as one would write it, or NULL: none, or found out at start
 *   flags     OPTION_LIST: may be given several times
 *             OPTION_START: a change needs a start, a reload is not enough
 *   help      a few words for --help, lower case, no full stop
 *   manual    sentences for the manual page and the sample file
 */

/* The gateway */
OPT(gateway, "gateway", ORIGIN, NULL, NULL, 0, "origin of the Mastio",
    "The Mastio, as https://host or https://host:port.  Without this key it "
    "is what the identity directory says: mastio_url of agent.json or "
    "meta.json, or site_url of metadata.json.")
OPT(gateway_address, "gateway-address", HOSTPORT, NULL, NULL, 0,
    "connect to this host:port instead",
    "Connect to this host:port instead of the gateway's own.  The name that "
    "the server certificate must carry, and the one in proofs, stay those of "
    "gateway.")
OPT(gateway_alias, "gateway-alias", HOSTS, NULL, NULL, OPTION_LIST,
    "further host names for the gateway",
    "A further host name under which agents may ask for the gateway.")
OPT(htu_base, "htu-base", ORIGIN, NULL, NULL, 0, "origin written into proofs",
    "The origin written into proofs, as https://host or https://host:port.  "
    "Without this key it is the gateway's name without port, and the one "
    "with port if the gateway does not bind the token to that.  If the gateway "
    "refuses what is set, names another and takes that, the log warns and "
    "requests go on with what it named.")
OPT(public_htu_base, "public-htu-base", ORIGIN, NULL, NULL, 0,
    "origin in proofs without a local token",
    "The origin written into proofs that go without a token of the gateway's "
    "own: with auth = cert or api-key, and with a Court's token.  The gateway "
    "compares it with its MCP_PROXY_PROXY_PUBLIC_URL.  Without this key it is "
    "gateway as written, until the gateway names another.  If it refuses what "
    "is set, names another and takes that, the log warns and requests go on "
    "with what it named.")
OPT(court_htu_base, "court-htu-base", ORIGIN, NULL, NULL, 0,
    "origin in proofs for the Court",
    "The origin written into proofs that a Court behind the gateway judges, "
    "its BROKER_PUBLIC_URL; no answer of the Court tells it.  Needed only "
    "where the Court has one.")

OPT(upstream_proxy, "upstream-proxy", PROXY, NULL, NULL, 0,
    "forward proxy to the gateway",
    "The forward proxy, as http://host:port, through which the gateway is "
    "reached with CONNECT.  The TLS inside is the sidecar's own, so the proxy "
    "sees the gateway's name and port and nothing else.  The variables "
    "http_proxy, HTTPS_PROXY and their like are not used for this.")
OPT(upstream_proxy_auth_file, "upstream-proxy-auth-file", PATH, NULL, NULL, 0,
    "credentials for upstream-proxy",
    "A file whose first line is user:password for upstream-proxy (Basic, RFC "
    "7617).  Others must not be able to read it.")

/* The identity */
OPT(identity_dir, "identity-dir", PATH, NULL, NULL, 0,
    "directory with certificate and keys",
    "The directory with certificate, keys and agent.json.  Without this key "
    "it is $CREDENTIALS_DIRECTORY if systemd set it, else /etc/cullis/agent.")
OPT(identity_wait_ms, "identity-wait", MS, "0..24h", "0s", 0,
    "how long to wait for identity files",
    "How long to wait at start for identity files that are not there yet.  "
    "Until they appear and are valid, requests are answered 503 with code "
    "no-identity; when the time is over, the exit status is 78.")
OPT(cert_file, "cert-file", PATH, NULL, NULL, 0, "client certificate",
    "The client certificate, PEM, leaf first, instead of the one found by "
    "name in identity-dir.")
OPT(key_file, "key-file", PATH, NULL, NULL, 0, "private key",
    "The private key of the certificate, PEM, not encrypted, instead of the "
    "one found by name in identity-dir.")
OPT(dpop_key_file, "dpop-key-file", PATH, NULL, NULL, 0, "DPoP key",
    "The DPoP key, a JWK on P-256, instead of dpop.jwk in identity-dir.  The "
    "word none means: there is none, make one that lasts until the program "
    "ends.")
OPT(agent_file, "agent-file", PATH, NULL, NULL, 0, "agent metadata",
    "The agent's metadata, JSON, instead of agent.json in identity-dir.")
OPT(ca_file, "ca-file", PATH, NULL, NULL, 0,
    "CA certificates that vouch for the gateway",
    "The CA certificates that may vouch for the gateway, PEM, instead of "
    "ca.pem in identity-dir.  The word system means the machine's own list; "
    "it is never used unless written out.")
OPT(chain_file, "chain-file", PATH, NULL, NULL, 0,
    "CA certificates above the client certificate",
    "Certificates, PEM, that lead from the client certificate to its root, "
    "for gateways that have issued only the leaf.")
OPT(api_key_file, "api-key-file", PATH, NULL, NULL, 0, "legacy API key",
    "The API key for auth = api-key, instead of api-key in identity-dir.")
OPT(agent_id, "agent-id", STRING, NULL, NULL, 0, "agent id, org::name",
    "The agent id, org::name, instead of the one in the certificate.")

/* The session */
OPT(auth, "auth", ENUM, "auto token cert api-key", "auto", 0,
    "what requests show the gateway",
    "What requests show the gateway beside the client certificate, each with "
    "a DPoP proof.  token: a session token.  cert: nothing; only routes for "
    "which the gateway's front end passes the certificate on can be reached.  "
    "api-key: the API key of gateways before May 2026.  auto: a token; if the "
    "gateway issues none, the API key where there is one, else the "
    "certificate; and a token again as soon as the gateway issues one.")
OPT(login, "login", ENUM, "auto direct challenge", "auto", 0, "how to log in",
    "How to log in: direct, challenge, or auto, which is direct first and "
    "challenge if the gateway asks for it.")
OPT(token_binding, "token-binding", ENUM, "require prefer", "require", 0,
    "must the token be bound to the DPoP key",
    "Whether the token must be bound to the DPoP key: require, or prefer, "
    "which takes an unbound token if there is no other.")
OPT(token_wait_ms, "token-wait", MS, "0..10m", "10s", 0,
    "how long a request waits for a token",
    "How long a request waits for a token before it is answered 503.")

/* Listeners */
OPT(listen, "listen", LISTEN, NULL, "127.0.0.1:7780",
    OPTION_LIST | OPTION_START, "where agents connect",
    "Where agents connect: HOST:PORT with a loopback address (port 0 lets the "
    "kernel pick one), unix:PATH, or fd:NAME for the sockets that systemd "
    "hands over under that name (FileDescriptorName= of the .socket unit).  A "
    "socket that is handed over and bound to an address named here is used in "
    "its place; one that no key mentions is served if its name is proxy or "
    "begins with proxy-, and without this key there is no other TCP listener "
    "then.  Such sockets have the mode and group that the .socket unit says, "
    "and are served until the sidecar ends.")
OPT(admin_listen, "admin-listen", LISTEN, NULL, NULL,
    OPTION_LIST | OPTION_START, "where probes and operators connect",
    "Where probes and operators connect, written like listen, or none.  "
    "Without this key it is 127.0.0.1:7781 and, if systemd set "
    "RUNTIME_DIRECTORY, unix:$RUNTIME_DIRECTORY/admin.sock.  Sockets that "
    "systemd hands over belong here if their name is admin or begins with "
    "admin-.")
OPT(metrics_listen, "metrics-listen", LISTEN, NULL, NULL,
    OPTION_LIST | OPTION_START, "where Prometheus may connect as well",
    "Where Prometheus and probes may connect beside admin-listen, as "
    "HOST:PORT, "
    "or none, which is so without this key.  It may be off loopback: only "
    "/metrics, /livez and /readyz are there.")
OPT(admin_quit, "admin-quit", ENUM, "socket tcp", "socket", 0,
    "where the sidecar can be told to quit or reload",
    "Where the sidecar can be told to quit or reload: socket, which "
    "is a Unix socket of admin-listen, asked by the user who runs the sidecar "
    "or by root; or tcp, which lets whoever reaches a TCP listener of "
    "admin-listen do it as well, the agent too.")
OPT(unsafe_listen, "unsafe-listen", BOOL, NULL, "no", OPTION_START,
    "allow agents off loopback",
    "Whether listen may be off loopback.  Callers there must show the token "
    "of local-token-file, so that key is needed too.  What passes on the "
    "network is not encrypted.")
OPT(listen_mode, "listen-mode", MODE, NULL, "0660", OPTION_START,
    "mode of Unix sockets in listen",
    "The mode of the Unix sockets in listen, octal.  Those in admin-listen "
    "always have 0600.")
OPT(listen_group, "listen-group", STRING, NULL, NULL, OPTION_START,
    "group of Unix sockets in listen",
    "The group that owns the Unix sockets in listen, by name or number; one "
    "that the sidecar's process is in.  Under systemd that takes "
    "SupplementaryGroups= in a drop-in.")

/* Callers */
OPT(allow_uid, "allow-uid", USERS, NULL, NULL, OPTION_LIST,
    "users and @groups who may connect",
    "A user, by name or number, or an @group, whose processes may use the "
    "listeners; all others are answered 403 with code caller-refused.  The "
    "kernel names the user when the connection is accepted: of a Unix socket "
    "who connected, of loopback TCP who owns the other socket.  Where it "
    "cannot tell, or says 65534 (nobody, also any user that this user "
    "namespace does not map), the caller is refused, and so is one from "
    "another machine.  Names and members are looked up when the configuration "
    "is loaded.")
OPT(local_token_file, "local-token-file", PATH, NULL, NULL, 0,
    "secret that callers must show",
    "A file with a secret of 16 to 512 visible ASCII characters, which callers "
    "must show in one of these fields: Proxy-Authorization, as Basic, where "
    "it is the password or the user name, or as Bearer; Authorization, as "
    "Bearer; X-API-Key.  Others are answered 407 with code "
    "local-token-required.  After a CONNECT that showed it, requests inside "
    "the tunnel need not.  It is never sent to the gateway.")
OPT(allow_header, "allow-header", FIELDS, NULL, NULL, OPTION_LIST,
    "let one stripped field through",
    "A field of requests that is let through although the sidecar strips it: "
    "Cookie, X-API-Key, X-Admin-Secret, X-Org-Id, X-Org-Secret, "
    "Authorization or one that begins with X-Cullis-.  Authorization is let "
    "through only if it is a user's gateway token, Bearer culk_...; such a "
    "request carries neither our token nor a proof, and the gateway takes it "
    "for the user's.")

/* Limits */
OPT(workers, "workers", WORKERS, "1..64", "1", OPTION_START, "worker threads",
    "How many worker threads serve agents.  The word auto means one for each "
    "CPU that affinity and cgroup allow, at most 4.")
OPT(max_clients, "max-clients", UINT, "1..1000000", "1024", OPTION_START,
    "most client connections at once",
    "How many client connections may be open at once; the next one is "
    "answered 503.")
OPT(max_upstream_connections, "max-upstream-connections", UINT, "1..1000000",
    "1024", 0, "most gateway connections at once",
    "How many connections to the gateway may be open at once, over all "
    "workers; a request above that waits for queue-timeout.")
OPT(queue_timeout_ms, "queue-timeout", MS, "0..1h", "5s", 0,
    "wait for a gateway connection",
    "How long a request waits for a free connection to the gateway before "
    "it is answered 503.")
OPT(max_head, "max-head", SIZE, "4k..1m", "32k", OPTION_START,
    "largest message head",
    "The largest head of a request; a larger one is answered 431.")
OPT(max_headers, "max-headers", UINT, "10..255", "100", OPTION_START,
    "most header lines",
    "How many header lines a request may have; with more it is answered "
    "431.")
OPT(relay_buffer, "relay-buffer", SIZE, "4k..16m", "64k", OPTION_START,
    "buffer of each direction",
    "How much of a body is held per direction while the other side is "
    "slower; above that, reading pauses.")
OPT(max_buffer, "max-buffer", SIZE, "1m..16g", NULL, OPTION_START,
    "all buffers and TLS state together",
    "How much the buffers of all connections and the TLS state of those to the "
    "gateway may take together; each worker has an equal share.  When it runs "
    "short, reading pauses: a body goes on in small pieces, and the next one "
    "is read when the one before has been delivered.  Without this key it is "
    "half the memory limit of the cgroup, at most 64m.  cullis-sidecar check "
    "prints what that, replay-total and the limits on clients and connections "
    "amount to.")
OPT(replay_limit, "replay-limit", SIZE, "0..1g", "4m", OPTION_START,
    "largest request body kept for a retry",
    "How much of a request body is kept so that the request can be sent "
    "again with a new proof or token; a larger body is sent once.")
OPT(replay_total, "replay-total", SIZE, "0..16g", "16m", OPTION_START,
    "all bodies kept for a retry",
    "How much all kept request bodies may take together, over all workers.")

/* Timers */
OPT(head_timeout_ms, "head-timeout", MS, "100ms..1h", "10s", 0,
    "wait for a request head",
    "How long the head of a request may take to arrive.")
OPT(body_timeout_ms, "body-timeout", MS, "100ms..24h", "60s", 0,
    "wait for more of a request body", "How long a request body may pause.")
OPT(keepalive_timeout_ms, "keepalive-timeout", MS, "100ms..24h", "75s", 0,
    "wait for the next request",
    "How long a client connection may stay idle between requests.")
OPT(connect_timeout_ms, "connect-timeout", MS, "100ms..10m", "5s", 0,
    "wait for a gateway connection to open",
    "How long name lookup, TCP connect and TLS handshake with the gateway "
    "may take together.")
OPT(first_byte_timeout_ms, "first-byte-timeout", MS, "100ms..24h", "10m", 0,
    "wait for the gateway's answer",
    "How long the gateway may take to begin its answer.  There is no limit "
    "on the whole exchange.")
OPT(stream_idle_timeout_ms, "stream-idle-timeout", MS, "100ms..24h", "10m", 0,
    "wait for more of an answer",
    "How long an answer may pause once it has begun.")
OPT(upstream_idle_timeout_ms, "upstream-idle-timeout", MS, "100ms..1h", "30s",
    0, "keep idle gateway connections",
    "How long a connection to the gateway is kept while idle.  It should be "
    "below the gateway's own limit, which is 65 s, so that a connection is "
    "seldom found closed.")
OPT(upstream_max_uses, "upstream-max-uses", UINT, "1..1000000", "900", 0,
    "requests per gateway connection",
    "How many requests one connection to the gateway carries; below the "
    "gateway's own limit, which is 1000.")
OPT(reload_interval_ms, "reload-interval", MS, "100ms..24h", "5s", 0,
    "look for changed files",
    "How often the files of the identity and the configuration are looked at, "
    "beside being told of changes by the kernel.  New files are checked and "
    "tried at the gateway as a set and go live without a restart.")
OPT(drain_delay_ms, "drain-delay", MS, "0..1h", "0s", 0,
    "serve on after SIGTERM, not ready",
    "How long to go on as before after SIGTERM or SIGINT while /readyz "
    "already says 503, so that whoever watches it can send agents elsewhere "
    "before the listeners are closed.")
OPT(drain_timeout_ms, "drain-timeout", MS, "0..24h", "30s", 0,
    "wait for open requests at the end",
    "How long open requests may go on after SIGTERM or SIGINT and "
    "drain-delay.  What is left then is cut; a second signal does so at "
    "once.")

/* Rules */
OPT(allow, "allow", RULES, NULL, NULL, OPTION_LIST, "requests that are allowed",
    "A rule METHOD PATH-PREFIX, such as GET /v1/models; METHOD may be *.  With "
    "one such rule, only requests that one of them allows are made; others "
    "are answered 403 with code access-denied.  The prefix ends where a "
    "segment ends: /v1/models is that path and all below it.  It is compared "
    "with the path as it is sent, in that case, escapes decoded but for those "
    "of a slash.  Reserved paths stay reserved.  The rules are about the "
    "gateway's paths: a pass-through host is allowed by being named.")
OPT(deny, "deny", RULES, NULL, NULL, OPTION_LIST, "requests that are refused",
    "A rule written like allow.  A request that a deny rule names is refused "
    "even if an allow rule names it too.  Here the path is taken in its most "
    "dangerous reading: decoded, without ;parameters and empty segments, "
    "upper and lower case alike.  Requests to pass-through hosts are not "
    "compared with it.")
OPT(allow_reserved, "allow-reserved", URLPATHS, NULL, NULL, OPTION_LIST,
    "open one reserved path",
    "A path that agents may use although it is reserved.  Reserved are "
    "/v1/auth/, /v1/admin/, /v1/enrollment, /v1/principals/, /v1/registry/ "
    "(GET and HEAD pass), /proxy/, /pdp/, /pki/ and /registry/: they would "
    "lend the agent powers of the identity, such as signed assertions and "
    "certificates.  With a slash at its end the key opens all below it, "
    "else that one path.")

OPT(pass_through, "pass-through", HOSTPORTS, NULL, NULL, OPTION_LIST,
    "host:port that agents reach unauthenticated",
    "Another host:port that agents may reach through the sidecar, by CONNECT "
    "or by a plain http:// request, just as they sent it: with their own "
    "Authorization and Cookie and without any credential of the sidecar.  "
    "Naming it allows every method and path there; allow, deny and the "
    "reserved paths are about the gateway alone.  Never dialled, whatever the "
    "name resolves to: loopback, link-local, "
    "metadata, multicast and unspecified addresses, IPv6 addresses that carry "
    "such an IPv4 one, the sidecar's own listeners and the gateway.")

/* Logs */
OPT(log_format, "log-format", ENUM, "auto text json", "auto", OPTION_START,
    "form of log lines",
    "The form of log lines: text, json, or auto, which is text on a "
    "terminal and json otherwise.")
OPT(log_level, "log-level", ENUM, "error warn info debug", "info", 0,
    "least severe event logged",
    "The least severe event that is logged: error, warn, info or debug.")
OPT(access_log, "access-log", ENUM, "stderr stdout none", "stderr",
    OPTION_START, "where access lines go",
    "Where the line for each exchange goes: stderr, stdout or none.")
